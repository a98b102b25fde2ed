//go:build unix

package prompt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"fob/internal/creds"
	"fob/internal/term"
)

// The programs here are stand-ins: scripts that record how they were called and do
// what the real ones do. osascript, PowerShell and ykman are tested only this way;
// real_linux_test.go tests the real zenity, kdialog and pinentry.

// standIns is a directory of programs.
type standIns struct {
	dir string
	env map[string]string
}

func newStandIns(t *testing.T) *standIns { return &standIns{t.TempDir(), map[string]string{}} }

// add adds a program that records its arguments and then runs the shell script.
func (s *standIns) add(t *testing.T, name, script string) {
	t.Helper()
	text := "#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done >>'" + s.dir + "/argv'\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (s *standIns) world(system string) World {
	return World{
		System: system,
		Getenv: func(name string) string { return s.env[name] },
		LookPath: func(name string) (string, error) {
			return exec.LookPath(filepath.Join(s.dir, filepath.Base(name)))
		},
		Environ: func() []string {
			return []string{"PATH=" + os.Getenv("PATH"), "MARK=inherited", "ASK_TEXT=somebody else's"}
		},
		Service: func() bool { _, ok := s.env["service"]; return ok },
		Stderr:  os.Stderr,
	}
}

// calls returns the arguments of the calls since the last one of calls.
func (s *standIns) calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "argv"))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(s.dir, "argv"))
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

func prompterOf(w World, name string) Prompter {
	all := Prompters(w)
	return all[slices.IndexFunc(all, func(p Prompter) bool { return p.Name == name })]
}

var nowhere = World{
	Getenv:   func(string) string { return "" },
	LookPath: func(string) (string, error) { return "", exec.ErrNotFound },
}

const joSerial = "arn:aws:iam::111111111111:mfa/jo"

// codeFor is a question as package mfa asks it.
func codeFor(profile, program string) Question {
	return Question{Title: "MFA code", Serial: joSerial, Text: "MFA code for " + profile, About: append([]string{joSerial}, For(program)...)}
}

var question = codeFor("dev", "terraform")

// hostile has what a config can contain. All of it is printable, so safe to show.
var hostile = codeFor(`a_b <b>&amp;</b> "'$(touch x)`+"`x` %n \\n -- ;|", "\x1b[8m\n\u202e")

const (
	hostileText = `MFA code for a_b <b>&amp;</b> "'$(touch x)` + "`x` %n \\n -- ;|\n" + joSerial + "\n" + `for \x1b[8m\n\u202e`
	refusedText = "AWS refused that code: late. Try the next one.\n"
)

func TestPrograms(t *testing.T) {
	backslashes := strings.NewReplacer(`\`, `\\`)
	html := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\n", "<br>")
	zenityText := backslashes.Replace(strings.ReplaceAll(refusedText+hostileText, "_", "__"))
	kdialogText := func(text string) string { return backslashes.Replace("<qt>" + html.Replace(text) + "</qt>") }
	for _, c := range []struct {
		name, system, program string
		env                   string
		secret                bool
		argv                  []string
	}{
		{"askpass", "linux", "my-askpass", "FOB_ASKPASS=my-askpass", false, []string{refusedText + hostileText}},
		{"askpass", "linux", "my-askpass", "SSH_ASKPASS=my-askpass", true, []string{refusedText + hostileText}},
		{"askpass", "linux", "my.cmd", "FOB_ASKPASS=my.cmd", false, []string{refusedText + hostileText}},
		{"askpass", "windows", "my.cmd", "FOB_ASKPASS=my.cmd", false, []string{strings.ReplaceAll(refusedText+hostileText, "\n", " ")}},
		{"zenity", "linux", "zenity", "", false, []string{"--entry", "--title=fob: MFA code", "--text=" + zenityText}},
		{"zenity", "linux", "zenity", "", true, []string{"--entry", "--title=fob: MFA code", "--text=" + zenityText, "--hide-text"}},
		{"kdialog", "linux", "kdialog", "", false, []string{"--title", "fob: MFA code", "--inputbox", kdialogText(strings.ReplaceAll(refusedText+hostileText, "&", "&&"))}},
		{"kdialog", "linux", "kdialog", "", true, []string{"--title", "fob: MFA code", "--password", kdialogText(refusedText + hostileText)}},
		{"osascript", "darwin", "osascript", "", false, []string{"-e", appleScript, "fob: MFA code", refusedText + hostileText, "open"}},
		{"osascript", "darwin", "osascript", "", true, []string{"-e", appleScript, "fob: MFA code", refusedText + hostileText, "secret"}},
		{"ykman", "linux", "ykman", "", false, []string{"oath", "accounts", "code", "--single", "--", joSerial}},
		{"ykman", "linux", "ykman", "YKMAN_OATH_CREDENTIAL_NAME=AWS:jo", false, []string{"oath", "accounts", "code", "--single", "--", "AWS:jo"}},
	} {
		s := newStandIns(t)
		s.env["DISPLAY"] = ":0"
		if name, value, ok := strings.Cut(c.env, "="); ok {
			s.env[name] = value
		}
		s.add(t, c.program, "cat >&2; env | grep -q MARK=inherited && echo '123 456'")
		p := prompterOf(s.world(c.system), c.name)
		q := hostile
		q.Problem, q.Secret = strings.TrimSpace(refusedText), c.secret
		if err := p.Ready(); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		answer, err := p.Ask(context.Background(), q)
		if strings.TrimSpace(answer.Reveal()) != "123 456" || err != nil {
			t.Errorf("%s: %q, %v", c.name, answer.Reveal(), err)
		}
		if argv := s.calls(t); !slices.Equal(argv, c.argv) {
			t.Errorf("%s was called with\n%q, want\n%q", c.name, argv, c.argv)
		}
	}
}

// No part of a question is part of a script.
func TestScriptsAreConstant(t *testing.T) {
	if strings.Contains(appleScript, "do shell script") || !strings.HasPrefix(appleScript, "on run argv\n") {
		t.Error("AppleScript")
	}
	s := newStandIns(t)
	s.add(t, "powershell.exe", `printf '%s\0' "$ASK_TITLE" "$ASK_TEXT" "$ASK_KIND" >>"$(dirname "$0")/argv"; printf 'correct horse\r\n'`)
	q := hostile
	q.Secret = true
	answer, err := prompterOf(s.world("windows"), "powershell").Ask(context.Background(), q)
	if answer.Reveal() != "correct horse" || err != nil {
		t.Errorf("%q, %v", answer.Reveal(), err)
	}
	argv := s.calls(t)
	if want := []string{"fob: MFA code", hostileText, "secret"}; !slices.Equal(argv[5:], want) {
		t.Errorf("variables %q, want %q", argv[5:], want)
	}
	if want := []string{"-NoProfile", "-NonInteractive", "-STA", "-EncodedCommand"}; !slices.Equal(argv[:4], want) {
		t.Errorf("called with %q", argv[:4])
	}
	text, err := base64.StdEncoding.DecodeString(argv[4])
	if err != nil {
		t.Fatal(err)
	}
	var units []uint16
	for i := 0; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i])|uint16(text[i+1])<<8)
	}
	if string(utf16.Decode(units)) != powerShell {
		t.Errorf("the script is %q", string(utf16.Decode(units)))
	}
}

// A closed window is not mistaken for a window that could not open.
func TestHowProgramsEnd(t *testing.T) {
	for _, c := range []struct {
		name, script string
		cancelled    bool
		why          string
	}{
		{"zenity", "exit 1", true, ""},
		{"zenity", "echo 'Gtk-WARNING **: something' >&2; exit 1", true, ""},
		{"zenity", "echo 'Gtk-WARNING **: cannot open display: :7' >&2; exit 1", false, "ended with exit status 1"},
		{"zenity", "echo 'Failed to open display' >&2; exit 1", false, "ended with exit status 1"},
		{"zenity", "exit 5", false, "ended with exit status 5"},
		{"kdialog", "exit 1", true, ""},
		{"kdialog", "echo 'qt.qpa.xcb: could not connect to display :7' >&2; ulimit -c 0; kill -ABRT $$", false, "ended with signal: aborted"},
		{"askpass", "exit 1", true, ""},
		{"askpass", "exit 127", false, "ended with exit status 127"},
		{"osascript", "echo '0:9: execution error: User canceled. (-128)' >&2; exit 1", true, ""},
		{"osascript", "echo 'execution error: No user interaction allowed. (-1713)' >&2; exit 1", false, "ended with exit status 1"},
		{"powershell", "exit 130", true, ""},
		{"powershell", "exit 1", false, "ended with exit status 1"},
	} {
		s := newStandIns(t)
		s.env["DISPLAY"], s.env["FOB_ASKPASS"] = ":7", "askpass"
		system := map[string]string{"osascript": "darwin", "powershell": "windows"}[c.name]
		s.add(t, strings.Replace(c.name, "powershell", "powershell.exe", 1), "echo 123456; "+c.script)
		answer, err := prompterOf(s.world(system), c.name).Ask(context.Background(), question)
		var not *notReadyError
		switch {
		case !answer.IsZero():
			t.Errorf("%s: %s: an answer", c.name, c.script)
		case c.cancelled && !errors.Is(err, term.ErrCancelled):
			t.Errorf("%s: %s: %v", c.name, c.script, err)
		case !c.cancelled && (!errors.As(err, &not) || not.Error() != c.why):
			t.Errorf("%s: %s: %v, want %s", c.name, c.script, err, c.why)
		}
	}
}

func TestWhoCanAsk(t *testing.T) {
	for _, c := range []struct {
		name, system, env string
		installed         string
		why               string
	}{
		{"zenity", "linux", "DISPLAY=:0", "zenity", ""},
		{"zenity", "freebsd", "WAYLAND_DISPLAY=wayland-0", "zenity", ""},
		{"zenity", "linux", "", "zenity", "no display"},
		{"zenity", "linux", "DISPLAY=:0", "", "not available"},
		{"zenity", "darwin", "", "zenity", ""},
		{"zenity", "darwin", "SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", "zenity", "no display"},
		{"osascript", "darwin", "", "osascript", ""},
		{"osascript", "darwin", "SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", "osascript", "no display"},
		{"osascript", "linux", "DISPLAY=:0", "osascript", "not available"},
		{"powershell", "windows", "", "powershell.exe", ""},
		{"powershell", "windows", "SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", "powershell.exe", "no display"},
		{"powershell", "windows", "service", "powershell.exe", "no display"},
		{"powershell", "linux", "DISPLAY=:0", "powershell.exe", "not available"},
		{"askpass", "linux", "", "", "not available"},
		{"askpass", "linux", "FOB_ASKPASS=/x/mine", "mine", ""},
		{"askpass", "linux", "FOB_ASKPASS=/x/mine", "", `no program "/x/mine" (FOB_ASKPASS)`},
		{"askpass", "linux", "SSH_ASKPASS=mine DISPLAY=:0", "mine", ""},
		{"askpass", "linux", "SSH_ASKPASS=mine", "mine", "no display"},
		{"askpass", "linux", "SSH_ASKPASS=mine SSH_ASKPASS_REQUIRE=force", "mine", ""},
		{"askpass", "linux", "SSH_ASKPASS=mine SSH_ASKPASS_REQUIRE=prefer", "mine", "no display"},
		{"askpass", "linux", "SSH_ASKPASS=mine SSH_ASKPASS_REQUIRE=Never DISPLAY=:0", "mine", "not available"},
		{"askpass", "linux", "SSH_ASKPASS=mine SSH_ASKPASS_REQUIRE=never FOB_ASKPASS=mine", "mine", ""},
		{"pinentry", "linux", "", "pinentry", "no display"}, // and no terminal, see TestMain
		{"pinentry", "linux", "DISPLAY=:0", "pinentry", ""},
		{"pinentry", "linux", "DISPLAY=:0", "pinentry-qt", ""},
		{"pinentry", "linux", "DISPLAY=:0", "pinentry-tty", "not available"},
		{"pinentry", "darwin", "", "pinentry-mac", ""},
		{"ykman", "linux", "", "ykman", ""},
		{"ykman", "linux", "", "", "not available"},
	} {
		s := newStandIns(t)
		if c.installed != "" {
			s.add(t, c.installed, "")
		}
		fields := strings.Fields(c.env)
		if strings.HasPrefix(c.env, "SSH_CONNECTION") {
			fields = []string{c.env}
		}
		for _, f := range fields {
			name, value, _ := strings.Cut(f, "=")
			s.env[name] = value
		}
		err := prompterOf(s.world(c.system), c.name).Ready()
		if got := fmt.Sprint(err); c.why == "" && err != nil || c.why != "" && got != c.why {
			t.Errorf("%s on %s with %q, installed %q: %v, want %q", c.name, c.system, c.env, c.installed, err, c.why)
		}
	}
}

// The reasons are one line that a person wants to read.
func TestNobody(t *testing.T) {
	broken := newStandIns(t)
	broken.env["DISPLAY"] = ":7"
	broken.add(t, "zenity", "echo cannot open display >&2; exit 1")
	people := func(w World) []Prompter {
		return slices.DeleteFunc(Prompters(w), func(p Prompter) bool { return p.Machine })
	}
	for _, c := range []struct {
		prompters []Prompter
		want      string
	}{
		{people(nowhere), "no controlling terminal, no display"},
		{[]Prompter{prompterOf(nowhere, "zenity")}, "no display"},
		{people(broken.world("linux")), "no controlling terminal, zenity: ended with exit status 1"},
		{[]Prompter{prompterOf(broken.world("linux"), "kdialog")}, "kdialog: not available"},
		{[]Prompter{prompterOf(broken.world("linux"), "ykman")}, "ykman: not available"},
	} {
		_, err := Ask(context.Background(), c.prompters, question, anything)
		var nobody *NoPersonError
		if !errors.As(err, &nobody) || nobody.Reasons() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// anything takes every answer.
func anything(creds.Secret) error { return nil }

// A YubiKey is never asked for a passphrase.
func TestYubiKeyIsForCodes(t *testing.T) {
	s := newStandIns(t)
	s.add(t, "ykman", "echo 123456")
	p := prompterOf(s.world("linux"), "ykman")
	passphrase := Question{Text: "Passphrase", Secret: true}
	var nobody *NoPersonError
	if _, err := Ask(context.Background(), []Prompter{p}, passphrase, anything); !errors.As(err, &nobody) {
		t.Errorf("%v", err)
	}
	if answer, err := p.AskOnce(context.Background(), passphrase); !errors.As(err, &nobody) || nobody.Reasons() != "ykman: not available" || !answer.IsZero() {
		t.Errorf("%v", err)
	}
	if answer, err := p.AskOnce(context.Background(), question); strings.TrimSpace(answer.Reveal()) != "123456" || err != nil {
		t.Errorf("%q, %v", answer.Reveal(), err)
	}
	s.add(t, "ykman", "exit 1")
	if _, err := p.AskOnce(context.Background(), question); err == nil || err.Error() != "ykman ended with exit status 1" {
		t.Errorf("%v", err)
	}
}

// When the context ends, the window is closed with all its child processes.
func TestWindowsAreClosed(t *testing.T) {
	s := newStandIns(t)
	s.env["DISPLAY"] = ":0"
	alive := filepath.Join(s.dir, "alive")
	s.add(t, "zenity", "mkfifo '"+alive+"'; sleep 60 >'"+alive+"' & sleep 60")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := prompterOf(s.world("linux"), "zenity").Ask(ctx, question)
		ended <- err
	}()
	var end *os.File
	for end == nil { // until the grandchild has the other end
		end, _ = os.Open(alive)
		time.Sleep(time.Millisecond)
	}
	defer end.Close()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n, err := end.Read(make([]byte, 1)); n != 0 || err == nil { // end of file: the last writer is gone
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// One window opens at a time, and other fobs wait. The user is told where to look.
func TestWindowsOpenAlone(t *testing.T) {
	s := newStandIns(t)
	s.env["DISPLAY"] = ":0"
	s.add(t, "zenity", "echo 123456")
	s.add(t, "ykman", "echo 123456")
	w := s.world("linux")
	var log []string
	w.Waiting = func(program string) func() {
		log = append(log, "wait for "+program)
		return func() { log = append(log, "done") }
	}
	w.Alone = func(_ context.Context, place string) (func(), error) {
		log = append(log, "take "+place)
		return func() { log = append(log, "release") }, nil
	}
	if _, err := prompterOf(w, "zenity").Ask(context.Background(), question); err != nil {
		t.Fatal(err)
	}
	w.Alone = func(context.Context, string) (func(), error) { return nil, context.DeadlineExceeded }
	if _, err := prompterOf(w, "zenity").Ask(context.Background(), question); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := prompterOf(w, "ykman").Ask(context.Background(), Question{Serial: "arn:aws:iam::111111111111:mfa/jo"}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"take desktop", "wait for zenity", "done", "release", "wait for ykman", "done"}; !slices.Equal(log, want) {
		t.Errorf("%q", log)
	}
}

// A stand-in that speaks the protocol, line by line.
func TestPinentryProtocol(t *testing.T) {
	s := newStandIns(t)
	s.env["DISPLAY"] = ":0"
	s.add(t, "pinentry", `echo OK ready
while read -r line; do
	printf '%s\0' "$line" >>"$(dirname "$0")/argv"
	case $line in
	OPTION*) echo ERR 174 unknown option ;;
	GETPIN) printf 'D 123%%20456\nOK\n' ;;
	BYE) echo OK bye; exit ;;
	*) echo OK ;;
	esac
done`)
	s.env["LANG"] = "C"
	answer, err := prompterOf(s.world("linux"), "pinentry").Ask(context.Background(), hostile)
	if answer.Reveal() != "123 456" || err != nil {
		t.Errorf("%q, %v", answer.Reveal(), err)
	}
	want := []string{
		"GETINFO flavor", "OPTION lc-ctype=C", "OPTION lc-messages=C",
		"SETTITLE fob: MFA code", "SETDESC " + strings.NewReplacer("%", "%25", "\n", "%0A").Replace(hostileText), "SETPROMPT MFA code:", "GETPIN", "BYE",
	}
	if got := s.calls(t); !slices.Equal(got, want) {
		t.Errorf("it was told\n%q, want\n%q", got, want)
	}
	for _, script := range []string{
		"exit 2",
		"echo OK",
		`cat >/dev/null; printf 'OK\nD tty\nOK\nOK\nOK\nOK\nOK\nOK\nERR 99\nOK\n'`, // pinentry-tty without a terminal
	} {
		s.add(t, "pinentry", script)
		var not *notReadyError
		if _, err := prompterOf(s.world("linux"), "pinentry").Ask(context.Background(), question); !errors.As(err, &not) {
			t.Errorf("%s: %v", script, err)
		}
	}
}
