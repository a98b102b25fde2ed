package awsconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrChanged is a file that is not what was read before the edit.
var ErrChanged = errors.New("changed by another program meanwhile")

// WriteFile replaces the content old of an AWS file with new in one step: a
// reader sees the one or the other, and on any error the file is as it was. An
// old of no bytes is also a file that does not exist, which is created with
// mode 0600, its directory with 0700.
//
// Symbolic links stay and what they lead to is replaced. Mode and, where
// permitted, owner are kept; access control lists and hard links are not.
// Nothing locks out a program that writes between the comparison and the
// rename; the AWS CLI takes no lock either.
func WriteFile(path string, old, new []byte) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	info, err := replaceable(path)
	if err != nil {
		return err
	}
	dir, _ := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	if len(old) == 0 {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".fob-*") // mode 0600
	if err != nil {
		return fmt.Errorf("no new file can be made beside %q: %w", path, err)
	}
	defer os.Remove(temp.Name()) // finds nothing after the rename
	if err := errors.Join(fill(temp, info, new), temp.Close()); err != nil {
		return err
	}
	if err := compare(path, old); err != nil {
		return err
	}
	if err := rename(temp.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// replaceable looks at the file to be replaced; nil if there is none. A rename
// would get past a file's own read-only mode, which somebody meant.
func replaceable(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "write", Path: path, Err: ErrNotFile}
	case info.Mode().Perm()&0o200 == 0:
		return nil, &fs.PathError{Op: "write", Path: path, Err: fs.ErrPermission}
	}
	return info, nil
}

// fill writes temp and makes it look like the file it will replace.
func fill(temp *os.File, like fs.FileInfo, content []byte) error {
	if like != nil {
		if err := temp.Chmod(keepOwner(temp, like)); err != nil {
			return err
		}
	}
	if _, err := temp.Write(content); err != nil {
		return err
	}
	return temp.Sync()
}

func compare(path string, old []byte) error {
	f, err := Read(path)
	if err != nil {
		return err
	}
	if !bytes.Equal([]byte(f.Text), old) {
		return &fs.PathError{Op: "write", Path: path, Err: ErrChanged}
	}
	return nil
}

// maxLinks is Linux's own limit (path_resolution(7)).
const maxLinks = 40

// target follows the symbolic links at the end of path, to a file that need
// not exist: EvalSymlinks refuses a link whose file is still to be made.
func target(path string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			// Not filepath.Join: it would take the ".." of the link off a
			// directory that is a link itself.
			dir, _ := filepath.Split(path)
			to = dir + to
		}
		path = to
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many symbolic links")}
}
