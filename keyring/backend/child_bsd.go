//go:build unix && !linux

package backend

import (
	"os"
	"syscall"
)

func self() (string, error) { return os.Executable() }

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
