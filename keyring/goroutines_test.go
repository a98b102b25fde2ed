package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/term"
)

const crowd = 64

// atOnce runs f in many goroutines and returns their errors.
func atOnce(f func(i int) error) []error {
	errs := make([]error, crowd)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range crowd {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// Many goroutines with one Store open it once: with one question, if a person is
// asked, and with one derivation.
func TestManyGoroutines(t *testing.T) {
	made := newStore(t)
	info := mustSetKey(t, made, "p", exampleKey)
	for _, asking := range []bool{false, true} {
		var asked, opened atomic.Int32
		s := again(made, func(o *Options) {
			o.Log = func(format string, _ ...any) {
				if strings.HasPrefix(format, "opening the store") {
					opened.Add(1)
				}
			}
			if asking {
				o.Passphrase = nil
				o.Ask = func(context.Context, Question) (creds.Secret, error) {
					asked.Add(1)
					time.Sleep(20 * time.Millisecond)
					return creds.NewSecret(testPassphrase), nil
				}
			}
		})
		errs := atOnce(func(i int) error {
			id := fmt.Sprint(i % 8)
			switch i % 4 {
			case 0:
				k, _, err := s.Key(t.Context(), "p")
				if err == nil && !sameKey(k, exampleKey) {
					err = errors.New("another key")
				}
				return err
			case 1:
				return s.SaveSession(t.Context(), "p", id, info.Rev, exampleSession(time.Now().Add(time.Hour)))
			case 2:
				var none *NotFoundError
				if _, _, err := s.Session(t.Context(), "p", id); err != nil && !errors.As(err, &none) {
					return err
				}
				return nil
			}
			_, err := s.Infos(KindSession)
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if want := map[bool]int32{true: 1}[asking]; asked.Load() != want || opened.Load() != 1 {
			t.Errorf("asked %d times, opened %d times", asked.Load(), opened.Load())
		}
	}
}

// All goroutines that wait for a question take over its refusal.
func TestManyGoroutinesAreRefusedOnce(t *testing.T) {
	made := newStore(t)
	mustSetKey(t, made, "p", exampleKey)
	var asked, waiting atomic.Int32
	s := again(made, func(o *Options) {
		o.Passphrase = nil
		o.Ask = func(context.Context, Question) (creds.Secret, error) {
			asked.Add(1)
			for waiting.Load() < crowd {
				time.Sleep(time.Millisecond)
			}
			return creds.Secret{}, term.ErrCancelled
		}
	})
	shared := 0
	for _, err := range atOnce(func(int) error {
		ctx := s.WatchRefusals(t.Context())
		waiting.Add(1)
		_, _, err := s.Key(ctx, "p")
		return err
	}) {
		var e *SharedError
		if errors.As(err, &e) && e.Outcome == Cancelled {
			shared++
		} else if !errors.Is(err, term.ErrCancelled) {
			t.Error(err)
		}
	}
	if asked.Load() != 1 || shared != crowd-1 {
		t.Errorf("asked %d times, %d took the refusal over", asked.Load(), shared)
	}
}

// A refusal counts for the calls that waited for it, and not for later calls of
// the same process, however often that has waited before.
func TestRefusalCountsOncePerCall(t *testing.T) {
	made := newStore(t)
	mustSetKey(t, made, "p", exampleKey)
	cancelling := again(made, func(o *Options) {
		o.Passphrase = nil
		o.Ask = func(context.Context, Question) (creds.Secret, error) { return creds.Secret{}, term.ErrCancelled }
	})
	cancel := func() {
		t.Helper()
		if _, _, err := cancelling.Key(t.Context(), "p"); !errors.Is(err, term.ErrCancelled) {
			t.Fatal(err)
		}
	}
	someone := &person{answers: []string{testPassphrase}}
	s := again(made, someone.instead)
	// This call waits, somebody else cancels, and this call is over, too.
	l, err := made.lock(t.Context(), unlockLock, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	logged := make(chan struct{}, 10)
	s.opts.Log = func(format string, _ ...any) {
		if strings.HasPrefix(format, "waiting for another fob") {
			logged <- struct{}{}
		}
	}
	go func() {
		_, _, err := s.Key(t.Context(), "p")
		waited <- err
	}()
	<-logged
	made.shareRefusal(term.ErrCancelled)
	l.Unlock()
	wantErr[*SharedError](t, <-waited)
	// Somebody cancels again. The next call of this process did not wait for that.
	cancel()
	if _, _, err := s.Key(t.Context(), "p"); err != nil || len(someone.asked) != 1 {
		t.Errorf("%v after %d questions", err, len(someone.asked))
	}
	// Work that began before the refusal takes it over.
	s = again(made, (&person{}).instead)
	ctx := s.WatchRefusals(t.Context())
	cancel()
	_, _, err = s.Key(ctx, "p")
	wantErr[*SharedError](t, err)
}

func TestRefusal(t *testing.T) {
	first := Refusal{}.Next(Cancelled, "cancelled", "")
	about := first.Next(Refused, "not authorized", "a")
	for _, tt := range []struct {
		now, seen Refusal
		about     string
		want      bool
	}{
		{Refusal{}, Refusal{}, "a", false},
		{first, first, "a", false},
		{first, Refusal{}, "a", true},
		{about, first, "a", true},
		{about, first, "b", false},
		{about, first, "", false},
		{about.Cleared(), first, "a", false},
		{about.Cleared().Next(Unanswered, "nobody answered in time", ""), first, "b", true},
	} {
		if got := tt.now.Since(tt.seen, tt.about); got != tt.want {
			t.Errorf("%+v since %+v about %q: %v", tt.now, tt.seen, tt.about, got)
		}
	}
}
