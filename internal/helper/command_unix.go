//go:build unix

package helper

import (
	"context"
	"os/exec"
	"syscall"
)

func shell(ctx context.Context, line string) *exec.Cmd {
	return command(ctx, "/bin/sh", []string{"-c", line}, true)
}

// command makes one that is killed with its descendants if it is alone: in a
// session of its own rather than a process group, because a program in the
// background that reads the terminal is stopped, and we would wait for it for
// ever; without a terminal it fails.
func command(ctx context.Context, path string, args []string, alone bool) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: alone}
	dieWithUs(cmd.SysProcAttr)
	if alone {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
	return cmd
}
