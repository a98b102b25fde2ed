//go:build unix

package awsconfig

import (
	"io/fs"
	"os"
	"syscall"
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
