package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fob/internal/term"
)

// Of many processes and goroutines that need the same answer (a passphrase, an
// MFA code), one asks and the others wait for a lock. If the answer is no, those
// who waited take it over, so that a person is not asked fifty times. The state of
// the lock around the question keeps the last refusal.

// Outcome is how a question ended that was not answered well.
type Outcome string

// Outcomes that are shared. A network error is not: the next process may have
// another network. Neither is a missing terminal: the next one may have one.
const (
	Refused    Outcome = "refused"    // the answer was wrong, or AWS said no
	Cancelled  Outcome = "cancelled"  // the person declined to answer
	Unanswered Outcome = "unanswered" // nobody answered in time
)

// Refusal is the last refusal of a question, as the state of its lock keeps it.
// The zero value says that there was none. Other state may embed it.
type Refusal struct {
	// Seq counts refusals, so that one can tell which are new.
	Seq     int     `json:"seq,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	Message string  `json:"message,omitempty"`
	// About is what was refused, if the question has several objects; empty if it
	// is about all of them.
	About string `json:"about,omitempty"`
}

// Next returns the refusal that follows r.
func (r Refusal) Next(o Outcome, message, about string) Refusal {
	return Refusal{Seq: r.Seq + 1, Outcome: o, Message: message, About: about}
}

// Cleared returns r after an answer that was good.
func (r Refusal) Cleared() Refusal { return Refusal{Seq: r.Seq} }

// Since reports whether r is news to somebody who last saw seen, and is about
// what they need.
func (r Refusal) Since(seen Refusal, about string) bool {
	return r.Seq != seen.Seq && r.Outcome != "" && (r.About == "" || r.About == about)
}

// SharedError says that another process or goroutine asked while this one waited,
// and was refused: the question is not asked again.
type SharedError struct {
	Refusal
	// Serial is the MFA device whose code was asked for; empty if the question was
	// how to open the store.
	Serial string
}

func (e *SharedError) Error() string {
	failed := "did not open the store"
	if e.Serial != "" {
		failed = "got no session with " + e.Serial
	}
	return fmt.Sprintf("another fob, which this one waited for, %s: %s", failed, e.Message)
}

// seenRefusal is the last refusal that was known when some work began.
type seenRefusal struct {
	store *opened
	Refusal
}

type seenRefusalKey struct{}

// WatchRefusals returns a context for work that may wait for other processes
// before it opens the store. If one of them is refused from now on, calls with
// that context do not ask again and fail with a *SharedError. Calls with another
// context count only what is refused while they wait themselves.
func (s *Store) WatchRefusals(ctx context.Context) context.Context {
	if _, ok := s.seenRefusal(ctx); ok {
		return ctx
	}
	return context.WithValue(ctx, seenRefusalKey{}, seenRefusal{s.opened, s.lastRefusal()})
}

func (s *Store) seenRefusal(ctx context.Context) (Refusal, bool) {
	seen, ok := ctx.Value(seenRefusalKey{}).(seenRefusal)
	return seen.Refusal, ok && seen.store == s.opened
}

// newRefusal returns a refusal that came since ctx was made by WatchRefusals, as a
// *SharedError; nil if there was none.
func (s *Store) newRefusal(ctx context.Context) error {
	seen, ok := s.seenRefusal(ctx)
	if last := s.lastRefusal(); ok && last.Since(seen, "") {
		return &SharedError{Refusal: last}
	}
	return nil
}

// lastRefusal is the last time that a person was asked how to open the store, by
// fob or by a desktop keyring, and did not do it. If it cannot be read, it is
// zero: then the question is asked.
func (s *Store) lastRefusal() Refusal {
	var last Refusal
	if state, err := s.lockState(unlockLock); err == nil {
		_ = json.Unmarshal(state, &last)
	}
	return last
}

// shareRefusal tells those who wait for the question why the store was not opened,
// if a person decided that. The caller holds the lock around the question.
func (s *Store) shareRefusal(err error) {
	last := s.lastRefusal()
	var locked *LockedError
	switch {
	case errors.As(err, &locked) && locked.Declined:
		last = last.Next(Cancelled, locked.Reason, "")
	case errors.Is(err, term.ErrCancelled):
		last = last.Next(Cancelled, "cancelled", "")
	case errors.Is(err, ErrWrongPassphrase):
		last = last.Next(Refused, ErrWrongPassphrase.Error(), "")
	default:
		return // another process may have a terminal, or more time
	}
	state, err := json.Marshal(last)
	if err == nil {
		err = s.setLockState(unlockLock, state)
	}
	if err != nil {
		s.logf("could not share the refusal: %v", err)
	}
}
