package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/keyring/backend"
	"fob/keyring/backend/backendtest"
)

// What holds for every kind of slot. A new kind adds a row to slotsUnderTest.

type slotUnderTest struct {
	kind string
	// start provides what the slot needs, and sets options that open it without a person.
	start func(t testing.TB) fixture
}

// fixture is everything outside the store: the passphrase, the desktop keyring.
type fixture struct {
	options func(*Options)
	// wrong sets the options of somebody without the secret, and isWrong recognizes the
	// error that they get. Nil if everybody who runs fob has the secret.
	wrong   func(*Options)
	isWrong func(error) bool
	// lock makes a person necessary. Nil if that cannot happen.
	lock func(t *testing.T) func(*Options)
	// lose removes the slot's payload; replace puts that of another store there.
	lose    func(t testing.TB, s *Store)
	replace func(t testing.TB, s, other *Store)
	// forge puts a payload where the slot's item would be, as somebody can who may write
	// the owner's files and knows their public keys, and returns what the owner then has
	// to do to find it; may be nil. Nil: the slot is a file of the store.
	forge func(t testing.TB, item, payload string) func(*Options)
	// relogin logs the owner out and in again. Nil: nothing ends then.
	//lint:ignore U1000 a test can do that on Linux only
	relogin func(t testing.TB)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func slotsUnderTest() []slotUnderTest {
	return append([]slotUnderTest{{kindPassphrase, startPassphrase}, {kindAge, startAge}}, desktopSlotsUnderTest()...)
}

// backendFixture is the fixture of a backend.
func backendFixture(kind string, where func(*Options)) fixture {
	do := func(t testing.TB, s *Store, r backend.Request) string {
		t.Helper()
		payload, err := s.inBackend(context.Background(), kind, r)
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	lose := func(t testing.TB, s *Store) {
		for range 2 { // removing it twice is fine
			do(t, s, backend.Request{Op: backend.Remove, Item: itemOf(t, s)})
		}
	}
	return fixture{
		options: func(o *Options) {
			o.Backend, o.Passphrase = kind, nil
			where(o)
		},
		lose: lose,
		replace: func(t testing.TB, s, other *Store) {
			payload := do(t, s, backend.Request{Op: backend.Get, Item: itemOf(t, other)})
			lose(t, s)
			do(t, s, backend.Request{Op: backend.Set, Item: itemOf(t, s), Payload: payload})
		},
	}
}

func itemOf(t testing.TB, s *Store) string {
	t.Helper()
	h, err := s.header()
	if err != nil {
		t.Fatal(err)
	}
	return itemName(h)
}

func startPassphrase(testing.TB) fixture {
	k := fileFixture("passphrase")
	k.options = func(o *Options) { o.Backend = "file" }
	k.wrong, k.isWrong = func(o *Options) { o.Passphrase = fixed("wrong") }, is[*WrongPassphraseError]
	k.lock = func(*testing.T) func(*Options) { return func(o *Options) { o.Passphrase = nil } }
	return k
}

func startAge(t testing.TB) fixture {
	k := fileFixture("age")
	identity, other := identityFile(t), identityFile(t)
	k.options = func(o *Options) { o.Backend, o.Passphrase, o.AgeIdentity = "age", nil, identity }
	k.wrong, k.isWrong = func(o *Options) { o.AgeIdentity = other }, is[*BackendError]
	k.lock = func(*testing.T) func(*Options) { return func(o *Options) { o.AgeIdentity = "" } }
	return k
}

// fileFixture is the fixture of a slot that is a file in the store.
func fileFixture(slot string) fixture {
	file := func(s *Store) string { return inStore(s, slotsDir(1)+"/"+slot) }
	return fixture{
		lose: func(t testing.TB, s *Store) {
			if err := os.Remove(file(s)); err != nil {
				t.Fatal(err)
			}
		},
		replace: func(t testing.TB, s, other *Store) {
			data, err := os.ReadFile(file(other))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file(s), data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range slotsUnderTest() {
		t.Run(tt.kind, func(t *testing.T) {
			if tt.kind == "secret-service" && os.Getenv(againVariable) == "" {
				tryAgain(t)
				return
			}
			conforms(t, tt.kind, tt.start(t))
		})
	}
}

const againVariable = "FOB_TEST_AGAIN"

// tryAgain runs a test in a process of its own, and again with a new daemon if
// the daemon itself has died: gnome-keyring 42 does, once in some thousand calls.
func tryAgain(t *testing.T) {
	t.Helper()
	for try := 1; ; try++ {
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
		cmd.Env = append(os.Environ(), againVariable+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err == nil {
			return
		}
		if try == 5 || !strings.Contains(string(out), backendtest.EndedByItself) {
			t.Fatal(err)
		}
	}
}

func conforms(t *testing.T, kind string, k fixture) {
	create := func(t *testing.T) *Store {
		t.Helper()
		s := newStore(t, k.options)
		mustSetKey(t, s, "p", exampleKey)
		t.Cleanup(func() { tidy(s) })
		return s
	}
	open := func(s *Store, edit ...func(*Options)) error {
		k, _, err := again(s, edit...).Key(t.Context(), "p")
		if err == nil && !sameKey(k, exampleKey) {
			return errors.New("another key")
		}
		return err
	}

	t.Run("create and open", func(t *testing.T) {
		s := create(t)
		if err := open(s); err != nil {
			t.Error(err)
		}
		if m, err := s.recall(); err != nil || m.Slot != kind {
			t.Errorf("remembered %+v, %v", m, err)
		}
		if err := open(s, func(o *Options) { o.Backend = "auto" }); err != nil {
			t.Errorf("auto: %v", err)
		}
		id := storeID(t, s)
		if made, err := again(s).Create(t.Context()); err != nil || storeID(t, s) != id || made.Slot != kind {
			t.Errorf("create again: %+v, %v", made, err)
		}
	})
	t.Run("unlock time", func(t *testing.T) {
		s := create(t)
		var times []time.Duration
		for range 5 {
			began := time.Now()
			if err := open(s); err != nil {
				t.Error(err)
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		t.Logf("%v to %v", times[0], times[len(times)-1])
		if times[len(times)/2] > backend.Deadline/2 {
			t.Errorf("%v: half of the calls would be given up on", times)
		}
	})
	if k.wrong != nil {
		t.Run("wrong secret", func(t *testing.T) {
			s := create(t)
			if err := open(s, k.wrong); !k.isWrong(err) {
				t.Errorf("%T %v", err, err)
			}
			if err := open(s); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		s := create(t)
		k.lose(t, s)
		for range 2 { // the first does not put anything in its place
			if err := open(s); !is[*DamagedError](err) && !is[*LostError](err) {
				t.Errorf("%T %v", err, err)
			}
		}
	})
	t.Run("replaced", func(t *testing.T) {
		s, other := create(t), create(t)
		k.replace(t, s, other)
		for range 2 {
			if err := open(s); !is[*DamagedError](err) {
				t.Errorf("%T %v", err, err)
			}
		}
	})
	t.Run("two stores", func(t *testing.T) {
		a, b := create(t), create(t)
		mustSetKey(t, b, "p", otherKey)
		if k, _, err := again(b).Key(t.Context(), "p"); err != nil || !sameKey(k, otherKey) {
			t.Error(err)
		}
		if err := open(a); err != nil {
			t.Error(err)
		}
	})
	t.Run("two processes", func(t *testing.T) {
		o := options(storeDir(t))
		k.options(&o)
		t.Cleanup(func() { tidy(New(o)) })
		var wg sync.WaitGroup
		for _, profile := range []string{"a", "b"} {
			wg.Go(func() {
				cmd := exec.Command(os.Args[0], o.Dir, o.Backend, o.DBusAddress, profile, o.AgeIdentity)
				cmd.Env = append(os.Environ(), roleVariable+"=conform")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		wg.Wait()
		for _, profile := range []string{"a", "b"} {
			if k, _, err := New(o).Key(t.Context(), profile); err != nil || !sameKey(k, exampleKey) {
				t.Error(profile, err)
			}
		}
	})
	t.Run("50 at once", func(t *testing.T) {
		o := options(storeDir(t))
		k.options(&o)
		t.Cleanup(func() { tidy(New(o)) })
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				s := New(o)
				if _, err := s.Create(t.Context()); err != nil {
					t.Error(err)
					return
				}
				mustSetKeys(t, s, fmt.Sprintf("p%d", i))
			})
		}
		wg.Wait()
		if infos, err := New(o).Infos(KindKey); err != nil || len(infos) != 50 {
			t.Errorf("%d keys, %v", len(infos), err)
		}
	})
	if k.lock == nil {
		return // nobody is ever needed
	}
	t.Run("locked", func(t *testing.T) { // the last, because it stays so
		s := newStore(t, k.options)
		mustSetKey(t, s, "p", exampleKey)
		if err := open(s, k.lock(t)); !is[*LockedError](err) {
			t.Errorf("%T %v", err, err)
		}
		o := options(storeDir(t))
		k.options(&o)
		k.lock(t)(&o)
		if _, err := New(o).Create(t.Context()); !is[*LockedError](err) && !is[*BackendError](err) {
			t.Errorf("create: %T %v", err, err)
		}
		if _, err := os.Lstat(o.Dir + "/" + headerFile); err == nil {
			t.Error("a store was made that nobody can open")
		}
	})
}

// tidy removes the items of a store from keyrings that outlive the test (the
// kernel's, or a developer's own).
func tidy(s *Store) {
	h, err := s.header()
	if err != nil {
		return
	}
	for _, sl := range h.Slots {
		if _, ok := backend.Of(sl.Kind); ok {
			s.inBackend(background(), sl.Kind, backend.Request{Op: backend.Remove, Item: itemName(h)})
		}
	}
}

func mustSetKeys(t testing.TB, s *Store, profile string) {
	if _, err := s.SetKey(t.Context(), profile, exampleKey, Info{Rev: revOf(s, profile)}); err != nil {
		t.Error(err)
	}
}

// roleConform DIR BACKEND BUS PROFILE IDENTITY: create, or adopt, and write a key.
func roleConform(args []string) error {
	o := options(args[0])
	o.Backend, o.DBusAddress, o.Getenv, o.AgeIdentity = args[1], args[2], os.Getenv, args[4]
	if _, err := New(o).Create(background()); err != nil {
		return err
	}
	_, err := New(o).SetKey(background(), args[3], exampleKey, Info{})
	return err
}

// A payload is small enough for every keyring: Windows takes 2,560 bytes.
func TestPayloadIsSmall(t *testing.T) {
	h := newHeader(1 << 30)
	payload := h.payload(strings.Repeat("n", 64), make([]byte, keySize))
	if len(payload) > 1024 {
		t.Errorf("%d bytes", len(payload))
	}
}

// The time from nothing to a key, with the slot's keyring running: the first command
// in a shell takes that long. Passphrases are derived at their real cost.
func BenchmarkOpen(b *testing.B) {
	for _, tt := range slotsUnderTest() {
		b.Run(tt.kind, func(b *testing.B) {
			k := tt.start(b)
			s := newStore(b, k.options, func(o *Options) { o.WorkFactor = 0 })
			b.Cleanup(func() { tidy(s) })
			mustSetKey(b, s, "p", exampleKey)
			for b.Loop() {
				if _, _, err := again(s).Key(b.Context(), "p"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
