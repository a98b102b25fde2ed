package keyring

import (
	"reflect"
	"runtime"
	"testing"
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
