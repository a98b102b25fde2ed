package importer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/wire"
)

// ConflictError is a file that cannot be brought back because of what somebody has changed.
type ConflictError struct {
	File string
	// Line is in the way; nil if the whole file is.
	Line *awsconfig.ClashError
}

func (e *ConflictError) Error() string {
	if e.Line == nil {
		return e.File + " has changed since the import, and fob cannot bring back what was in it"
	}
	return fmt.Sprintf("%s:%d: %s has changed since the import", e.File, e.Line.Line, e.Line.Key)
}

// bringBack undoes the change of one file.
func (j Journal) bringBack(f creds.BackupFile) (changed bool, err error) {
	now, err := awsconfig.Read(f.Path)
	if err != nil {
		return false, err
	}
	text, err := j.merged(f, now.Text)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(f.Path)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case text == "" && f.Mode == 0: // there was no file
		if gone {
			return false, nil
		}
		path, err := filepath.EvalSymlinks(f.Path) // the user's link stays
		if err != nil {
			return false, err
		}
		return true, awsconfig.RemoveFile(path, []byte(now.Text))
	case text == now.Text && (text == "" || !gone):
		return false, nil
	}
	if err := awsconfig.WriteFile(f.Path, []byte(now.Text), []byte(text)); err != nil {
		return false, err
	}
	if gone {
		return true, os.Chmod(f.Path, os.FileMode(f.Mode).Perm())
	}
	return true, nil
}

// merged is the text of a file as it was, with what somebody has changed in other lines
// since. Where nobody has touched the lines beside those of the import, it is the same to
// the byte.
func (j Journal) merged(f creds.BackupFile, now string) (string, error) {
	before, after := f.Text.Reveal(), f.After.Reveal()
	if now == after || now == before {
		return before, nil
	}
	conflict := &ConflictError{File: j.Files.Tilde(f.Path)}
	config := sameName(f.Path, j.Files.Config) || !sameName(f.Path, j.Files.Credentials) && strings.Contains(before, "[profile ")
	c, err := awsconfig.NewChanges(after, before, !config)
	if err != nil {
		return "", conflict // such as a CSV file, of which there is another one now
	}
	if text, ok := wire.Merge(after, now, before); ok && c.Made(now, text) {
		return text, nil
	}
	text, err := c.Apply(now)
	if syntax, ok := errors.AsType[*awsconfig.SyntaxError](err); ok {
		syntax.File = conflict.File
		return "", err
	}
	if clash, ok := errors.AsType[*awsconfig.ClashError](err); ok {
		conflict.Line = clash
		return "", conflict
	}
	if err != nil || !c.Made(now, text) {
		return "", conflict
	}
	return text, nil
}

func sameName(a, b string) bool {
	one, err := filepath.Abs(a)
	other, failed := filepath.Abs(b)
	return err == nil && failed == nil && one == other
}

// elsewhere reports whether a key can be read from the AWS files, from one of those that it
// came from, or from aws-vault.
func (j Journal) elsewhere(ctx context.Context, profile string, key creds.Key, from []string) bool {
	for _, path := range append([]string{j.Files.Credentials, j.Files.Config}, from...) {
		text, err := input.Read(path, awsconfig.MaxSize)
		if err != nil {
			continue
		}
		if holds(text, key) || j.Vault != nil && j.inVaultFile(ctx, path, text, key) {
			return true
		}
	}
	if j.Vault == nil {
		return false
	}
	w := j.Vault.World
	w.Profiles, w.Prompt = append(slices.Clone(w.Profiles), profile), false
	entries, _ := awsvault.List(ctx, w) // what it cannot see does not count
	return slices.ContainsFunc(entries, func(e awsvault.Entry) bool { return e.Profile == profile && j.inVault(ctx, e, key) })
}

func (j Journal) inVaultFile(ctx context.Context, path, text string, key creds.Key) bool {
	e, ok := j.Vault.World.File(path, text)
	return ok && j.inVault(ctx, e, key)
}

func (j Journal) inVault(ctx context.Context, e awsvault.Entry, key creds.Key) bool {
	has, err := j.Vault.Read(ctx, e)
	return err == nil && has.ID == key.ID && has.Secret.Equal(key.Secret)
}

// holds reports whether a text has a key in one of the forms in which fob import finds it.
// A secret in a comment is not enough: no program could use it.
func holds(text string, key creds.Key) bool {
	is := func(id, secret string) bool {
		k, err := creds.NewKey(creds.Other, id, secret)
		return err == nil && k.ID == key.ID && k.Secret.Equal(key.Secret)
	}
	if keys, ok := readCSV(text); ok {
		return slices.ContainsFunc(keys, func(k csvKey) bool { return is(k.id, k.secret) })
	}
	if k, err := creds.ReadKey(creds.Other, strings.NewReader(text)); err == nil {
		return is(k.ID, k.Secret.Reveal())
	}
	has := func(section awsconfig.Profile) bool {
		id, _ := section.Own("aws_access_key_id")
		secret, _ := section.Own("aws_secret_access_key")
		return is(id.Text, secret.Text)
	}
	for _, credentials := range []bool{true, false} {
		config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
		if credentials {
			config, err = awsconfig.Parse(awsconfig.File{}, awsconfig.File{Text: text})
		}
		if err != nil {
			continue
		}
		for _, name := range config.Names() {
			if section, ok := config.InFile(credentials, name); ok && has(section) {
				return true
			}
		}
		if slices.ContainsFunc(config.Misplaced(), func(m awsconfig.Misplaced) bool { return has(m.Section) }) {
			return true
		}
	}
	return false
}

// Files are those that an item's key is in.
func (i Item) Files() (paths []string) {
	for _, f := range i.Found {
		path := f.File
		if f.Vault != nil {
			path = f.Vault.Path
		}
		if abs, err := filepath.Abs(path); path != "" && err == nil && !slices.Contains(paths, abs) {
			paths = append(paths, abs)
		}
	}
	return paths
}
