//go:build !linux

package backend

import "os"

func self() (string, error) { return os.Executable() }
