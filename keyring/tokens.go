package keyring

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"fob/internal/creds"
)

// Token returns a sign-in and its verified header, also one that has expired: it may be
// one that can be refreshed. If there is none, or a damaged one, the error is a
// *NotFoundError: signing in brings it back.
func (s *Store) Token(ctx context.Context, name, id string) (creds.Token, Info, error) {
	var r tokenRecord
	info, err := s.get(ctx, &r, KindToken, name, id)
	if err != nil {
		return creds.Token{}, Info{}, s.signedOut(err, name)
	}
	return r.unpack(), info, nil
}

// signedOut turns the error of a damaged sign-in into a *NotFoundError.
func (s *Store) signedOut(err error, name string) error {
	if !damagedItem(err) {
		return err
	}
	s.logf("not using the sign-in of %q: %v", name, err)
	return &NotFoundError{KindToken, name}
}

// SetToken stores a sign-in in the place of the one before. It uses only Account and ARN
// of i. The service that handed out the token may have ended the old one already, so when
// SetToken returns without an error, the new one survives a power cut.
func (s *Store) SetToken(ctx context.Context, name, id string, t creds.Token, i Info) (Info, error) {
	expires := t.Expires
	if expires.IsZero() {
		expires = t.Session.Expires
	}
	info := Info{
		Kind: KindToken, Name: name, ID: id, Account: i.Account, ARN: i.ARN,
		Expires: seconds(expires), Refresh: !t.Refresh.IsZero(),
	}
	return s.put(ctx, info, packToken(t), name, id)
}

// CanSetToken fails if a sign-in could not be stored now, because the disk is full or may
// not be written to. A service that may replace a refresh token should not be called before
// that is known: only its answer has the new one.
func (s *Store) CanSetToken(ctx context.Context, name, id string) error {
	file, err := fileName(KindToken, name, id)
	if err != nil {
		return err
	}
	return s.sealed(ctx, KindToken, func(d dir, _ header, _ []byte) error {
		size := int64(moreToken)
		if fi, err := d.Lstat(file); err == nil {
			size += min(fi.Size(), maxItemFile)
		}
		temp := tempPrefix + rand.Text()
		defer d.Remove(temp)
		return writeError(d.named(temp, d.fill(temp, make([]byte, size), true)))
	})
}

// moreToken is how much longer than the one before a sign-in may be, in bytes.
const moreToken = 16 << 10

// TokenInfo returns the header of a sign-in that Token would try, or a *NotFoundError. It
// does not open the store.
func (s *Store) TokenInfo(name, id string) (Info, error) {
	info, err := s.info(KindToken, name, id)
	return info, s.signedOut(err, name)
}

// RemoveToken removes a sign-in, and what programs that synchronize directories have
// left of it. If there is none, that is not an error. It does not open the store.
func (s *Store) RemoveToken(name, id string) error {
	file, err := fileName(KindToken, name, id)
	if err != nil {
		return err
	}
	_, err = s.removeItems(KindToken, func(other string) bool {
		_, _, named := parseFileName(other)
		return other == file || strings.HasPrefix(other, file) && !named
	})
	return err
}

// RemoveTokens removes all sign-ins of a name, as RemoveToken does, and returns how many
// files there were.
func (s *Store) RemoveTokens(name string) (int, error) {
	if name == "" {
		return 0, &NameError{name, "is empty"}
	}
	prefix := string(KindToken) + "+" + encodeName(name) + "+"
	return s.removeItems(KindToken, func(file string) bool { return strings.HasPrefix(file, prefix) })
}

// lives reports whether an item counts at a time: a session or a sign-in that has not
// expired, or a sign-in that can be refreshed. Nobody has signed in with a mere registration.
func (i Info) lives(now time.Time) bool {
	if i.Kind == KindToken {
		return i.Refresh || i.Expires.After(now)
	}
	return i.Expires.IsZero() || i.Expires.After(now)
}
