package keyring

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Loose are the files and directories of the store, and of what this machine
// remembers, that others may use. Reading an item tightens it; the rest waits for
// somebody to know about it.
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
				return nil // it went away
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
