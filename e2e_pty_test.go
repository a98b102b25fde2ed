//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"

	"fob/internal/ststest"
)

// The test binary called as pty or tty plays a person at a terminal:
//
//	pty DIALOGUE COMMAND...   the terminal is the command's stdin, stdout and stderr
//	tty DIALOGUE COMMAND...   it is the controlling terminal only
//
// A line of the dialogue is "TEXT => ANSWER": when TEXT is on the screen, type
// ANSWER and Enter. An ANSWER that begins with ^ is that control key alone.
// $CODE is a code that the fake AWS accepts at that moment, $PASTED what the page shows
// whose address was the last on the screen; other variables are the environment's. Lines
// without => only wait. The contents of the screen go to the file screen. The exit code is
// the command's.
func terminalMain(args []string) int {
	name := filepath.Base(args[0])
	dialogue, err := os.ReadFile(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	cmd := exec.Command(args[2], args[3:]...)
	t, err := startOnTerminal(cmd, name == "pty")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	problem := t.talk(string(dialogue))
	if problem != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	code := exitCode(t.wait())
	if err := os.WriteFile("screen", []byte(waited.ReplaceAllString(t.screen(), "")), 0o600); err != nil {
		problem = err
	}
	if problem != nil {
		fmt.Fprintf(os.Stderr, "%s: %v; the screen:\n%s\n", name, problem, t.screen())
		return 124 // like timeout(1)
	}
	return code
}

// longestWait is how long a text may take to appear on a loaded machine.
const longestWait = time.Minute

// A terminal runs a command.
type terminal struct {
	cmd    *exec.Cmd
	master *os.File
	ended  chan struct{} // closed when no more output will come

	mu    sync.Mutex
	shown bytes.Buffer
	seen  int // how much of it the dialogue has consumed
}

// startOnTerminal starts a command as the leader of a session with a new terminal. If
// everything is true, its standard streams are the terminal, otherwise ours.
func startOnTerminal(cmd *exec.Cmd, everything bool) (*terminal, error) {
	master, tty, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	cmd.ExtraFiles = []*os.File{tty}
	if everything {
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = tty, tty, tty, nil
		cmd.SysProcAttr.Ctty = 0
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &terminal{cmd: cmd, master: master, ended: make(chan struct{})}
	go t.watch()
	return t, nil
}

func (t *terminal) watch() {
	defer close(t.ended)
	buf := make([]byte, 4096)
	for {
		n, err := t.master.Read(buf)
		t.mu.Lock()
		t.shown.Write(buf[:n])
		t.mu.Unlock()
		if err != nil {
			return // EIO: no process has the other end open
		}
	}
}

func (t *terminal) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(t.shown.String(), "\r\n", "\n")
}

// waited is a line that said what fob waited for and is gone again, as on a busy machine.
var waited = regexp.MustCompile(`\r?fob: [^\r\n]+\.\.\.\r +\r`)

func (t *terminal) talk(dialogue string) error {
	for line := range strings.Lines(dialogue) {
		line = strings.TrimSuffix(line, "\n")
		text, answer, answered := strings.Cut(line, " =>")
		if line == "" {
			continue
		}
		if err := t.await(text); err != nil {
			return err
		}
		if !answered {
			continue
		}
		if err := t.answer(strings.TrimPrefix(answer, " ")); err != nil {
			return err
		}
	}
	return nil
}

// await waits for a text that the dialogue has not consumed yet.
func (t *terminal) await(text string) error {
	text = os.Expand(text, os.Getenv)
	for deadline := time.Now().Add(longestWait); ; time.Sleep(5 * time.Millisecond) {
		ended := false
		select {
		case <-t.ended:
			ended = true
		default:
		}
		t.mu.Lock()
		i := bytes.Index(t.shown.Bytes()[t.seen:], []byte(text))
		if i >= 0 {
			t.seen += i + len(text)
		}
		t.mu.Unlock()
		switch {
		case i >= 0:
			return nil
		case ended:
			return fmt.Errorf("ended without %q", text)
		case time.Now().After(deadline):
			return fmt.Errorf("no %q after %v", text, longestWait)
		}
	}
}

// pastedCode opens the last address on a screen, as a person does on another computer, and
// returns what the page shows in the end.
func pastedCode(screen string) (string, error) {
	addresses := regexp.MustCompile(`https?://\S+`).FindAllString(screen, -1)
	if len(addresses) == 0 {
		return "", errors.New("no address on the screen")
	}
	page, err := ststest.Browse(context.Background(), addresses[len(addresses)-1])
	return regexp.MustCompile(`[A-Za-z0-9+/=]{40,}`).FindString(page), err
}

func (t *terminal) answer(answer string) error {
	if key, ok := strings.CutPrefix(answer, "^"); ok {
		_, err := t.master.Write([]byte{key[0] & 0x1f})
		return err
	}
	var problem error
	answer = os.Expand(answer, func(name string) string {
		var value string
		switch name {
		case "CODE":
			value, problem = acceptedCode()
		case "PASTED":
			value, problem = pastedCode(t.screen())
		default:
			value = os.Getenv(name)
		}
		return value
	})
	if problem != nil {
		return problem
	}
	_, err := io.WriteString(t.master, answer+"\r")
	return err
}

// acceptedCode asks the fake AWS for a code of the demo user's device.
func acceptedCode() (string, error) {
	order := fmt.Sprintf(`{"op":"code","serial":%q}`, ststest.DemoSerial)
	res, err := http.Post(os.Getenv("FAKE_AWS")+"/_control", "application/json", strings.NewReader(order))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var reply struct{ Code string }
	err = json.NewDecoder(res.Body).Decode(&reply)
	return reply.Code, err
}

// wait waits for the command and for its output.
func (t *terminal) wait() error {
	kill := time.AfterFunc(longestWait, func() { syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL) })
	defer kill.Stop()
	err := t.cmd.Wait()
	select {
	case <-t.ended:
	case <-time.After(time.Second): // something in the background has the terminal open
	}
	t.master.Close()
	return err
}
