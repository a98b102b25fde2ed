package leaks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/input"
)

// hookMark is by what a hook of fob's is told from another one.
const hookMark = "# Written by fob leaks --install-hook"

// OtherHookError means that there is a pre-commit hook already, or that hooks are not
// where git has them: the user has to add the line.
type OtherHookError struct {
	Path string
	// Shared: core.hooksPath names that directory, which other repositories or other
	// people may use, too.
	Shared bool
	// Args are what to run fob with.
	Args []string
}

func (e *OtherHookError) Error() string {
	if e.Shared {
		return fmt.Sprintf("this repository's hooks are in %s (core.hooksPath), which may be shared", e.Path)
	}
	return fmt.Sprintf("%s is not a hook that fob wrote", e.Path)
}

// InstallHook has git run a command line before each commit in dir's repository. It
// returns the hook's file, and whether the hook was already there.
func InstallHook(ctx context.Context, dir string, git Git, argv []string) (path string, already bool, err error) {
	hooks, err := git.run(ctx, dir, "rev-parse", "--git-path", "hooks")
	if err != nil {
		return "", false, err
	}
	if !filepath.IsAbs(hooks) {
		hooks = filepath.Join(dir, hooks)
	}
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = cmdline.Quote(filepath.ToSlash(w)) // sh runs it, on Windows too
	}
	line := strings.Join(words, " ")
	if set, _ := git.run(ctx, dir, "config", "--get", "core.hooksPath"); set != "" {
		return "", false, &OtherHookError{hooks, true, argv[1:]}
	}
	path = filepath.Join(hooks, "pre-commit")
	old, err := input.Read(path, 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	text := "#!/bin/sh\n" + hookMark + ": refuses a commit with a key in it.\nexec " + line + "\n"
	switch {
	case old == text:
		return path, true, os.Chmod(path, 0o755)
	case old != "" && !strings.Contains(old, hookMark):
		return "", false, &OtherHookError{path, false, argv[1:]}
	}
	if err := os.MkdirAll(hooks, 0o755); err != nil {
		return "", false, err
	}
	if err := awsconfig.WriteFile(path, []byte(old), []byte(text)); err != nil {
		return "", false, err
	}
	return path, false, os.Chmod(path, 0o755)
}

// FromTop is a path as seen from the top of the current directory's repository, where git
// runs hooks.
func FromTop(ctx context.Context, git Git, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	prefix, err := git.run(ctx, ".", "rev-parse", "--show-prefix")
	return filepath.Join(filepath.FromSlash(prefix), path), err
}
