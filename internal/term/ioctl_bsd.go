//go:build darwin || freebsd || netbsd || openbsd

package term

import "golang.org/x/sys/unix"

const (
	getMode = unix.TIOCGETA
	setMode = unix.TIOCSETA // at once, keeping what was typed ahead

	// noKey in a place for a key means that no key does this: _POSIX_VDISABLE.
	noKey = 0xff
)
