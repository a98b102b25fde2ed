package host

import "syscall"

// ShortPath is the path of a file in names of eight letters and three, which have no
// blanks. It is the same path where the volume keeps no such names.
func ShortPath(path string) string {
	long, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return path
	}
	short := make([]uint16, syscall.MAX_LONG_PATH)
	n, err := syscall.GetShortPathName(long, &short[0], uint32(len(short)))
	if err != nil || int(n) > len(short) {
		return path
	}
	return syscall.UTF16ToString(short[:n])
}
