//go:build unix

package input

import (
	"io/fs"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// ownProblem says who else can have written what info describes, or put something else
// in its place if it is a directory. A group counts as the user's own where it has the
// user's number: systems that give each user such a group let it write by default.
func ownProblem(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	mine := ok && (int(st.Uid) == os.Geteuid() || info.IsDir() && st.Uid == 0)
	switch {
	case !mine:
		return ErrForeign
	case info.IsDir() && info.Mode()&fs.ModeSticky != 0:
		return nil // others cannot replace a file of this user
	case info.Mode().Perm()&0o002 != 0, info.Mode().Perm()&0o020 != 0 && st.Gid != st.Uid:
		return ErrShared
	}
	return nil
}
