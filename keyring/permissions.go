package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Loose returns the files and directories of the store, and of this machine's memory,
// that other users may read or write, with the commands that fix them. fob itself only
// corrects the mode of items, when it reads them.
func (s *Store) Loose() ([]*UnsafeError, error) {
	var loose []*UnsafeError
	for _, top := range []string{s.opts.Dir, s.opts.StateDir} {
		err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || e.Type()&(fs.ModeSymlink|fs.ModeSocket) != 0 {
				return err // its directory decides who gets to a socket
			}
			fi, err := e.Info()
			if err != nil {
				return nil // it was removed
			}
			if problem, fix := openToOthers(name, fi, name == top); fix != "" {
				loose = append(loose, &UnsafeError{name, problem, fix})
			}
			return nil
		})
		if err != nil {
			return loose, err
		}
	}
	return loose, nil
}

// Tighten keeps other users from a file of Loose, if it is the mode that lets them in.
func (s *Store) Tighten(path string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, fi.Mode().Perm()&^0o077); err != nil {
		return err
	}
	if fi, err = os.Lstat(path); err != nil {
		return err
	}
	if problem, fix := openToOthers(path, fi, true); fix != "" {
		return &UnsafeError{path, problem, fix}
	}
	return nil
}
