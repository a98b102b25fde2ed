//go:build !darwin

package host

func toolDirs() []string { return nil }
