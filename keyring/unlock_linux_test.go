package keyring

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
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

// A waiter gives up when its caller does.
func TestWaiterIsCancelled(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	if _, err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	l, err := s.lock(t.Context(), unlockLock, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, _, err := s.Key(ctx, "p"); err != context.DeadlineExceeded {
		t.Error(err)
	}
}
