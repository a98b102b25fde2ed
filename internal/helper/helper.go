// Package helper runs another program for what it prints: a credential_process
// that is not fob, an mfa_process, a program that asks a person.
//
// The program gets a session of its own, without our terminal, and an end: when
// the context ends it is killed with whatever it started, and on Linux it also
// dies with us. It finds in its environment and on its standard input what it is
// given, and nothing of ours. What it prints is a secret until somebody has
// looked at it, and is in no error.
package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	// maxOutput is far above any document of credentials, in bytes.
	maxOutput = 64 << 10
	// maxWords is how much of a program's standard error is kept, in bytes.
	maxWords = 4 << 10
	// maxPassed is how much of it is passed on, in bytes: the SDKs for Java and
	// Ruby read fob's own when it has ended, so it must not fill a pipe (64 KiB),
	// not even when every byte is spelled out for a terminal, in four.
	maxPassed = 4 << 10
	// grace is how long a program's descendants may keep its pipes open after it
	// has ended.
	grace = time.Second
)

// Program is a program to run.
type Program struct {
	Path    string
	Args    []string // without the program's name
	Environ []string // all of its environment
	Stdin   string   // all that it reads
	// Stderr gets its standard error; nil to keep the beginning for FailedError.
	Stderr io.Writer
	// Terminal leaves it our terminal and our process group, because a program in
	// another group cannot read the terminal. Then it is killed without its
	// descendants.
	Terminal bool
}

// FailedError is a program that did not do its work.
type FailedError struct {
	Problem string // "ended with exit status 1"
	Code    int    // its exit code; -1 if it was killed or not started
	// Words are the beginning of its standard error, up to 4 KiB. They may hold
	// anything, and are in no message for that.
	Words string
}

func (e *FailedError) Error() string { return e.Problem }

// Output runs a command line as the SDKs do, with sh -c (on Windows cmd /C), and
// returns its standard output. The beginning of its standard error goes to
// stderr. The error is a *FailedError or the context's.
func Output(ctx context.Context, line string, environ []string, stderr io.Writer) ([]byte, error) {
	cmd := shell(ctx, line)
	cmd.Env = environ
	if stderr != nil {
		cmd.Stderr = &passed{stderr, maxPassed}
	}
	return output(ctx, cmd)
}

// Run runs a program and returns its standard output. The error is a
// *FailedError or the context's.
func Run(ctx context.Context, p Program) ([]byte, error) {
	cmd := command(ctx, p.Path, p.Args, !p.Terminal)
	cmd.Env, cmd.Stdin, cmd.Stderr = p.Environ, strings.NewReader(p.Stdin), p.Stderr
	var words *capped
	if p.Stderr == nil {
		words = &capped{limit: maxWords, quiet: true}
		cmd.Stderr = words
	}
	out, err := output(ctx, cmd)
	var failed *FailedError
	if words != nil && errors.As(err, &failed) {
		failed.Words = words.text.String()
	}
	return out, err
}

func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	// Its death signal is tied to the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be ours
	}
	cmd.WaitDelay = grace
	out := &capped{limit: maxOutput}
	cmd.Stdout = out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, &FailedError{Problem: fmt.Sprintf("printed more than %d KiB", maxOutput>>10), Code: -1}
	case errors.As(err, &exit):
		return nil, &FailedError{Problem: fmt.Sprintf("ended with %s", exit.ProcessState), Code: exit.ExitCode()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // something it left running has its pipes
		return nil, &FailedError{Problem: "could not be run", Code: -1}
	}
	return out.text.Bytes(), nil
}

// capped stops reading where no document would go on: the program sees a closed
// pipe. A quiet one goes on reading, and keeps no more.
type capped struct {
	text  bytes.Buffer // not embedded: io.Copy would use its ReadFrom
	limit int
	quiet bool
	over  bool
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - c.text.Len()
	switch {
	case len(p) <= room:
		return c.text.Write(p)
	case c.quiet:
		c.text.Write(p[:room])
		return len(p), nil
	}
	c.over = true
	return 0, errors.New("too much output")
}

// passed goes on reading, too, and passes on the beginning.
type passed struct {
	to   io.Writer
	left int
}

func (w *passed) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n == 0 {
		return len(p), nil
	}
	if _, err := w.to.Write(p[:n]); err != nil {
		w.left = 0 // nobody hears them: that is not the program's fault
	}
	return len(p), nil
}
