//go:build unix

package wire

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"fob/internal/cmdline"
)

// The path is the one that was called: a symbolic link is not resolved.
func TestProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cellar"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("cellar", filepath.Join(dir, "fob")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Chdir(dir)
	spaced := `"` + filepath.Join(dir, "fob") + `"`
	for _, c := range []struct{ program, profile, want string }{
		{"/usr/local/bin/fob", "dev", "/usr/local/bin/fob export --profile dev"},
		{"/usr/local/bin/fob", "a b", `/usr/local/bin/fob export --profile "a b"`},
		{"fob", "dev", spaced + " export --profile dev"},
		{"./fob", "dev", spaced + " export --profile dev"},
		// The Go SDK removes quotes around a whole value.
		{"fob", "a b", spaced + ` export --profile "a b" --format process`},
	} {
		if got, err := Process(c.program, c.profile); got != c.want || err != nil {
			t.Errorf("%s, %s: %s, %v", c.program, c.profile, got, err)
		}
	}
	// Who starts fob may call it what they like: the line names a file that is there.
	if got, err := Process("$(touch x)", "dev"); err != nil || !isFile(cmdline.Words(got)[0]) {
		t.Errorf("fob under a wrong name: %s, %v", got, err)
	}
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

// A line that some SDK would read differently is not written.
func TestProcessRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "$(touch x)")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(dir, "fob")
	if err := os.WriteFile(odd, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		program, profile string
		want             ProcessError
	}{
		{"sh", "$(touch x)", ProcessError{Profile: "$(touch x)"}},
		{"sh", "`touch x`", ProcessError{Profile: "`touch x`"}},
		{"sh", "$HOME", ProcessError{Profile: "$HOME"}},
		{"sh", "-x", ProcessError{Profile: "-x"}},
		{"sh", "--help", ProcessError{Profile: "--help"}},
		{odd, "dev", ProcessError{Program: odd}},
	} {
		got, err := Process(c.program, c.profile)
		if refused, ok := errors.AsType[*ProcessError](err); !ok || *refused != c.want {
			t.Errorf("%s, %s: %s, %v", c.program, c.profile, got, err)
		}
	}
}
