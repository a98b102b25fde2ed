package wire

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// There are no quotes in a line on Windows: a path with blanks is written in its short
// form, and a name that would need quotes is refused.
func TestProcess(t *testing.T) {
	top, err := os.MkdirTemp("", "fob") // wine cannot remove it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := filepath.Join(top, "Program Files (x86)")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	spaced, plain := filepath.Join(dir, "fob.exe"), filepath.Join(top, "fob.exe")
	for _, program := range []string{spaced, plain} {
		if err := os.WriteFile(program, []byte("x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if line, err := Process(plain, "dev"); err != nil || line != plain+" export --profile dev" {
		t.Errorf("%s, %v", line, err)
	}
	line, err := Process(spaced, "dev")
	if refused, ok := errors.AsType[*ProcessError](err); ok && refused.Program == spaced {
		t.Log("this volume keeps no short names")
	} else if short, _, _ := strings.Cut(line, " "); err != nil || !strings.HasSuffix(line, " export --profile dev") || Doubt(line) != "" {
		t.Errorf("%s, %v", line, err)
	} else if text, err := os.ReadFile(short); err != nil || string(text) != "x" {
		t.Errorf("%s is not the program: %v", short, err)
	}
	for _, profile := range []string{"a b", "%OS%", "münchen", "a&b", "-x"} {
		if line, err := Process(plain, profile); err == nil {
			t.Errorf("written: %s", line)
		}
	}
	if Doubt(`"`+spaced+`" export --profile dev`) == "" {
		t.Error("a quoted path is not doubted")
	}
}
