package term

import "golang.org/x/sys/unix"

const (
	getMode = unix.TCGETS
	setMode = unix.TCSETS // at once, keeping what was typed ahead

	// noKey in a place for a key means that no key does this: _POSIX_VDISABLE.
	noKey = 0
)
