//go:build unix

package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// replace makes this process the command. It returns only if that fails.
func replace(path string, argv, env []string) error {
	err := unix.Exec(path, argv, env)
	if errors.Is(err, unix.ENOEXEC) {
		// A script without a #! line, which execvp(3) gives to the shell.
		err = unix.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), env)
	}
	return notRunnable(argv[0], err)
}
