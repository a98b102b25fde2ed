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
	"regexp"
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
	// Profile is the name that aws-vault knows it by.
	Profile string
	// Stored is when aws-vault wrote it; zero if unknown. The key itself may be older.
	Stored time.Time
}

// Problem is a place of aws-vault's that could not be looked at.
type Problem struct {
	// Kind is as in Entry.
	Kind string
	// Err says why; *backend.LockedError, *backend.Error, or of the file system.
	Err error
}

// List finds the keys that aws-vault has, by their names, in every place that this
// system can have. The backend that the user has chosen for aws-vault comes first.
func List(ctx context.Context, w World) (entries []Entry, problems []Problem) {
	for _, p := range w.places() {
		found, err := p.list(ctx, w)
		if err != nil && (p.kind == w.chosen() || worthSaying(err)) {
			problems = append(problems, Problem{p.kind, err})
		}
		slices.SortFunc(found, func(a, b Entry) int { return cmp.Compare(a.Profile, b.Profile) })
		entries = append(entries, found...)
	}
	return entries, problems
}

// worthSaying leaves out keyrings that do not work here: who uses aws-vault does not use
// these, unless they have chosen one.
func worthSaying(err error) bool {
	_, broken := errors.AsType[*backend.Error](err)
	return !broken
}

// Reader reads the keys of entries. One passphrase opens all files that it fits.
type Reader struct {
	World World
	// Ask asks for the passphrase of aws-vault's files in a directory; again after a
	// wrong one. Nil: nobody can be asked. An error ends the read.
	Ask func(ctx context.Context, dir string, again bool) (creds.Secret, error)

	known []creds.Secret
}

// Read returns the key of an entry. Errors: *PassphraseError, *SessionError,
// *DamagedError, those of package backend, and of Ask.
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
	return creds.Key{}, &DamagedError{e, "aws-vault does not have this backend here"}
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

var (
	sessionName = regexp.MustCompile(`^[^,]+,([^,]+),([^,]*),[0-9]+$`)
	// oldSessionNames are those of its versions before 5.
	oldSessionNames = regexp.MustCompile(`^session,[^,]+,[^,]*,[0-9]{2,}$|^session:[^ ]+:[^ ]*:[^:]+$|^.+ session \([0-9]+\)$`)
)

// isSession reports whether aws-vault takes a name for that of a session or of a
// sign-in of Identity Center.
func isSession(name string) bool {
	if strings.HasPrefix(name, "oidc:") || oldSessionNames.MatchString(name) {
		return true
	}
	fields := sessionName.FindStringSubmatch(name)
	if fields == nil {
		return false
	}
	_, profile := base64.RawURLEncoding.DecodeString(fields[1])
	_, device := base64.RawURLEncoding.DecodeString(fields[2])
	return profile == nil && device == nil
}

// PassphraseError says that no passphrase opened a file of aws-vault's.
type PassphraseError struct {
	Entry Entry
	// Asked: a person gave one, and it was wrong.
	Asked bool
}

func (e *PassphraseError) Error() string {
	if e.Asked {
		return fmt.Sprintf("wrong passphrase for %s", e.Entry.Place)
	}
	return fmt.Sprintf("%s needs aws-vault's passphrase", e.Entry.Place)
}

// SessionError says that an item of a key's name holds a session.
type SessionError struct{ Entry Entry }

func (e *SessionError) Error() string {
	return fmt.Sprintf("%s holds a session, not a long-lived key", e.Entry.Place)
}

// DamagedError says that an item is not one of aws-vault's.
type DamagedError struct {
	Entry  Entry
	Reason string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s: %s", e.Entry.Place, e.Reason) }
