//go:build unix

package input

import "syscall"

const nonBlock = syscall.O_NONBLOCK
