//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
	"fob/keyring"
)

// forgotten starts a fob on a terminal that asks, and whose person has gone.
func forgotten(t *testing.T, w *world, question string) (tty *terminal, ended func() int) {
	t.Helper()
	cmd := exec.Command(w.Fob, "exec", "dev", "--", "true")
	cmd.Dir, cmd.Env = w.Home, w.Env
	tty, err := startOnTerminal(cmd, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if err := tty.await(question); err != nil {
		t.Fatalf("%v\n%s", err, tty.screen())
	}
	return tty, func() int { return exitCode(tty.wait()) }
}

// One forgotten question stops nobody who needs no person. Who needs one ends in its
// time, and says whom it waited for.
func TestForgottenQuestion(t *testing.T) {
	code := func(w *world) string { return w.AWS.Code(ststest.DemoSerial) }
	for name, question := range map[string]struct{ text, passphrase, asking string }{
		"passphrase": {askedPassphrase, "FOB_PASSPHRASE=", "the passphrase"},
		"code":       {askedCode, "FOB_PASSPHRASE=" + testPassphrase, "an MFA code (mfa/jo)"},
	} {
		for _, row := range []struct {
			name  string
			args  func(w *world) []string
			stdin string
			env   string
			seed  bool // the MFA secret is stored
			code  int
			// busy: it waits for the one who asks. signedIn: it makes the session.
			busy, signedIn bool
		}{
			{name: "export, code", args: func(w *world) []string { return []string{"export", "--profile", "dev", "-t", code(w)} }, signedIn: true},
			{name: "exec, code", args: func(w *world) []string { return []string{"exec", "-t", code(w), "dev", "--", "true"} }, signedIn: true},
			{name: "login, code", args: func(w *world) []string { return []string{"login", "dev", "-t", code(w)} }, signedIn: true},
			{name: "role, code", args: func(w *world) []string { return []string{"export", "--profile", "a", "-t", code(w)} }, signedIn: true},
			{name: "export, seed", args: func(*world) []string { return []string{"export", "--profile", "dev"} }, seed: true, signedIn: true},
			{name: "mfa code", args: func(*world) []string { return []string{"mfa", "code", "dev"} }, seed: true},
			{name: "add", args: func(*world) []string { return []string{"add", "eve", "--stdin", "--no-config", "--no-verify"} }, stdin: eve.ID + "\n" + eve.Secret.Reveal() + "\n"},
			{name: "no session", args: func(*world) []string { return []string{"exec", "-n", "dev", "--", "true"} }},
			{name: "list", args: func(*world) []string { return []string{"list"} }},
			{name: "store", args: func(*world) []string { return []string{"store"} }},
			{name: "lock", args: func(*world) []string { return []string{"lock"} }},
			{name: "exec, nothing, no terminal", args: func(*world) []string { return []string{"exec", "dev", "--", "true"} }, env: "FOB_PASSPHRASE=", code: exitExec},
			{name: "exec, nothing, no input", args: func(*world) []string { return []string{"exec", "--no-input", "dev", "--", "true"} }, env: "FOB_PASSPHRASE=", code: exitExec},
			{name: "export, nothing", args: func(*world) []string { return []string{"export", "--profile", "dev", "-v"} }, env: "FOB_PASSPHRASE=", code: exitNoPerson, busy: true},
			{name: "add, nothing, no terminal", args: func(*world) []string { return []string{"add", "eve", "--stdin", "--no-config", "--no-verify"} }, env: "FOB_PASSPHRASE=", stdin: eve.ID + "\n" + eve.Secret.Reveal() + "\n", code: exitNoPerson},
		} {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				w := devWorld(t)
				asker := w.with(question.passphrase)
				if row.seed && name == "code" {
					// The question is there before the secret is.
				} else if row.seed {
					w.must(t, ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
				}
				tty, ended := forgotten(t, asker, question.text)
				if row.seed && name == "code" {
					w.must(t, ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
				}
				began := time.Now()
				second := w.with(row.env, testBudget+"=3s")
				if !row.busy {
					second = w.with(row.env)
				}
				r := second.input(row.stdin, row.args(w)...)
				if r.code != row.code || r.problem() != "" || strings.Contains(r.stderr, "context") {
					t.Errorf("%v %s", r, r.problem())
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %v", took)
				}
				if who := "on pts/"; row.busy != strings.Contains(r.stderr, who) {
					t.Errorf("%v", r)
				}
				if row.busy && (!strings.Contains(r.stderr, "fob: waiting for fob exec (pid ") || !strings.Contains(r.stderr, "fob: hint: answer it on pts/")) {
					t.Errorf("%v", r)
				}
				if name == "code" && row.signedIn {
					// The session that was asked for is there: the question is over.
					if code := ended(); code != 0 || strings.Contains(tty.screen(), "context") || !strings.Contains(tty.screen(), "another fob has signed in with mfa/jo") {
						t.Errorf("exit code %d of the one who asked:\n%s", code, tty.screen())
					}
					return
				}
				if strings.Contains(tty.screen(), "fob: ") {
					t.Errorf("the one who asked did not wait:\n%s", tty.screen())
				}
			})
		}
	}
}

// screenOf is what somebody sees of all that was written to a terminal: its lines,
// without what carriage returns and blanks have taken off again.
func screenOf(written string) string {
	var lines []string
	for line := range strings.SplitSeq(written, "\n") {
		var shown []rune
		at := 0
		for _, r := range line {
			if r == '\r' {
				at = 0
				continue
			}
			if at == len(shown) {
				shown = append(shown, 0)
			}
			shown[at] = r
			at++
		}
		lines = append(lines, strings.TrimRight(string(shown), " "))
	}
	return strings.Join(lines, "\n")
}

// A person at a terminal learns that AWS is slow, as long as it is; a program that reads
// standard error does not, unless -v wants it. The command begins on a clean line.
func TestSlowAWS(t *testing.T) {
	const says = "fob: waiting for AWS ..."
	for name, row := range map[string]struct {
		flag     string
		terminal bool
		says     int
	}{
		"terminal": {"", true, 1},
		"quiet":    {"-q", true, 0},
		"pipe":     {"", false, 0},
		"verbose":  {"-v", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := devWorld(t)
			w = w.with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
			w.AWS.Fail("", ststest.Slow(1500*time.Millisecond), 1)
			args := append(strings.Fields(row.flag), "exec", "dev", "--", "echo", "done")
			said := ""
			if row.terminal {
				tty, err := startOnTerminal(w.command(args...), true)
				if err != nil {
					t.Fatal(err)
				}
				if code := exitCode(tty.wait()); code != 0 {
					t.Errorf("exit code %d", code)
				}
				if said = tty.screen(); screenOf(said) != "done\n" {
					t.Errorf("the screen shows %q; written was %q", screenOf(said), said)
				}
			} else {
				r := w.input("", args...)
				if r.code != 0 || r.stdout != "done\n" {
					t.Error(r)
				}
				said = r.stderr
			}
			if n := strings.Count(said, says); n != row.says {
				t.Errorf("said %d times, want %d: %q", n, row.says, said)
			}
		})
	}
}

// Whatever fob waits for, it says so, and Ctrl-C leaves nothing of that on the screen.
func TestWaitingEnds(t *testing.T) {
	code := func(w *world) []string {
		return []string{"exec", "-t", w.AWS.Code(ststest.DemoSerial), "dev", "--", "true"}
	}
	for name, row := range map[string]struct {
		spoil func(t *testing.T, w *world)
		args  func(w *world) []string
		says  string
	}{
		// What has been sent a code is waited for, also after Ctrl-C.
		"AWS": {func(t *testing.T, w *world) { w.AWS.Fail("", ststest.Slow(2500*time.Millisecond), ststest.Always) },
			code, "fob: waiting for AWS ..."},
		"another fob": {func(t *testing.T, w *world) { t.Cleanup(holdDevice(t, w)) },
			code, "fob: waiting for another fob ..."},
		"mfa_process": {func(t *testing.T, w *world) { w.config(t, "[profile dev]\nmfa_process = sleep 60\n") },
			func(*world) []string { return []string{"exec", "dev", "--", "true"} }, `fob: waiting for the mfa_process of "dev" ...`},
		"credential_process": {func(t *testing.T, w *world) { w.config(t, "[profile other]\ncredential_process = sleep 60\n") },
			func(*world) []string { return []string{"exec", "other", "--", "true"} }, `fob: waiting for the credential_process of "other" ...`},
		"next code": {func(t *testing.T, w *world) {
			period := int64(300)
			for period-time.Now().Unix()%period < 60 {
				period-- // the present code must last as long as the test
			}
			w.must(t, fmt.Sprintf("otpauth://totp/jo?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&period=%d\n", period), "mfa", "add", "dev", "--stdin")
			w.must(t, "", "mfa", "code", "dev")
		}, func(*world) []string { return []string{"mfa", "code", "dev"} }, "fob: waiting for the next MFA code (mfa/jo): "},
		"store": {func(t *testing.T, w *world) {
			// The scripts' stores open at once; this one is as slow as a real one.
			if err := os.RemoveAll(filepath.Join(w.Home, ".local")); err != nil {
				t.Fatal(err)
			}
			store := w.store()
			if _, err := store.Create(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := store.SetKey(t.Context(), "dev", eve, keyring.Info{}); err != nil {
				t.Fatal(err)
			}
			w.Env = append(w.Env, testPatience+"=1ms")
		}, func(*world) []string { return []string{"exec", "-n", "dev", "--", "true"} }, "fob: opening the store ..."},
		"window": {func(t *testing.T, w *world) {
			if err := os.WriteFile(filepath.Join(w.Home, "hangs"), []byte("#!/bin/sh\nsleep 60\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			w.Env = append(w.Env, "FOB_ASKPASS="+filepath.Join(w.Home, "hangs"))
		}, func(*world) []string { return []string{"exec", "--mfa-prompt", "askpass", "dev", "--", "true"} },
			"fob: waiting for your desktop: askpass is asking (Ctrl-C stops)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := devWorld(t)
			row.spoil(t, w)
			tty, err := startOnTerminal(w.command(row.args(w)...), true)
			if err != nil {
				t.Fatal(err)
			}
			if err := tty.await(row.says); err != nil {
				t.Fatalf("%v: %q", err, tty.screen())
			}
			if err := tty.answer("^C"); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(tty.wait()); code != exitInterrupted && code != exitExec {
				t.Errorf("exit code %d", code)
			}
			if left := screenOf(tty.screen()); strings.TrimSpace(left) != "" && !strings.HasPrefix(left, "fob: error:") {
				t.Errorf("the screen shows %q; written was %q", left, tty.screen())
			}
		})
	}
}

// What a program says while fob waits for it stands alone on its line.
func TestWaitingAndAsking(t *testing.T) {
	t.Parallel()
	w := devWorld(t)
	w.config(t, "[profile other]\ncredential_process = sleep 1.3; echo 'Which key?' >&2; sleep 60\n")
	tty, err := startOnTerminal(w.command("exec", "other", "--", "true"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"fob: waiting for", "Which key?", "fob: waiting for"} {
		if err := tty.await(text); err != nil {
			t.Fatalf("%v: %q", err, tty.screen())
		}
	}
	if err := tty.answer("^C"); err != nil {
		t.Fatal(err)
	}
	tty.wait()
	if left := screenOf(tty.screen()); left != "Which key?\n" {
		t.Errorf("the screen shows %q; written was %q", left, tty.screen())
	}
}

// In the background the last line of the terminal is the shell's.
func TestWaitingInBackground(t *testing.T) {
	t.Parallel()
	w := devWorld(t)
	w = w.with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
	w.AWS.Fail("", ststest.Slow(1500*time.Millisecond), 1)
	cmd := exec.Command("sh", "-mc", "fob exec dev -- true & printf '%s' '$ typed'; wait; echo; echo over")
	cmd.Dir, cmd.Env = w.Home, w.Env
	tty, err := startOnTerminal(cmd, true)
	if err != nil {
		t.Fatal(err)
	}
	if code := exitCode(tty.wait()); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if shown := screenOf(tty.screen()); shown != "$ typed\nover\n" {
		t.Errorf("the screen shows %q; written was %q", shown, tty.screen())
	}
}

// Whatever an export waits for when its time is over, its error is one of fob's, and
// says what that was.
func TestBudgetEnds(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(t *testing.T, w *world)
		says  string
		code  int
	}{
		"mfa_process": {func(t *testing.T, w *world) { w.config(t, "[profile dev]\nmfa_process = sleep 60\n") },
			`the mfa_process of "dev" gave no answer in time (fob export gives up after 1.5s)`, exitNoPerson},
		"credential_process": {func(t *testing.T, w *world) { w.config(t, "[profile other]\ncredential_process = sleep 60\n") },
			`the credential_process of "other" gave no answer in time (fob export gives up after 1.5s)`, exitNoPerson},
		"AWS":         {func(t *testing.T, w *world) { w.AWS.Fail("", ststest.Slow(time.Minute), ststest.Always) }, "no answer in time", exitUnreachable},
		"another fob": {func(t *testing.T, w *world) { t.Cleanup(holdDevice(t, w)) }, "waited too long for another fob", exitStore},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := devWorld(t)
			row.spoil(t, w)
			args := []string{"export", "--profile", "dev"}
			switch name {
			case "mfa_process":
			case "credential_process":
				args[2] = "other"
			default:
				args = append(args, "-t", w.AWS.Code(ststest.DemoSerial))
			}
			r := w.with(testBudget+"=1500ms", testAnswer+"=3s").input("", args...)
			if r.code != row.code || !strings.Contains(r.stderr, row.says) || strings.Contains(r.stderr, "context") || r.problem() != "" {
				t.Errorf("%v, want code %d and %q", r, row.code, row.says)
			}
		})
	}
}
