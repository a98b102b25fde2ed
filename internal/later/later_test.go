package later

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type key struct{}

func TestBeginsWhenWaitedOn(t *testing.T) {
	var begun atomic.Int32
	gone := errors.New("gone")
	end := context.CancelCauseFunc(nil)
	ctx, cancel := Context(func() (context.Context, context.CancelFunc) {
		begun.Add(1)
		ctx, cancel := context.WithCancelCause(context.Background())
		end = cancel
		return ctx, func() { cancel(nil) }
	})
	if ctx.Err() != nil || ctx.Value(key{}) != nil || context.Cause(ctx) != nil {
		t.Errorf("ended before it began: %v", context.Cause(ctx))
	}
	cancel()
	context.WithoutCancel(ctx).Done()
	context.WithValue(ctx, key{}, 1).Value(key{})
	if n := begun.Load(); n != 0 {
		t.Fatalf("begun %d times before anybody waited", n)
	}

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			<-child.Done()
			if !errors.Is(context.Cause(child), gone) {
				t.Errorf("a child ended for %v", context.Cause(child))
			}
		})
	}
	ctx.Done()
	end(gone)
	all.Wait()
	if ctx.Err() != context.Canceled || context.Cause(ctx) != gone || begun.Load() != 1 {
		t.Errorf("%v for %v, begun %d times", ctx.Err(), context.Cause(ctx), begun.Load())
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := Context(func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), time.Hour)
	})
	if _, ok := ctx.Deadline(); !ok {
		t.Error("no deadline")
	}
	cancel()
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Error("not cancelled")
	}
}
