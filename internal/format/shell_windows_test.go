package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// printVars makes this program print so many variables, V0 and up, as JSON.
const printVars = "FOB_TEST_PRINT_VARS"

func TestMain(m *testing.M) {
	n := 0
	if _, err := fmt.Sscan(os.Getenv(printVars), &n); err != nil {
		os.Exit(m.Run())
	}
	values := make([]string, n)
	for i := range values {
		values[i] = os.Getenv(fmt.Sprintf("V%d", i))
	}
	if err := json.NewEncoder(os.Stdout).Encode(values); err != nil {
		panic(err)
	}
}

// lines are hostile values, for shells of Windows too, that a format can hold, and what
// it makes of them.
func linesOf(t *testing.T, format string) (values []string, doc string) {
	t.Helper()
	for _, value := range append([]string{
		"%OS%", "!OS!", `"&ver&"`, "a&ver", "a|ver", "a>owned", "(ver)", ")", "@ver", "%%", `\"`, "a=b", " a ", "a,b;c", "'+(ver)+'",
		"'; New-Item owned; '", "$(New-Item owned)", "`n", "$Env:OS", "%~dp0", `a'b"c`, "-x", "/?", "set", "\x1a", "rem", ":a", "a:",
	}, hostile...) {
		got, err := Shell(format, []Var{{fmt.Sprintf("V%d", len(values)), value}})
		if err == nil { // else TestRefused
			values, doc = append(values, value), doc+string(got)
		}
	}
	if len(values) < 40 {
		t.Errorf("%s can hold only %d of the values", format, len(values))
	}
	return values, doc
}

// evaluate runs a shell that takes in the lines and then runs this program.
func evaluate(t *testing.T, dir, doc string, values []string, argv ...string) {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", printVars, len(values)), "DOC="+doc)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	var got []string
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil || stderr.Len() > 0 || len(got) != len(values) {
		t.Fatalf("%v: %s %s", err, out, stderr.String())
	}
	for i, value := range values {
		if got[i] != value {
			t.Errorf("%q came out as %q", value, got[i])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
		t.Error("a value ran a command")
	}
}

// batch runs a batch file that takes in lines.bat.
func batch(t *testing.T, take string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "fob") // wine cannot remove it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	values, doc := linesOf(t, "windows-cmd")
	for name, text := range map[string]string{"lines.bat": doc, "run.bat": "@echo off\n" + take + "\n\"" + self + "\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	evaluate(t, dir, "", values, "cmd.exe", "/d", "/c", "run.bat")
}

// The shells of Windows set the values and do nothing else.
func TestEvaluateBatch(t *testing.T) {
	t.Run("plain", func(t *testing.T) { batch(t, "call lines.bat") })
	t.Run("delayed expansion", func(t *testing.T) { batch(t, "setlocal enabledelayedexpansion\ncall lines.bat") })
}

// As TestEvaluateBatch, in one line at a prompt; the cmd of wine 8 cannot do that.
func TestEvaluateFor(t *testing.T) {
	batch(t, `for /f "usebackq delims=" %%i in ("lines.bat") do %%i`)
}

// PowerShell 5.1 comes with Windows, PowerShell 7 is tried where it is installed.
func TestEvaluatePowerShell(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	values, doc := linesOf(t, "powershell")
	for _, program := range []string{"powershell.exe", "pwsh.exe"} {
		t.Run(program, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil && program == "pwsh.exe" {
				t.Skip(err)
			}
			evaluate(t, t.TempDir(), doc, values, program, "-NoProfile", "-NonInteractive", "-Command", `Invoke-Expression $Env:DOC; & '`+self+`'`)
		})
	}
}
