// Package helper runs another program for what it prints: a credential_process
// that is not fob.
//
// The program gets no standard input, its own process group and an end: at the
// context's, it is killed with whatever it started. What it prints is a secret
// until somebody has looked at it, and is in no error.
package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// maxOutput is far above any document of credentials, in bytes.
const maxOutput = 64 << 10

// grace is how long a killed program's descendants may keep its pipes open.
const grace = time.Second

// FailedError is a program that did not do its work.
type FailedError struct{ Problem string }

func (e *FailedError) Error() string { return e.Problem }

// Output runs a command line as the SDKs do, with sh -c (on Windows cmd /C), and
// returns its standard output. Its standard error goes to stderr. The error is
// a *FailedError or the context's.
func Output(ctx context.Context, line string, environ []string, stderr io.Writer) ([]byte, error) {
	cmd := shell(ctx, line)
	cmd.Env = environ
	cmd.WaitDelay = grace
	out := &capped{}
	cmd.Stdout, cmd.Stderr = out, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, &FailedError{fmt.Sprintf("printed more than %d KiB", maxOutput>>10)}
	case errors.As(err, &exit):
		return nil, &FailedError{fmt.Sprintf("ended with %s", exit.ProcessState)}
	case err != nil:
		return nil, &FailedError{"could not be run"}
	}
	return out.text.Bytes(), nil
}

// capped stops reading where no document would go on: the program sees a closed
// pipe.
type capped struct {
	text bytes.Buffer // not embedded: io.Copy would use its ReadFrom
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.text.Len()+len(p) > maxOutput {
		c.over = true
		return 0, errors.New("too much output")
	}
	return c.text.Write(p)
}
