package format

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// hostile values try to be more than a value.
var hostile = []string{
	"plain", "", " ", "a b", "'", `"`, "''", `\`, `\\`, `\'`, `'\''`, `a\`, "$", "$HOME", "${HOME}", "$(touch owned)", "`touch owned`",
	"'; touch owned; '", `"; touch owned; "`, `\'; touch owned; \'`, "' + (touch owned) + '", "$(touch owned", "; touch owned", "& touch owned", "| touch owned",
	"> owned", "< owned", "#", "a #b", "!", "!!", "^", "*", "?", "[a]", "{a,b}", "~", "~root", "%PATH%", "%", "%%", "=", "-n", "-e", "(touch owned)", "@(touch owned)",
	"a\nb", "'\ntouch owned\n'", "a\rb", "\t", "\x00", "\x1b]0;x\x07", "\u2028", "’; touch owned; ’", "‘", "ђ; touch owned", "\xff'; touch owned",
	exampleToken,
}

// evaluators run the document in the variable DOC, and print what it sets.
var evaluators = []struct {
	format, program string
	args            []string
}{
	{"env", "sh", []string{"-c", `eval "$DOC"; sh -c 'printf %s "$X"'`}},
	{"env", "bash", []string{"-c", `eval "$DOC"; sh -c 'printf %s "$X"'`}},
	{"env", "zsh", []string{"-f", "-c", `eval "$DOC"; sh -c 'printf %s "$X"'`}},
	{"env", "busybox", []string{"sh", "-c", `eval "$DOC"; sh -c 'printf %s "$X"'`}},
	{"env-no-export", "sh", []string{"-c", `eval "$DOC"; printf %s "$X"`}},
	{"env-no-export", "bash", []string{"-c", `eval "$DOC"; printf %s "$X"`}},
	{"env-no-export", "zsh", []string{"-f", "-c", `eval "$DOC"; printf %s "$X"`}},
	{"dotenv", "sh", []string{"-c", `eval "$DOC"; printf %s "$X"`}},
	{"fish", "fish", []string{"--no-config", "-c", `eval $DOC; sh -c 'printf %s "$X"'`}},
	{"powershell", "pwsh", []string{"-NoProfile", "-NonInteractive", "-Command", `Invoke-Expression $Env:DOC; [Console]::Out.Write($Env:X)`}},
}

// TestEvaluate gives hostile values to real shells: what comes out is the value,
// and nothing else has happened.
func TestEvaluate(t *testing.T) {
	for _, e := range evaluators {
		t.Run(e.format+"-"+e.program, func(t *testing.T) {
			program, err := exec.LookPath(e.program)
			if err != nil {
				// PowerShell is in no distribution, and on Windows.
				if os.Getenv("FOB_TEST_REQUIRE") == "1" && e.program != "pwsh" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			for _, value := range hostile {
				doc, err := Shell(e.format, []Var{{"X", value}})
				if err != nil {
					continue // TestRefused
				}
				dir := t.TempDir()
				cmd := exec.Command(program, e.args...)
				cmd.Dir = dir
				cmd.Env = append(cmd.Environ(), "HOME="+dir, "DOC="+string(doc))
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil || stdout.String() != value || stderr.Len() > 0 {
					t.Errorf("%q came out as %q, %v, %s", value, stdout.String(), err, stderr.String())
				}
				if _, err := os.Stat(dir + "/owned"); err == nil {
					t.Errorf("%q ran a command", value)
				}
			}
		})
	}
}
