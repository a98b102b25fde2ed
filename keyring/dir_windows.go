package keyring

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const safeOpen = 0

// privateProblem: the profile directory's access list keeps other users out.
func privateProblem(string, fs.FileInfo) (problem, fix string) { return "", "" }

func noSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func noHardLinks(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED)
}

func noLocks(err error) bool { return errors.Is(err, windows.ERROR_NOT_SUPPORTED) }

// sharing retries f for 2 s while a virus scanner or an indexer has the file open.
func sharing(f func() error) error {
	var err error
	for wait := time.Millisecond; wait < 2*time.Second; wait *= 2 {
		err = f()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}

// syncDir: NTFS journals names; a directory handle cannot be flushed.
func syncDir(*os.File) error { return nil }
