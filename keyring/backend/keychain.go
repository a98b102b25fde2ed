package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	ring "github.com/99designs/keyring"
)

// The login keychain of macOS asks in a window of its own: to be unlocked, and
// whether a program may have an item that another program made. To it, fob is another
// program after each upgrade. What only Apple can tell is in keychain_apple.go.

// unlockKeychain asks for its password on the terminal.
const unlockKeychain = "security unlock-keychain"

// allowAlways is the answer that lasts until the next upgrade.
const allowAlways = "run the same command at the desktop, and choose Always Allow"

// keychainVariables are what Apple's library needs to find the keychain.
func keychainVariables() []string { return []string{"HOME"} }

func keychainConfig(string) ring.Config {
	return ring.Config{
		AllowedBackends:                []ring.BackendType{ring.KeychainBackend},
		ServiceName:                    "fob",
		KeychainTrustApplication:       true, // otherwise macOS asks at every call
		KeychainAccessibleWhenUnlocked: true,
	}
}

// locateKeychain refuses what would open a window, unless that is allowed.
func locateKeychain(r request) (string, error) {
	if r.Prompt {
		return "", nil
	}
	if !forbidWindows() {
		return "", &Error{Backend: r.Kind, Reason: "macOS could ask a person, and cannot be told not to"}
	}
	if keychainLocked() {
		return "", lockedKeychain(r)
	}
	return "", nil
}

func lockedKeychain(r request) error {
	reason := "the login keychain is locked"
	if r.Prompt {
		reason = "the login keychain was not unlocked"
	}
	return &LockedError{Slot: r.Kind, Reason: reason, Fix: unlockKeychain, Declined: r.Prompt}
}

// doubtKeychain looks again when the library says that there is no item: when it
// reads, it says so whatever went wrong.
func doubtKeychain(k ring.Keyring, r request, problem error) error {
	if !errors.Is(problem, ring.ErrKeyNotFound) {
		if keychainLocked() {
			return lockedKeychain(r)
		}
		return problem
	}
	names, err := k.Keys() // a locked keychain tells names, too
	switch {
	case err == nil && !slices.Contains(names, r.Item):
		return problem
	case keychainLocked():
		return lockedKeychain(r)
	case err != nil:
		return &Error{Backend: r.Kind, Reason: err.Error()}
	case r.Prompt:
		return &LockedError{Slot: r.Kind, Reason: "fob was not allowed to read its item", Declined: true}
	}
	return &LockedError{Slot: r.Kind, Reason: "macOS wants to ask whether this fob may read its item, as it does after an upgrade", Advice: allowAlways}
}

func keychainState(_ context.Context, w World) State {
	b, _ := Of("keychain")
	switch {
	case !b.Usable(w):
		return State{Reason: "this fob was built without it"}
	case keychainLocked():
		return State{Ready: w.Display, Reason: "the login keychain is locked", Fix: unlockKeychain}
	}
	return State{Ready: true, Reason: "the login keychain is unlocked"}
}

func keychainForeign(f Foreign) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.KeychainBackend}, ServiceName: f.Folder, KeychainName: f.Place}
}

// openKeychain refuses windows that are not allowed. The library lists names, and those
// of a locked keychain too, without one.
func openKeychain(r request) error {
	if !r.Prompt && !forbidWindows() {
		return &Error{Backend: r.Kind, Reason: "macOS could ask a person, and cannot be told not to"}
	}
	return nil
}

// doubtForeignKeychain looks again when the library says that there is no item: it says
// so of one that a person has to allow, too.
func doubtForeignKeychain(k ring.Keyring, r request, problem error) error {
	names, err := k.Keys()
	if err != nil || !slices.Contains(names, r.Item) {
		return problem
	}
	if r.Prompt {
		return &LockedError{Slot: r.Kind, Reason: fmt.Sprintf("fob was not allowed to read %q", r.Item), Declined: true}
	}
	return &LockedError{Slot: r.Kind, Reason: fmt.Sprintf("macOS wants to ask whether fob may read %q", r.Item), Advice: "run the same command at the desktop, and choose Allow"}
}
