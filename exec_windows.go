package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"fob/internal/helper"
)

// replace runs the command as a child, because Windows has no exec, and ends with
// its exit code. If fob is killed, the command and what it started are killed, too:
// to the user they are one program. What the command leaves running at its own end
// lives on, and so does everything when the console is closed or the user logs off,
// because the system then tells the command as well.
func replace(path string, argv, env []string) error {
	cmd := helper.Command(path, argv)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The console sends Ctrl-C to the command as well, which decides what to do. It
	// would end fob if nothing here handled it; Windows cannot ignore it.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	closed := make(chan os.Signal, 1)
	signal.Notify(closed, syscall.SIGTERM)
	job, err := helper.StartJob(cmd)
	if err != nil {
		return notRunnable(argv[0], err)
	}
	defer job.Release()
	go func() {
		<-closed
		job.Release()
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return childExit(exit.ExitCode())
	}
	return notRunnable(argv[0], err)
}
