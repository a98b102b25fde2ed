package awsvault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	jose "github.com/dvsekhvalnov/jose2go"

	"fob/internal/creds"
	"fob/internal/input"
)

// maxFile is the most that a file of aws-vault's may have. A key takes 600 bytes.
const maxFile = 1 << 20

// passphraseTries is how often a person may be wrong.
const passphraseTries = 3

// dir is a directory that the first of these variables names that is set, or the usual
// one; "" if nobody knows where that is. One that depends on the current directory may be
// anybody's.
func (w World) dir(usual string, variables ...string) (string, error) {
	dir, from := usual, ""
	for _, name := range variables {
		if v := w.getenv(name); v != "" {
			dir, from = v, name
			break
		}
	}
	if rest, ok := strings.CutPrefix(dir, "~/"); ok && w.Home != "" {
		dir = filepath.Join(w.Home, rest)
	}
	switch {
	case filepath.IsAbs(dir):
		return dir, nil
	case from == "":
		return "", nil
	}
	return "", fmt.Errorf("%s: %q is not an absolute path", from, dir)
}

// Files is List for the keys in files, which can be told at once.
func Files(ctx context.Context, w World) []Entry {
	entries, _ := listFiles(ctx, w)
	return entries
}

func listFiles(_ context.Context, w World) ([]Entry, error) {
	dir, err := w.dir("~/.awsvault/keys", "AWS_VAULT_FILE_DIR")
	if dir == "" {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // as for nearly everybody
	}
	var entries []Entry
	for _, file := range files {
		if name, ok := profileOf(file.Name()); !ok || !w.isKey(name) {
			continue
		}
		// Other things lie there, too, such as an editor's or a desktop's.
		path := filepath.Join(dir, file.Name())
		text, failed := input.Read(path, maxFile)
		if errors.Is(failed, fs.ErrPermission) {
			err = failed // the last one says enough
		}
		if e, ok := w.File(path, text); ok {
			entries = append(entries, e)
		}
	}
	return entries, err
}

// File is the entry that a file of aws-vault's is, wherever it lies.
func (w World) File(path, text string) (Entry, bool) {
	h, ok := header(text)
	name, named := profileOf(filepath.Base(path))
	return Entry{Kind: "file", Place: w.Tilde(path), Path: path, Profile: name, Stored: h.stored()}, ok && named
}

// profileOf is the profile whose key aws-vault keeps in a file of that name.
func profileOf(file string) (profile string, ok bool) {
	profile, err := url.PathUnescape(file)
	return profile, err == nil && fileName(profile) == file
}

// fileName is the name of the file that has the key of a profile.
func fileName(profile string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(profile)
}

// joseHeader is in plain text at the beginning of a file.
type joseHeader struct {
	Alg, Enc, Zip, Created string
}

func header(text string) (h joseHeader, ok bool) {
	head, _, _ := strings.Cut(text, ".")
	plain, err := base64.RawURLEncoding.DecodeString(head)
	return h, err == nil && json.Unmarshal(plain, &h) == nil && strings.Count(text, ".") == 4 && h.Alg != ""
}

// stored is when the file was written, as Go prints a time.
func (h joseHeader) stored() time.Time {
	fields := strings.Fields(h.Created)
	t, err := time.Parse("2006-01-02 15:04:05.999999999 -0700", strings.Join(fields[:min(3, len(fields))], " "))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// readFile decrypts a file. Each has the passphrase that was given when it was written.
func (r *Reader) readFile(ctx context.Context, e Entry) (creds.Secret, error) {
	text, err := input.Read(e.Path, maxFile)
	text = strings.TrimSpace(text) // an editor's last newline is not in the encoding
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return creds.Secret{}, &ReadError{e, failed.Err.Error()}
	}
	if err != nil {
		return creds.Secret{}, err
	}
	// The library does whatever the file says, such as to inflate what it holds.
	switch h, ok := header(text); {
	case !ok:
		return creds.Secret{}, &ReadError{e, notVaults}
	case h.Alg != jose.PBES2_HS256_A128KW || h.Enc != jose.A256GCM || h.Zip != "":
		return creds.Secret{}, &ReadError{e, "encrypted in a way that aws-vault does not use"}
	}
	if given := r.World.getenv("AWS_VAULT_FILE_PASSPHRASE"); given != "" && len(r.known) == 0 {
		r.known = append(r.known, creds.NewSecret(given))
	}
	for _, passphrase := range r.known {
		if plain, _, err := jose.Decode(text, passphrase.Reveal()); err == nil {
			return unpack(e, plain)
		}
	}
	for try := range passphraseTries {
		if r.Ask == nil {
			return creds.Secret{}, &PassphraseError{e, false}
		}
		passphrase, err := r.Ask(ctx, filepath.Dir(e.Path), try > 0)
		if err != nil {
			return creds.Secret{}, err
		}
		if plain, _, err := jose.Decode(text, passphrase.Reveal()); err == nil {
			r.known = slices.Insert(r.known, 0, passphrase)
			return unpack(e, plain)
		}
	}
	return creds.Secret{}, &PassphraseError{e, true}
}
