// Package awsvault reads the keys that aws-vault has stored, of both its forks. It
// changes none of them.
//
// It promises that List decrypts nothing, starts no service and asks nobody unless it
// may, and that sessions and sign-ins of aws-vault's are left alone.
package awsvault

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/keyring/backend"
)

// World is where aws-vault may keep its keys.
type World struct {
	// World is how to reach keyrings, and the variables that aws-vault reads.
	backend.World
	// Home is the user's home directory; "" if nobody knows it.
	Home string
	// Tilde shortens a path for people.
	Tilde func(path string) string
	// Profiles are those of the AWS config. A key may have a name that otherwise is a
	// session's or any password's, if it is one of them.
	Profiles []string
	// Prompt: the desktop may ask a person to unlock a keyring.
	Prompt bool
}

// Entry is a key that aws-vault has, by its name.
type Entry struct {
	// Kind is aws-vault's name of the backend: file, pass, secret-service...
	Kind string
	// Place says where it is: a file, or an item of a keyring.
	Place string
	// Path is the file; empty for an item.
	Path string
	// Profile is the name that aws-vault knows it by.
	Profile string
	// Stored is when aws-vault wrote it; zero if unknown. The key itself may be older.
	Stored time.Time
}

// Problem is a place of aws-vault's in which there may be more keys than List found.
type Problem struct {
	// Kind is as in Entry.
	Kind string
	// Reason says why.
	Reason string
	// Locked: a person can unlock it, and List would find more then.
	Locked bool
	// Fix is a command that may help; empty if there is none.
	Fix string
}

// List finds the keys that aws-vault has, by their names, in every place that this
// system can have. The backend that the user has chosen for aws-vault comes first.
func List(ctx context.Context, w World) (entries []Entry, problems []Problem) {
	known := w.chosen() == ""
	for _, p := range w.places() {
		known = known || p.kind == w.chosen()
		found, err := p.list(ctx, w)
		if problem, ok := w.problem(ctx, p.kind, err); ok {
			problems = append(problems, problem)
		}
		slices.SortFunc(found, func(a, b Entry) int { return cmp.Compare(a.Profile, b.Profile) })
		entries = append(entries, found...)
	}
	if !known {
		problems = append(problems, Problem{
			Kind: w.chosen(), Reason: "fob cannot read aws-vault's backend " + w.chosen(),
			Fix: byHand,
		})
	}
	return entries, problems
}

// byHand copies one key that fob does not find.
const byHand = "aws-vault exec --no-session PROFILE -- fob add PROFILE --from-env"

// problem is what to say of a place. A keyring that does not work here is one that
// nobody uses, unless it is the user's choice.
func (w World) problem(ctx context.Context, kind string, err error) (p Problem, ok bool) {
	p.Kind = kind
	locked, isLocked := errors.AsType[*backend.LockedError](err)
	broken, isBroken := errors.AsType[*backend.Error](err)
	b, isKeyring := backend.Of(kind)
	switch {
	case isLocked:
		p.Reason, p.Fix, p.Locked = locked.Reason, locked.Fix, true
	case isBroken && kind != w.chosen():
		return p, false
	case isBroken:
		p.Reason, p.Fix = kind+": "+broken.Reason, broken.Fix
	case errors.Is(err, errUnnamed):
		p.Reason, p.Fix = err.Error(), byHand
	case err != nil:
		p.Reason = err.Error()
	case kind == w.chosen() && isKeyring && !w.reachable(ctx, b):
		p.Reason = "aws-vault's backend " + kind + " cannot be used here"
	}
	return p, p.Reason != ""
}

// Reader reads the keys of entries. One passphrase opens all files that it fits.
type Reader struct {
	World World
	// Ask asks for the passphrase of aws-vault's files in a directory; again after a
	// wrong one. Nil: nobody can be asked. An error ends the read.
	Ask func(ctx context.Context, dir string, again bool) (creds.Secret, error)

	known []creds.Secret
}

// Read returns the key of an entry. Errors: *PassphraseError, *LockedError,
// *SessionError, *ReadError, and those of Ask and of the context.
func (r *Reader) Read(ctx context.Context, e Entry) (creds.Key, error) {
	for _, p := range r.World.places() {
		if p.kind != e.Kind {
			continue
		}
		data, err := p.read(r, ctx, e)
		if err != nil {
			return creds.Key{}, err
		}
		return decode(e, data)
	}
	return creds.Key{}, &ReadError{e, "aws-vault does not have this backend here"}
}

// place is one backend of aws-vault's.
type place struct {
	kind string
	list func(ctx context.Context, w World) ([]Entry, error)
	// read returns what aws-vault has stored: JSON.
	read func(r *Reader, ctx context.Context, e Entry) (creds.Secret, error)
}

func (w World) getenv(name string) string {
	if w.Getenv == nil {
		return ""
	}
	return w.Getenv(name)
}

// isKey reports whether an item of that name may be a key: aws-vault keeps sessions and
// sign-ins beside them, and only their names tell them apart.
func (w World) isKey(name string) bool {
	return name != "" && (slices.Contains(w.Profiles, name) || !isSession(name))
}

// isSession reports whether aws-vault takes a name for that of a session or of a sign-in of
// Identity Center. Before version 5 sessions had other names, in three forms.
func isSession(name string) bool {
	if strings.HasPrefix(name, "oidc:") || strings.HasPrefix(name, "session:") && strings.Count(name, ":") > 2 {
		return true
	}
	if profile, rest, ok := strings.Cut(name, " session ("); ok && profile != "" && isNumber(strings.TrimSuffix(rest, ")")) {
		return strings.HasSuffix(rest, ")")
	}
	fields := strings.Split(name, ",")
	if len(fields) != 4 || fields[0] == "" || fields[1] == "" || !isNumber(fields[3]) {
		return false
	}
	_, profile := base64.RawURLEncoding.DecodeString(fields[1])
	_, device := base64.RawURLEncoding.DecodeString(fields[2])
	return fields[0] == "session" || profile == nil && device == nil
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// PassphraseError says that no passphrase opened a file of aws-vault's.
type PassphraseError struct {
	Entry
	// Asked: a person gave one, and it was wrong.
	Asked bool
}

func (e *PassphraseError) Error() string {
	if e.Asked {
		return fmt.Sprintf("wrong passphrase for %s", e.Place)
	}
	return fmt.Sprintf("%s needs aws-vault's passphrase", e.Place)
}

// SessionError says that an item of a key's name holds a session.
type SessionError struct{ Entry }

func (e *SessionError) Error() string {
	return fmt.Sprintf("%s holds a session, not a long-lived key", e.Place)
}

// LockedError says that only a person can open an item, and that nobody could be asked or
// that they declined.
type LockedError struct {
	Entry
	Reason string
	// Fix is a command that asks the person, and Advice what to do where there is none;
	// empty for nothing.
	Fix, Advice string
	Declined    bool
}

func (e *LockedError) Error() string { return e.Place + ": " + e.Reason }

// ReadError says that an item cannot be read, or is not one of aws-vault's.
type ReadError struct {
	Entry
	Reason string
}

func (e *ReadError) Error() string { return e.Place + ": " + e.Reason }
