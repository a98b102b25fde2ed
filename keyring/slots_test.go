package keyring

import (
	"os"
	"reflect"
	"runtime"
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("of a Linux desktop")
	}
	pass, secrets := slot{Name: "passphrase", Kind: "passphrase"}, slot{Name: "secret-service", Kind: "secret-service"}
	future := slot{Name: "telepathy", Kind: "telepathy"}
	for _, tt := range []struct {
		name     string
		slots    []slot
		backend  string
		memory   string
		bus      string
		want     string
		wantType error
	}{
		{"the only one", []slot{pass}, "auto", "", "", "passphrase", nil},
		{"the only usable one", []slot{pass, secrets}, "auto", "", "", "passphrase", nil},
		{"nothing says which", []slot{pass, secrets}, "auto", "", "unix:x", "", &ChoiceError{}},
		{"remembered", []slot{pass, secrets}, "auto", "secret-service", "unix:x", "secret-service", nil},
		{"remembered but not usable now: no falling back", []slot{pass, secrets}, "auto", "secret-service", "", "secret-service", nil},
		{"named", []slot{pass, secrets}, "file", "secret-service", "unix:x", "passphrase", nil},
		{"named and not there", []slot{pass}, "secret-service", "", "unix:x", "", &NoSlotError{}},
		{"remembered and gone", []slot{pass}, "auto", "secret-service", "", "passphrase", nil},
		{"only one of the future", []slot{future}, "auto", "", "", "", &NoSlotError{}},
		{"one of the future beside", []slot{future, pass}, "", "", "", "passphrase", nil},
	} {
		s := New(Options{Dir: "d", Backend: tt.backend, DBusAddress: tt.bus})
		got, err := s.choose(header{Slots: tt.slots}, memory{Slot: tt.memory})
		if got.Name != tt.want || reflect.TypeOf(err) != reflect.TypeOf(tt.wantType) {
			t.Errorf("%s: %q, %v", tt.name, got.Name, err)
		}
	}
}

// With an unlocked copy, a store works for hours without anything that opens it. fob
// stores nothing then that would be lost.
func TestNothingIsStoredWithoutSlot(t *testing.T) {
	ctx := t.Context()
	for name, harm := range map[string]func(file string) error{
		"gone":  os.Remove,
		"empty": func(file string) error { return os.Truncate(file, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			furnish(t, s)
			if err := harm(inStore(s, "g1/slots/passphrase")); err != nil {
				t.Fatal(err)
			}
			_, err := s.SetKey(ctx, "q", otherKey, Info{Rev: revOf(s, "q")})
			if d := wantErr[*DamagedError](t, err); d.File != "g1/slots/passphrase" {
				t.Error(d)
			}
			wantErr[*DamagedError](t, s.SetSeed(ctx, "another", seed))
			furnished(t, s) // what is open stays of use
			if err := s.SaveSession(ctx, "p", "2", "", exampleSession(time.Now().Add(time.Hour))); err != nil {
				t.Error(err)
			}
			mustSetToken(t, s, exampleToken("2", time.Now().Add(time.Hour)))
			if _, err := s.KeyInfo("q"); !is[*NotFoundError](err) {
				t.Errorf("it was stored: %v", err)
			}
		})
	}
	// Another slot is enough.
	s := twoWays(t)
	if err := os.Remove(inStore(s, "g1/slots/passphrase")); err != nil {
		t.Fatal(err)
	}
	mustSetKey(t, s, "q", otherKey)
	if k, _, err := again(s, byAge).Key(ctx, "q"); err != nil || !sameKey(k, otherKey) {
		t.Error(err)
	}
}
