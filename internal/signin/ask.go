package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/keyring"
)

// SharedError means that another process or goroutine asked a person to sign in while
// this one waited, and that came to nothing.
type SharedError struct {
	To string // what to sign in to
	keyring.Refusal
}

func (e *SharedError) Error() string {
	return fmt.Sprintf("another fob, which this one waited for, did not sign in to %s: %s", e.To, e.Message)
}

// askState is what the lock around the question remembers.
type askState struct {
	// Done counts sign-ins, and At is when a person last signed in.
	Done int       `json:"done,omitempty"`
	At   time.Time `json:"at,omitzero"`
	// Offered: the person was asked whether to use the sign-in of the AWS CLI.
	Offered bool `json:"offered,omitempty"`
	keyring.Refusal
}

// askLock names the lock around a question to sign in. Its holder may wait for the other
// locks, and nobody waits for it who holds one of them.
func askLock(id string) string { return "ask-sign-in-" + id }

// state reads an askState. A damaged one is zero: then the person is asked.
func (s *Signer) state(id string) (state askState) {
	text, err := s.Store.LockState(askLock(id))
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		s.Log("cannot read how the last sign-in went: %v", err)
		return askState{}
	}
	return state
}

// Ask has a person sign in to what a plan starts from, unless that is not necessary any
// more. It opens the store first, and must not be called under a lock.
func (s *Signer) Ask(ctx context.Context, p plan.Plan) error {
	m := methodOf(p)
	if c, ok := m.(console); ok && c.AWSLogin && !s.hasOwn(c) {
		return c.needed() // nobody wants a second sign-in without asking for it
	}
	return s.ask(ctx, m, func(t creds.Token, _ keyring.Info) (bool, error) { return m.lives(t, s.Now()), nil })
}

// Ahead is Ask before anything needs it, so that programs do not have to ask for a while.
// With again it is necessary even if the person is signed in.
func (s *Signer) Ahead(ctx context.Context, p plan.Plan, again bool) error {
	m := methodOf(p)
	if c, ok := m.(console); ok && !again && !s.hasOwn(c) {
		if _, err := s.Console(ctx, c.ConsoleLogin); err == nil {
			return nil // AWS's tools have signed in
		}
	}
	return s.ask(ctx, m, func(t creds.Token, i keyring.Info) (bool, error) {
		if again {
			return false, nil
		}
		return m.lasts(keyring.WithoutAsking(ctx), s, t, i)
	})
}

// ask signs in unless the sign-in in the store is enough. One process at a time asks for
// the same sign-in; the others use what it got.
func (s *Signer) ask(ctx context.Context, m method, enough func(creds.Token, keyring.Info) (bool, error)) error {
	name, id := m.item()
	before := s.state(id)
	ok, why := s.MayAsk()
	if info, err := s.Store.TokenInfo(name, id); !ok && (err != nil || !info.Refresh && info.Expires.Before(s.Now())) {
		return s.cannotAsk(m, err, why) // it is of no use to open the store
	}
	if err := s.Open(ctx); err != nil {
		return err
	}
	look := func() (t creds.Token, done bool, err error) {
		t, info, err := s.token(ctx, m)
		if err == nil {
			done, err = enough(t, info)
		}
		if needed := (*NeededError)(nil); errors.As(err, &needed) {
			err = nil
		}
		return t, done, err
	}
	t, done, err := look()
	switch {
	case done || err != nil:
		return err
	case !ok && m.lives(t, s.Now()):
		return nil
	case !ok:
		return s.cannotAsk(m, nil, why)
	}
	lock, err := s.Store.AskLock(ctx, askLock(id), "a sign-in to "+m.needed().To, func() { s.Log("waiting for another fob to ask a person") })
	if err != nil {
		return err
	}
	defer lock.Unlock() // closing the file releases it in any case
	now := s.state(id)
	if now.Since(before.Refusal, "") {
		return &SharedError{To: m.needed().To, Refusal: now.Refusal}
	}
	t, done, err = look()
	if done || err != nil || now.Done != before.Done && m.lives(t, s.Now()) {
		return err
	}
	if err := s.Store.CanSetToken(ctx, name, id); err != nil {
		return err // before a person signs in for nothing
	}
	t, info, now, err := s.person(ctx, m, now)
	if err == nil {
		err = s.save(context.WithoutCancel(ctx), m, t, info)
	}
	s.share(ctx, lock, now, err)
	return err
}

// save stores a new sign-in. A renewal of the one before, which has begun, ends first.
func (s *Signer) save(ctx context.Context, m method, t creds.Token, info keyring.Info) error {
	name, id := m.item()
	return s.locked(ctx, id, func() error {
		_, err := s.Store.SetToken(ctx, name, id, t, info)
		return err
	})
}

// cannotAsk is the error where a person would have to be asked. err is that of a look
// into the store.
func (s *Signer) cannotAsk(m method, err, why error) error {
	if missing := (*keyring.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		return err
	}
	needed := m.needed()
	needed.Why = why
	return needed
}

// person has a person sign in, or takes over the sign-in of the AWS CLI.
func (s *Signer) person(ctx context.Context, m method, now askState) (creds.Token, keyring.Info, askState, error) {
	if c, ok := m.(center); ok && s.Offer != nil && !now.Offered {
		t, found := s.ofCLI(c.SSO)
		if found {
			yes, err := s.Offer(ctx, t.Expires)
			now.Offered = err == nil
			if yes || err != nil {
				now.At = time.Time{} // the token is not new
				return t, keyring.Info{}, now, err
			}
		}
	}
	t, info, err := m.signIn(ctx, s)
	now.At = s.Now().UTC()
	return t, info, now, err
}

// share tells those who wait how it went. A network error is not shared: the next
// process may have another network.
func (s *Signer) share(ctx context.Context, lock *keyring.Lock, now askState, err error) {
	var refused *awsapi.RefusedError
	var denied *DeniedError
	var other *IdentityError
	var late *LateError
	switch {
	case err == nil:
		now.Done++
		now.Refusal = now.Cleared()
	case errors.As(err, &refused), errors.As(err, &denied), errors.As(err, &other):
		now.Refusal = now.Next(keyring.Refused, err.Error(), "")
	case errors.As(err, &late):
		now.Refusal = now.Next(keyring.Unanswered, late.Error(), "")
	case errors.Is(err, term.ErrCancelled), ctx.Err() == context.Canceled:
		now.Refusal = now.Next(keyring.Cancelled, "cancelled", "")
	}
	text, problem := json.Marshal(now)
	if problem == nil {
		problem = lock.SetState(text)
	}
	if problem != nil {
		s.Log("could not tell the others how the sign-in went: %v", problem)
	}
}
