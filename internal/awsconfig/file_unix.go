//go:build unix

package awsconfig

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// keepOwner gives temp the owner of the file it will replace, and returns its mode.
// If the owner cannot be kept the group has no rights, because it would be another
// group.
func keepOwner(temp *os.File, info fs.FileInfo) fs.FileMode {
	mode := info.Mode().Perm()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := temp.Chown(int(st.Uid), int(st.Gid)); err != nil {
			mode &^= 0o070
		}
	}
	return mode
}

// SyncDir makes the rename durable. It ignores errors: the file is in place, and some
// network file systems cannot sync a directory.
func SyncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

// hold marks new content as being written, until temp is closed. Where a file system has
// no such locks, it is abandoned in no one's eyes.
func hold(temp *os.File) { _ = syscall.Flock(int(temp.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// finish leaves temp open, and so held, until it is in its place: fill has synced it.
func finish(*os.File) error { return nil }

// abandoned reports whether nobody is writing new content any more. An empty file may not
// be held yet, and has nothing to hide.
func abandoned(path string, info fs.FileInfo) bool {
	if info.Size() == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// exclusive keeps other fobs from replacing a file in a directory until release is
// called. Where a file system has no such locks, or somebody else holds one, nobody is kept
// from anything.
func exclusive(dir string) (release func()) {
	d, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	const pause, patience = 5 * time.Millisecond, 2 * time.Second // a replacement takes about one of the first
	for range patience / pause {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		time.Sleep(pause)
	}
	return func() { d.Close() }
}
