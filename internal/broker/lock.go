package broker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/signin"
	"fob/keyring"
)

// heldLock is a lock between all processes that use the same store. Without a store
// it locks nothing.
type heldLock struct{ lock *keyring.Lock }

var errBusy = errors.New("another fob is doing this already")

// lock waits for the lock called name. In quiet mode it does not wait.
func (r *run) lock(ctx context.Context, name string) (*heldLock, error) {
	lock, _, err := r.lockOrWait(ctx, name)
	return lock, err
}

// lockOrWait is lock, and reports whether another fob had the lock.
func (r *run) lockOrWait(ctx context.Context, name string) (held *heldLock, waited bool, err error) {
	if r.Sessions == nil {
		return &heldLock{}, false, nil
	}
	if r.quiet {
		lock, ok, err := r.Sessions.TryLock(name)
		if err == nil && !ok {
			err = errBusy
		}
		if err != nil {
			return nil, false, err
		}
		return &heldLock{lock}, false, nil
	}
	lock, err := r.Sessions.Lock(ctx, name, func() { waited = true; r.Log("waiting for another fob") })
	if err != nil {
		return nil, waited, err
	}
	return &heldLock{lock}, waited, nil
}

// needsPerson reports whether err says that something can only be had from a person.
func needsPerson(err error) bool {
	var nobody *prompt.NoPersonError
	var locked *keyring.LockedError
	var signIn *signin.NeededError
	return errors.As(err, &nobody) || errors.As(err, &locked) || errors.As(err, &signIn)
}

// askLock names the lock around the questions for a session that needs a device's
// code: how to open the store, and the code. Its holder waits for the other locks,
// and nobody waits for it who holds one of them.
func askLock(serial string) string { return "ask-mfa-" + serial }

// makeAsking is make, and asks a person, because make failed with why. One process at a
// time asks for what the same device signs in; when it is done, those who waited look at
// the cache again.
func (r *run) makeAsking(ctx context.Context, why error) (creds.Session, error) {
	r.asking = &heldLock{}
	if r.Ask != nil && signin.Starts(r.plan) {
		return r.makeSignedIn(ctx, why)
	}
	serial := r.plan.MFASerial()
	if serial != "" && r.Sessions != nil && (r.Nobody == nil || !r.Nobody(ctx)) {
		lock, err := r.Sessions.AskLock(ctx, askLock(serial), "what "+r.plan.Profile+" needs to sign in", func() { r.Log("waiting for another fob to ask a person") })
		if err != nil {
			return creds.Session{}, err
		}
		r.asking = &heldLock{lock}
		defer r.asking.release()
	}
	return r.make(ctx)
}

// makeSignedIn is make after a person has signed in. What the store has, once it is open,
// may be a sign-in that AWS has ended: then they are asked once more.
func (r *run) makeSignedIn(ctx context.Context, why error) (s creds.Session, err error) {
	for range 2 {
		var needed, first *signin.NeededError
		if err = r.Ask(ctx, r.plan); err != nil {
			if errors.As(err, &needed) && errors.As(why, &first) {
				needed.Ended = first.Ended
				if needed.Why == nil {
					needed.Why = first.Why
				}
			}
			return creds.Session{}, err
		}
		if s, err = r.make(keyring.WithoutAsking(ctx)); !errors.As(err, &needed) {
			return s, err
		}
	}
	return s, err
}

// asks says to those who wait for the lock what a person is asked for.
func (l *heldLock) asks(what string) {
	if l.lock != nil {
		l.lock.Asks(what)
	}
}

// errMade stays inside the package: another process made the session while a person
// was asked for it.
var errMade = errors.New("another fob has made the session")

// watchPoll is how often the cache is looked at while a person is asked.
const watchPoll = 250 * time.Millisecond

// untilMade returns a context that ends with the cause errMade when another process
// caches the session of the first n steps. stop ends the watch.
func (r *run) untilMade(ctx context.Context, n int) (_ context.Context, stop func()) {
	watch, ok := r.Sessions.(interface {
		SessionInfo(source, id string) (keyring.Info, error)
	})
	if !ok {
		return ctx, func() {}
	}
	seen := r.seen.first(r.plan.ID(n), "")
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchPoll):
			}
			info, err := watch.SessionInfo(r.plan.Source(), r.plan.ID(n))
			if err == nil && info.Rev != seen && info.Rev != r.noticed {
				r.noticed = info.Rev // only this goroutine runs until stop
				cancel(errMade)
			}
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

func device(serial string) string { return "an MFA code (" + plan.ShortSerial(serial) + ")" }

func (l *heldLock) release() {
	if l.lock != nil {
		_ = l.lock.Unlock() // closing the file releases it in any case
	}
}

// remember stores the state of the device that the lock belongs to.
func (l *heldLock) remember(d deviceState) error {
	if l.lock == nil {
		return nil
	}
	state, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return l.lock.SetState(state)
}
