package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShortPath(t *testing.T) {
	top, err := os.MkdirTemp("", "fob") // wine cannot remove it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := filepath.Join(top, "Program Files (x86)")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(dir, "fob.exe")
	if err := os.WriteFile(long, []byte("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	short := ShortPath(long)
	if text, err := os.ReadFile(short); err != nil || string(text) != "x" {
		t.Errorf("%s is not the file: %v", short, err)
	}
	if strings.Contains(short, " ") {
		t.Skip("this volume keeps no short names")
	}
	if missing := filepath.Join(dir, "no"); ShortPath(missing) != missing {
		t.Errorf("of a file that does not exist: %s", ShortPath(missing))
	}
}
