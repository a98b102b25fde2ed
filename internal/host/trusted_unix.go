//go:build unix

package host

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// trusted reports whether nobody but root, administrators and this user can put
// anything in a directory, or another directory in its place.
func trusted(dir string) bool {
	for {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			return false
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		others := info.Mode().Perm() & 0o002
		if ok && owner.Gid != admins() && owner.Gid != 0 {
			others = info.Mode().Perm() & 0o022
		}
		if !ok || others != 0 || owner.Uid != 0 && int(owner.Uid) != os.Getuid() {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// admins is the group of administrators: macOS's admin, whose members may do anything
// (sudo is theirs), else root's.
func admins() uint32 {
	if runtime.GOOS == "darwin" {
		return 80
	}
	return 0
}
