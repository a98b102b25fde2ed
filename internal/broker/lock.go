package broker

import (
	"context"
	"encoding/json"
	"errors"

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
