package importer

import (
	"context"
	"errors"
	"slices"

	"fob/internal/creds"
	"fob/keyring"
)

// Undone is what Undo has done.
type Undone struct {
	Files   []string // paths that are as they were
	Removed []string // profiles whose key has left the store
	// Kept are profiles whose key stays in the store, because it is in no file any more, and
	// aws-vault is not seen to have it.
	Kept []string
	// Damaged are profiles whose key stays in the store, because the store is damaged and does
	// not say which key it is, or what else was imported.
	Damaged []string
	// Shared are keys that stay in the store because they were imported on another machine
	// with the same store, too.
	Shared []string
	// Away are keys that were imported on another machine with the same store. The files
	// that they were in are there.
	Away []string
	// AwayFiles are the paths of those files.
	AwayFiles []string
	// Replaced are keys that no profile has any more. They do not come back: in its file,
	// such a key would hide the one that works.
	Replaced []string
}

// record is an entry that has been read, and so is verified.
type record struct {
	name string
	creds.Backup
}

// away reports whether an entry was made on another machine.
func (r record) away(here string) bool { return r.Machine != "" && r.Machine != here }

// gone are those of its keys that are replaced.
func (r record) gone(replaced map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(r.Keys), func(key string) bool { return !replaced[key] })
}

// Undo brings the files back, and removes the keys that were stored, the last change
// first. What it has done is done also beside an error, and the rest can be undone later.
// An entry that cannot be read stays, and does not keep the others.
func (j Journal) Undo(ctx context.Context) (done Undone, err error) {
	all, damaged, err := j.read(ctx)
	if err != nil {
		return done, err
	}
	here, gone, err := j.judge(ctx, all)
	if err != nil {
		return done, err
	}
	var stale []record
	for _, r := range slices.Backward(all) {
		switch {
		case r.away(here):
			done.Away = append(done.Away, r.Keys...)
			for _, f := range r.Files {
				done.AwayFiles = append(done.AwayFiles, f.Path)
			}
			continue
		case j.stale(ctx, r, gone):
			stale = append(stale, r)
			if len(r.Files) > 0 {
				done.Replaced = append(done.Replaced, r.gone(gone)...)
			}
			continue
		}
		if err := j.takeBack(ctx, r.name, &done); err != nil {
			return done, with(err, damaged)
		}
	}
	done.Away, done.AwayFiles, done.Replaced = unique(done.Away), unique(done.AwayFiles), unique(done.Replaced)
	return done, with(j.forgetStale(ctx, stale), damaged)
}

// judge is what decides about entries: this machine's name, and the keys that are replaced.
func (j Journal) judge(ctx context.Context, all []record) (here string, gone map[string]bool, err error) {
	if here, err = j.Store.Machine(); err != nil {
		return "", nil, err
	}
	gone, err = j.replaced(ctx, all)
	return here, gone, err
}

// with is an error and those of items that cannot be read.
func with(err, damaged error) error {
	if damaged == nil {
		return err
	}
	return errors.Join(err, damaged)
}

// Restore brings back files, and leaves the store as it is: its keys, and the backups. It
// takes what was imported on another machine only for a file of which no import here says
// anything: a machine that has lost its state is another one.
func (j Journal) Restore(ctx context.Context, paths []string) (done Undone, err error) {
	all, damaged, err := j.read(ctx)
	if err != nil {
		return done, err
	}
	here, gone, err := j.judge(ctx, all)
	if err != nil {
		return done, err
	}
	for _, path := range paths {
		of := func(r record) bool {
			return slices.ContainsFunc(r.Files, func(f creds.BackupFile) bool { return sameName(f.Path, path) })
		}
		ours := slices.ContainsFunc(all, func(r record) bool { return of(r) && !r.away(here) })
		for _, r := range slices.Backward(all) {
			switch {
			case !of(r) || ours && r.away(here):
				continue
			case j.stale(ctx, r, gone):
				done.Replaced = append(done.Replaced, r.gone(gone)...)
				continue
			}
			if err := j.bringBackAll(r.Backup, &done); err != nil {
				return done, with(err, damaged)
			}
		}
	}
	done.Replaced = unique(done.Replaced)
	return done, with(nil, damaged)
}

// read reads all entries. damaged joins the errors of those that cannot be read.
func (j Journal) read(ctx context.Context) (all []record, damaged, err error) {
	entries, damaged, err := j.entries()
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		b, _, err := j.Store.Backup(ctx, e.name)
		if unreadable(err) {
			damaged = errors.Join(damaged, err)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, record{e.name, b})
	}
	return all, damaged, nil
}

// replaced are the keys that are proved to be replaced: each profile that is known to have
// had one of them has another one now, which the store opens. A key that is lost or damaged
// is not replaced. What can be brought back of it may be all that is left.
func (j Journal) replaced(ctx context.Context, all []record) (map[string]bool, error) {
	retired, err := j.Store.Retired(ctx)
	if err != nil {
		return nil, err
	}
	profiles := map[string][]string{}
	for _, r := range all {
		for _, key := range r.Keys {
			profiles[key] = append(profiles[key], r.Stored...)
		}
	}
	infos, err := j.Store.Infos(keyring.KindKey)
	if err != nil && !unreadable(err) {
		return nil, err
	}
	gone := map[string]bool{}
	for key, had := range profiles {
		if by := retired(key); by != "" {
			had = append(had, by)
		}
		// A header that has the key is not verified, and is enough to refuse.
		has := slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.KeyID == key })
		gone[key] = len(had) > 0 && !has && !slices.ContainsFunc(had, func(profile string) bool {
			now, _, err := j.Store.Key(ctx, profile)
			return err != nil || now.ID == key
		})
	}
	return gone, nil
}

// stale reports whether an entry has a key that is replaced, and no other key that would be
// lost with it.
func (j Journal) stale(ctx context.Context, r record, gone map[string]bool) bool {
	return slices.ContainsFunc(r.Keys, func(key string) bool { return gone[key] }) &&
		!slices.ContainsFunc(r.Keys, func(key string) bool { return !gone[key] && !j.opens(ctx, key) })
}

// forgetStale drops entries, but for those of keys that a rotation may still go back to.
// While a rotation cannot be read, none is dropped.
func (j Journal) forgetStale(ctx context.Context, stale []record) error {
	infos, err := j.Store.Infos(keyring.KindRotation)
	if unreadable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, i := range infos {
		r, _, err := j.Store.Rotation(ctx, i.Name)
		if unreadable(err) {
			return nil
		}
		if err != nil {
			return err
		}
		stale = slices.DeleteFunc(stale, func(s record) bool { return slices.Contains(s.Keys, r.Old.ID) })
	}
	for _, s := range stale {
		if err := j.Store.RemoveBackup(s.name); err != nil {
			return err
		}
	}
	return nil
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
	if err := j.bringBackAll(b, done); err != nil {
		return err
	}
	for _, name := range b.Stored {
		if err := j.unstore(ctx, name, b, done); err != nil {
			return err
		}
	}
	return j.Store.RemoveBackup(entry)
}

// bringBackAll brings back the files of an entry.
func (j Journal) bringBackAll(b creds.Backup, done *Undone) error {
	for _, f := range b.Files {
		changed, err := j.bringBack(f)
		if err != nil {
			return err
		}
		if changed && !slices.Contains(done.Files, f.Path) {
			done.Files = append(done.Files, f.Path)
		}
	}
	return j.Files.Reconcile(b.Profiles)
}

// unstore removes a profile's key from the store, if it is still one of these and somewhere
// else, too.
func (j Journal) unstore(ctx context.Context, profile string, b creds.Backup, done *Undone) error {
	key, info, err := j.Store.Key(ctx, profile)
	if _, none := errors.AsType[*keyring.NotFoundError](err); none {
		return nil
	}
	if unreadable(err) {
		done.Damaged = append(done.Damaged, profile) // nobody knows which key it is
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.Contains(b.Keys, key.ID) {
		return nil
	}
	entries, damaged, err := j.entries()
	if err != nil {
		return err
	}
	here, err := j.Store.Machine()
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(entries, func(e entry) bool { return e.away(here) && slices.Contains(e.keys, key.ID) }):
		done.Shared = unique(append(done.Shared, key.ID)) // that machine's profiles use it
		return nil
	case damaged != nil:
		done.Damaged = append(done.Damaged, profile)
		return nil
	}
	if !j.elsewhere(ctx, profile, key, b.From) {
		done.Kept = append(done.Kept, profile)
		return nil
	}
	done.Removed = append(done.Removed, profile)
	return j.Store.RemoveKey(ctx, profile, info.Rev)
}
