package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestVanishedAndExchangedStores(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, s *Store)
	}{
		{"directory gone", func(t *testing.T, s *Store) {
			removeAll(t, s.opts.Dir)
		}},
		{"header gone", func(t *testing.T, s *Store) {
			if err := os.Remove(inStore(s, headerFile)); err != nil {
				t.Fatal(err)
			}
		}},
		{"another store", func(t *testing.T, s *Store) {
			other := newStore(t)
			mustSetKey(t, other, "p", otherKey)
			removeAll(t, s.opts.Dir)
			if err := os.Rename(other.opts.Dir, s.opts.Dir); err != nil {
				t.Fatal(err)
			}
		}},
		{"older generation", func(t *testing.T, s *Store) {
			m, err := s.recall()
			if err != nil {
				t.Fatal(err)
			}
			m.Gen++
			if err := s.remember(m); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			mustSetKey(t, s, "p", exampleKey)
			tt.do(t, s)
			s = again(s)
			_, exists := s.Exists()
			_, create := s.Create(ctx)
			_, _, key := s.Key(ctx, "p")
			_, _, missing := s.Key(ctx, "none")
			_, _, session := s.Session(ctx, "p", "1")
			_, info := s.KeyInfo("p")
			_, infos := s.Infos(KindKey)
			_, set := s.SetKey(ctx, "p", otherKey, Info{Rev: revOf(s, "p")})
			_, sessions := s.RemoveAllSessions()
			for i, err := range []error{exists, create, key, missing, session, info, infos, set, sessions, s.RemoveKey(ctx, "p", revOf(s, "p"))} {
				var trust *TrustError
				if !errors.As(err, &trust) {
					t.Errorf("%d: %v, want *TrustError", i, err)
				}
			}
		})
	}
}

// A store that is made between a look for it and one at the memory is not gone.
func TestMadeMeanwhile(t *testing.T) {
	s := newStore(t)
	looks := 0
	err := s.steady(func() (header, error) {
		if looks++; looks == 1 {
			return header{}, s.trust(header{}, &MissingError{s.opts.Dir})
		}
		h, err := s.header()
		return h, s.trust(h, err)
	})
	if err != nil || looks != 2 {
		t.Errorf("%d looks, %v", looks, err)
	}
}

// Somebody who knows an age recipient can make a store with the same ID and a
// vault key of their own. The fingerprint tells.
func TestFingerprint(t *testing.T) {
	h, k := testHeader()
	_, forged := testHeader()
	public := slot{Name: "yubikey", Kind: "age"}
	secret := slot{Name: "passphrase", Kind: "passphrase"}
	later := h
	later.Gen = 2
	first := memory{}.of("d", h, k, secret)
	for _, tt := range []struct {
		name   string
		m      memory
		h      header
		k      subkeys
		sl     slot
		refuse string
	}{
		{"known", first, h, k, secret, ""},
		{"known, opened in another way", first, h, k, public, ""},
		{"another vault key in the same generation", first, h, forged, secret, "has a different vault key"},
		{"the same, with a public key", first, h, forged, public, "has a different vault key"},
		{"a re-key elsewhere", first, later, forged, secret, ""},
		{"a re-key elsewhere, or a forgery", first, later, forged, public, "does not know, and yubikey cannot prove"},
		{"an older generation", memory{}.of("d", later, k, secret), h, k, secret, "is older"},
		{"another store", memory{Dir: "d", ID: "other", Gen: 1}, h, k, secret, "is not the one"},
		{"the first look", memory{}, h, k, secret, ""},
		{"the first look, or a forgery", memory{}, h, k, public, "is new to this machine, and yubikey cannot prove"},
	} {
		s := New(Options{Dir: "d", StateDir: tempDir(t)})
		s.opts.Dir = "d"
		got, err := s.admit(tt.m, tt.h, tt.k, tt.sl)
		if tt.refuse == "" {
			if want := tt.m.of("d", tt.h, tt.k, tt.sl); err != nil || got != want || got.Fingerprint != tt.k.fingerprint || got.Gen != tt.h.Gen {
				t.Errorf("%s: %+v, %v", tt.name, got, err)
			}
			continue
		}
		if e := wantErr[*TrustError](t, err); !strings.Contains(e.Problem, tt.refuse) {
			t.Errorf("%s: %v", tt.name, e)
		}
		// What this machine made itself is known, if it is a new generation.
		if err := s.rememberMade(tt.h, tt.k); err != nil {
			t.Fatal(err)
		}
		if _, err := s.admit(tt.m, tt.h, tt.k, tt.sl); (err == nil) != (tt.sl.Kind == "age" && tt.m.Gen < tt.h.Gen) {
			t.Errorf("%s, made here: %v", tt.name, err)
		}
	}
}

// The first store that opens is trusted, and then remembered.
func TestLostMemory(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	removeAll(t, s.opts.StateDir)
	s = again(s)
	if _, err := s.KeyInfo("p"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(s.opts.StateDir); err == nil {
		t.Error("remembered without having opened it")
	}
	if _, _, err := s.Key(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if m, err := s.recall(); err != nil || m.Slot != "passphrase" || m.Gen != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestDamagedMemory(t *testing.T) {
	s := newStore(t)
	if err := os.WriteFile(s.opts.StateDir+"/"+s.memoryFile(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Exists()
	wantErr[*DamagedError](t, err)
}

// Items without a header are somebody's, though nobody remembers the store.
func TestCreateDestroysNothing(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	if err := os.Remove(inStore(s, headerFile)); err != nil {
		t.Fatal(err)
	}
	removeAll(t, s.opts.StateDir)
	_, err := again(s).Create(t.Context())
	wantErr[*DamagedError](t, err)
	if _, err := os.Lstat(itemPath(t, s, KindKey, "p")); err != nil {
		t.Error(err)
	}
}

// The leftovers of a creation that was killed before its commit do no harm.
func TestCreateOverLeftovers(t *testing.T) {
	o := options(storeDir(t))
	for _, dir := range []string{slotsDir(1), itemsDir(1)} {
		if err := os.MkdirAll(o.Dir+"/"+dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(o.Dir+"/"+slotsDir(1)+"/passphrase", []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(o)
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustSetKey(t, again(s), "p", exampleKey)
}

func TestLocks(t *testing.T) {
	o := options(storeDir(t))
	s, other := New(o), New(o) // before there is a store
	if state, err := s.LockState("mfa x"); state != nil || err != nil {
		t.Errorf("%q, %v", state, err)
	}
	l, ok, err := s.TryLock("mfa x")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, ok, err := other.TryLock("mfa x"); ok || err != nil {
		t.Errorf("locked twice: %v, %v", ok, err)
	}
	if l2, ok, err := other.TryLock("mfa y"); !ok || err != nil {
		t.Errorf("another lock: %v, %v", ok, err)
	} else {
		l2.Unlock()
	}
	if state, err := s.LockState("mfa x"); state != nil || err != nil {
		t.Errorf("%q, %v", state, err)
	}
	for _, state := range []string{"step 123456789", "x", ""} {
		if err := l.SetState([]byte(state)); err != nil {
			t.Fatal(err)
		}
		if got, err := other.LockState("mfa x"); string(got) != state || err != nil {
			t.Errorf("%q, %v; want %q", got, err, state)
		}
	}
	if err := l.SetState(make([]byte, maxState+1)); err == nil {
		t.Error("too large a state was taken")
	}
	waits, done := make(chan bool, 2), make(chan error, 1)
	var free atomic.Bool
	go func() {
		l, err := other.Lock(t.Context(), "mfa x", func() { waits <- true })
		if err == nil && !free.Load() {
			err = errors.New("it was taken while somebody held it")
		}
		if err == nil {
			err = l.Unlock()
		}
		done <- err
	}()
	<-waits
	time.Sleep(2 * lockPoll) // it tries again, and keeps waiting
	free.Store(true)
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || len(waits) != 0 {
		t.Errorf("%v; said %d times more that it waits", err, len(waits))
	}
	if ok, err := s.Exists(); ok || err != nil {
		t.Errorf("a lock is no store: %v, %v", ok, err)
	}
	if dir, err := s.LocksDir(t.Context()); err != nil || dir != inStore(s, locksDir) {
		t.Errorf("%q, %v", dir, err)
	}
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A machine has one name, and another machine has another one, also with the same store.
func TestMachine(t *testing.T) {
	s := newStore(t)
	name, err := s.Machine()
	if err != nil || len(name) != 26 {
		t.Fatal(name, err)
	}
	if same, err := again(s).Machine(); same != name || err != nil {
		t.Errorf("%q, then %q: %v", name, same, err)
	}
	if other, err := again(s, func(o *Options) { o.StateDir = filepath.Join(tempDir(t), "elsewhere") }).Machine(); other == name || err != nil {
		t.Errorf("another machine is called %q: %v", other, err)
	}
	file := filepath.Join(s.opts.StateDir, "machine")
	for _, text := range []string{"torn", "", strings.Repeat("A", 60)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Machine()
		if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.File != file {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != text {
			t.Errorf("%q became %q: %v", text, now, err)
		}
	}
}

// Processes that ask for the name at once get the same one.
func TestMachineAtOnce(t *testing.T) {
	s := newStore(t)
	names := make([]string, 8)
	var wg sync.WaitGroup
	for i := range names {
		wg.Go(func() {
			name, err := again(s).Machine()
			if err != nil {
				t.Error(err)
			}
			names[i] = name
		})
	}
	wg.Wait()
	if slices.Sort(names); len(slices.Compact(names)) != 1 {
		t.Errorf("%d names", len(slices.Compact(names)))
	}
}
