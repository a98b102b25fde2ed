package host

// Self is this program, also if its file has been replaced.
func Self() (string, error) { return "/proc/self/exe", nil }
