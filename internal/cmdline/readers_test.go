//go:build unix

package cmdline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// nasty are names of profiles and of directories. What they would run creates the
// file hit.
var nasty = []string{
	"dev", "a b", " a", "a  b ", "-x", "--help", "50%", "%PATH%", "%PATHEXT:~0,1%", "!x!", "^x", "a&touch hit", "a|touch hit", "a;touch hit", "a>hit", "a<hit",
	"$HOME", "${HOME}", "$(touch hit)", "`touch hit`", "$((1))", "$'x'", "a\nb", "a\rb", "a\tb", "a\x00b", "a\"b", "a'b", "'a'", `"a"`, `a\b`, `a\ b`, `\\h\s`, `a\`,
	"~", "~root", "a~b", "#a", "a#b", "a #b", "a ;b", "a=b", "A=b", "*", "?", "[a]", "{a,b}", "(a)", "a,b", "a^b", "a@b", "münchen", "日本", "a\u00a0b", "a\u2028b", "a\u202eb",
	"a\xffb", "é", "..", ".", "a:b", "a+b",
}

const windowsReader = "botocore on Windows"

// Every reader of a credential_process takes each line that Process writes as the
// words it was made of: the shells that the Go, Java, .NET, Rust and Ruby SDKs run,
// the JavaScript SDK's way to run one, Ruby's, which runs plain lines without one, and botocore's splitter.
func TestReadersAgree(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var all [][]string
	for _, name := range nasty {
		all = append(all, []string{printer(t, dir), "export", "--profile", name})
		if utf8.ValidString(name) && !strings.Contains(name, "\x00") && name != "." && name != ".." {
			all = append(all, []string{printer(t, filepath.Join(dir, name)), "export", "--profile", "a b"})
		}
	}
	var lines []string
	var want [][]string
	for _, words := range all {
		if line, err := Process(Unix, words...); err == nil {
			lines, want = append(lines, line), append(want, words)
		}
	}
	if len(lines) < 60 {
		t.Errorf("only %d of %d can be written", len(lines), len(all))
	}
	forUnix := readers(t, dir)
	delete(forUnix, windowsReader)
	for name, read := range forUnix {
		for i, got := range read(lines) {
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s reads %s as %q, want %q", name, lines[i], got, want[i])
			}
		}
	}
	if _, err := os.Stat("hit"); err == nil {
		t.Error("a name was run")
	}
	for i, words := range want {
		if got := Words(lines[i]); !slices.Equal(got, words) {
			t.Errorf("fob reads %s as %q", lines[i], got)
		}
		if got, ok := FobProfile(lines[i], "fob"); !ok || got != words[3] && !strings.HasPrefix(words[3], "-") {
			t.Errorf("fob takes %s for %q's, %v", lines[i], got, ok)
		}
	}
}

// Lines that Process refuses to write would be read differently, or run something.
func TestRefusedForAReason(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	program := printer(t, dir)
	var names, lines []string
	for _, name := range nasty {
		// Of a tab, a line end and a comment sign the AWS files make something else, and
		// what cannot be seen is not written. A backslash is Windows's, and a dollar a
		// shell's, whether or not they mean something where they stand.
		if _, err := Process(Unix, name); err == nil || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\t\n\r\u00a0\u2028\u202e") ||
			slices.Contains([]string{"a #b", "a ;b", `a\b`, `a\ b`, "$'x'"}, name) {
			continue
		}
		names, lines = append(names, name), append(lines, program+` export --profile "`+name+`"`)
	}
	misread := make([]bool, len(names))
	forUnix := readers(t, dir)
	delete(forUnix, windowsReader)
	for _, read := range forUnix {
		for i, got := range read(lines) {
			misread[i] = misread[i] || !slices.Equal(got, []string{program, "export", "--profile", names[i]})
		}
	}
	for i, line := range lines {
		if !misread[i] {
			t.Errorf("%s is refused, and every reader takes it", line)
		}
	}
	if _, err := os.Stat("hit"); err != nil {
		t.Error("none of these names is dangerous: the others prove nothing")
	}
}

// botocore's splitter for Windows takes what is written there.
func TestReadersAgreeOnWindows(t *testing.T) {
	var lines []string
	var want [][]string
	for _, name := range append(slices.Clone(nasty), `C:\PROGRA~1\fob.exe`, `\\h\s\fob.exe`, `C:\a\`) {
		words := []string{`C:\fob\fob.exe`, "export", "--profile", name}
		if line, err := Process(Windows, words...); err == nil {
			lines, want = append(lines, line), append(want, words)
		}
	}
	if read := readers(t, t.TempDir())[windowsReader]; read != nil {
		for i, got := range read(lines) {
			if !slices.Equal(got, want[i]) {
				t.Errorf("botocore reads %s as %q", lines[i], got)
			}
		}
	}
}

// printer is a program that prints how it was called.
func printer(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "fob")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// readers run lines, or split them; a failure yields no words.
func readers(t *testing.T, dir string) map[string]func(lines []string) [][]string {
	t.Helper()
	all := map[string]func([]string) [][]string{}
	for _, shell := range []string{"sh", "dash", "bash", "busybox sh"} {
		argv := strings.Fields(shell)
		if find(t, argv[0]) {
			all[shell] = func(lines []string) (got [][]string) {
				for _, line := range lines {
					out, _ := exec.Command(argv[0], append(argv[1:], "-c", line)...).Output()
					got = append(got, split(string(out)))
				}
				return got
			}
		}
	}
	const botocore = `import sys, json
from botocore.compat import compat_shell_split
def split(line):
    try: return compat_shell_split(line, sys.argv[1])
    except ValueError: return []
print(json.dumps([split(line) for line in json.load(sys.stdin)]))`
	for name, script := range map[string][]string{
		"botocore":    {"python3", "-c", botocore, "linux"},
		windowsReader: {"python3", "-c", botocore, "win32"},
		"ruby": {"ruby", "-rjson", "-e", `puts JSON.parse(STDIN.read).map { |line|
  begin IO.popen(line, err: File::NULL, &:read).split("\0", -1)[0..-2] rescue [] end
}.to_json`},
		"node": {"node", "-e", `const {execSync} = require("child_process");
const run = line => { try { return execSync(line, {stdio: ["ignore", "pipe", "ignore"]}).toString().split("\0").slice(0, -1) } catch { return [] } };
console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).map(run)))`},
	} {
		if find(t, script[0]) {
			all[name] = func(lines []string) (got [][]string) {
				in, err := json.Marshal(lines)
				if err != nil {
					t.Fatal(err)
				}
				c := exec.Command(script[0], script[1:]...)
				c.Dir, c.Stdin, c.Stderr = dir, bytes.NewReader(in), os.Stderr
				out, err := c.Output()
				if err == nil {
					err = json.Unmarshal(out, &got)
				}
				if err != nil {
					t.Fatal(name, err)
				}
				return got
			}
		}
	}
	return all
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\x00"), "\x00")
}

// find looks for a program. In CI a missing one is a failure.
func find(t *testing.T, name string) bool {
	t.Helper()
	_, err := exec.LookPath(name)
	if err == nil && name == "python3" {
		err = exec.Command(name, "-c", "import botocore").Run()
	}
	if err != nil && os.Getenv("FOB_TEST_REQUIRE") == "1" {
		t.Fatal("needed (FOB_TEST_REQUIRE=1): ", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "not tried: ", err)
	}
	return err == nil
}
