//go:build unix

package main

import "golang.org/x/sys/unix"

// noCores keeps this process's memory out of core dumps, where noDumps has nothing
// better. Limits are inherited, so a command that replaces fob needs undo before;
// helpers have no use for dumps.
func noCores() (undo func()) {
	var before unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &before) != nil {
		return func() {} // no such limit, and none to set
	}
	// Lowering the soft limit is always allowed, and so is going back.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Max: before.Max})
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &before) }
}
