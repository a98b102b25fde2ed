package main

import (
	"os/exec"
	"path/filepath"

	"fob/internal/leaks"
)

// install installs the hook.
func (c *leaksCmd) install(a *app, git leaks.Git) error {
	program := a.args[0]
	if found, err := exec.LookPath(program); err == nil {
		program = found
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	argv := []string{program, "leaks", "--staged"}
	file, err := a.settingPath("baseline", c.Baseline)
	if err != nil {
		return err
	}
	if file != "" {
		if _, err := leaks.ReadBaseline(file, false); err != nil {
			return err // or no commit would be possible
		}
		if file, err = leaks.FromTop(a.ctx, git, file); err != nil {
			return err
		}
		argv = append(argv, "--baseline", file)
	}
	path, already, err := leaks.InstallHook(a.ctx, ".", git, argv)
	switch {
	case err != nil:
		return err
	case already:
		a.out.Answer("git runs fob leaks --staged before each commit already (%s).", path)
	default:
		a.out.Answer("git now runs fob leaks --staged before each commit (%s).", path)
	}
	return nil
}
