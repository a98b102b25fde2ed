package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"fob/internal/input"

	"golang.org/x/sys/windows"
)

const safeOpen = 0

// privateProblem finds none: an access list may let groups in that only the computer's
// administrator knows, so fob refuses no file for it. doctor looks at the list.
func privateProblem(string, fs.FileInfo) (problem, fix string) { return "", "" }

func noSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func noHardLinks(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED)
}

func noLocks(err error) bool { return errors.Is(err, windows.ERROR_NOT_SUPPORTED) }

// Remove is the Root's Remove, or os.Remove where the file system does not know the
// call that the Root makes: wine's and some drivers' do not.
func (d dir) Remove(name string) error {
	return input.Retry(func() error {
		err := d.Root.Remove(name)
		if errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
			err = os.Remove(filepath.Join(d.Name(), name))
		}
		return err
	})
}

// RemoveAll is the Root's RemoveAll, by means of Remove.
func (d dir) RemoveAll(name string) error {
	fi, err := d.Lstat(name)
	if err == nil && fi.IsDir() {
		err = d.empty(name)
	}
	if err == nil {
		err = d.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// empty removes the contents of a directory below d.
func (d dir) empty(name string) error {
	sub, err := d.sub(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	names, err := sub.list()
	for _, name := range names {
		err = errors.Join(err, sub.RemoveAll(name))
	}
	return err
}

// syncDir does nothing: NTFS journals names, and cannot flush a directory.
func syncDir(*os.File) error { return nil }
