package host

import (
	"errors"

	"golang.org/x/sys/windows"
)

// ReaderGone reports whether a write failed because nobody reads the other end of a
// pipe any more, as in fob list | more.
func ReaderGone(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
