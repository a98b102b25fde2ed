//go:build linux

package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
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
				if row.busy && (!strings.Contains(r.stderr, ", exec, on pts/") || !strings.Contains(r.stderr, "fob: waiting for fob (pid ") || !strings.Contains(r.stderr, "fob: hint: answer it on pts/")) {
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

// A person at a terminal learns that AWS is slow; a program that reads standard
// error does not, unless -v wants it.
func TestSlowAWS(t *testing.T) {
	const says = "fob: waiting for AWS ..."
	for name, args := range map[string][]string{
		"terminal": {"exec", "dev", "--", "true"},
		"quiet":    {"-q", "exec", "dev", "--", "true"},
		"pipe":     {"exec", "dev", "--", "true"},
		"verbose":  {"-v", "exec", "dev", "--", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := devWorld(t)
			w = w.with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
			w.AWS.Fail("", ststest.Slow(1200*time.Millisecond), 1)
			cmd := w.command(args...)
			said := ""
			if name == "terminal" || name == "quiet" {
				tty, err := startOnTerminal(cmd, true)
				if err != nil {
					t.Fatal(err)
				}
				if code := exitCode(tty.wait()); code != 0 {
					t.Errorf("exit code %d", code)
				}
				said = tty.screen()
			} else {
				r := w.input("", args...)
				if r.code != 0 {
					t.Error(r)
				}
				said = r.stderr
			}
			want := 0
			if name == "terminal" || name == "verbose" {
				want = 1
			}
			if n := strings.Count(said, says); n != want {
				t.Errorf("said %d times, want %d: %s", n, want, said)
			}
		})
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
