package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// MaxSecret is the largest secret that ReadSecret takes, in bytes; nobody types more.
const MaxSecret = 64 << 10

// ErrDescriptor means that the text is not the number of a file descriptor.
var ErrDescriptor = errors.New("not the number of a file descriptor")

// ReadDescriptor reads a secret from an open file descriptor, given by its number,
// and closes it. The error holds nothing of what was read.
func ReadDescriptor(number string) (string, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return "", ErrDescriptor
	}
	text, err := readSecret(os.NewFile(uintptr(fd), "descriptor "+number))
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the file name says nothing
	}
	return text, err
}

// ReadSecret reads a secret from a file. The error is the system's, with the path.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	return readSecret(f)
}

func readSecret(f *os.File) (string, error) {
	defer f.Close()
	return ReadAll(f)
}

// ErrTooLong means that a secret has more than MaxSecret bytes.
var ErrTooLong = fmt.Errorf("longer than %d KiB", MaxSecret>>10)

// ReadAll reads a secret of at most MaxSecret bytes to its end.
func ReadAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSecret+1))
	if err == nil && len(text) > MaxSecret {
		err = ErrTooLong
	}
	return string(text), err
}
