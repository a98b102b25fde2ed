package helper

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// shell makes a command of a line that cmd.exe runs.
func shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd.exe")
	// cmd.exe reads the rest of its command line verbatim, including the quotes.
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /D /S /C "` + line + `"`, CreationFlags: windows.CREATE_NO_WINDOW}
	return cmd
}

// command makes a command. If it runs alone, it gets a console of its own that has
// no window. A hidden window would do, but then the first window that the program
// opens is hidden as well.
func command(ctx context.Context, path string, args []string, alone bool) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	quoteBatch(cmd)
	if alone {
		cmd.SysProcAttr.CreationFlags = windows.CREATE_NO_WINDOW
	}
	return cmd
}

// Command makes a command that may be a batch file. Its first argument is its name.
func Command(path string, argv []string) *exec.Cmd {
	cmd := exec.Command(path, argv[1:]...)
	cmd.Args[0] = argv[0]
	quoteBatch(cmd)
	return cmd
}

// quoteBatch has cmd.exe run a command that is a batch file.
func quoteBatch(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if !IsBatch(cmd.Path) || cmd.Err != nil {
		return
	}
	line, err := batchLine(cmd.Path, cmd.Args[1:])
	dir, dirErr := windows.GetSystemDirectory()
	switch {
	case err != nil:
		cmd.Err = err
	case dirErr != nil:
		cmd.Err = dirErr
	}
	cmd.Path, cmd.SysProcAttr.CmdLine = filepath.Join(dir, "cmd.exe"), line
}

// widen does nothing here: only Linux changes the size of a pipe.
func widen(*os.File) {}
