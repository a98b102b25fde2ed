package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// WriteError means that standard output did not take what was printed: a disk is full,
// or the program that read it is gone.
type WriteError struct{ Err error }

func (e *WriteError) Error() string {
	cause := e.Err
	if file, ok := errors.AsType[*fs.PathError](cause); ok {
		cause = file.Err // its path says no more than the next words
	}
	return fmt.Sprintf("cannot write to standard output: %v", cause)
}

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// output writes to a Printer's Out. What prints a line does not look at errors, so the
// first one is kept until the end.
type output struct {
	*Printer
}

// failure is the first error of a stream.
type failure struct {
	mu  sync.Mutex
	err error
}

// Write implements io.Writer.
func (o output) Write(text []byte) (int, error) {
	err := o.write(o.Out, text)
	if err == nil {
		return len(text), nil
	}
	wrapped := &WriteError{err}
	o.failed.mu.Lock()
	defer o.failed.mu.Unlock()
	if o.failed.err == nil {
		o.failed.err = wrapped
	}
	return 0, wrapped
}

// Failed is a *WriteError if something that was printed did not reach standard output.
func (p *Printer) Failed() error {
	p.failed.mu.Lock()
	defer p.failed.mu.Unlock()
	return p.failed.err
}
