//go:build unix && !linux

package helper

import "syscall"

// dieWithUs does nothing here: only Linux has a death signal.
func dieWithUs(*syscall.SysProcAttr) {}
