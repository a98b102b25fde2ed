//go:build !linux

package host

import "os"

// Self is this program.
func Self() (string, error) { return os.Executable() }
