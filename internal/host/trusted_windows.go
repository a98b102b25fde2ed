package host

// trusted is never asked here: toolDirs has none.
func trusted(string) bool { return false }
