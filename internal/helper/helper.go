// Package helper runs another program for what it prints: a credential_process
// that is not fob, an mfa_process, a program that asks a person.
//
// The program runs in a session of its own, without our terminal. When the context
// ends, the package kills the program and everything that it started; on Linux and
// Windows the program also dies with us. Its environment and its standard input are what the
// caller gives it, and nothing of ours. Its output counts as a secret until the
// caller has looked at it, so no error quotes it.
package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	// maxOutput is far more than any document of credentials has, in bytes.
	maxOutput = 64 << 10
	// maxWords is how much of a program's standard error we keep, in bytes.
	maxWords = 4 << 10
	// maxPassed is how much of a program's standard error we pass on, in bytes. The
	// SDKs for Java and Ruby read fob's standard error only after fob has exited, so
	// it must not fill a pipe (64 KiB), not even if fob escapes each byte as four.
	maxPassed = 4 << 10
	// grace is how long a program's descendants may keep its pipes open after it
	// has exited.
	grace = time.Second
)

// Program is a program to run.
type Program struct {
	Path    string
	Args    []string // without the program's name
	Environ []string // its whole environment
	Stdin   string   // everything that it reads
	// Stderr gets its standard error; if nil, FailedError has the beginning.
	Stderr io.Writer
	// Terminal keeps the program on our terminal and in our process group, because a
	// program in another group cannot read the terminal. The end of the context then
	// kills the program, but not its descendants.
	Terminal bool
}

// FailedError means that a program failed.
type FailedError struct {
	Problem string // "ended with exit status 1"
	Code    int    // its exit code; -1 if it was killed or not started
	// Words are the beginning of its standard error, up to 4 KiB. They may contain
	// anything, so Error does not quote them.
	Words string
}

func (e *FailedError) Error() string { return e.Problem }

// Output runs a command line as the SDKs do, with sh -c (on Windows cmd /C), and
// returns its standard output. The beginning of its standard error goes to
// stderr. The error is a *FailedError or the context's. On Unix the command inherits the
// files that are lent, from descriptor 3 on.
func Output(ctx context.Context, line string, environ []string, stderr io.Writer, lent ...*os.File) ([]byte, error) {
	cmd := shell(ctx, line)
	cmd.Env, cmd.ExtraFiles = whole(environ), lent
	if stderr != nil {
		cmd.Stderr = &passed{stderr, maxPassed}
	}
	return output(ctx, cmd)
}

// Run runs a program and returns its standard output. The error is a
// *FailedError or the context's.
func Run(ctx context.Context, p Program) ([]byte, error) {
	cmd := command(ctx, p.Path, p.Args, !p.Terminal)
	cmd.Env, cmd.Stdin, cmd.Stderr = whole(p.Environ), strings.NewReader(p.Stdin), p.Stderr
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

// Stream runs a program whose output may be long, and has read read it while it comes. A
// read that ends early, with or without an error, ends the program. The error is read's, a
// *FailedError, which always has the beginning of its standard error, or the context's.
func Stream(ctx context.Context, p Program, read func(io.Reader) error) error {
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	widen(theirs)
	ctx, end := context.WithCancel(ctx)
	defer end()
	cmd := command(ctx, p.Path, p.Args, true)
	words := &capped{limit: maxWords, quiet: true}
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = whole(p.Environ), strings.NewReader(p.Stdin), theirs, words
	if p.Stderr != nil {
		cmd.Stderr = io.MultiWriter(words, p.Stderr)
	}
	cmd.WaitDelay = grace
	ended := make(chan error, 1)
	go func() {
		// The death signal comes when the thread that started the program ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := run(cmd)
		theirs.Close()
		ended <- err
	}()
	problem := read(ours)
	early := false
	if problem == nil {
		_, rest := io.CopyN(io.Discard, ours, 1)
		early = rest == nil
	}
	if problem != nil || early {
		end()
	}
	err = <-ended
	var exit *exec.ExitError
	switch {
	case problem != nil:
		return problem
	case early:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &FailedError{Problem: fmt.Sprintf("ended with %s", exit.ProcessState), Code: exit.ExitCode(), Words: words.text.String()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return &FailedError{Problem: "could not be run", Code: -1}
	}
	return nil
}

// whole returns the environment for exec.Cmd, for which nil means ours.
func whole(environ []string) []string {
	if environ == nil {
		return []string{}
	}
	return environ
}

func output(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	// The death signal comes when the thread that started the program ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.WaitDelay = grace
	out := &capped{limit: maxOutput}
	cmd.Stdout = out
	err := run(cmd)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case out.over:
		return nil, &FailedError{Problem: fmt.Sprintf("printed more than %d KiB", maxOutput>>10), Code: -1}
	case errors.As(err, &exit):
		return nil, &FailedError{Problem: fmt.Sprintf("ended with %s", exit.ProcessState), Code: exit.ExitCode()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // a descendant still has its pipes
		return nil, &FailedError{Problem: "could not be run", Code: -1}
	}
	return out.text.Bytes(), nil
}

// capped keeps up to limit bytes and then fails, so that the program sees a closed
// pipe. If it is quiet, it continues to read and discards the rest.
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

// passed passes on the beginning, and reads and discards the rest.
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
		w.left = 0 // the reader is gone, which is not the program's fault
	}
	return len(p), nil
}
