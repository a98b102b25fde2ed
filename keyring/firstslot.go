package keyring

import (
	"context"
	"runtime"

	"fob/keyring/backend"
)

// The first slot of a new store, if the user does not name one. fob chooses once,
// says what it chose and remembers it on this machine. Later, a slot that cannot be
// reached is an error.

// Place says where fob runs.
type Place struct {
	CI, Container bool // there is no person
	WSL           bool // Linux inside Windows
	SSH           bool // the person is at another computer
}

// facts are the input for the choice.
type facts struct {
	Place
	system   string // GOOS
	given    bool   // the passphrase does not have to be asked for
	keychain bool   // fob was built with the keychain
	display  bool   // there is a person at a desktop
	secrets  backend.BusState
}

// desktop reports whether the Secret Service matters. If not, fob does not look for
// it.
func (f facts) desktop() bool {
	return f.system == "linux" && f.display && !f.given && f.Place == Place{}
}

// choice is the kind of a slot, and the reason; empty if the user knows it.
type choice struct{ kind, why string }

// decide never chooses pass, kwallet or keyctl: the user has to name those.
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
	case backend.BusForgets:
		return choice{kindPassphrase, "the desktop keyring forgets everything at log-out"}
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
		// A passphrase source that failed still counts as configured.
		given:    given || err != nil,
		keychain: keychain.Usable(s.World()),
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

// newKind returns the kind of a new store's first slot: the one that the user named,
// or one that fob chooses.
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
