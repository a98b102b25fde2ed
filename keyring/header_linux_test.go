package keyring

import (
	"os"
	"slices"
	"testing"
	"time"

	"fob/internal/creds"
)

// twoMachines is a synchronized store whose vault key two machines changed at the same
// time: each has a generation 2. The files of there won, and here has its own vault key
// at hand.
func twoMachines(t *testing.T, s *Store) (here, there *Store) {
	t.Helper()
	furnish(t, s)
	copied := storeDir(t)
	if err := os.CopyFS(copied, os.DirFS(s.opts.Dir)); err != nil {
		t.Fatal(err)
	}
	here = again(s)
	there = again(s, func(o *Options) {
		o.Dir, o.StateDir = copied, tempDir(t)
		o.UnlockTTL, o.UnlockKeysTTL = 0, 0 // the kernel's copies are of this machine
	})
	for _, file := range []string{"", "g1", "g1/slots", "g1/items"} {
		if err := os.Chmod(inStore(there, file), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(inStore(there, "g1/slots/passphrase"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{here, there} {
		if _, err := s.NewPassphrase(t.Context(), creds.NewSecret(testPassphrase)); err != nil {
			t.Fatal(err)
		}
	}
	furnished(t, here)
	// The same line, the same slots, another vault key.
	ours, err := here.header()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := there.header()
	if err != nil || string(ours.line) != string(theirs.line) || ours.mark() == theirs.mark() {
		t.Fatalf("%s and %s, %v", ours.line, theirs.line, err)
	}
	removeAll(t, s.opts.Dir)
	if err := os.Rename(there.opts.Dir, s.opts.Dir); err != nil {
		t.Fatal(err)
	}
	return here, again(there, func(o *Options) { o.Dir = s.opts.Dir })
}

// What this process or the kernel has of a vault key is never used with another header:
// what it encrypted would be lost, and what it could not decrypt would look damaged.
func TestSubkeysBelongToOneHeader(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		made func(t *testing.T) *Store
		open func(here *Store) *Store
	}{
		{"this process", func(t *testing.T) *Store { return newStore(t) }, func(here *Store) *Store { return here }},
		{"the kernel", func(t *testing.T) *Store { return kept(t) }, func(here *Store) *Store { return again(here) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			here, there := twoMachines(t, tt.made(t))
			open := func() *Store { return tt.open(here) }
			before := tree(t, here)
			for i, f := range []func(s *Store) error{
				func(s *Store) error { _, _, err := s.Key(ctx, "p"); return err },
				func(s *Store) error { _, err := s.Seed(ctx, serial); return err },
				func(s *Store) error { _, _, err := s.Session(ctx, "p", "1"); return err },
				func(s *Store) error { _, err := s.SetKey(ctx, "q", otherKey, Info{Rev: revOf(s, "q")}); return err },
				func(s *Store) error { return s.SetSeed(ctx, serial, seed) },
				func(s *Store) error {
					return s.SaveSession(ctx, "p", "2", "", exampleSession(time.Now().Add(time.Hour)))
				},
				func(s *Store) error { _, _, err := s.Token(ctx, portal, portalID); return err },
				func(s *Store) error {
					_, err := s.SetToken(ctx, portal, portalID, exampleToken("2", time.Now()), Info{})
					return err
				},
			} {
				if err := f(open()); !is[*TrustError](err) {
					t.Errorf("%d: %T %v", i, err, err)
				}
			}
			if got := tree(t, here); !slices.Equal(got, before) {
				t.Errorf("changed: %q, was %q", got, before)
			}
			if _, err := again(here).Trust(ctx, func(string) error { return nil }); err != nil {
				t.Fatal(err)
			}
			furnished(t, open())
			mustSetKey(t, open(), "q", otherKey)
			if k, _, err := again(there).Key(ctx, "q"); err != nil || !sameKey(k, otherKey) {
				t.Errorf("a key that was stored here does not open there: %v", err)
			}
		})
	}
}

// A slot that is added keeps the vault key: nobody is asked again on this machine.
func TestAddedSlotKeepsCopies(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	if _, err := again(s).AddSlot(t.Context(), foreignRecipient(t)); err != nil {
		t.Fatal(err)
	}
	p := &person{}
	if k, _, err := again(s, p.instead).Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) || len(p.asked) != 0 {
		t.Errorf("%v, asked %v", err, p.asked)
	}
	h, err := s.header()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := dropCopies(copyPrefix+h.ID+":", ""); n != 2 || err != nil {
		t.Errorf("%d copies, %v: those of the header before were left", n, err)
	}
}
