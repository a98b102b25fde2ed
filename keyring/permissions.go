package keyring

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Loose returns the files and directories of the store, and of this machine's memory,
// that other users may read or write. fob itself only corrects the mode of items, when
// it reads them.
func (s *Store) Loose() ([]string, error) {
	var loose []string
	for _, top := range []string{s.opts.Dir, s.opts.StateDir} {
		err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || e.Type()&fs.ModeSymlink != 0 {
				return err
			}
			fi, err := e.Info()
			if err != nil {
				return nil // it was removed
			}
			if _, fix := privateProblem(name, fi); fix != "" {
				loose = append(loose, name)
			}
			return nil
		})
		if err != nil {
			return loose, err
		}
	}
	return loose, nil
}
