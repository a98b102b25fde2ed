package awsconfig

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

func keepOwner(_ *os.File, info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// errSharing is ERROR_SHARING_VIOLATION of winerror.h.
const errSharing = syscall.Errno(32)

// rename waits up to 2 s for programs that have the file open, such as virus
// scanners.
func rename(from, to string) error {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := os.Rename(from, to)
		busy := errors.Is(err, errSharing) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !busy || time.Now().After(deadline) {
			return err
		}
	}
}

func syncDir(string) {}
