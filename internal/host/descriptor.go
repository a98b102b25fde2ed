package host

import (
	"errors"
	"io/fs"
	"os"

	"fob/internal/input"
)

// Why a number names no descriptor that a secret can be read from. They complete the
// sentence "descriptor 7 ...".
var (
	errNotNumber = errors.New("is not the number of a file descriptor")
	errNotOpen   = errors.New("is not open: the program that starts fob must open it")
)

// TakeDescriptor takes a file descriptor that this process has inherited, given by its
// number, away from the programs that it starts; if it is standard input, they have an
// empty one. It is for the beginning of main: a descriptor that fob has opened itself
// by then is never taken for the one that was meant. The error says what is wrong with
// number.
func TakeDescriptor(number string) (*os.File, error) { return takeDescriptor(number) }

// ReadDescriptor reads a secret from a descriptor that TakeDescriptor took, and closes
// it. The error holds nothing of what was read.
func ReadDescriptor(f *os.File) (string, error) {
	text, err := input.ReadFile(f, MaxSecret)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the file name says nothing
	}
	return text, err
}
