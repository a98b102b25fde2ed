package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Created says what Create did.
type Created struct {
	Dir, Slot string
	// Warnings are sentences for the user.
	Warnings []string
}

// Create makes the store and its first slot, of the kind that Options.Backend names.
// If there is a store by now, Create opens it instead. If this machine knows a
// store that is gone, the error is a *TrustError, and nothing is made.
func (s *Store) Create(ctx context.Context) (Created, error) {
	ctx = s.WatchRefusals(ctx)
	if _, err := s.trusted(); !absent(err) {
		return s.adopt(ctx, err)
	}
	made, err := s.create(ctx)
	if errors.Is(err, fs.ErrExist) {
		return s.adopt(ctx, nil)
	}
	return made, err
}

// CanCreate says why a store that does not exist cannot be made: a *CreateError.
func (s *Store) CanCreate() error {
	above := s.opts.Dir
	for above != filepath.Dir(above) {
		if _, err := os.Stat(above); err == nil {
			break
		}
		above = filepath.Dir(above)
	}
	probe, err := os.MkdirTemp(above, tempPrefix)
	if err == nil {
		return os.Remove(probe)
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = &fs.PathError{Op: file.Op, Path: above, Err: file.Err}
	}
	return &CreateError{s.opts.Dir, err}
}

func (s *Store) adopt(ctx context.Context, err error) (Created, error) {
	for err == nil || errors.Is(err, errMoved) {
		var h header
		if h, err = s.trusted(); err != nil {
			break
		}
		if _, err = s.subkey(ctx, h, KindSession); err == nil {
			m, err := s.recall()
			return Created{Dir: s.opts.Dir, Slot: m.Slot}, err
		}
	}
	return Created{}, err
}

// create returns fs.ErrExist if somebody was faster.
func (s *Store) create(ctx context.Context) (Created, error) {
	d, err := makeDir(s.opts.Dir)
	if err != nil {
		return Created{}, err // before anybody is asked
	}
	d.Close()
	// If many processes find no store, one asks for the passphrase. One that has it
	// does not wait for that: the first store that is complete counts.
	lock, asking := deriveLock, ""
	if s.asks(slot{Kind: kindPassphrase}) {
		lock, asking = unlockLock, "what will open the new store"
	}
	release, err := s.bestEffortLock(ctx, lock, asking)
	if err != nil {
		return Created{}, err
	}
	defer release()
	if _, err := s.header(); !absent(err) {
		return Created{}, errors.Join(fs.ErrExist, err)
	}
	name := s.newKind(ctx)
	kind := kindOf(name)
	if kind.create == nil || !kind.usable(s) {
		return Created{}, s.unusable(ctx, kind, name)
	}
	sl := slot{Name: kind.kind, Kind: kind.kind}
	if sl.Kind == kindAge {
		if sl.Recipients, err = s.ownRecipients(ctx); err != nil {
			return Created{}, err
		}
	}
	h := newHeader(1, sl)
	vault := make([]byte, keySize)
	rand.Read(vault)
	k := deriveSubkeys(vault, h.ID)
	h = h.sealed(k)
	made, err := kind.create(ctx, s, h, sl, h.payload(sl.Name, vault))
	clear(vault)
	if err == nil && made.untested != nil {
		err = &BackendError{Backend: sl.Kind, Reason: made.untested.Error()} // the only slot must work
	}
	if err != nil {
		return Created{}, err
	}
	if err := s.found(ctx, h, k, map[string][]byte{sl.Name: made.file}); err != nil {
		// Perhaps only the sync failed, and the header is there: then it needs its slot.
		if now, gone := s.header(); absent(gone) || gone == nil && now.ID != h.ID {
			made.undo()
		}
		return Created{}, err
	}
	s.keep(h, k, memory{}.of(s.opts.Dir, h, k, sl), sl)
	return Created{Dir: s.opts.Dir, Slot: sl.Name, Warnings: made.warnings}, nil
}

// found writes generation 1 and then the header, which is the commit. It returns
// fs.ErrExist if there is a header.
func (s *Store) found(ctx context.Context, h header, k subkeys, slots map[string][]byte) error {
	l, err := s.lockStore(ctx, false)
	if err != nil {
		return err
	}
	defer l.Unlock()
	d, err := makeDir(s.opts.Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.Lstat(headerFile); err == nil {
		return fs.ErrExist
	}
	if err := d.clearGenerations(); err != nil {
		return err
	}
	if err := d.makeGeneration(h.Gen, slots); err != nil {
		return err
	}
	if err := s.rememberMade(h, k); err != nil {
		return err
	}
	return d.create(headerFile, h.encode(k))
}
