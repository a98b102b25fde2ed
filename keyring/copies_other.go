//go:build !linux

package keyring

import (
	"errors"
	"time"
)

// Only Linux can keep keys outside of files and forget them after some time. On
// macOS and Windows the system's keyring opens the store without a question.

// CanHold reports whether the kernel here can keep a store unlocked.
func CanHold() bool { return false }

func loadCopy(string) []byte { return nil }

func saveCopy(string, []byte, time.Duration) error {
	return errors.New("not on this system")
}

func dropCopies(_, _ string) (int, error) { return 0, nil }
