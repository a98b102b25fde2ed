// Package input reads files that a person, a variable or a config names, and other
// text that fob did not make.
//
// It promises that a read ends, whatever is there: there is a limit for the size, a
// device, a socket or a named pipe is refused before it is opened, and a shell's
// <(command) has a deadline. A file without its end is an error, never a shorter file.
//
// No other package opens a file to read it but keyring, whose files are its own.
package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Patience is how long a <(command), or the other end of a descriptor, may take: a
// person may be asked for the passphrase of a key there, and an export ends at 50 s.
const Patience = 45 * time.Second

var (
	// ErrNotFile is a directory, a device, a socket or a named pipe.
	ErrNotFile = errors.New("not a regular file")
	// ErrSlow is a pipe whose end did not come within Patience.
	ErrSlow = fmt.Errorf("not complete after %d seconds", Patience/time.Second)
)

// TooLargeError is a text that is longer than Limit bytes.
type TooLargeError struct{ Limit int64 }

func (e TooLargeError) Error() string {
	if e.Limit >= 1<<20 {
		return fmt.Sprintf("larger than %d MiB", e.Limit>>20)
	}
	return fmt.Sprintf("larger than %d KiB", e.Limit>>10)
}

// Read reads a file of at most limit bytes. The null device is an empty file. A
// shell's <(command) can only be read once. Errors are *fs.PathError with
// ErrNotFile, ErrSlow, a TooLargeError or an error of the system.
func Read(path string, limit int64) (string, error) { return read(path, limit, Patience) }

func read(path string, limit int64, patience time.Duration) (string, error) {
	// To open some devices does something, and to open a named pipe waits for a writer.
	info, err := stat(path)
	if err != nil {
		return "", err
	}
	if !readable(path, info) {
		return "", &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	var f *os.File
	err = Retry(func() (err error) {
		f, err = os.OpenFile(path, os.O_RDONLY|nonBlock, 0)
		return err
	})
	if err != nil {
		return "", err
	}
	text, err := readFile(f, path, limit, patience)
	if err != nil {
		return "", named(path, err)
	}
	return text, nil
}

// Open opens a file to search it in pieces, and returns what it is. It must be a regular
// file; if it was one a moment ago in the listing of its directory, a symbolic link in its
// place is refused, too. The caller reads no more than the file's size, or a file that
// grows as fast as it is read would never end. Errors are *fs.PathError.
func Open(path string, listed bool) (*os.File, fs.FileInfo, error) {
	f, err := open(path, listed)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func open(path string, listed bool) (f *os.File, err error) {
	if listed { // at once, or not at all: there are many
		return os.OpenFile(path, os.O_RDONLY|nonBlock|noFollow, 0)
	}
	info, err := stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	if err != nil {
		return nil, err
	}
	err = Retry(func() (err error) {
		f, err = os.OpenFile(path, os.O_RDONLY|nonBlock, 0)
		return err
	})
	return f, err
}

func stat(path string) (info fs.FileInfo, err error) {
	err = Retry(func() error {
		info, err = os.Stat(path)
		return err
	})
	return info, err
}

// ReadFile is Read of a file that is open, of any kind, which it closes.
func ReadFile(f *os.File, limit int64) (string, error) {
	defer f.Close()
	text, err := readWithin(f, limit, Patience)
	if err != nil {
		return "", named(f.Name(), err)
	}
	return text, nil
}

func readFile(f *os.File, path string, limit int64, patience time.Duration) (string, error) {
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !readable(path, info): // it was replaced after the first look
		return "", ErrNotFile
	case !info.Mode().IsRegular(): // the null device, too
		return readWithin(f, limit, patience)
	case info.Size() > limit:
		return "", TooLargeError{limit}
	}
	return all(f, info.Size(), limit)
}

// readWithin reads what can take as long as it wants. The caller then closes f, which
// ends the read where the system can.
func readWithin(f *os.File, limit int64, patience time.Duration) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := All(f, limit)
		done <- result{text, err}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-done:
		return r.text, r.err
	case <-late.C:
		return "", ErrSlow
	}
}

// All reads at most limit bytes, to the end. Errors are r's, beside what came before
// them, and TooLargeError.
func All(r io.Reader, limit int64) (string, error) { return all(r, 0, limit) }

func all(r io.Reader, size, limit int64) (string, error) {
	var b strings.Builder
	b.Grow(int(size)) // to read it once and never copy it
	n, err := io.Copy(&b, io.LimitReader(r, limit+1))
	if n > limit {
		return "", TooLargeError{limit}
	}
	return b.String(), err
}

func readable(path string, info fs.FileInfo) bool {
	mode := info.Mode()
	return mode.IsRegular() || mode&fs.ModeNamedPipe != 0 && isDescriptor(path) || isNull(info)
}

func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// isDescriptor reports whether path is a shell's process substitution. A pipe in
// the file system may never get a writer.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/") || path == "/dev/stdin"
}

// named makes an error name the file.
func named(path string, err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err
	}
	return &fs.PathError{Op: "read", Path: path, Err: err}
}
