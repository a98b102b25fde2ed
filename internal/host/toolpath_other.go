//go:build !darwin

package host

func toolDirs() []string { return nil }

// admins is the group of administrators that may write to their directories.
const admins = 0
