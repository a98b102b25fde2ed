package ui

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/plan"
	"fob/internal/term"
)

// patience is how long a wait may take before the user is told what fob waits for.
const patience = time.Second

// waits are what fob waits for, and the line on the terminal that says so. The line is
// erased with blanks: any terminal takes these.
type waits struct {
	mu  sync.Mutex
	all []*wait // the oldest first
	// suspended counts who has the terminal: a question, or a program.
	suspended int
	// partial is the stream whose last line has no end yet; nil for none.
	partial io.Writer
	shown   string // the line that is on the screen
}

type wait struct {
	text func() string
	// end is when a wait ends whose text changes every second; zero for other waits.
	end   time.Time
	timer *time.Timer
	line  string // "" before it is due
}

// Waiting says on standard error what fob waits for, if done is not called within a
// second: "waiting for AWS ...". On a terminal it is one line, which is gone while
// anything else is written and when done is called. Into a log, or to a program that
// reads standard error, it says nothing, but with Verbose a line like any other.
func (p *Printer) Waiting(format string, args ...any) (done func()) {
	return p.WaitingFor(func() string { return fmt.Sprintf(format, args...) })
}

// WaitingFor is Waiting with a text that is made when it is needed, by another
// goroutine.
func (p *Printer) WaitingFor(text func() string) (done func()) {
	return p.begin(&wait{text: text})
}

// Countdown waits until d has passed, and says so like Waiting: what is "the next MFA
// code". It returns the context's error.
func (p *Printer) Countdown(ctx context.Context, d time.Duration, what string) error {
	end := time.Now().Add(d)
	left := func() string {
		return fmt.Sprintf("waiting for %s: %s", what, plan.Duration((time.Until(end) + time.Second - 1).Truncate(time.Second)))
	}
	defer p.begin(&wait{text: left, end: end})()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Suspend takes the line off the terminal until resume, for somebody who asks there.
func (p *Printer) Suspend() (resume func()) {
	w := &p.waits
	change := func(by int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.suspended += by
		p.show()
	}
	change(1)
	return func() { change(-1) }
}

func (p *Printer) begin(one *wait) (done func()) {
	if p.Quiet {
		return func() {}
	}
	w := &p.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	one.timer = time.AfterFunc(cmp.Or(p.Patience, patience), func() { p.due(one) })
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		one.timer.Stop()
		w.all = slices.DeleteFunc(w.all, func(other *wait) bool { return other == one })
		p.show()
	}
}

// due is called when a wait has taken long, and again whenever its text changes.
func (p *Printer) due(one *wait) {
	line := one.text()
	w := &p.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !slices.Contains(w.all, one):
	case p.Verbose:
		fmt.Fprintf(p.Err, "fob: %s\n", safe(line))
	default:
		one.line = line
		p.show()
		if left := time.Until(one.end); left > 0 {
			one.timer.Reset((left-1)%time.Second + 1)
		}
	}
}

// write writes all that a Printer writes: the line makes way for it.
func (p *Printer) write(stream io.Writer, text []byte) error {
	w := &p.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	w.suspended++
	p.show()
	_, err := stream.Write(text)
	w.partial = nil
	if len(text) > 0 && text[len(text)-1] != '\n' {
		w.partial = stream
	}
	w.suspended--
	p.show()
	return err
}

// show brings the screen up to date: the line is that of the youngest wait that is due.
func (p *Printer) show() {
	w := &p.waits
	text := ""
	for _, one := range w.all {
		if w.suspended == 0 {
			text = cmp.Or(one.line, text)
		}
	}
	if text == "" && w.shown == "" {
		return // nearly always, and then it takes no system call
	}
	f, ok := p.Err.(*os.File)
	if !ok || !term.Foreground(f) {
		w.shown = "" // if it was there, a shell has written over it
		return
	}
	// There is room left for ^C, which the terminal shows when somebody types it.
	const room = len("^C") + 1
	columns, line := cmp.Or(term.Columns(f), 80), ""
	if partial, ok := w.partial.(*os.File); text != "" && !(ok && term.IsTerminal(partial)) {
		line = term.Cut("fob: "+safe(text), columns-room)
	}
	if line == w.shown {
		return
	}
	if w.shown != "" {
		blanks := min(term.Width(w.shown)+room, columns) - 1
		fmt.Fprintf(f, "\r%s", strings.Repeat(" ", max(blanks, 0)))
	}
	fmt.Fprintf(f, "\r%s", line)
	w.shown = line
}

// Foreign is where the messages of a program go that fob runs: to standard error, like
// fob's own.
func (p *Printer) Foreign() io.Writer { return term.Foreign(foreign{p}) }

type foreign struct{ *Printer }

// Write implements io.Writer.
func (f foreign) Write(text []byte) (int, error) {
	if err := f.write(f.Err, text); err != nil {
		return 0, err
	}
	return len(text), nil
}
