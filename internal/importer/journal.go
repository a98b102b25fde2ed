package importer

import (
	"context"
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
	return j.note(ctx, key, creds.Backup{Keys: []string{key}, Stored: []string{profile}, From: from})
}

// Write writes a file, and its entry before that. names are the profiles whose sections
// change. The entry can be taken back. After an error the file is as it was.
func (j Journal) Write(ctx context.Context, key string, c Change, names []string, write func() error) (entry string, err error) {
	path, err := filepath.Abs(c.Path) // undone from another directory, it is the same file
	if err != nil {
		return "", err
	}
	var mode fs.FileMode // none, if there is no file
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	entry, err = j.note(ctx, key, creds.Backup{
		Keys: []string{key}, Profiles: names,
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
// were made, whatever the clock says, and ends with the key's ID.
func (j Journal) note(ctx context.Context, key string, b creds.Backup) (name string, err error) {
	entries, err := j.entries()
	if err != nil {
		return "", err
	}
	at := j.Now().UnixNano()
	if n := len(entries); n > 0 {
		at = max(at, entries[n-1].at+1)
	}
	name = fmt.Sprintf("%019d-%s", at, key)
	if b.Machine, err = j.Store.Machine(); err != nil {
		return "", err // an entry with a name that is forgotten could be undone nowhere
	}
	_, err = j.Store.SetBackup(ctx, name, b)
	return name, err
}

// entry is the name of an entry.
type entry struct {
	name, key string
	at        int64
}

// entries are the names of all entries, in the order in which they were made.
func (j Journal) entries() (all []entry, err error) {
	infos, err := j.Store.Infos(keyring.KindBackup)
	if err != nil {
		return nil, err
	}
	for _, i := range infos {
		var at int64
		number, key, ok := strings.Cut(i.Name, "-")
		if _, err := fmt.Sscanf(number, "%d", &at); !ok || err != nil {
			continue
		}
		all = append(all, entry{i.Name, key, at})
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// Forget drops the entries of keys, and reports whether there were any: their plain text
// is not wanted back.
func (j Journal) Forget(keys ...string) (bool, error) {
	entries, err := j.entries()
	forgot := false
	for _, e := range entries {
		if slices.Contains(keys, e.key) {
			if err := j.Store.RemoveBackup(e.name); err != nil {
				return forgot, err
			}
			forgot = true
		}
	}
	return forgot, err
}

// Keys are the IDs of the keys that can be brought back, each once.
func (j Journal) Keys() (keys []string, err error) {
	entries, err := j.entries()
	for _, e := range entries {
		if !slices.Contains(keys, e.key) {
			keys = append(keys, e.key)
		}
	}
	return keys, err
}

// Undone is what Undo has done.
type Undone struct {
	Files   []string // paths that are as they were
	Removed []string // profiles whose key has left the store
	// Kept are profiles whose key stays in the store, because it is in no file any more, and
	// aws-vault is not seen to have it.
	Kept []string
	// Away are keys that were imported on another machine with the same store. The files
	// that they were in are there.
	Away []string
	// Replaced are keys that no profile has any more. They do not come back: in its file,
	// such a key would hide the one that works.
	Replaced []string
}

// Undo brings the files back, and removes the keys that were stored, the last change
// first. What it has done is done also beside an error, and the rest can be undone later.
func (j Journal) Undo(ctx context.Context) (done Undone, err error) {
	entries, err := j.entries()
	if err != nil {
		return done, err
	}
	infos, err := j.Store.Infos(keyring.KindKey)
	if err != nil {
		return done, err
	}
	here, err := j.Store.Machine()
	if err != nil {
		return done, err
	}
	var stale []string
	for _, e := range slices.Backward(entries) {
		b, _, err := j.Store.Backup(ctx, e.name)
		if err != nil {
			return done, err
		}
		if len(b.Files) > 0 && !slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.KeyID == e.key }) {
			stale = append(stale, e.key)
			continue
		}
		if b.Machine != "" && b.Machine != here {
			if !slices.Contains(done.Away, e.key) {
				done.Away = append(done.Away, e.key)
			}
			continue
		}
		if err := j.takeBack(ctx, e.name, &done); err != nil {
			return done, err
		}
	}
	for _, key := range stale {
		if !slices.Contains(done.Replaced, key) {
			done.Replaced = append(done.Replaced, key)
		}
	}
	return done, j.forgetStale(ctx, done.Replaced)
}

// forgetStale drops the entries of keys, but for those that a rotation may still go back to.
func (j Journal) forgetStale(ctx context.Context, keys []string) error {
	infos, err := j.Store.Infos(keyring.KindRotation)
	if err != nil {
		return err
	}
	for _, i := range infos {
		r, _, err := j.Store.Rotation(ctx, i.Name)
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == r.Old.ID })
	}
	_, err = j.Forget(keys...)
	return err
}

// TakeBack undoes one entry, which must be the last one of its file.
func (j Journal) TakeBack(ctx context.Context, entry string) error {
	return j.takeBack(ctx, entry, &Undone{})
}

func (j Journal) takeBack(ctx context.Context, entry string, done *Undone) error {
	b, _, err := j.Store.Backup(ctx, entry)
	if err != nil {
		return err
	}
	for _, f := range b.Files {
		changed, err := j.bringBack(f)
		if err != nil {
			return err
		}
		if changed && !slices.Contains(done.Files, f.Path) {
			done.Files = append(done.Files, f.Path)
		}
	}
	if err := j.Files.Reconcile(b.Profiles); err != nil {
		return err
	}
	for _, name := range b.Stored {
		if err := j.unstore(ctx, name, b, done); err != nil {
			return err
		}
	}
	return j.Store.RemoveBackup(entry)
}
