package format

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// lines are the grammars of what a format may write for the variable X, so that
// evaluating it can only set X. They allow printable ASCII only.
var lines = map[string]*regexp.Regexp{
	"env":           regexp.MustCompile(`^export X='([^']|'\\'')*'\n$`),
	"env-no-export": regexp.MustCompile(`^X='([^']|'\\'')*'\n$`),
	"fish":          regexp.MustCompile(`^set -gx X '([^'\\]|\\['\\])*'\n$`),
	"powershell":    regexp.MustCompile(`^\$Env:X = '([^']|'')*'\n$`),
	"windows-cmd":   regexp.MustCompile(`^set "X=[^"%!^&|<>]*"\n$`),
	"dotenv":        regexp.MustCompile(`^X='[^'\\]*'\n$`),
}

// refusal is an error of Shell. It never quotes the value.
var refusal = regexp.MustCompile(`^the value of X (contains characters that cannot|cannot) be written safely( for cmd\.exe| to a \.env file)?$`)

func FuzzShell(f *testing.F) {
	for _, v := range hostile {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range Shells() {
			got, err := Shell(name, []Var{{"A", "1"}, {"X", value}})
			if err != nil {
				if len(got) > 0 || !refusal.MatchString(err.Error()) {
					t.Errorf("%s: %q with error %q", name, got, err)
				}
				continue
			}
			_, line, _ := strings.Cut(string(got), "\n")
			if !lines[name].MatchString(line) || !printable(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s: %q", name, line)
			}
		}
	})
}

// TestRefused: a value that a format cannot hold is an error, and then nothing is
// written, not even the values before it.
func TestRefused(t *testing.T) {
	everywhere := []string{"a\nb", "a\rb", "\x00", "\x1b[2J", "\x7f", "\u0085", "\u2028", "‘", "ђ", "\xff", "ü"}
	refused := map[string][]string{
		"windows-cmd": {`"`, "%PATH%", "!x!", "^", "&", "|", "<", ">"},
		"dotenv":      {"'", `\`},
	}
	for _, name := range Shells() {
		for _, v := range append(slices.Clone(everywhere), refused[name]...) {
			if got, err := Shell(name, []Var{{"A", "1"}, {"X", v}}); err == nil || len(got) > 0 {
				t.Errorf("%s takes %q: %q", name, v, got)
			}
		}
	}
	if _, err := Shell("tcsh", nil); err == nil {
		t.Error("a format tcsh")
	}
}

// A session is marked as fob's, whatever its profile is called.
func TestSessionMarks(t *testing.T) {
	for _, row := range []struct{ format, profile, want string }{
		{"env", "dev", "export FOB_PROFILE='dev'\nexport FOB_KEY_ID='" + exampleID + "'\n"},
		{"env", "büro", "export FOB_PROFILE=''\nexport FOB_KEY_ID='" + exampleID + "'\n"},
		{"windows-cmd", "50%", "set \"FOB_PROFILE=\"\nset \"FOB_KEY_ID=" + exampleID + "\"\n"},
		{"dotenv", "jo's", "FOB_PROFILE=''\nFOB_KEY_ID='" + exampleID + "'\n"},
	} {
		text, err := Session(row.format, least(), row.profile, "", nil)
		if err != nil || !strings.HasSuffix(string(text), row.want) {
			t.Errorf("%s of %q: %s, %v", row.format, row.profile, text, err)
		}
	}
	if text, err := Session("env", least(), "dev", "eu\nwest", nil); err == nil || len(text) > 0 {
		t.Errorf("a region that cannot be written: %s", text)
	}
}

// What an earlier session has left in a shell is removed, and what a user has set
// stays.
func TestSessionReplaces(t *testing.T) {
	const earlier = "AWS_SESSION_TOKEN=t AWS_SECURITY_TOKEN=t AWS_CREDENTIAL_EXPIRATION=x AWS_SESSION_EXPIRATION=x AWS_ACCOUNT_ID=1 "
	for _, row := range []struct{ name, format, environ, want string }{
		{"token", "env", "AWS_SESSION_TOKEN=t", "unset AWS_SESSION_TOKEN\n"},
		{"fish", "fish", "AWS_SESSION_TOKEN=t", "set -e AWS_SESSION_TOKEN\n"},
		{"PowerShell", "powershell", "AWS_SESSION_TOKEN=t", "Remove-Item Env:AWS_SESSION_TOKEN\n"},
		{"cmd", "windows-cmd", "AWS_SESSION_TOKEN=t", "set \"AWS_SESSION_TOKEN=\"\n"},
		{"a file", "dotenv", earlier, ""},
		{"not exported", "env-no-export", earlier, ""},
		{"nothing left", "env", "AWS_SESSION_TOKEN= A=1 AWS_PROFILE=x", ""},
		{"all", "env", earlier + "AWS_REGION=r AWS_DEFAULT_REGION=r FOB_REGION=r",
			"unset AWS_SESSION_TOKEN\nunset AWS_SECURITY_TOKEN\nunset AWS_CREDENTIAL_EXPIRATION\nunset AWS_SESSION_EXPIRATION\nunset AWS_ACCOUNT_ID\n" +
				"unset AWS_REGION\nunset AWS_DEFAULT_REGION\nunset FOB_REGION\n"},
		{"the user's region", "env", "AWS_REGION=mine AWS_DEFAULT_REGION=r FOB_REGION=r", "unset AWS_DEFAULT_REGION\nunset FOB_REGION\n"},
		{"no mark", "env", "AWS_REGION=mine", ""},
	} {
		text, err := Session(row.format, least(), "dev", "", strings.Fields(row.environ))
		plain, _ := Session(row.format, least(), "dev", "", nil)
		if got, ok := strings.CutPrefix(string(text), string(plain)); err != nil || !ok || got != row.want {
			t.Errorf("%s: %s, %v", row.name, text, err)
		}
	}
	everything := strings.Fields(earlier + "AWS_REGION=r AWS_DEFAULT_REGION=r FOB_REGION=r")
	text, _ := Session("env", full(), "dev", "eu-west-1", everything)
	if got := strings.Count(string(text), "unset"); got != 1 || !strings.HasSuffix(string(text), "unset AWS_SECURITY_TOKEN\n") {
		t.Errorf("a session with everything: %s", text)
	}
}

// hostile values try to do more than set a variable.
var hostile = []string{
	"plain", "", " ", "a b", "'", `"`, "''", `\`, `\\`, `\'`, `'\''`, `a\`, "$", "$HOME", "${HOME}", "$(touch owned)", "`touch owned`",
	"'; touch owned; '", `"; touch owned; "`, `\'; touch owned; \'`, "' + (touch owned) + '", "$(touch owned", "; touch owned", "& touch owned", "| touch owned",
	"> owned", "< owned", "#", "a #b", "!", "!!", "^", "*", "?", "[a]", "{a,b}", "~", "~root", "%PATH%", "%", "%%", "=", "-n", "-e", "(touch owned)", "@(touch owned)",
	"a\nb", "'\ntouch owned\n'", "a\rb", "\t", "\x00", "\x1b]0;x\x07", "\u2028", "’; touch owned; ’", "‘", "ђ; touch owned", "\xff'; touch owned",
	exampleToken,
}

// evaluators run the document in the variable DOC, and print the variable it sets.
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

// TestEvaluate gives hostile values to real shells: they set the value and do nothing
// else.
func TestEvaluate(t *testing.T) {
	for _, e := range evaluators {
		t.Run(e.format+"-"+e.program, func(t *testing.T) {
			program, err := exec.LookPath(e.program)
			if err != nil {
				// No Linux distribution has PowerShell, and Windows has none of the others.
				if os.Getenv("FOB_TEST_REQUIRE") == "1" && e.program != "pwsh" && runtime.GOOS != "windows" {
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
