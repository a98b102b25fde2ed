package host

// toolDirs are Homebrew's on Apple silicon and on Intel.
func toolDirs() []string { return []string{"/opt/homebrew/bin", "/usr/local/bin"} }
