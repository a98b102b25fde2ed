package wire

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// printArgs makes this program print its arguments.
const printArgs = "FOB_TEST_PRINT_ARGS"

func TestMain(m *testing.M) {
	if os.Getenv(printArgs) != "" {
		os.Stdout.WriteString(strings.Join(os.Args[1:], " "))
		return
	}
	os.Exit(m.Run())
}

// startsEverywhere puts this program in the place of another and runs a line that starts
// it in the ways of the SDKs for Go, JavaScript, Java and .NET, and Rust, and botocore's,
// which runs the words without cmd.
func startsEverywhere(t *testing.T, program, line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(program, text, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw := func(line string) *exec.Cmd {
		c := exec.Command("cmd.exe")
		c.SysProcAttr = &syscall.SysProcAttr{CmdLine: line}
		return c
	}
	words := strings.Fields(line)
	for i, c := range []*exec.Cmd{
		exec.Command("cmd.exe", "/C", line), raw(`cmd.exe /d /s /c "` + line + `"`), raw("cmd.exe /C " + line), raw(`cmd.exe /C "` + line + `"`), exec.Command(words[0], words[1:]...),
	} {
		c.Env = append(os.Environ(), printArgs+"=1")
		if out, err := c.Output(); err != nil || string(out) != strings.Join(words[1:], " ") {
			t.Errorf("way %d does not start %s: %s, %v", i, line, out, err)
		}
	}
}

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
	} else {
		startsEverywhere(t, spaced, line)
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
