package prompt

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// need skips the test where a program is missing, except in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("FOB_TEST_REQUIRE") != "" {
				t.Fatalf("no %s", p)
			}
			t.Skipf("NOT TESTED: no %s", p)
		}
	}
}

// only makes a directory for PATH with one program under another name.
func only(t *testing.T, program, name string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// xvfb starts an X server without a screen, for DISPLAY.
func xvfb(t *testing.T) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// Without -noreset it starts over whenever its last client leaves, such as xdotool,
	// and a window that is just coming up is lost.
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-noreset", "-screen", "0", "1000x600x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // also if the tests time out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb does not start: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// An answer typed into a real window on a real display arrives.
func TestRealWindows(t *testing.T) {
	need(t, "Xvfb", "xdotool", "zenity", "pinentry-gtk-2", "kdialog")
	for _, program := range []string{"zenity", "pinentry-gtk-2", "kdialog"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			display := xvfb(t) // of its own, so that no other window takes the keys
			name, _, _ := strings.Cut(program, "-")
			cmd := child(name, &syscall.SysProcAttr{Setsid: true})
			cmd.Env = append(cmd.Env, "DISPLAY="+display, "WAYLAND_DISPLAY=", "PATH="+only(t, program, name), "GDK_BACKEND=x11", "QT_QPA_PLATFORM=xcb")
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer late.Stop()
			// Its own --sync looks twice a second.
			for len(ended) == 0 && !xdotool(display, "search", "--onlyvisible", "--name", "^fob: MFA code$",
				"windowfocus", "--sync", "type", "--delay", "20", "123456") {
				time.Sleep(20 * time.Millisecond)
			}
			// A new window misses the first key presses.
			for waiting := true; waiting; {
				xdotool(display, "key", "Return")
				select {
				case <-ended:
					waiting = false
				case <-time.After(100 * time.Millisecond):
				}
			}
			if want := "{123456 " + name + "} false <nil>\n"; out.String() != want {
				t.Errorf("%q, want %q; it said %s", out.String(), want, errs.String())
			}
		})
	}
}

func xdotool(display string, args ...string) (ok bool) {
	cmd := exec.Command("timeout", append([]string{"60", "xdotool"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	return cmd.Run() == nil // a key that did not arrive is missing in the answer
}

// atTerminal starts the child with a terminal of its own and no display.
func atTerminal(t *testing.T, program, name string) (screen *os.File, tty *os.File, cmd *exec.Cmd, out *bytes.Buffer) {
	t.Helper()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	cmd = child(name, &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3})
	cmd.ExtraFiles = []*os.File{tty}
	cmd.Env = append(cmd.Env, "DISPLAY=", "WAYLAND_DISPLAY=", "TERM=xterm", "LANG=C.UTF-8", "PATH="+only(t, program, name))
	out = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill(); tty.Close() }) // ends await
	t.Cleanup(func() { late.Stop(); cmd.Process.Kill(); screen.Close(); tty.Close() })
	return screen, tty, cmd, out
}

// await reads the screen until it shows want.
func await(t *testing.T, screen io.Reader, want string) string {
	t.Helper()
	var text []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(text, []byte(want)) {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatalf("%v; the screen shows %q, without %q", err, text, want)
		}
		text = append(text, buf[:n]...)
	}
	return string(text)
}

func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

func TestRealPinentryAtATerminal(t *testing.T) {
	need(t, "pinentry-tty", "pinentry-curses")
	for _, program := range []string{"pinentry-tty", "pinentry-curses"} {
		t.Run(program, func(t *testing.T) {
			screen, tty, cmd, out := atTerminal(t, program, "pinentry")
			text := await(t, screen, "MFA code:") // the prompt, below the question
			lines := strings.ReplaceAll(text, "\r", "")
			if program == "pinentry-tty" && !(strings.Contains(lines, hostileText) && strings.Contains(lines, strings.TrimSpace(refusedText))) {
				t.Errorf("the screen shows %q", text)
			}
			for echoes(t, tty) {
				time.Sleep(time.Millisecond)
			}
			io.WriteString(screen, "123456\r")
			go io.Copy(io.Discard, screen)
			cmd.Wait()
			if want := "{123456 pinentry} false <nil>\n"; out.String() != want {
				t.Errorf("%q, want %q", out.String(), want)
			}
			if !echoes(t, tty) {
				t.Error("the terminal no longer echoes")
			}
		})
	}
}

// fob killed in the middle of a question leaves a terminal that echoes.
func TestRealPinentryIsKilled(t *testing.T) {
	need(t, "pinentry-tty")
	screen, tty, cmd, out := atTerminal(t, "pinentry-tty", "pinentry")
	await(t, screen, "MFA code:")
	for echoes(t, tty) {
		time.Sleep(time.Millisecond)
	}
	go io.Copy(io.Discard, screen)
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if !strings.Contains(out.String(), "terminated") || !echoes(t, tty) {
		t.Errorf("%q; the terminal echoes: %v", out.String(), echoes(t, tty))
	}
}
