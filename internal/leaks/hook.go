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

// hookStart is what a hook of fob's begins with. Its command line is the rest.
const hookStart = "#!/bin/sh\n# Written by fob leaks --install-hook: refuses a commit with a key in it.\nexec "

// isOurs reports whether fob wrote a hook, and nobody has added a line to it.
func isOurs(text string) bool {
	line, ok := strings.CutPrefix(text, hookStart)
	return ok && strings.Index(line, "\n") == len(line)-1
}

// OtherHookError means that there is a pre-commit hook already, or that hooks are not
// where git has them: the user has to add the line.
type OtherHookError struct {
	Path string
	// Shared: core.hooksPath names that directory, which other repositories or other
	// people may use, too.
	Shared bool
	// Husky and Framework: husky, or the pre-commit framework, writes the hooks, and would
	// write over a change there.
	Husky, Framework bool
	// Args are what to run fob with.
	Args []string
}

func (e *OtherHookError) Error() string {
	switch {
	case e.Husky:
		return fmt.Sprintf("husky manages this repository's hooks (%s)", e.Path)
	case e.Framework:
		return fmt.Sprintf("the pre-commit framework wrote %s", e.Path)
	case e.Shared:
		return fmt.Sprintf("this repository's hooks are in %s (core.hooksPath), which may be shared", e.Path)
	}
	return fmt.Sprintf("%s is not a hook that fob wrote", e.Path)
}

// Edit is the file to change by hand.
func (e *OtherHookError) Edit() string {
	dir := strings.TrimSuffix(e.Path, string(filepath.Separator)+"_") // husky 9's own files
	switch {
	case e.Framework:
		return ".pre-commit-config.yaml"
	case e.Shared:
		return filepath.Join(dir, "pre-commit")
	}
	return e.Path
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
		husky := filepath.Base(strings.TrimSuffix(hooks, string(filepath.Separator)+"_")) == ".husky"
		return "", false, &OtherHookError{Path: hooks, Shared: true, Husky: husky, Args: argv[1:]}
	}
	path = filepath.Join(hooks, "pre-commit")
	for _, at := range []string{hooks, path} {
		// What a link leads to is not this repository's alone, and git would run what is
		// written there, or a shell would.
		if info, err := os.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", false, &OtherHookError{Path: path, Args: argv[1:]}
		}
	}
	old, err := input.Read(path, 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	text := hookStart + line + "\n"
	switch {
	case old == text:
		return path, true, os.Chmod(path, 0o755)
	case old != "" && !isOurs(old):
		framework := strings.Contains(old, "https://pre-commit.com")
		return "", false, &OtherHookError{Path: path, Framework: framework, Args: argv[1:]}
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
