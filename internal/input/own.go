package input

import (
	"errors"
	"os"
	"path/filepath"
)

var (
	// ErrForeign is a file that belongs to another user.
	ErrForeign = errors.New("it belongs to another user")
	// ErrShared is a file that other users can write, or replace.
	ErrShared = errors.New("other users can write to it")
)

// ReadOwn is Read of a file that only this user can have written; a symbolic link is
// refused. It is for what decides whose credentials a program gets. Errors are those of
// Read, with ErrForeign and ErrShared.
func ReadOwn(path string, limit int64) (string, error) {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err == nil {
		err = ownProblem(info)
	}
	if err != nil {
		return "", named(dir, err)
	}
	switch info, err = os.Lstat(path); {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", named(path, ErrNotFile)
	}
	var f *os.File
	err = Retry(func() (err error) {
		f, err = os.OpenFile(path, os.O_RDONLY|nonBlock|noFollow, 0)
		return err
	})
	if err != nil {
		return "", err
	}
	if info, err = f.Stat(); err == nil {
		err = ownProblem(info)
	}
	if err != nil {
		f.Close()
		return "", named(path, err)
	}
	text, err := readFile(f, path, limit, Patience)
	if err != nil {
		return "", named(path, err)
	}
	return text, nil
}

// IsForeign reports whether a file belongs to another user of this computer.
func IsForeign(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, named(path, err)
	}
	return ownProblem(info) == ErrForeign, nil
}
