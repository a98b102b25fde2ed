package keyring

import (
	"testing"

	"fob/internal/creds"
	"fob/keyring/backend"
)

// The table of first slots.
func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		where string
		facts facts
		want  choice
	}{
		{"a passphrase in a variable", facts{system: "linux", given: true, display: true, secrets: backend.BusUnlocked}, choice{"passphrase", ""}},
		{"macOS", facts{system: "darwin", keychain: true}, choice{"keychain", "this is macOS"}},
		{"macOS, built without cgo", facts{system: "darwin"}, choice{"passphrase", "no desktop keyring here"}},
		{"macOS over SSH", facts{system: "darwin", keychain: true, Place: Place{SSH: true}}, choice{"passphrase", "desktop keyrings do not answer over SSH"}},
		{"Windows", facts{system: "windows"}, choice{"wincred", "this is Windows"}},
		{"Windows over SSH", facts{system: "windows", Place: Place{SSH: true}}, choice{"passphrase", "desktop keyrings do not answer over SSH"}},
		{"FreeBSD", facts{system: "freebsd", display: true}, choice{"passphrase", "no desktop keyring here"}},
		{"desktop, unlocked", facts{system: "linux", display: true, secrets: backend.BusUnlocked}, choice{"secret-service", "it is unlocked"}},
		{"desktop, locked", facts{system: "linux", display: true, secrets: backend.BusLocked}, choice{"secret-service", "it is available"}},
		{"desktop without a keyring", facts{system: "linux", display: true, secrets: backend.BusAbsent}, choice{"passphrase", "no desktop keyring here"}},
		{"desktop, keyring not started", facts{system: "linux", display: true, secrets: backend.BusActivatable}, choice{"passphrase", "no desktop keyring here"}},
		{"desktop, keyring never set up", facts{system: "linux", display: true, secrets: backend.BusNoCollection}, choice{"passphrase", "the desktop keyring has no default collection"}},
		{"desktop, keyring in memory", facts{system: "linux", display: true, secrets: backend.BusForgets}, choice{"passphrase", "the desktop keyring forgets everything at log-out"}},
		{"desktop, silent bus", facts{system: "linux", display: true, secrets: backend.BusSilent}, choice{"passphrase", "the desktop keyring does not answer"}},
		{"desktop without a bus", facts{system: "linux", display: true, secrets: backend.BusNone}, choice{"passphrase", "no desktop keyring here"}},
		{"SSH session", facts{system: "linux", Place: Place{SSH: true}, secrets: backend.BusUnlocked}, choice{"passphrase", "desktop keyrings do not answer over SSH"}},
		{"ssh -X", facts{system: "linux", Place: Place{SSH: true}, display: true, secrets: backend.BusUnlocked}, choice{"passphrase", "desktop keyrings do not answer over SSH"}},
		{"systemd unit, cron", facts{system: "linux", secrets: backend.BusUnlocked}, choice{"passphrase", "no desktop keyring here"}},
		{"container", facts{system: "linux", Place: Place{Container: true}, display: true, secrets: backend.BusUnlocked}, choice{"passphrase", "no keyring in a container"}},
		{"CI", facts{system: "linux", Place: Place{CI: true}}, choice{"passphrase", "no keyring in a CI job"}},
		{"CI on Windows", facts{system: "windows", Place: Place{CI: true}}, choice{"passphrase", "no keyring in a CI job"}},
		{"WSL2 with WSLg", facts{system: "linux", Place: Place{WSL: true}, display: true, secrets: backend.BusUnlocked}, choice{"passphrase", "desktop keyrings hang under WSL"}},
	} {
		if got := decide(tt.facts); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.where, got, tt.want)
		}
	}
}

// A backend that the user has to name is never chosen.
func TestDecideIsNeverFragile(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows", "openbsd"} {
		for bits := range 1 << 7 {
			on := func(bit int) bool { return bits&(1<<bit) != 0 }
			f := facts{Place: Place{CI: on(0), Container: on(1), WSL: on(2), SSH: on(3)}, system: system, given: on(4), keychain: on(5), display: on(6)}
			for f.secrets = backend.BusNone; f.secrets <= backend.BusUnlocked; f.secrets++ {
				switch kind := decide(f).kind; kind {
				case "passphrase", "keychain", "wincred", "secret-service":
				default:
					t.Errorf("%+v: %q", f, kind)
				}
			}
		}
	}
}

// The choice is made once, said, and remembered; a named backend says nothing.
func TestChosenOnce(t *testing.T) {
	var said []string
	p := &person{answers: []string{testPassphrase, testPassphrase}}
	listen := func(o *Options) {
		o.Backend, o.Passphrase, o.Ask = "auto", nil, p.ask
		o.Place = func() Place { return Place{Container: true} }
		o.Chose = func(slot, why string) { said = append(said, slot+": "+why) }
	}
	s := newStore(t, listen)
	mustSetKey(t, s, "p", exampleKey)
	// Another day it is a desktop.
	p.answers = []string{testPassphrase}
	if _, _, err := again(s, listen, func(o *Options) { o.Place = nil }).Key(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	if len(said) != 1 || said[0] != "passphrase: no keyring in a container" {
		t.Errorf("said %q", said)
	}
	said = nil
	newStore(t, listen, func(o *Options) { o.Backend, o.Passphrase = "file", fixed(testPassphrase) })
	newStore(t, listen, func(o *Options) { o.Passphrase = fixed(testPassphrase) })
	newStore(t, listen, func(o *Options) {
		o.Ask = nil
		o.Passphrase = func() (creds.Secret, bool, error) { return creds.NewSecret(testPassphrase), true, nil }
	})
	if len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

func TestOnlyMemory(t *testing.T) {
	slots := func(names ...string) (d Description) {
		for _, name := range names {
			d.Ways = append(d.Ways, Way{Name: name, Slot: true})
		}
		d.Ways = append(d.Ways, Way{Name: "pass"}) // could be added
		return d
	}
	for _, tt := range []struct {
		slots, without []string
		want           bool
	}{
		{[]string{"file", "keyctl"}, []string{"file"}, true},
		{[]string{"file", "age", "keyctl"}, []string{"file", "age"}, true},
		{[]string{"file", "age", "keyctl"}, []string{"file"}, false},
		{[]string{"file", "keyctl"}, []string{"keyctl"}, false},
		{[]string{"keyctl"}, []string{"keyctl"}, false},
		{[]string{"keyctl"}, []string{"file"}, true},
	} {
		if got := slots(tt.slots...).OnlyMemory(tt.without...); got != tt.want {
			t.Errorf("%v without %v: %v", tt.slots, tt.without, got)
		}
	}
}
