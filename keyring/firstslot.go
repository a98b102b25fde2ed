package keyring

import (
	"context"
	"runtime"

	"fob/keyring/backend"
)

// The first slot of a new store, if nobody names one: chosen once, said aloud,
// and kept in this machine's memory. Afterwards an unreachable slot is an error.

// Place is what kind of place fob runs in.
type Place struct {
	CI, Container bool // nobody works here
	WSL           bool // Linux inside Windows
	SSH           bool // whoever works here sits elsewhere
}

// facts are what a choice is made from.
type facts struct {
	Place
	system   string // GOOS
	given    bool   // a passphrase came without a person
	keychain bool   // this fob has one
	display  bool   // a person sits at a desktop
	secrets  backend.BusState
}

// desktop reports whether the Secret Service has a say. If not, nothing looks for it.
func (f facts) desktop() bool {
	return f.system == "linux" && f.display && !f.given && f.Place == Place{}
}

// choice is the kind of a slot, and why, as half a sentence; empty if the user
// knows.
type choice struct{ kind, why string }

// decide never takes pass, kwallet or keyctl: those are for who names them.
func decide(f facts) choice {
	const none = "no desktop keyring here"
	switch {
	case f.given:
		return choice{kind: kindPassphrase}
	case f.CI:
		return choice{kindPassphrase, "no keyring in a CI job"}
	case f.Container:
		return choice{kindPassphrase, "no keyring in a container"}
	case f.WSL:
		return choice{kindPassphrase, "desktop keyrings hang under WSL"}
	case f.SSH:
		return choice{kindPassphrase, "desktop keyrings do not answer over SSH"}
	case f.system == "darwin" && f.keychain:
		return choice{"keychain", "this is macOS"}
	case f.system == "windows":
		return choice{"wincred", "this is Windows"}
	case !f.desktop():
		return choice{kindPassphrase, none}
	}
	switch f.secrets {
	case backend.BusUnlocked:
		return choice{"secret-service", "it is unlocked"}
	case backend.BusLocked:
		return choice{"secret-service", "it is available"}
	case backend.BusSilent:
		return choice{kindPassphrase, "the desktop keyring does not answer"}
	case backend.BusNoCollection:
		return choice{kindPassphrase, "the desktop keyring has no default collection"}
	}
	return choice{kindPassphrase, none}
}

func (s *Store) facts(ctx context.Context) facts {
	_, given, err := s.givenPassphrase()
	keychain, _ := backend.Of("keychain")
	f := facts{
		system: runtime.GOOS,
		// One that could not be read was meant to be there.
		given:    given || err != nil,
		keychain: keychain.Usable(s.world()),
		display:  s.opts.Display,
	}
	if s.opts.Place != nil {
		f.Place = s.opts.Place()
	}
	if f.desktop() {
		f.secrets = backend.SecretService(ctx, s.opts.DBusAddress)
	}
	return f
}

// newKind is the kind of a new store's first slot: the one named, or one chosen.
func (s *Store) newKind(ctx context.Context) string {
	if kind := s.wanted(); kind != "" {
		return kind
	}
	c := decide(s.facts(ctx))
	if s.opts.Chose != nil && c.why != "" {
		s.opts.Chose(c.kind, c.why)
	}
	return c.kind
}
