//go:build unix

package leaks

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// The hook never takes the place of another one, nor of what a link leads to.
func TestHookTakesNoPlace(t *testing.T) {
	git := needGit(t)
	argv := []string{"/bin/fob", "leaks", "--staged"}
	outside := filepath.Join(t.TempDir(), "profile")
	for name, c := range map[string]struct {
		script string
		ok     bool
	}{
		"none":                {``, true},
		"an older fob":        {`printf '#!/bin/sh\n# Written by fob leaks --install-hook: refuses a commit with a key in it.\nexec /old/fob leaks --staged\n' > .git/hooks/pre-commit`, true},
		"a line more":         {`printf '#!/bin/sh\n# Written by fob leaks --install-hook: refuses a commit with a key in it.\nexec /old/fob leaks --staged\nmake lint\n' > .git/hooks/pre-commit`, false},
		"a line before":       {`printf '#!/bin/sh\nmake lint\n# Written by fob leaks --install-hook: refuses a commit with a key in it.\nexec /old/fob leaks --staged\n' > .git/hooks/pre-commit`, false},
		"a link to nowhere":   {`ln -s ` + outside + ` .git/hooks/pre-commit`, false},
		"a linked directory":  {`rm -rf .git/hooks; mkdir ../shared; ln -s "$PWD/../shared" .git/hooks`, false},
		"a linked older hook": {`printf '#!/bin/sh\n# Written by fob leaks --install-hook: refuses a commit with a key in it.\nexec x\n' > ../h; ln -s "$PWD/../h" .git/hooks/pre-commit`, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, "mkdir -p .git/hooks\n"+c.script)
			path := filepath.Join(dir, ".git", "hooks", "pre-commit")
			before, _ := os.ReadFile(path) // there may be none
			_, _, err := InstallHook(context.Background(), dir, git, argv)
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			after, _ := os.ReadFile(path)
			if want := hookStart + "/bin/fob leaks --staged\n"; c.ok && string(after) != want || !c.ok && string(after) != string(before) {
				t.Errorf("%q has become %q", before, after)
			}
			if _, err := os.Lstat(outside); err == nil {
				t.Error("written outside of the repository")
			}
		})
	}
}

// A git that lies in the repository is not run, whatever PATH says.
func TestFindGit(t *testing.T) {
	needGit(t)
	dir := t.TempDir()
	t.Chdir(dir)
	for _, at := range []string{"git", "bin/git"} {
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path := os.Getenv("PATH")
	for _, first := range []string{"bin", ".", "", "./bin"} {
		if got := FindGit(first + ":" + path); !filepath.IsAbs(got) {
			t.Errorf("PATH=%s:...: %q", first, got)
		}
	}
	if got := FindGit("bin:."); got != "" {
		t.Errorf("without another one: %q", got)
	}
}
