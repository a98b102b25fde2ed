package keyring

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// What holds for every kind of slot. A new kind adds a row to slotsUnderTest.

type slotUnderTest struct {
	kind string
	// start provides what the slot needs, and sets options that open it without a person.
	start func(t *testing.T) keeper
}

// keeper is the world outside of the store: the passphrase, the desktop's keyring.
type keeper struct {
	options func(*Options)
	// wrong is options of somebody who lacks the secret, and the error he gets.
	wrong   func(*Options)
	isWrong func(error) bool
	// lock makes a person needed.
	lock func(t *testing.T) func(*Options)
	// lose removes what the slot keeps; replace puts another store's in its place.
	lose    func(t *testing.T, s *Store)
	replace func(t *testing.T, s, other *Store)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func slotsUnderTest() []slotUnderTest {
	return append([]slotUnderTest{{kindPassphrase, startPassphrase}}, desktopSlotsUnderTest()...)
}

func startPassphrase(*testing.T) keeper {
	file := func(s *Store) string { return inStore(s, slotsDir(1)+"/passphrase") }
	return keeper{
		options: func(o *Options) { o.Backend = "file" },
		wrong:   func(o *Options) { o.Passphrase = fixed("wrong") },
		isWrong: is[*WrongPassphraseError],
		lock:    func(*testing.T) func(*Options) { return func(o *Options) { o.Passphrase = nil } },
		lose: func(t *testing.T, s *Store) {
			if err := os.Remove(file(s)); err != nil {
				t.Fatal(err)
			}
		},
		replace: func(t *testing.T, s, other *Store) {
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
			k := tt.start(t)
			create := func(t *testing.T) *Store {
				t.Helper()
				s := newStore(t, k.options)
				mustSetKey(t, s, "p", exampleKey)
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
				if m, err := s.recall(); err != nil || m.Slot != tt.kind {
					t.Errorf("remembered %+v, %v", m, err)
				}
				if err := open(s, func(o *Options) { o.Backend = "auto" }); err != nil {
					t.Errorf("auto: %v", err)
				}
				if made, err := again(s).Create(t.Context()); err != nil || !made.Adopted || made.Slot != tt.kind {
					t.Errorf("create again: %+v, %v", made, err)
				}
			})
			t.Run("wrong secret", func(t *testing.T) {
				s := create(t)
				if err := open(s, k.wrong); !k.isWrong(err) {
					t.Errorf("%T %v", err, err)
				}
				if err := open(s); err != nil {
					t.Error(err)
				}
			})
			t.Run("missing", func(t *testing.T) {
				s := create(t)
				k.lose(t, s)
				if err := open(s); !is[*DamagedError](err) && !is[*BackendError](err) {
					t.Errorf("%T %v", err, err)
				}
			})
			t.Run("replaced", func(t *testing.T) {
				s, other := create(t), create(t)
				k.replace(t, s, other)
				if err := open(s); !is[*DamagedError](err) {
					t.Errorf("%T %v", err, err)
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
			t.Run("many at once", func(t *testing.T) {
				o := options(storeDir(t))
				k.options(&o)
				var wg sync.WaitGroup
				for range 6 {
					wg.Go(func() {
						s := New(o)
						if _, err := s.Create(t.Context()); err != nil {
							t.Error(err)
						}
						if _, err := s.SetKey(t.Context(), "p", exampleKey, Info{}); err != nil {
							t.Error(err)
						}
						if err := open(s); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
			})
			t.Run("locked", func(t *testing.T) { // the last, because it stays so
				s := create(t)
				if err := open(s, k.lock(t)); !is[*LockedError](err) {
					t.Errorf("%T %v", err, err)
				}
				o := options(storeDir(t))
				k.options(&o)
				k.lock(t)(&o)
				if _, err := New(o).Create(t.Context()); !is[*LockedError](err) {
					t.Errorf("create: %T %v", err, err)
				}
				if _, err := os.Lstat(o.Dir + "/" + headerFile); err == nil {
					t.Error("a store was made that nobody can open")
				}
			})
		})
	}
}
