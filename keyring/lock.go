package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	storeLock  = "store"     // shared by writers, exclusive for creation, slots and re-key; never held while a person is asked
	turnstile  = "turnstile" // held while waiting for the store's lock
	unlockLock = "unlock"    // held around a question and the derivation that follows
	deriveLock = "derive"    // held around a derivation that needs no person; never held while one is asked
	slotsLock  = "slots"     // held around a change of slots, questions included
	// revisionLock is held from the look at an item's revision until that has been replaced
	// or removed. It is taken after the store's lock, and by nobody without that.
	revisionLock = "revision"

	// lockPoll is how soon a waiting process tries again, and lockPollMost how seldom
	// it does so in the end: two hundred that wait must leave the processors to the one
	// they wait for.
	lockPoll     = 10 * time.Millisecond
	lockPollMost = 250 * time.Millisecond

	maxState = 4 << 10 // bytes
)

// Lock is a lock between processes, and between the goroutines of one. The
// system drops it when its process dies. Order: locks that callers name, then
// the store's own.
type Lock struct {
	f     *flock.Flock
	store *Store
	name  string // file name without extension
}

// TryLock takes the lock called name (any text) if nobody holds it. The lock is
// a file in the store's directory, and works before there is a store.
func (s *Store) TryLock(name string) (*Lock, bool, error) { return s.tryLock(lockName(name), false) }

// Lock takes the lock called name. If somebody else holds it, Lock calls waiting
// once, which may be nil, and waits until ctx ends; if that is at a deadline, the
// error is a *BusyError. A lock of this kind is not held while a person is asked.
func (s *Store) Lock(ctx context.Context, name string, waiting func()) (*Lock, error) {
	return s.lock(ctx, lockName(name), false, waiting)
}

// AskLock is Lock for a lock around a question: asking is what a person is asked
// for, in words for those who wait. Only who needs a person too may wait for it.
func (s *Store) AskLock(ctx context.Context, name, asking string, waiting func()) (*Lock, error) {
	return s.askLock(ctx, lockName(name), asking, waiting)
}

// Unlock gives the lock back.
func (l *Lock) Unlock() error { return l.f.Unlock() }

// SetState stores up to 4 KiB for the lock's next holders. It is on the disk when
// SetState returns.
func (l *Lock) SetState(state []byte) error { return l.store.setLockState(l.name, state) }

// LockState reads the state of the lock called name without holding it; nil if
// there is none.
func (s *Store) LockState(name string) ([]byte, error) { return s.lockState(lockName(name)) }

func (s *Store) lockState(file string) ([]byte, error) {
	d, err := openDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	state, _, err := d.read(locksDir+"/"+file+".state", maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return state, err
}

func (s *Store) setLockState(file string, state []byte) error {
	if len(state) > maxState {
		return fmt.Errorf("the state of lock %q is too large", file)
	}
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// The state is a file next to the lock. To replace the lock file would make two
	// locks of one, and a reader could see half of what is written into it.
	return d.write(locksDir+"/"+file+".state", state, true)
}

// lock is Lock for a file name, and may take the lock together with others.
func (s *Store) lock(ctx context.Context, file string, shared bool, waiting func()) (*Lock, error) {
	l, ok, err := s.tryLock(file, shared)
	if ok || err != nil {
		return l, err
	}
	if waiting != nil {
		waiting()
	}
	defer s.waiting(func() string {
		h := s.holder(file)
		if h.Asking != "" {
			return fmt.Sprintf("waiting for %v", h)
		}
		return fmt.Sprintf("waiting for %v ...", h)
	})()
	for pause := lockPoll; ; pause = min(pause*5/4+lockPoll, lockPollMost) {
		select {
		case <-ctx.Done():
			cause := context.Cause(ctx)
			if errors.Is(cause, context.DeadlineExceeded) {
				cause = &BusyError{Holder: s.holder(file), Cause: cause}
			}
			return nil, cause
		case <-time.After(pause/2 + rand.N(pause)):
		}
		if l, ok, err := s.tryLock(file, shared); ok || err != nil {
			return l, err
		}
	}
}

// askLock is lock for a lock around a question. Its holder says who it is.
func (s *Store) askLock(ctx context.Context, file, asking string, waiting func()) (*Lock, error) {
	l, err := s.lock(ctx, file, false, waiting)
	if err == nil {
		l.Asks(asking)
	}
	return l, err
}

// Asks says to those who wait for the lock what a person is asked for now. If it
// cannot be written, they hear of nobody rather than of an earlier holder.
func (l *Lock) Asks(what string) {
	h := Holder{PID: os.Getpid()}
	if l.store.opts.Self != nil {
		h = l.store.opts.Self()
	}
	h.Asking = what
	d, err := openDir(l.store.opts.Dir)
	if err != nil {
		return
	}
	defer d.Close()
	name := locksDir + "/" + l.name + ".holder"
	if err := d.write(name, encodeJSON(h), false); err != nil {
		_ = d.Remove(name) // nobody depends on it
	}
}

// holder is who holds a lock, if it is one around a question; else zero.
func (s *Store) holder(file string) Holder {
	var h Holder
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return h
	}
	defer d.Close()
	if text, _, err := d.read(locksDir+"/"+file+".holder", maxState); err == nil && json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	if h == (Holder{}) {
		h.Doing = doing(file)
	}
	return h
}

// doing is what the holder of a lock does that is not around a question.
func doing(file string) string {
	if file == deriveLock {
		return "opening the store"
	}
	return ""
}

// bestEffortLock takes a lock that protects nothing but saves others trouble. If
// it cannot be had (a store on a read-only disk), the work continues without it.
// asking is what a person is asked for under it, "" if nobody is.
func (s *Store) bestEffortLock(ctx context.Context, name, asking string) (release func(), err error) {
	var l *Lock
	if asking != "" {
		l, err = s.askLock(ctx, name, asking, func() { s.logf("waiting for another fob to ask a person") })
	} else {
		l, err = s.lock(ctx, name, false, func() { s.logf("waiting for another fob") })
	}
	switch {
	case err == nil:
		return func() { l.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, err
	}
	s.logf("no lock %q: %v", name, err)
	return func() {}, nil
}

// lockStore takes the store's lock. A second lock keeps new readers out, so that a
// writer is not starved.
func (s *Store) lockStore(ctx context.Context, shared bool) (*Lock, error) {
	gate, err := s.lock(ctx, turnstile, shared, nil)
	if err != nil {
		return nil, err
	}
	defer gate.Unlock()
	return s.lock(ctx, storeLock, shared, nil)
}

func (s *Store) tryLock(file string, shared bool) (*Lock, bool, error) {
	l, ok, err := s.tryLockIn(filepath.Join(s.opts.Dir, locksDir), file, shared)
	if err != nil && noLocks(err) {
		dir := s.spareLocksDir()
		if dir == "" {
			return nil, false, &NoLocksError{s.opts.Dir, s.runtimeDir}
		}
		s.logf("no locks in %s, using %s", s.opts.Dir, dir)
		if l, ok, err = s.tryLockIn(dir, file, shared); err != nil && noLocks(err) {
			err = &NoLocksError{s.opts.Dir, s.runtimeDir}
		}
	}
	return l, ok, err
}

func (s *Store) tryLockIn(dir, file string, shared bool) (*Lock, bool, error) {
	d, err := makeDir(s.opts.Dir)
	if err != nil {
		return nil, false, err
	}
	defer d.Close()
	path := filepath.Join(dir, file+".lock")
	// A link would put the lock elsewhere, where not every process may see it.
	if fi, err := os.Lstat(dir); err == nil && !fi.IsDir() {
		return nil, false, &DamagedError{dir, "it is not a directory"}
	}
	if fi, err := os.Lstat(path); err == nil && !fi.Mode().IsRegular() {
		return nil, false, &DamagedError{path, "it is not a regular file"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, writeError(err)
	}
	f := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY|safeOpen))
	try := f.TryLock
	if shared {
		try = f.TryRLock
	}
	ok, err := s.testOnlyFlock(path)
	if err == nil {
		ok, err = try()
	}
	switch {
	case errors.Is(err, syscall.EINTR):
		return nil, false, nil // a file system in user space was interrupted: try again
	case err != nil:
		if _, named := errors.AsType[*fs.PathError](err); !named {
			err = &fs.PathError{Op: "lock", Path: path, Err: err}
		}
		return nil, false, writeError(err)
	case !ok:
		return nil, false, nil
	}
	return &Lock{f, s, file}, true, nil
}

// spareLocksDir is where the locks are if the store's file system cannot lock: a
// directory for each store, of this user on this machine, which no variable moves; ""
// if there is none. A directory below /tmp would not do: systemd gives services one of
// their own, and two processes with different locks are worse than none.
func (s *Store) spareLocksDir() string {
	if fi, err := os.Lstat(s.runtimeDir); err != nil || !fi.IsDir() {
		return ""
	} else if problem, _ := privateProblem(s.runtimeDir, fi); problem != "" {
		return ""
	}
	dir := s.opts.Dir
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // one store may have two paths
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(s.runtimeDir, "fob-locks-"+hex.EncodeToString(sum[:8]))
}

// runtimeDir is this user's directory of this machine; "" if the system has none.
func runtimeDir() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	return fmt.Sprintf("/run/user/%d", os.Getuid())
}

// LocksDir is where the store's locks are: below Dir, or elsewhere if the file
// system of Dir cannot lock.
func (s *Store) LocksDir(ctx context.Context) (string, error) {
	l, err := s.lock(ctx, storeLock, true, nil)
	if err != nil {
		return "", err
	}
	defer l.Unlock()
	return filepath.Dir(l.f.Path()), nil
}
