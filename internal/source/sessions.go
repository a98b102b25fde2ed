package source

import (
	"context"
	"errors"
	"strings"

	"fob/internal/creds"
	"fob/keyring"
	"fob/keyring/backend"
)

// QuietSessions keeps sessions where the store opens without a person, and
// otherwise keeps none. It is for plans that do not start from a stored key: they work
// without a store, and only a stored key is worth asking for the passphrase.
type QuietSessions struct {
	*keyring.Store
	Log func(format string, args ...any)
}

// Session is the store's; a store that cannot be opened has no sessions.
func (s QuietSessions) Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error) {
	none := &keyring.NotFoundError{Kind: keyring.KindSession, Name: source}
	if !s.there() {
		return creds.Session{}, keyring.Info{}, none
	}
	session, info, err := s.Store.Session(ctx, source, id)
	if err != nil {
		s.explain(err)
		err = none
	}
	return session, info, err
}

// SaveSession is the store's; one that cannot be opened keeps nothing.
func (s QuietSessions) SaveSession(ctx context.Context, source, id, rev string, session creds.Session) error {
	if !s.there() {
		return nil
	}
	if err := s.Store.SaveSession(ctx, source, id, rev, session); err != nil {
		s.explain(err)
	}
	return nil
}

// explain logs why nothing is kept; a locked store is not worth a word.
func (s QuietSessions) explain(err error) {
	_, locked := errors.AsType[*backend.LockedError](err)
	_, missing := errors.AsType[*keyring.NotFoundError](err)
	if !locked && !missing {
		s.Log("sessions are not kept: %v", err)
	}
}

// Sessions keeps the sessions of a plan that starts with a sign-in: like that, they are
// worth asking how to open the store. It makes no directory for a store that does not
// exist: the sign-in creates it.
type Sessions struct{ *keyring.Store }

// TryLock is the store's; without a store there is no session to share.
func (s Sessions) TryLock(name string) (*keyring.Lock, bool, error) {
	return QuietSessions{Store: s.Store}.TryLock(name)
}

// Lock is the store's; without a store there is no session to share.
func (s Sessions) Lock(ctx context.Context, name string, waiting func()) (*keyring.Lock, error) {
	return QuietSessions{Store: s.Store}.Lock(ctx, name, waiting)
}

// TryLock is the store's; without a store there is no session to share.
func (s QuietSessions) TryLock(name string) (*keyring.Lock, bool, error) {
	if !s.shares(name) {
		return nil, true, nil
	}
	return s.Store.TryLock(name)
}

// Lock is the store's; without a store there is no session to share.
func (s QuietSessions) Lock(ctx context.Context, name string, waiting func()) (*keyring.Lock, error) {
	if !s.shares(name) {
		return nil, nil
	}
	return s.Store.Lock(ctx, name, waiting)
}

// shares reports whether a lock is of use. That of an MFA device is even without a
// store: it remembers used codes.
func (s QuietSessions) shares(lock string) bool {
	return !strings.HasPrefix(lock, "session-") || s.there()
}

func (s QuietSessions) there() bool {
	ok, err := s.Exists()
	return ok && err == nil
}
