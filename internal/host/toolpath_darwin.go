package host

// toolDirs are Homebrew's on Apple silicon and on Intel.
func toolDirs() []string { return []string{"/opt/homebrew/bin", "/usr/local/bin"} }

// admins is the group admin, whose members may do anything: sudo is theirs.
const admins = 80
