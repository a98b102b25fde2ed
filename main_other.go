//go:build unix && !linux

package main

func noDumps() (undo func()) { return noCores() }
