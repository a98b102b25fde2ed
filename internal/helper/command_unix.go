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

// command makes a command. If it runs alone, the end of its context kills its
// descendants, too. It then gets a session of its own, not just a process group: the
// system stops a background program that reads the terminal, and we would wait for
// it forever; without a terminal the program fails.
func command(ctx context.Context, path string, args []string, alone bool) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: alone}
	dieWithUs(cmd.SysProcAttr)
	if alone {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
	return cmd
}

func run(cmd *exec.Cmd) error { return cmd.Run() }
