package source

import (
	"context"
	"errors"

	"fob/internal/creds"
	"fob/keyring"
	"fob/keyring/backend"
)

// QuietSessions keeps sessions where the store opens without a person, and
// otherwise keeps none. It is for plans that do not start from a stored key: only
// a stored key is worth asking for the passphrase.
type QuietSessions struct{ *keyring.Store }

// Session is the store's; a locked store has no sessions.
func (s QuietSessions) Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error) {
	none := &keyring.NotFoundError{Kind: keyring.KindSession, Name: source}
	if ok, err := s.Exists(); err != nil || !ok {
		return creds.Session{}, keyring.Info{}, none
	}
	session, info, err := s.Store.Session(ctx, source, id)
	if keepsNone(err) {
		err = none
	}
	return session, info, err
}

// SaveSession is the store's; a locked store keeps nothing.
func (s QuietSessions) SaveSession(ctx context.Context, source, id, rev string, session creds.Session) error {
	if ok, err := s.Exists(); err != nil || !ok {
		return nil
	}
	if err := s.Store.SaveSession(ctx, source, id, rev, session); !keepsNone(err) {
		return err
	}
	return nil
}

// keepsNone reports whether the store is locked, or cannot have a session of that
// source: the AWS files may have longer names than the store.
func keepsNone(err error) bool {
	_, locked := errors.AsType[*backend.LockedError](err)
	_, unfit := errors.AsType[*keyring.NameError](err)
	return locked || unfit
}
