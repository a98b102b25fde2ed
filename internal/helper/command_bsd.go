//go:build unix && !linux

package helper

import "syscall"

// dieWithUs: only Linux has a signal for it.
func dieWithUs(*syscall.SysProcAttr) {}
