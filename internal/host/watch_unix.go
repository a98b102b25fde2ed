//go:build unix

package host

import "os"

// watch returns a function that reports whether one of the processes is gone: each is
// the parent of the one before it, and the first is ours. The system gives an orphan
// another parent.
func watch(pids []int) (gone func() bool) {
	return func() bool {
		parent := os.Getppid()
		for _, pid := range pids {
			if pid != parent {
				return true
			}
			parent = processOf(pid).parent
		}
		return false
	}
}
