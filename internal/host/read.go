package host

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"fob/internal/input"
)

// MaxSecret is the largest secret that ReadSecret takes, in bytes; nobody types more.
const MaxSecret = 64 << 10

// ErrTooLong means that a secret has more than MaxSecret bytes.
var ErrTooLong error = input.TooLargeError{Limit: MaxSecret}

// ErrDescriptor means that the text is not the number of a file descriptor.
var ErrDescriptor = errors.New("not the number of a file descriptor")

// ReadDescriptor reads a secret from an open file descriptor, given by its number,
// and closes it. The error holds nothing of what was read.
func ReadDescriptor(number string) (string, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return "", ErrDescriptor
	}
	text, err := input.ReadFile(os.NewFile(uintptr(fd), "descriptor "+number), MaxSecret)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the file name says nothing
	}
	return text, err
}

// ReadSecret reads a secret from a file. Errors are those of input.Read.
func ReadSecret(path string) (string, error) { return input.Read(path, MaxSecret) }

// ReadAll reads a secret of at most MaxSecret bytes to its end.
func ReadAll(r io.Reader) (string, error) { return input.All(r, MaxSecret) }
