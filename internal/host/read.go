package host

import (
	"io"

	"fob/internal/input"
)

// MaxSecret is the largest secret that ReadSecret takes, in bytes; nobody types more.
const MaxSecret = 64 << 10

// ErrTooLong means that a secret has more than MaxSecret bytes.
var ErrTooLong error = input.TooLargeError{Limit: MaxSecret}

// ReadSecret reads a secret from a file. Errors are those of input.Read.
func ReadSecret(path string) (string, error) { return input.Read(path, MaxSecret) }

// ReadAll reads a secret of at most MaxSecret bytes to its end.
func ReadAll(r io.Reader) (string, error) { return input.All(r, MaxSecret) }
