package awsconfig

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/input"
)

// ErrChanged is a file that has changed since it was read for the edit.
var ErrChanged = errors.New("changed by another program in the meantime")

// WriteFile replaces the content old of an AWS file with new in one step: a reader
// sees one or the other, and after an error the file is unchanged. If old is empty
// the file need not exist; it is created with mode 0600, its directory with 0700.
//
// Symbolic links stay, and the file at their end is replaced. The mode is kept, the
// owner too if possible; access control lists and hard links are lost. Another program
// that writes between the comparison and the rename is not locked out, only another fob
// is: the AWS CLI does not lock these files.
func WriteFile(path string, old, new []byte) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	info, err := replaceable(path)
	if err != nil {
		return err
	}
	_ = Sweep(path) // the write matters more
	dir, _ := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	if len(old) == 0 {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+temporary+"*"+unfinished) // mode 0600
	if err != nil {
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			err = &fs.PathError{Op: file.Op, Path: filepath.Clean(dir), Err: file.Err} // the temporary name says nothing
		}
		return fmt.Errorf("cannot write to %w", err)
	}
	defer os.Remove(temp.Name()) // finds nothing after the rename
	defer temp.Close()
	if err := errors.Join(fill(temp, info, new), finish(temp)); err != nil {
		return err
	}
	release := exclusive(dir)
	err = compare(path, old)
	if err == nil {
		err = input.Retry(func() error { return os.Rename(temp.Name(), path) })
	}
	if release(); err == nil {
		SyncDir(dir)
	}
	return err
}

// RemoveFile removes a file with the content old. One that has changed since it was read
// stays, and so does a link, which another program may have put in its place. As with
// WriteFile, another program is not locked out between the comparison and the removal.
func RemoveFile(path string, old []byte) error {
	dir, _ := filepath.Split(path)
	dir = cmp.Or(dir, ".")
	release := exclusive(dir)
	err := compare(path, old)
	if err == nil {
		var info fs.FileInfo
		if info, err = look(os.Lstat, path); err == nil && !info.Mode().IsRegular() {
			err = &fs.PathError{Op: "remove", Path: path, Err: ErrChanged}
		}
	}
	if err == nil {
		err = input.Retry(func() error { return os.Remove(path) })
	}
	if release(); err == nil {
		SyncDir(dir)
	}
	return err
}

// replaceable describes the file that will be replaced; nil if there is none. A
// read-only file is an error: a rename would work, but somebody made it read-only
// on purpose.
func replaceable(path string) (fs.FileInfo, error) {
	info, err := look(os.Stat, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "write", Path: path, Err: input.ErrNotFile}
	case info.Mode().Perm()&0o200 == 0:
		return nil, &fs.PathError{Op: "write", Path: path, Err: fs.ErrPermission}
	}
	return info, nil
}

// Writable reports whether nothing that is known before keeps WriteFile from replacing a
// file.
func Writable(path string) bool {
	path, err := target(path)
	if err == nil {
		_, err = replaceable(path)
	}
	return err == nil
}

func look(stat func(string) (fs.FileInfo, error), path string) (info fs.FileInfo, err error) {
	err = input.Retry(func() error {
		info, err = stat(path)
		return err
	})
	return info, err
}

// fill writes temp, and gives it the mode and owner of the file it will replace.
func fill(temp *os.File, like fs.FileInfo, content []byte) error {
	hold(temp)
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

// target follows the symbolic links at the end of path, to a file that need not
// exist. EvalSymlinks fails if the file does not exist yet.
func target(path string) (string, error) {
	for range maxLinks {
		info, err := look(os.Lstat, path)
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
			// filepath.Join would resolve a ".." in the link by removing a directory
			// that may be a link itself.
			dir, _ := filepath.Split(path)
			to = dir + to
		}
		path = to
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many symbolic links")}
}

// Sweep removes what WriteFile has left of a new content when it was killed: it may hold
// keys. A file that another process is writing now is locked, and stays.
func Sweep(path string) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !isTemporary(e.Name(), base) {
			continue
		}
		temp := filepath.Join(dir, e.Name())
		if info, lost := os.Lstat(temp); lost == nil && info.Mode().IsRegular() && abandoned(temp, info) {
			if removed := os.Remove(temp); !errors.Is(removed, fs.ErrNotExist) { // or it got into its place just now
				err = errors.Join(err, removed)
			}
		}
	}
	return err
}

// temporary and unfinished stand in the names of new content that is not in its place yet,
// around a number.
const temporary, unfinished = ".fob-", ".tmp"

// isTemporary reports whether a name is one that WriteFile has made up for a file. A person
// may well call a copy credentials.fob-backup.
func isTemporary(name, base string) bool {
	number, ours := strings.CutPrefix(name, base+temporary)
	number, ends := strings.CutSuffix(number, unfinished)
	return ours && ends && number != "" && strings.Trim(number, "0123456789") == ""
}
