//go:build unix

package doctor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// doctor --fix keeps others from reading a credentials file, and changes the mode of nothing
// else that stands there: /dev/null, which some use for no file, is everybody's.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	mode := func(name string) os.FileMode {
		info, err := os.Stat(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	for _, name := range []string{"ours", "linked", "theirs"} {
		if err := os.WriteFile(at(name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(at("pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("linked", at("link")); err != nil {
		t.Fatal(err)
	}
	wants := map[string]os.FileMode{"ours": 0o600, "link": 0o600, "pipe": 0o644, "directory": 0o755}
	if os.Getuid() == 0 {
		const nobody = 65534
		if err := os.Chown(at("theirs"), nobody, nobody); err != nil {
			t.Fatal(err)
		}
		wants["theirs"] = 0o644
	}
	for name, want := range wants {
		e := &exam{Setup: Setup{Fix: true, Tilde: filepath.Base}}
		before := mode(name)
		e.private(at(name))
		if got := mode(name); got != want {
			t.Errorf("%s has mode %04o", name, got)
		}
		if fixed := len(e.findings) == 1 && e.findings[0].Level == Fixed; fixed != (before != want) {
			t.Errorf("%s: %v", name, e.findings)
		}
	}
}
