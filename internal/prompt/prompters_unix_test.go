//go:build unix

package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"fob/internal/creds"
	"fob/internal/term"

	"github.com/creack/pty"
)

const childVar = "FOB_PROMPT_TEST_CHILD"

// TestMain is also the child of the tests below, which asks a question with the
// prompter that the variable names. The tests run without a terminal, because
// prompters would find the developer's.
func TestMain(m *testing.M) {
	name := os.Getenv(childVar)
	if name == "" {
		if ttyReady() == nil {
			cmd := exec.Command(os.Args[0], os.Args[1:]...)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if cmd.Run() != nil {
				os.Exit(1)
			}
			os.Exit(0)
		}
		os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each child sleeps for a second at its end
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	here := World{System: runtime.GOOS, Getenv: os.Getenv, LookPath: exec.LookPath, Environ: os.Environ, Stderr: os.Stderr}
	q := hostile
	q.Problem = strings.TrimSpace(refusedText)
	if name == "tty" {
		here, q = nowhere, question
		q.Problem = "wrong code"
	}
	var answer string
	from, err := Ask(ctx, []Prompter{prompterOf(here, name)}, q, func(a creds.Secret) error {
		answer = a.Reveal()
		return nil
	})
	fmt.Printf("{%s %s} %v %v\n", answer, from, errors.Is(err, term.ErrNone), err)
}

func child(prompter string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+prompter)
	cmd.SysProcAttr = attr
	return cmd
}

func TestTerminal(t *testing.T) {
	p, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cmd := child("tty", &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3})
	cmd.ExtraFiles = []*os.File{tty}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	tty.Close()

	screen := bufio.NewReader(p)
	see := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(screen, got); err != nil || string(got) != want {
			t.Fatalf("the screen shows %q, %v; want %q", got, err, want)
		}
	}
	const prompt = "MFA code for dev (arn:aws:iam::111111111111:mfa/jo, for terraform): "
	see("wrong code\r\n" + prompt)
	io.WriteString(p, "12\x1b34\n")
	see(`12\x1b34` + "\r\nthe answer contains a special key, such as an arrow key (\\x1b)\r\n" + prompt)
	io.WriteString(p, "123 456\n")
	see("123 456\r\n")
	out, err := io.ReadAll(stdout)
	if want := "{123 456 tty} false <nil>\n"; string(out) != want || err != nil {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

func TestNoTerminal(t *testing.T) {
	out, err := child("tty", &syscall.SysProcAttr{Setsid: true}).CombinedOutput()
	if !strings.HasPrefix(string(out), "{ } true ") || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}
