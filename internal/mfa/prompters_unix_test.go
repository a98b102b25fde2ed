//go:build unix

package mfa

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"fob/internal/term"

	"github.com/creack/pty"
)

const childVar = "FOB_MFA_TEST_CHILD"

// TestMain is also the child of the tests below: it asks for a code.
func TestMain(m *testing.M) {
	if os.Getenv(childVar) == "" {
		os.Exit(m.Run())
	}
	r := request
	r.Refused = "wrong code"
	l := &Ladder{Prompters: Prompters(nowhere)}
	a, err := l.Code(context.Background(), r)
	fmt.Println(a, errors.Is(err, term.ErrNone), err)
}

func child(attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=1")
	cmd.SysProcAttr = attr
	return cmd
}

func TestTerminal(t *testing.T) {
	p, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cmd := child(&syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3})
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
	const prompt = "MFA code for dev (arn:aws:iam::111111111111:mfa/jo), for terraform: "
	see("the last code was refused: wrong code\r\n" + prompt)
	io.WriteString(p, "12\x1b34\n")
	see(`12\x1b34` + "\r\nthe answer holds a control character (\\x1b)\r\n" + prompt)
	io.WriteString(p, "123 456\n")
	see("123 456\r\n")
	out, err := io.ReadAll(stdout)
	if want := "{123456 0 tty} false <nil>\n"; string(out) != want || err != nil {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

func TestNoTerminal(t *testing.T) {
	out, err := child(&syscall.SysProcAttr{Setsid: true}).CombinedOutput()
	if !strings.HasPrefix(string(out), "{ 0 } true ") || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}
