//go:build unix

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"fob/internal/cmdline"

	"golang.org/x/sys/unix"
)

// safeOpen keeps open from waiting for a writer (a planted FIFO would hang it,
// and os.Root does not help) and from following a link.
const safeOpen = unix.O_NONBLOCK | unix.O_NOFOLLOW

// privateProblem says why the file at path is not private to this user, and the
// command that fixes it; "" if it is private.
func privateProblem(path string, fi fs.FileInfo) (problem, fix string) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	me := os.Geteuid()
	switch {
	case !ok:
		return "has no owner", ""
	case int(st.Uid) != me:
		return fmt.Sprintf("belongs to user %d, and fob runs as user %d", st.Uid, me), ""
	case fi.Mode().Perm()&0o077 != 0 && fi.IsDir():
		return fmt.Sprintf("is open to others (mode %04o)", fi.Mode().Perm()), "chmod 700 " + cmdline.Quote(path)
	case fi.Mode().Perm()&0o077 != 0:
		return fmt.Sprintf("is open to others (mode %04o)", fi.Mode().Perm()), "chmod 600 " + cmdline.Quote(path)
	}
	return "", ""
}

// openToOthers is privateProblem, where other users may read or write the file.
func openToOthers(path string, fi fs.FileInfo, _ bool) (problem, fix string) {
	return privateProblem(path, fi)
}

// noSpace reports whether the disk is full, or a quota or a size limit was reached.
func noSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

func noHardLinks(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS)
}

// noLocks reports whether the file system cannot lock.
func noLocks(err error) bool {
	return errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOLCK)
}

// syncDir makes the names in an open directory durable.
func syncDir(f *os.File) error {
	// Some file systems cannot sync a directory, and do not need it.
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
