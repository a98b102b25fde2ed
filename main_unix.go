//go:build unix && !linux

package main

import "golang.org/x/sys/unix"

// noDumps keeps this process's memory out of core dumps. Limits are inherited,
// so a command that replaces fob needs undo before; helpers have no use for dumps.
func noDumps() (undo func()) {
	var before unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &before) != nil {
		return func() {} // no such limit, and none to set
	}
	// Lowering the soft limit is always allowed, and so is going back.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Max: before.Max})
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &before) }
}
