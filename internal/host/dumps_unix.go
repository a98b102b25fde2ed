//go:build unix && !linux

package host

// NoDumps keeps this process's memory out of core dumps; undo lets the next
// program have its own.
func NoDumps() (undo func()) { return noCores() }
