// Package later makes contexts that begin when somebody first waits on them.
//
// A signal, a deadline or the death of the caller can end a command. Noticing
// these takes handlers, timers and threads, and most commands finish before they
// wait for anything: preparing would take a tenth of their time.
//
// A caller of Done sees the context as if it had begun with the program, with one
// exception: until then the operating system acts by itself (a signal ends the
// process).
package later

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Context returns a context and a function that cancels it. begin makes the
// context when somebody first waits on it; before that, cancelling does nothing.
func Context(begin func() (context.Context, context.CancelFunc)) (context.Context, context.CancelFunc) {
	l := &later{begin: begin}
	return l, func() {
		if b := l.begun.Load(); b != nil {
			b.cancel()
		}
	}
}

type later struct {
	begin func() (context.Context, context.CancelFunc)
	once  sync.Once
	begun atomic.Pointer[begun] // nil until begin has run
}

type begun struct {
	context.Context
	cancel context.CancelFunc
}

func (l *later) get() context.Context {
	l.once.Do(func() {
		ctx, cancel := l.begin()
		l.begun.Store(&begun{ctx, cancel})
	})
	return l.begun.Load().Context
}

// Done begins the context. Every context derived from this one calls Done.
func (l *later) Done() <-chan struct{} { return l.get().Done() }

// Deadline begins the context, too, because only begin knows the deadline.
func (l *later) Deadline() (time.Time, bool) { return l.get().Deadline() }

// Err is nil until the context has begun, because nothing has ended it before.
func (l *later) Err() error {
	if b := l.begun.Load(); b != nil {
		return b.Err()
	}
	return nil
}

// Value holds no values of its own; context.Cause reads the begun context with it.
func (l *later) Value(key any) any {
	if b := l.begun.Load(); b != nil {
		return b.Value(key)
	}
	return nil
}
