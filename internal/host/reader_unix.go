//go:build unix

package host

import (
	"errors"
	"syscall"
)

// ReaderGone reports whether a write failed because nobody reads the other end of a
// pipe any more, as in fob list | head -1.
func ReaderGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
