//go:build unix

package host

import "golang.org/x/sys/unix"

// noCores keeps this process's memory out of core dumps where NoDumps has nothing
// better. Limits are inherited, so a command that replaces fob needs undo first.
// Programs that fob starts for itself have no use for dumps.
func noCores() (undo func()) {
	var before unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &before) != nil {
		return func() {} // this system has no such limit
	}
	// Lowering the soft limit is always allowed, and so is raising it again.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Max: before.Max})
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &before) }
}
