package awsconfig

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// MaxSize is the largest file that Read reads, in bytes. It is enough for 150,000
// profiles, and stops fob from reading a wrong file to the end.
const MaxSize = 16 << 20

// ErrTooLarge is a file over MaxSize; ErrNotFile is a directory, a named pipe
// or a device.
var (
	ErrTooLarge = errors.New("larger than 16 MiB")
	ErrNotFile  = errors.New("not a regular file")
)

// Read reads an AWS file. A file that does not exist and the null device are empty.
// A shell's <(command) works, but can only be read once. Errors are *fs.PathError
// with ErrTooLarge, ErrNotFile or an error of the system.
func Read(path string) (File, error) {
	text, err := read(path)
	return File{path, text}, err
}

func read(path string) (string, error) {
	// Opening a named pipe without a writer would block forever.
	f, err := os.OpenFile(path, os.O_RDONLY|nonBlock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode().IsRegular():
	case isNull(info):
		return "", nil
	case info.Mode()&fs.ModeNamedPipe != 0 && isDescriptor(path):
	default:
		return "", &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	var b strings.Builder
	b.Grow(int(min(info.Size(), MaxSize))) // to read it once and never copy it
	n, err := io.Copy(&b, io.LimitReader(f, MaxSize+1))
	if err != nil {
		return "", err
	}
	if n > MaxSize {
		return "", &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return b.String(), nil
}

func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// isDescriptor reports whether path is a shell's process substitution. A pipe in
// the file system may never get a writer.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}
