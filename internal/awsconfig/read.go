package awsconfig

import (
	"errors"
	"io/fs"

	"fob/internal/input"
)

// MaxSize is the largest file that Read reads, in bytes. It is enough for 150,000
// profiles, and stops fob from reading a wrong file to the end.
const MaxSize = 16 << 20

// Read reads an AWS file. A file that does not exist is empty. Errors are those of
// input.Read.
func Read(path string) (File, error) {
	text, err := input.Read(path, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return File{path, text}, err
}
