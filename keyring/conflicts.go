package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Programs that synchronize directories keep both files when two machines have written
// one: "key+x (conflicted copy)", "key+x.sync-conflict-20261130-095036-ABCDEFG",
// "key+x-LAPTOP". Others leave "key+x~". Such a file is a whole item under a name that is
// not its own. It opens nothing: only a person knows which of the two is wanted.

// Conflict is a file that holds an item under another name than the item's.
type Conflict struct {
	File string // the file's name
	Item string // the name under which fob would use it
	Dir  string // of both
	Info Info   // the header, not verified
	// Same: the item that fob uses has the same bytes. Alone: there is no such item.
	Same, Alone bool
}

// Path is the whole path of the file.
func (c Conflict) Path() string { return filepath.Join(c.Dir, c.File) }

// String says what the file is.
func (c Conflict) String() string {
	of := fmt.Sprintf("%q holds the %s of %q", c.File, c.Info.Kind.noun(), c.Info.Name)
	about := c.Info.Created.Local().Format(time.DateOnly)
	if c.Info.KeyID != "" {
		about = c.Info.KeyID + ", " + about
	}
	switch {
	case c.Same:
		return fmt.Sprintf("%q is a copy of %q", c.File, c.Item)
	case c.Alone:
		return of + " (" + about + "), which is not stored otherwise"
	}
	return of + " in another version (" + about + ")"
}

// Conflicts are the files in the store that hold an item under another name than its
// own, sorted; but for sessions and sign-ins, which are made again. It does not open the store.
func (s *Store) Conflicts() ([]Conflict, error) { return s.conflicts(nil) }

// conflicts does not read the files that are known to have their own names.
func (s *Store) conflicts(known map[string]bool) (found []Conflict, err error) {
	err = s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		found, err = d.conflicts(known)
		return h, err
	})
	if absent(err) {
		return nil, nil
	}
	return found, err
}

func (d dir) conflicts(known map[string]bool) (found []Conflict, err error) {
	files, err := d.list()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if known[file] {
			continue
		}
		it, data, err := readMisnamed(d, file)
		if err != nil {
			continue // it is something else, or gone
		}
		c := Conflict{File: file, Item: it.file, Dir: d.Name(), Info: it.info}
		used, _, err := d.read(it.file, maxFileOf(it.file))
		c.Same, c.Alone = err == nil && bytes.Equal(used, data), err != nil
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b Conflict) int { return strings.Compare(a.File, b.File) })
	return found, nil
}

var errNotMisnamed = errors.New("not an item under another name")

// readMisnamed reads a file that holds an item under another name than the item's, which
// becomes its file, because it was encrypted under that.
func readMisnamed(d dir, file string) (it item, data []byte, err error) {
	if strings.HasPrefix(file, tempPrefix) {
		return item{}, nil, errNotMisnamed
	}
	// Most files have their own names, and their headers are enough to see it.
	if data, _, err = d.readHead(file, maxFileOf(file), usualHead); err == nil {
		it, err = parseHead(file, data)
	}
	if err != nil && !damagedItem(err) {
		return item{}, nil, err
	}
	if err == nil && it.own(file) {
		return item{}, nil, errNotMisnamed
	}
	if data, _, err = d.read(file, maxFileOf(file)); err == nil {
		it, err = parseHead(file, data)
	}
	if err != nil || it.own(file) || it.info.Kind.parts() != 1 { // signing in brings the others back
		return item{}, nil, errors.Join(errNotMisnamed, err)
	}
	it.file, err = fileName(it.info.Kind, it.info.Name)
	return it, data, err
}

// own reports whether a file has the name of the item in it.
func (it item) own(file string) bool {
	kind, parts, ok := parseFileName(file)
	return ok && it.info.Kind == kind && it.info.Name == parts[0]
}

// misnamed is the error of a damaged item whose file has a name that fob does not give:
// fs.ErrNotExist if it is a Conflict, or of a kind that signing in brings back.
func (d dir) misnamed(file string, damaged error) error {
	if _, _, ok := parseFileName(file); ok {
		return damaged
	}
	_, _, err := readMisnamed(d, file)
	if kind, _ := kindOfFile(file); err == nil || kind.fromSignIn() {
		return fs.ErrNotExist
	}
	return &StrayError{d.Name(), file}
}

// removeConflicts removes what else holds an item that has been removed. Files that hold
// another version stay: nobody has asked to remove that.
func (d dir) removeConflicts(removed Info) error {
	files, err := d.list()
	for _, file := range files {
		it, _, unread := readMisnamed(d, file)
		if unread != nil || it.info.Kind != removed.Kind || it.info.Name != removed.Name {
			continue
		}
		if it.info.Rev == removed.Rev || removed.KeyID != "" && it.info.KeyID == removed.KeyID {
			err = errors.Join(err, d.remove(file))
		}
	}
	return err
}

// StrayError says that File in Dir looks like an item by its name, but this store's vault
// key does not open it.
type StrayError struct{ Dir, File string }

func (e *StrayError) Error() string {
	return fmt.Sprintf("%q is not a file of fob's, and nothing that this store can open", e.File)
}

// Path is the whole path of the file.
func (e *StrayError) Path() string { return filepath.Join(e.Dir, e.File) }
