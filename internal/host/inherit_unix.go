//go:build unix

package host

import "golang.org/x/sys/unix"

// KeepFromChildren closes a file descriptor when another program is started.
func KeepFromChildren(fd int) { unix.CloseOnExec(fd) }
