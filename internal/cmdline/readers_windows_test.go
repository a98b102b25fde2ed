package cmdline

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// printArgs makes this program print how it was called.
const printArgs = "FOB_TEST_PRINT_ARGS"

func TestMain(m *testing.M) {
	if os.Getenv(printArgs) != "" {
		os.Stdout.WriteString(strings.Join(os.Args, "\x00"))
		return
	}
	os.Exit(m.Run())
}

// The SDKs' ways to start a credential_process on Windows. botocore's is tried
// elsewhere: it needs no Windows.
var ways = []struct {
	name  string
	start func(line string) *exec.Cmd
}{
	// Go escapes the quotes in an argument.
	{"Go", func(line string) *exec.Cmd { return exec.Command("cmd.exe", "/C", line) }},
	{"JavaScript", func(line string) *exec.Cmd { return raw(`cmd.exe /d /s /c "` + line + `"`) }},
	{"Java", func(line string) *exec.Cmd { return raw("cmd.exe /C " + line) }},
	{"Rust", func(line string) *exec.Cmd { return raw(`cmd.exe /C "` + line + `"`) }},
	{".NET", func(line string) *exec.Cmd { return raw("cmd.exe /c " + line) }},
}

func raw(line string) *exec.Cmd {
	c := exec.Command("cmd.exe")
	c.SysProcAttr = &syscall.SysProcAttr{CmdLine: line}
	return c
}

func read(t *testing.T, start func(string) *exec.Cmd, line string) []string {
	t.Helper()
	c := start(line)
	c.Env = append(os.Environ(), printArgs+"=1")
	out, _ := c.Output()
	return strings.Split(string(out), "\x00")
}

// What Process writes is read alike by every SDK's way to start it.
func TestReadersAgree(t *testing.T) {
	dir := tempDir(t)
	for _, c := range []struct{ dir, profile string }{
		{"plain", "dev"}, {"plain", "a.b_c@e:f/g+h-9"}, {"PROGRA~1", "dev"}, {`a-b\c_d.e`, "dev"}, {"a@b", "~x"}, {"a+b", "-"},
	} {
		words := []string{printer(t, filepath.Join(dir, c.dir)), "export", "--profile", c.profile}
		line, err := Process(Windows, words...)
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range ways {
			if got := read(t, way.start, line); !slices.Equal(got, words) {
				t.Errorf("%s reads %s as %q", way.name, line, got)
			}
		}
	}
}

// What is refused is read differently, or not at all: quotes by Go, what cmd
// replaces by everybody.
func TestRefusedForAReason(t *testing.T) {
	dir := tempDir(t)
	for _, c := range []struct{ dir, profile string }{
		{"Program Files", "dev"}, {"plain", "a b"}, {"plain", "%OS%"}, {"a&b", "dev"},
	} {
		words := []string{printer(t, filepath.Join(dir, c.dir)), "export", "--profile", c.profile}
		if line, err := Process(Windows, words...); err == nil {
			t.Errorf("written: %s", line)
		}
		line := strings.Join(words, " ")
		for _, w := range words {
			if strings.ContainsAny(w, " &") {
				line = strings.ReplaceAll(line, w, `"`+w+`"`)
			}
		}
		if got := read(t, ways[0].start, line); slices.Equal(got, words) {
			t.Errorf("Go reads %s as it is meant", line)
		}
	}
}

func printer(t *testing.T, dir string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "fob.exe")
	if err := os.WriteFile(copied, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return copied
}

// tempDir is removed as far as wine does that: not programs that have just ended.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
