//go:build unix

package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestOutput(t *testing.T) {
	for _, row := range []struct{ line, want, err string }{
		{"echo hello", "hello\n", ""},
		{"cat; echo done", "done\n", ""}, // standard input is at its end
		{"echo $MARK", "set\n", ""},
		{"echo secret; exit 3", "", "ended with exit status 3"},
		{"kill -9 $$", "", "ended with signal: killed"},
		{"/nonexistent/program", "", "ended with exit status 127"},
		{"head -c 70000 /dev/zero", "", "printed more than 64 KiB"},
		{"head -c 1000000 /dev/zero >&2; echo done", "done\n", ""},
	} {
		var stderr bytes.Buffer
		out, err := Output(context.Background(), row.line, []string{"MARK=set", "PATH=" + os.Getenv("PATH")}, &stderr)
		if stderr.Len() > maxPassed {
			t.Errorf("%s: %d bytes of standard error passed on", row.line, stderr.Len())
		}
		var failed *FailedError
		if err == nil && (string(out) != row.want || row.err != "") {
			t.Errorf("%s: %.80q, want %q %s", row.line, out, row.want, row.err)
		}
		if err != nil && (!errors.As(err, &failed) || !strings.Contains(err.Error(), row.err) || row.err == "") {
			t.Errorf("%s: %v, want %q", row.line, err, row.err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || out != nil) {
			t.Errorf("%s: output beside an error: %.80q, %v", row.line, out, err)
		}
	}
}

func TestOutputEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	// The grandchild holds the pipe; it goes with the session.
	_, err := Output(ctx, "sleep 60 & sleep 60", nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
}

// A program succeeds even if a process that it leaves running keeps its pipes.
func TestOutputOfWhatStarted(t *testing.T) {
	out, err := Output(context.Background(), "sleep 5 & echo 123456", nil, nil)
	if string(out) != "123456\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

func TestRun(t *testing.T) {
	sh := func(script string, args ...string) Program {
		return Program{Path: "/bin/sh", Args: append([]string{"-c", script, "sh"}, args...), Stdin: "in"}
	}
	hostile := `$(echo no); "'` + "`x`\n"
	for _, row := range []struct {
		p           Program
		want, words string
		code        int
	}{
		{sh(`printf %s "$1"`, hostile), hostile, "", 0},
		{sh("cat"), "in", "", 0},
		{sh("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; true"), "", "", 0},
		{sh("echo no display >&2; echo secret; exit 7"), "", "no display\n", 7},
		{sh("head -c 9000 /dev/zero >&2; exit 1"), "", string(make([]byte, maxWords)), 1},
		{sh(": </dev/tty"), "", "*", 2}, // ours is not its
		{Program{Path: "/nonexistent"}, "", "", -1},
	} {
		out, err := Run(context.Background(), row.p)
		var failed *FailedError
		if !errors.As(err, &failed) {
			failed = &FailedError{}
		}
		if string(out) != row.want || failed.Code != row.code || failed.Words != row.words && row.words != "*" {
			t.Errorf("%q: %q, %v, code %d, %.40q", row.p.Args, out, err, failed.Code, failed.Words)
		}
	}
}

func TestRunSaysWhatGoesWrong(t *testing.T) {
	var said bytes.Buffer
	_, err := Run(context.Background(), Program{Path: "/bin/sh", Args: []string{"-c", "echo touch it >&2"}, Stderr: &said})
	if err != nil || said.String() != "touch it\n" {
		t.Errorf("%v, %q", err, said.String())
	}
}

func TestExchange(t *testing.T) {
	answer := func(ctx context.Context, script string) (string, error) {
		out, err := Exchange(ctx, Program{Path: "/bin/sh", Args: []string{"-c", script}}, []byte("question"), 20)
		return string(out), err
	}
	for script, want := range map[string]string{
		`q=$(cat <&3); echo no; echo no >&2; echo "$q, answer" >&3`: "question, answer\n",
		`env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= >&3`:              "",
		"exit 1": "",
		"printf 123456789012345678901234567890 >&3": "",
		"printf 12345678901234567890 >&3":           "12345678901234567890",
	} {
		if got, err := answer(t.Context(), script); got != want || err != nil {
			t.Errorf("%s: %q, %v", script, got, err)
		}
	}
	if _, err := Exchange(t.Context(), Program{Path: "/nonexistent"}, nil, 1); err == nil {
		t.Error("a program that does not exist ran")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := answer(ctx, "sleep 60 & sleep 60"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
}

// Stream gives a program's output on while it comes, however much it is, and has the
// program's end.
func TestStream(t *testing.T) {
	sh := func(line string) Program {
		return Program{Path: "/bin/sh", Args: []string{"-c", line}, Environ: []string{"PATH=" + os.Getenv("PATH")}, Stdin: strings.Repeat("x", 100_000)}
	}
	var n int64
	count := func(r io.Reader) (err error) {
		n, err = io.Copy(io.Discard, r)
		return err
	}
	broken := errors.New("broken")
	for _, row := range []struct {
		line string
		read func(io.Reader) error
		n    int64
		err  string
	}{
		{"head -c 5000000 /dev/zero", count, 5_000_000, ""},
		{"cat", count, 100_000, ""},
		{"true", count, 0, ""},
		{"echo words >&2; head -c 1000 /dev/zero; exit 3", count, 1000, "ended with exit status 3 (words)"},
		{"yes", func(r io.Reader) error { _, err := io.ReadFull(r, make([]byte, 10)); return err }, 0, ""},
		{"yes", func(io.Reader) error { return broken }, 0, "broken"},
		{"sleep 60", func(io.Reader) error { return broken }, 0, "broken"},
	} {
		n = 0
		began := time.Now()
		err := Stream(context.Background(), sh(row.line), row.read)
		got := ""
		if failed, ok := errors.AsType[*FailedError](err); ok {
			got = fmt.Sprintf("%v (%s)", failed, strings.TrimSpace(failed.Words))
		} else if err != nil {
			got = err.Error()
		}
		if got != row.err || n != row.n || time.Since(began) > 30*time.Second {
			t.Errorf("%s: %d bytes, %q after %v", row.line, n, got, time.Since(began))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := Stream(ctx, sh("sleep 60 & sleep 60"), count); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
	if err := Stream(context.Background(), Program{Path: "/nonexistent"}, count); err == nil {
		t.Error("a program that does not exist has run")
	}
}
