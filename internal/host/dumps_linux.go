package host

import "golang.org/x/sys/unix"

// NoDumps keeps this process's memory, and the environment it was started with,
// out of core dumps and away from debuggers of the same user. The soft core limit
// would not do: the kernel ignores it where dumps are piped to a program
// (core_pattern(5)). There is nothing to undo, because exec makes the next
// program an ordinary one again (prctl(2), PR_SET_DUMPABLE).
func NoDumps() (undo func()) {
	// It cannot fail with these arguments.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	return func() {}
}
