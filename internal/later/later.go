// Package later makes contexts that begin when somebody first waits on them.
//
// What ends a command (a signal, its time, the death of whoever asked) takes
// handlers, timers and threads to notice, and most commands are done before they
// wait for anything: a tenth of their time would go into preparing for it.
//
// It promises that whoever calls Done sees the context as if it had begun with
// the program, but for one thing: what the operating system does by itself until
// then (a signal ends the process) has been done.
package later

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Context returns a context that begin makes when it is first waited on, and a
// function that cancels it if it ever was.
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
	begun atomic.Pointer[begun] // nil until then
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

// Done begins. Every context made from this one calls it.
func (l *later) Done() <-chan struct{} { return l.get().Done() }

// Deadline begins, too: only begin knows.
func (l *later) Deadline() (time.Time, bool) { return l.get().Deadline() }

// Err is nil until the context has begun: nothing has ended it.
func (l *later) Err() error {
	if b := l.begun.Load(); b != nil {
		return b.Err()
	}
	return nil
}

// Value has nothing of its own; context.Cause looks through it.
func (l *later) Value(key any) any {
	if b := l.begun.Load(); b != nil {
		return b.Value(key)
	}
	return nil
}
