package keyring

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"fob/internal/creds"
)

// Key returns a stored key and its verified header, or a *NotFoundError.
func (s *Store) Key(ctx context.Context, profile string) (creds.Key, Info, error) {
	var r keyRecord
	info, err := s.get(ctx, &r, KindKey, profile)
	return r.unpack(), info, err
}

// SetKey stores a key, replaces the profile's old one and removes the sessions made
// with that. It uses only Account, ARN, KeyCreated and Rev of i: Rev is that of the key
// which is replaced, as KeyInfo says, and empty if there must be none yet. If the store has
// another one, the error is a *ChangedError and nothing is written: that key may be
// nowhere else. An old key with another ID is retired, unless that was done before.
func (s *Store) SetKey(ctx context.Context, profile string, k creds.Key, i Info) (Info, error) {
	info := Info{Kind: KindKey, Name: profile, KeyID: k.ID, Account: i.Account, ARN: i.ARN, KeyCreated: seconds(i.KeyCreated)}
	info, err := s.putBy(ctx, func(d dir, h header, subkey []byte, write func() error) error {
		return s.ifRevision(ctx, d, KindKey, profile, i.Rev, func(item, error) error {
			if err := s.retireReplaced(d, h, subkey, profile, k.ID); err != nil {
				return err
			}
			return write()
		})
	}, info, packKey(k), profile)
	if err != nil {
		return Info{}, err
	}
	// The key is stored, and sessions of the old key are never used again.
	if _, err := s.RemoveSessions(profile); err != nil {
		s.logf("could not remove sessions of the old key of %q: %v", profile, err)
	}
	return info, nil
}

// RemoveKey removes a key and the sessions made from it, or returns a *NotFoundError. rev
// is that of the key which is meant, as KeyInfo says; empty if it is damaged. If the store
// has another one, the error is a *ChangedError and nothing is removed.
func (s *Store) RemoveKey(ctx context.Context, profile, rev string) error {
	err := s.removeIf(ctx, KindKey, profile, rev)
	if err == nil {
		_, err = s.RemoveSessions(profile)
	}
	return err
}

// Seed returns the seed (the MFA secret) of an MFA device, or a *NotFoundError. Seeds
// belong to devices and not to profiles, as codes do.
func (s *Store) Seed(ctx context.Context, serial string) (creds.Seed, error) {
	var r seedRecord
	_, err := s.get(ctx, &r, KindSeed, serial)
	return r.unpack(), err
}

// SetSeed stores the seed of an MFA device.
func (s *Store) SetSeed(ctx context.Context, serial string, seed creds.Seed) error {
	_, err := s.put(ctx, Info{Kind: KindSeed, Name: serial}, packSeed(seed), serial)
	return err
}

// RemoveSeed removes a seed, or returns a *NotFoundError.
func (s *Store) RemoveSeed(serial string) error {
	return s.remove(context.Background(), KindSeed, serial)
}

// ItemPath is the path of an item's file, as a DamagedError names it.
func (s *Store) ItemPath(file string) string {
	h, err := s.header()
	if err != nil {
		return file
	}
	return filepath.Join(s.opts.Dir, itemsDir(h.Gen), file)
}

// Session returns a cached session and its verified header. If the session is
// damaged or expired, or if the store now has another key than the session was made
// with, the error is a *NotFoundError: this is a cache.
func (s *Store) Session(ctx context.Context, source, id string) (creds.Session, Info, error) {
	var r sessionRecord
	info, err := s.get(ctx, &r, KindSession, source, id)
	if err != nil {
		return creds.Session{}, Info{}, s.cacheMiss(err, source)
	}
	return r.unpack(), info, nil
}

// cacheMiss turns the error of a damaged session into a *NotFoundError.
func (s *Store) cacheMiss(err error, source string) error {
	if !damagedItem(err) {
		return err
	}
	s.logf("not using a cached session of %q: %v", source, err)
	return &NotFoundError{KindSession, source}
}

// SaveSession caches a session made with the key of source. sourceRev is the key's
// Rev, as Key returned it; empty if the key is not in the store.
func (s *Store) SaveSession(ctx context.Context, source, id, sourceRev string, sess creds.Session) error {
	info := Info{
		Kind: KindSession, Name: source, KeyID: sess.ID, Account: sess.AccountID,
		Expires: seconds(sess.Expires), MFA: seconds(sess.MFA), SourceRev: sourceRev,
	}
	_, err := s.put(ctx, info, packSession(sess), source, id)
	return err
}

// RemoveSessions removes the cached sessions of source and returns how many there
// were. It does not open the store.
func (s *Store) RemoveSessions(source string) (int, error) {
	if source == "" {
		return 0, &NameError{source, "is empty"}
	}
	prefix := string(KindSession) + "+" + encodeName(source) + "+"
	return s.removeItems(KindSession, func(file string) bool { return strings.HasPrefix(file, prefix) })
}

// RemoveSession removes one cached session. If there is none, that is not an error.
func (s *Store) RemoveSession(source, id string) error {
	file, err := fileName(KindSession, source, id)
	if err == nil {
		err = s.change(context.Background(), func(d dir, _ header) error { return d.remove(file) })
	}
	if absent(err) {
		return nil
	}
	return err
}

// RemoveAllSessions is RemoveSessions for all sources.
func (s *Store) RemoveAllSessions() (int, error) {
	return s.removeItems(KindSession, func(file string) bool { return strings.HasPrefix(file, string(KindSession)+"+") })
}

// removeItems removes files of a kind that signing in brings back, and returns how many
// there were.
func (s *Store) removeItems(kind Kind, which func(file string) bool) (int, error) {
	count := 0
	err := s.change(context.Background(), func(d dir, _ header) error {
		files, err := d.list()
		for _, file := range files {
			if !which(file) {
				continue
			}
			if removed := d.remove(file); removed == nil {
				count++
			} else if err == nil && !errors.Is(removed, fs.ErrNotExist) {
				err = removed // the others fail for the same reason
			}
		}
		if err == nil && count > 0 && kind != KindSession { // a session that comes back expires soon
			err = d.sync(".")
		}
		return err
	})
	if absent(err) {
		err = nil
	}
	return count, err
}

// KeyInfo returns a key's header, or a *NotFoundError. It does not open the store.
func (s *Store) KeyInfo(profile string) (Info, error) { return s.info(KindKey, profile) }

// SeedInfo returns a seed's header, or a *NotFoundError. It does not open the store.
func (s *Store) SeedInfo(serial string) (Info, error) { return s.info(KindSeed, serial) }

// SessionInfo returns the header of a cached session that Session would try, or a
// *NotFoundError. It does not open the store.
func (s *Store) SessionInfo(source, id string) (Info, error) {
	info, err := s.info(KindSession, source, id)
	return info, s.cacheMiss(err, source)
}

func (s *Store) info(kind Kind, parts ...string) (Info, error) {
	var it item
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		it, err = s.read(d, kind, parts...)
		return h, err
	})
	return it.info, notFound(err, kind, parts[0])
}

// read reads an item without decrypting it, and refuses a session that cannot be
// used.
func (s *Store) read(d dir, kind Kind, parts ...string) (item, error) {
	file, err := fileName(kind, parts...)
	if err != nil {
		return item{}, err
	}
	it, err := readItem(d, file)
	if err == nil && kind == KindSession {
		err = s.usable(d, it.info)
	}
	if err != nil {
		return item{}, err
	}
	if kind == KindKey {
		s.noteKey(d, it)
	}
	return it, nil
}

// usable refuses a session that has expired or whose key has been replaced. It does
// not verify the key's header: with a forged one, an attacker can at most bring back
// an older session, and they can do that with the old files, too.
func (s *Store) usable(d dir, session Info) error {
	rev, known := s.lastRev(d, session.Name)
	if !known {
		key, err := s.read(d, KindKey, session.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		rev = key.info.Rev
	}
	return s.current(session, rev)
}

// current is usable for a key with revision rev, which is "" if there is no key.
func (s *Store) current(session Info, rev string) error {
	if !session.Expires.IsZero() && !s.opts.Now().Before(session.Expires) {
		s.logf("a cached session of %q has expired", session.Name)
		return fs.ErrNotExist
	}
	if rev != session.SourceRev {
		s.logf("a cached session of %q was made from another key", session.Name)
		return fs.ErrNotExist
	}
	return nil
}

// get reads and decrypts an item into r, a pointer to its record.
func (s *Store) get(ctx context.Context, r any, kind Kind, parts ...string) (Info, error) {
	var info Info
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		info, err = s.decrypt(ctx, d, h, r, kind, parts...)
		return h, err
	})
	if err != nil {
		return Info{}, notFound(err, kind, parts[0])
	}
	return info, nil
}

// decrypt reads and decrypts an item. If there is none that can be used, it finds
// that out before it asks anybody.
func (s *Store) decrypt(ctx context.Context, d dir, h header, r any, kind Kind, parts ...string) (Info, error) {
	it, err := s.read(d, kind, parts...)
	if err != nil {
		return Info{}, err
	}
	key, err := s.subkey(ctx, h, kind)
	if err != nil {
		return Info{}, err
	}
	return it.info, it.decode(key, h.ID, r)
}

// put encrypts a record and writes it.
func (s *Store) put(ctx context.Context, info Info, r record, parts ...string) (Info, error) {
	return s.putBy(ctx, func(_ dir, _ header, _ []byte, write func() error) error { return write() }, info, r, parts...)
}

// putBy is put, where by decides whether the item is written. It gets the subkey of the
// item's kind, and is called when nothing but the writing itself can still fail.
func (s *Store) putBy(ctx context.Context, by func(d dir, h header, subkey []byte, write func() error) error, info Info, r record, parts ...string) (Info, error) {
	file, err := fileName(info.Kind, parts...)
	if err != nil {
		return Info{}, err
	}
	// JSON would silently replace other bytes, and cannot write the year 10000.
	if _, err := json.Marshal([]any{info, r}); err != nil || !utf8.ValidString(info.text()+r.text()) {
		return Info{}, fmt.Errorf("cannot store the %s of %q: it is not valid UTF-8, or its expiry is not a valid time", info.Kind.noun(), info.Name)
	}
	info.Created, info.Rev = seconds(s.opts.Now()), rand.Text()
	err = s.sealed(ctx, info.Kind, func(d dir, h header, key []byte) error {
		if !info.Kind.fromSignIn() {
			if err := s.opensAgain(h); err != nil {
				return err
			}
		}
		sealed := sealItem(key, h.ID, file, info, r)
		// Do not write what could not be read back, least of all over a key.
		if _, err := parseItem(file, sealed); err != nil || int64(len(sealed)) > info.Kind.maxFile() {
			return fmt.Errorf("the %s of %q is too large to store", info.Kind.noun(), info.Name)
		}
		err := by(d, h, key, func() error { return d.write(file, sealed, info.Kind != KindSession) })
		if err == nil {
			s.sweep(d, h)
		}
		return err
	})
	return info, err
}

// ifRevision calls do with an item, or why it cannot be read, if its revision is rev, and
// lets nobody change it in the meantime. An item that is not there, or of which not even
// the header can be read, has none.
func (s *Store) ifRevision(ctx context.Context, d dir, kind Kind, name, rev string, do func(item, error) error) error {
	file, err := fileName(kind, name)
	if err != nil {
		return err
	}
	l, err := s.lock(ctx, revisionLock, false, nil)
	if err != nil {
		return err
	}
	defer l.Unlock()
	it, err := readItem(d, file)
	switch {
	case err != nil && !absent(err) && (!damagedItem(err) || rev != ""):
		return err
	case it.info.Rev != rev:
		return &ChangedError{kind, name}
	}
	return do(it, err)
}

// Unlock opens the store for a kind of item, so that storing one asks nobody.
func (s *Store) Unlock(ctx context.Context, kind Kind) error {
	return s.sealed(ctx, kind, func(dir, header, []byte) error { return nil })
}

// sealed runs f with the subkey of a kind and the items directory. In the meantime,
// slots and generations cannot change.
func (s *Store) sealed(ctx context.Context, kind Kind, f func(dir, header, []byte) error) error {
	for {
		h, err := s.trusted()
		if err != nil {
			return err
		}
		if _, err = s.subkey(ctx, h, kind); err != nil && !s.moved(h) {
			return err // it may ask a person, so it comes before the lock
		}
		done := false
		err = s.change(ctx, func(d dir, h header) error {
			key := s.held(h, kind)
			if key == nil {
				return nil
			}
			done = true
			return f(d, h, key)
		})
		if done || err != nil {
			return err
		}
	}
}

// change runs f with the items directory, and holds the lock that writers share.
func (s *Store) change(ctx context.Context, f func(dir, header) error) error {
	if _, err := s.trusted(); err != nil {
		return err // before a useless lock file is made
	}
	l, err := s.lockStore(ctx, true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	d, h, err := s.openItems()
	if err != nil {
		return err
	}
	defer d.Close()
	return f(d, h)
}

func (s *Store) remove(ctx context.Context, kind Kind, name string) error {
	file, err := fileName(kind, name)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(d dir, _ header) error {
		it, unread := readItem(d, file)
		return d.removeRead(file, it, unread)
	})
	return notFound(err, kind, name)
}

// removeIf is remove for an item whose revision is rev.
func (s *Store) removeIf(ctx context.Context, kind Kind, name, rev string) error {
	file, err := fileName(kind, name)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(d dir, _ header) error {
		if _, err := readItem(d, file); absent(err) {
			return err
		}
		return s.ifRevision(ctx, d, kind, name, rev, func(it item, unread error) error { return d.removeRead(file, it, unread) })
	})
	return notFound(err, kind, name)
}

// removeRead removes an item's file, and other files with the same item, if it could be
// read.
func (d dir) removeRead(file string, it item, unread error) error {
	if err := d.remove(file); err != nil {
		return err
	}
	if unread == nil {
		if err := d.removeConflicts(it.info); err != nil {
			return err
		}
	}
	return d.sync(".")
}

// notFound turns the error of a missing file, or of a store that was never made, into
// a *NotFoundError.
func notFound(err error, kind Kind, name string) error {
	if absent(err) {
		return &NotFoundError{kind, name}
	}
	return err
}
