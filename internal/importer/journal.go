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
	"time"

	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/profiles"
	"fob/keyring"
)

// Journal is what imports have changed, in the store's backups: an entry for each file
// that was written and each key that was stored, made before that was done. Undone in the
// opposite order, each finds the file as it left it.
type Journal struct {
	Store *keyring.Store
	Files profiles.Files
	Now   func() time.Time
	// Vault reads what aws-vault has; nil if nobody looks there.
	Vault *awsvault.Reader
}

// Storing says that a key from these files is about to be stored for a profile.
// The entry can be taken back.
func (j Journal) Storing(ctx context.Context, key, profile string, from ...string) (entry string, err error) {
	return j.note(ctx, creds.Backup{Keys: []string{key}, Stored: []string{profile}, From: from})
}

// Write writes a file, and its entry before that. keys are those that leave the file, and
// names are the profiles whose sections change. The entry can be taken back. After an error
// the file is as it was.
func (j Journal) Write(ctx context.Context, keys []string, c Change, names []string, write func() error) (entry string, err error) {
	path, err := filepath.Abs(c.Path) // undone from another directory, it is the same file
	if err != nil {
		return "", err
	}
	var mode fs.FileMode // none, if there is no file
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	entry, err = j.note(ctx, creds.Backup{
		Keys: keys, Profiles: names,
		Files: []creds.BackupFile{{Path: path, Mode: uint32(mode), Text: creds.NewSecret(c.Before), After: creds.NewSecret(c.After)}},
	})
	if err != nil {
		return "", err
	}
	if err := write(); err != nil {
		// The file is as it was. An entry that stays would find that out, too.
		_ = j.Store.RemoveBackup(entry)
		return "", err
	}
	return entry, nil
}

// note writes an entry. Its name begins with a number, so that names sort as the entries
// were made, whatever the clock says, and ends with this machine's name and a key's ID.
func (j Journal) note(ctx context.Context, b creds.Backup) (name string, err error) {
	entries, _, err := j.entries()
	if err != nil {
		return "", err
	}
	at := j.Now().UnixNano()
	if n := len(entries); n > 0 {
		at = max(at, entries[n-1].at+1)
	}
	if b.Machine, err = j.Store.Machine(); err != nil {
		return "", err // an entry with a name that is forgotten could be undone nowhere
	}
	name = fmt.Sprintf("%019d-%s-%s", at, strings.ToLower(b.Machine), b.Keys[0])
	_, err = j.Store.SetBackup(ctx, name, b)
	return name, err
}

// entry is what the header of an entry says. It is not verified.
type entry struct {
	name, machine string
	keys          []string
	at            int64
}

// away reports whether the entry was made on another machine.
func (e entry) away(here string) bool {
	return e.machine != "" && !strings.EqualFold(e.machine, here)
}

// entries are all entries, in the order in which they were made. damaged joins the errors of
// those that cannot be read: they do not keep the others from being undone.
func (j Journal) entries() (all []entry, damaged, err error) {
	infos, err := j.Store.Infos(keyring.KindBackup)
	if err != nil && !unreadable(err) {
		return nil, nil, err
	}
	for _, i := range infos {
		number, rest, ok := strings.Cut(i.Name, "-")
		e := entry{name: i.Name, keys: strings.Split(i.KeyID, ",")}
		if _, err := fmt.Sscanf(number, "%d", &e.at); !ok || err != nil {
			continue
		}
		e.machine, _, _ = strings.Cut(rest, "-")
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all, err, nil
}

// unreadable reports whether err is about single items of the store.
func unreadable(err error) bool {
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	_, future := errors.AsType[*keyring.FutureError](err)
	return damaged || future
}

// Forgotten is what Forget has done.
type Forgotten struct {
	Any bool // there was something to forget
	// With are other keys, which were in a file with this one and do not come back either.
	// The store has them.
	With []string
	// Only are other keys that were in a file with this one, and that cannot be read from the
	// store: their file still comes back.
	Only []string
	// Elsewhere: another machine has imported the key, too, and can bring it back.
	Elsewhere bool
}

// Forget drops this machine's entries of a key: its plain text is not wanted back.
func (j Journal) Forget(ctx context.Context, key string) (done Forgotten, err error) {
	entries, _, err := j.entries()
	entries = slices.DeleteFunc(entries, func(e entry) bool { return !slices.Contains(e.keys, key) })
	if err != nil || len(entries) == 0 {
		return done, err
	}
	here, err := j.Store.Machine()
	if err != nil {
		return done, err
	}
	for _, e := range entries {
		if e.away(here) {
			done.Elsewhere = true
			continue
		}
		others := slices.DeleteFunc(slices.Clone(e.keys), func(other string) bool { return other == key })
		if only := slices.DeleteFunc(slices.Clone(others), func(other string) bool { return j.opens(ctx, other) }); len(only) > 0 {
			done.Only = append(done.Only, only...)
			continue
		}
		if err := j.Store.RemoveBackup(e.name); err != nil {
			return done, err
		}
		done.Any, done.With = true, append(done.With, others...)
	}
	done.With, done.Only = unique(done.With), unique(done.Only)
	return done, nil
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// opens reports whether the store gives back a key.
func (j Journal) opens(ctx context.Context, id string) bool {
	infos, _ := j.Store.Infos(keyring.KindKey) // one that cannot be read does not count
	return slices.ContainsFunc(infos, func(i keyring.Info) bool {
		if i.KeyID != id {
			return false
		}
		key, _, err := j.Store.Key(ctx, i.Name)
		return err == nil && key.ID == id
	})
}

// Keys are the IDs of the keys that can be brought back here, and of those that can be
// brought back on another machine, each once.
func (j Journal) Keys() (keys, away []string, err error) {
	entries, damaged, err := j.entries()
	if err != nil || len(entries) == 0 {
		return nil, nil, errors.Join(err, damaged)
	}
	here, err := j.Store.Machine()
	for _, e := range entries {
		if e.away(here) {
			away = append(away, e.keys...)
		} else {
			keys = append(keys, e.keys...)
		}
	}
	return unique(keys), unique(away), err
}
