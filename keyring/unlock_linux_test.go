package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/creds"
)

// Of many who find the store locked, one asks.
func TestOneAsks(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	if _, err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	together(t, 8, "open", s.opts.Dir, "1h", log)
	if data, _ := os.ReadFile(log); string(data) != "asked\n" {
		t.Errorf("asked: %q", data)
	}
}

// Where no copy is kept everyone asks, one after the other.
func TestAllAskWithoutCopies(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	log := filepath.Join(t.TempDir(), "log")
	together(t, 3, "open", s.opts.Dir, "0s", log)
	if data, _ := os.ReadFile(log); string(data) != "asked\nasked\nasked\n" {
		t.Errorf("asked: %q", data)
	}
}

// While somebody asks a person, who has the passphrase opens the store; who needs a
// person too waits, says for whom, and gives up when its caller does.
func TestWaitForTheAsker(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	if _, err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	asker := again(s, func(o *Options) {
		o.Self = func() Holder { return Holder{PID: 4711, Command: "exec", Terminal: "pts/3"} }
	})
	l, err := asker.askLock(t.Context(), unlockLock, "the passphrase", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	const who = "fob exec (pid 4711, on pts/3): it asks for the passphrase"

	waits := 0
	waiting := make(chan string, 1)
	needy := again(s, (&person{}).instead, func(o *Options) {
		o.Waiting = func(text func() string) func() {
			waits++
			waiting <- text()
			return func() { waits-- }
		}
	})
	late := errors.New("late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, errors.Join(late, context.DeadlineExceeded))
	defer cancel()
	_, _, err = needy.Key(ctx, "p")
	if busy := wantErr[*BusyError](t, err); busy.Error() != "waited too long for "+who || !errors.Is(err, late) {
		t.Error(err)
	}
	if got := <-waiting; got != "waiting for "+who || waits != 0 {
		t.Errorf("%s, and %d waits go on", got, waits)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, _, err := needy.Key(ctx, "p"); done <- err }()
	<-waiting
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || waits != 0 {
		t.Errorf("%v, and %d waits go on", err, waits)
	}
	// Where there is nobody to ask, waiting would not help.
	alone := again(s, (&person{}).instead, func(o *Options) { o.Nobody = func(context.Context) bool { return true } })
	if _, _, err := alone.Key(t.Context(), "p"); err == nil {
		t.Error("opened without a passphrase")
	}
	if _, _, err := s.Key(t.Context(), "p"); err != nil {
		t.Errorf("with the passphrase: %v", err)
	}
}

// A question ends when another process, which needs no person, has opened the store.
func TestOpenedWhileAsking(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	if _, err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	asked := make(chan bool)
	var noticed string
	asker := again(s, func(o *Options) {
		o.Passphrase = nil
		o.Ask = func(ctx context.Context, _ Question) (creds.Secret, error) {
			close(asked)
			<-ctx.Done()
			return creds.Secret{}, ctx.Err()
		}
		o.Notice = func(text string) { noticed = text }
	})
	done := make(chan error)
	go func() { _, _, err := asker.Key(t.Context(), "p"); done <- err }()
	<-asked
	if _, _, err := s.Key(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || noticed != "another fob has opened the store" {
		t.Error(err, noticed)
	}
}
