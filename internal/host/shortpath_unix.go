//go:build unix

package host

// ShortPath is the path itself: only Windows keeps a second, short name of a file.
func ShortPath(path string) string { return path }
