//go:build unix

package term

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// The tests run this test binary as a child with a pseudo-terminal as its
// controlling terminal and pipes for stdin, stdout and stderr. childVar tells the
// child what to do, and the child prints the outcome on stdout.
const childVar = "FOB_TERM_TEST_CHILD"

func TestMain(m *testing.M) {
	what := os.Getenv(childVar)
	if what == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each child sleeps for a second at its end
		os.Exit(m.Run())
	}
	os.Exit(child(what))
}

func child(what string) int {
	ctx := context.Background()
	// As main does: if the child reads the end of a closed terminal first, the SIGHUP for it
	// comes after the question, and must not end the child before it has printed the outcome.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	switch what {
	case "shell", "background", "impatient":
		return shell("secret", what)
	case "shell of a menu":
		return shell("pick", what)
	case "deadline":
		c, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		ctx = c
	case "panic":
		defer func() { fmt.Println("recovered", recover()) }()
	case "main-catches-signals":
		// As main does. The terminal's own handling must not undo it.
		c, stop := signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		defer func() {
			syscall.Kill(os.Getpid(), syscall.SIGINT)
			<-c.Done()
			fmt.Println("main still catches SIGINT")
		}()
	}
	t, err := Open()
	if err != nil {
		fmt.Println("open:", class(err))
		return 0
	}
	defer t.Close()
	fmt.Println("answer:", ask(ctx, t, what))
	return 0
}

func ask(ctx context.Context, t *Terminal, what string) string {
	switch what {
	case "confirm":
		yes, err := t.Confirm(ctx, "Replace it?")
		return fmt.Sprint(yes, " ", class(err))
	case "pick, then ask":
		i, err := t.Pick(ctx, testMenu(what))
		s, err2 := t.Ask(ctx, "Name: ")
		return fmt.Sprintf("%d %q %s", i, s, class(errors.Join(err, err2)))
	case "pick", "pick plainly":
		i, err := t.Pick(ctx, testMenu(what))
		return fmt.Sprint(i, " ", class(err))
	case "alone":
		t.Alone = func(_ context.Context, place string) (func(), error) {
			fmt.Println("alone at", strings.TrimRight(place, "0123456789"))
			return func() { fmt.Println("released") }, nil
		}
		s, err := t.Ask(ctx, "Name: ")
		return fmt.Sprintf("%q %s", s, class(err))
	case "not alone":
		t.Alone = func(context.Context, string) (func(), error) { return nil, context.DeadlineExceeded }
		s, err := t.Ask(ctx, "Name: ")
		return fmt.Sprintf("%q %s", s, class(err))
	case "lend":
		return class(t.Lend(ctx, func() error {
			if err := exec.Command("sh", "-c", "stty -echo -icanon </dev/tty").Run(); err != nil {
				return err
			}
			return t.Print(ctx, "lent\n")
		}))
	case "print":
		return class(t.Print(ctx, "one\ntwo \x1b[31m\n"))
	case "page":
		return class(t.Page(ctx, "\x1b[7m picture \x1b[0m\n", "Press Enter to continue. "))
	case "ask":
		s, err := t.Ask(ctx, "Name: ")
		return fmt.Sprintf("%q %s", s, class(err))
	case "hostile":
		s, err := t.Ask(ctx, "Code for \x1b]0;x\a\u202e\r\n: ")
		return fmt.Sprintf("%q %s", s, class(err))
	case "passphrase":
		s, err := t.AskPassphrase(ctx, "Passphrase: ")
		return fmt.Sprintf("%q %s", s.Reveal(), class(err))
	case "two":
		id, err1 := t.Ask(ctx, "ID: ")
		s, err2 := t.AskSecret(ctx, "Secret: ")
		return fmt.Sprintf("%q %q %s %s", id, s.Reveal(), class(err1), class(err2))
	case "panic":
		q, err := t.tty.begin(ctx)
		if err != nil {
			return class(err)
		}
		defer q.end()
		q.write("Secret: ")
		q.next()
		panic("a bug")
	default:
		s, err := t.AskSecret(ctx, "Secret: ")
		return fmt.Sprintf("%q %s", s.Reveal(), class(err))
	}
}

func class(err error) string {
	for _, e := range []error{ErrNone, ErrBackground, ErrCancelled, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, e) {
			return e.Error()
		}
	}
	return fmt.Sprint(err)
}

// shell treats one job as an interactive shell would.
func shell(child, what string) int {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	job := exec.Command(os.Args[0])
	job.Env = append(os.Environ(), childVar+"="+child)
	job.Stdout = os.Stdout
	job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: what != "background", Ctty: int(tty.Fd())}
	if err := job.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	signal.Ignore(syscall.SIGTTOU) // only now: the job would inherit it
	commands := bufio.NewScanner(os.Stdin)
	if what == "impatient" {
		commands.Scan()
		unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSPGRP, unix.Getpgrp())
		fmt.Println("took the terminal")
	}
	for {
		var status unix.WaitStatus
		if _, err := unix.Wait4(job.Process.Pid, &status, unix.WUNTRACED, nil); err == unix.EINTR {
			continue
		} else if err != nil || !status.Stopped() {
			fmt.Println("job ended", status.ExitStatus(), err)
			return 0
		}
		unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSPGRP, unix.Getpgrp())
		fmt.Println("job stopped")
		commands.Scan()
		if commands.Text() == "fg" {
			unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSPGRP, job.Process.Pid)
		}
		unix.Kill(-job.Process.Pid, unix.SIGCONT)
	}
}

// session is a running child.
type session struct {
	t        *testing.T
	cmd      *exec.Cmd
	pty, tty *os.File
	stdin    io.Writer
	stdout   *stream
	screen   *stream
}

// start starts a child. The test does not open the terminal through /dev/tty, so
// the tests need no terminal themselves.
func start(t *testing.T, what string) *session {
	t.Helper()
	p, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, cmd: exec.Command(os.Args[0]), pty: p, tty: tty}
	s.cmd.Env = append(os.Environ(), childVar+"="+what)
	s.cmd.ExtraFiles = []*os.File{tty}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	s.stdin, err = s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(bytes.Buffer)
	s.cmd.Stderr = stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stdout, s.screen = follow(stdout), follow(p)
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		p.Close()
		tty.Close()
		if stderr.Len() > 0 {
			t.Errorf("stderr: %s", stderr)
		}
	})
	return s
}

// stream is the output read so far. Closing enough ends it after the next chunk,
// because a pseudo-terminal stays open while it is read.
type stream struct {
	chunks chan string
	enough chan struct{}
	text   string
}

func follow(r io.Reader) *stream {
	s := &stream{chunks: make(chan string, 1024), enough: make(chan struct{})}
	go func() {
		defer close(s.chunks)
		for {
			b := make([]byte, 1024)
			n, err := r.Read(b)
			if n > 0 {
				s.chunks <- string(b[:n])
			}
			select {
			case <-s.enough:
				return
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// wait waits until the stream holds want, n times.
func (s *stream) wait(t *testing.T, want string, n int) {
	t.Helper()
	timeout := time.After(time.Minute)
	for strings.Count(s.text, want) < n {
		select {
		case c, ok := <-s.chunks:
			if !ok {
				t.Fatalf("got %q, want %q", s.text, want)
			}
			s.text += c
		case <-timeout:
			t.Fatalf("after a minute: got %q, want %q", s.text, want)
		}
	}
}

func (s *session) sees(want string) { s.t.Helper(); s.screen.wait(s.t, want, 1) }

func (s *session) types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// says waits for the child's last output, and checks the mode of its terminal.
func (s *session) says(want string) {
	s.t.Helper()
	s.stdout.wait(s.t, want+"\n", 1)
	s.echoes(true)
}

func (s *session) echoes(want bool) {
	s.t.Helper()
	mode, err := unix.IoctlGetTermios(int(s.tty.Fd()), getMode)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := mode.Lflag&unix.ECHO != 0; got != want {
		s.t.Errorf("the terminal echoes: %v, want %v", got, want)
	}
	if got := mode.Lflag&unix.ICANON != 0; got != want {
		s.t.Errorf("the terminal edits lines: %v, want %v", got, want)
	}
}

func (s *session) shows(not string) {
	s.t.Helper()
	if strings.Contains(s.screen.text, not) {
		s.t.Errorf("the screen shows %q: %q", not, s.screen.text)
	}
}

const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// A page uses the alternate screen, and every end leaves that screen.
func TestPage(t *testing.T) {
	t.Parallel()
	for keys, answer := range map[string]string{"\n": "<nil>", "\x03": "cancelled at the prompt"} {
		s := start(t, "page")
		s.sees("\x1b[?1049h\x1b[H\x1b[2J\x1b[7m picture \x1b[0m\r\nPress Enter to continue. ")
		s.types(keys)
		s.sees("Press Enter to continue. \x1b[?1049l")
		s.says("answer: " + answer)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, prompt, keys, screen, answer string }{
		{"ask", "Name: ", "dew\x7fv\n", "dew\b \bv\r\n", `"dev" <nil>`},
		{"ask", "Name: ", "José\n", "José\r\n", `"José" <nil>`},
		{"ask", "Name: ", "up\x1b[A\n", `up\x1b[A` + "\r\n", `"" the answer contains a special key, such as an arrow key (\x1b)`},
		{"ask", "Name: ", strings.Repeat("x", 5000) + "\n", "x\r\n", `"" the answer is longer than 4096 bytes`},
		{"ask", "Name: ", "\n", "\r\n", `"" <nil>`},
		{"secret", "Secret: ", secret + "\n", "Secret: (hidden, 40 characters)\r\n", `"` + secret + `" <nil>`},
		{"secret", "Secret: ", "\xff\x00\n", "Secret: (hidden, 2 characters)\r\n", `"\xff\x00" <nil>`},
		{"passphrase", "Passphrase: ", "correct horse\n", "Passphrase: \r\n", `"correct horse" <nil>`},
		{"confirm", "Replace it? [y/N] ", "\n", "\r\n", "false <nil>"},
		{"confirm", "Replace it? [y/N] ", "what\nYES\n", "what\r\nType y or n.\r\nReplace it? [y/N] YES\r\n", "true <nil>"},
		{"confirm", "Replace it? [y/N] ", "1\n2\n3\n", "2\r\nType y or n.\r\nReplace it? [y/N] 3\r\nTaken as no.\r\n", "false <nil>"},
		{"confirm", "Replace it? [y/N] ", "\x1b[A\nn\n", `\x1b[A` + "\r\nThe answer contains a special key, such as an arrow key (\\x1b). Try again.\r\nReplace it? [y/N] n\r\n", "false <nil>"},
		{"hostile", `Code for \x1b]0;x\a\u202e\r\n: `, "1\n", "1\r\n", `"1" <nil>`},
		{"print", "two", "", "one\r\ntwo \\x1b[31m\r\n", "<nil>"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := start(t, c.what)
			s.sees(c.prompt)
			s.types(c.keys)
			s.sees(c.screen)
			s.says("answer: " + c.answer)
			if c.what == "secret" || c.what == "passphrase" {
				s.shows(strings.TrimSpace(c.keys))
			}
			s.shows("\x1b")
		})
	}
}

// When two lines are pasted at the first of two questions, the second is not shown.
func TestPasteOfTwoLines(t *testing.T) {
	s := start(t, "two")
	s.sees("ID: ")
	s.types("AKIAIOSFODNN7EXAMPLE\r" + secret + "\r")
	s.sees("ID: AKIAIOSFODNN7EXAMPLE\r\nSecret: (hidden, 40 characters)\r\n")
	s.says(fmt.Sprintf("answer: %q %q <nil> <nil>", "AKIAIOSFODNN7EXAMPLE", secret))
	s.shows(secret)
}

// Alone is held from before the prompt until after the answer.
func TestAlone(t *testing.T) {
	s := start(t, "alone")
	s.sees("Name: ")
	s.types("dev\r")
	s.says("alone at terminal-\nreleased\nanswer: \"dev\" <nil>")

	s = start(t, "not alone")
	s.says(`answer: "" context deadline exceeded`)
	s.shows("Name")
}

// A killed program would leave the terminal without echo.
func TestLend(t *testing.T) {
	s := start(t, "lend")
	s.sees("lent")
	s.says("answer: <nil>")
}

func TestEchoIsOffAtThePrompt(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"secret", "passphrase", "ask"} {
		s := start(t, what)
		s.sees(": ")
		s.echoes(false)
	}
}

func TestEndings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, what string
		do         func(s *session)
		answer     string
	}{
		{"Ctrl-C", "secret", func(s *session) { s.types("abc\x03") }, `answer: "" cancelled at the prompt`},
		{"Ctrl-D", "secret", func(s *session) { s.types("\x04") }, `answer: "" cancelled at the prompt`},
		{"Ctrl-\\", "secret", func(s *session) { s.types("\x1c") }, `answer: "" cancelled at the prompt`},
		{"SIGTERM", "secret", func(s *session) { s.cmd.Process.Signal(syscall.SIGTERM) }, `answer: "" cancelled at the prompt`},
		{"SIGHUP", "secret", func(s *session) { s.cmd.Process.Signal(syscall.SIGHUP) }, `answer: "" cancelled at the prompt`},
		{"deadline", "deadline", func(s *session) {}, `answer: "" context deadline exceeded`},
		{"panic", "panic", func(s *session) { s.types("x") }, "recovered a bug"},
		{"Ctrl-C again, main's", "main-catches-signals", func(s *session) { s.types("\n") }, "main still catches SIGINT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.what)
			s.sees("Secret: ")
			c.do(s)
			s.says(c.answer)
		})
	}
}

// A closed terminal ends a question like Ctrl-C, with or without a SIGHUP.
func TestHangup(t *testing.T) {
	s := start(t, "ask")
	s.sees("Name: ")
	close(s.screen.enough)
	s.types("x")
	for range s.screen.chunks {
	}
	s.tty.Close()
	s.pty.Close()
	s.stdout.wait(t, `answer: "" cancelled at the prompt`, 1)
}

// Ctrl-S stops the output; the question must still end with its context.
func TestStoppedOutput(t *testing.T) {
	s := start(t, "deadline")
	s.sees("Secret: ")
	s.types("\x13")
	s.says(`answer: "" context deadline exceeded`)
}

func TestNoTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=secret")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if want := "open: no controlling terminal\n"; string(out) != want || err != nil {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

func TestBackground(t *testing.T) {
	s := start(t, "background")
	s.says("open: running in the background\njob ended 0 <nil>")
	s.shows("Secret")
}

func TestStopAndContinue(t *testing.T) {
	s := start(t, "shell")
	s.sees("Secret: ")
	s.types("abc")
	for n := 1; n <= 2; n++ {
		s.types("\x1a")
		s.stdout.wait(t, "job stopped\n", n)
		s.echoes(true)
		io.WriteString(s.stdin, "fg\n")
		s.screen.wait(t, "Secret: ", n+1)
		s.echoes(false)
	}
	s.types("def\n")
	s.says("answer: \"abcdef\" <nil>\njob ended 0 <nil>")
	s.shows("abc")
}

func TestStopAndContinueInBackground(t *testing.T) {
	s := start(t, "shell")
	s.sees("Secret: ")
	s.types("\x1a")
	s.stdout.wait(t, "job stopped\n", 1)
	io.WriteString(s.stdin, "bg\n")
	s.says("answer: \"\" running in the background\njob ended 0 <nil>")
}

// SIGSTOP cannot be caught, and shells set their own mode when a job stops.
func TestModeIsSetAgainAfterSIGSTOP(t *testing.T) {
	s := start(t, "secret")
	before, err := unix.IoctlGetTermios(int(s.tty.Fd()), getMode)
	if err != nil {
		t.Fatal(err)
	}
	s.sees("Secret: ")
	s.cmd.Process.Signal(syscall.SIGSTOP)
	var status unix.WaitStatus
	unix.Wait4(s.cmd.Process.Pid, &status, unix.WUNTRACED, nil)
	before.Lflag |= unix.ECHO | unix.ICANON
	if err := unix.IoctlSetTermios(int(s.tty.Fd()), setMode, before); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGCONT)
	s.screen.wait(t, "Secret: ", 2)
	s.echoes(false)
	s.types("abc\n")
	s.says(`answer: "abc" <nil>`)
	s.shows("abc")
}

// A shell whose job's first process died takes the terminal back from the rest.
func TestTerminalIsTakenAway(t *testing.T) {
	s := start(t, "impatient")
	s.sees("Secret: ")
	io.WriteString(s.stdin, "take it\n")
	s.stdout.wait(t, "took the terminal\n", 1)
	s.types("x")
	s.says("answer: \"\" running in the background\njob ended 0 <nil>")
}

// The mode of a shell that took the terminal back is left alone.
func TestForeignModeIsLeftAlone(t *testing.T) {
	s := start(t, "secret")
	s.sees("Secret: ")
	mode, err := unix.IoctlGetTermios(int(s.tty.Fd()), getMode)
	if err != nil {
		t.Fatal(err)
	}
	mode.Iflag &^= unix.ICRNL
	if err := unix.IoctlSetTermios(int(s.tty.Fd()), setMode, mode); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.stdout.wait(t, "cancelled at the prompt\n", 1)
	s.echoes(false)
}

// Ctrl-Z in a group without a shell does not stop the process, and the question
// continues.
func TestCtrlZWithoutShell(t *testing.T) {
	t.Parallel()
	s := start(t, "secret")
	s.sees("Secret: ")
	s.types("\x1a")
	s.screen.wait(t, "Secret: ", 2)
	s.echoes(false)
	s.types("abc\n")
	s.says(`answer: "abc" <nil>`)
	s.shows("abc")
}
