package backend

// self is this program, even if an upgrade has replaced its file.
func self() (string, error) { return "/proc/self/exe", nil }
