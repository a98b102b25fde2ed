//go:build unix

package host

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Foreign is what belongs to somebody else on the way from the user's home directory to
// a path, the first of it, and whose it is: sudo with the user's HOME leaves such files.
// self is who should own it. All are "" if there is nothing, or the path is not in the
// home directory.
func (h Host) Foreign(path string) (file, owner, self string) {
	home, err := h.Home()
	if err != nil || !strings.HasPrefix(path, home+"/") {
		return "", "", ""
	}
	uid := 0
	for ; path != home; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if err != nil {
			continue // in a directory that cannot be searched
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || IsOurs(info) {
			break
		}
		file, uid = path, int(st.Uid)
	}
	if file == "" {
		return "", "", ""
	}
	return file, userName(uid), userName(os.Getuid())
}

// IsOurs reports whether a file belongs to the user.
func IsOurs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

// userName is what chown calls a user, who may have no name. Built without cgo, os/user
// takes a process's own name from USER if there is no account, and then no full name.
func userName(uid int) string {
	number := strconv.Itoa(uid)
	u, err := user.LookupId(number)
	if err != nil || uid == os.Getuid() && u.Name == "" {
		return number
	}
	return u.Username
}
