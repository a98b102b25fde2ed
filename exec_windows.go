package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"

	"fob/internal/helper"
)

// replace runs the command as a child, because Windows has no exec, and ends
// with its exit code. The console sends Ctrl-C to the child as well: fob waits.
func replace(path string, argv, env []string) error {
	signal.Ignore(os.Interrupt)
	cmd := helper.Command(path, argv)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return childExit(exit.ExitCode())
	}
	return notRunnable(argv[0], err)
}
