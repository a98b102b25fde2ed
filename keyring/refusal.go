package keyring

import (
	"encoding/json"
	"errors"

	"fob/internal/term"
)

// no is how a person was last asked in vain, by fob or by a desktop's keyring: the
// state of the unlock lock.
type no struct {
	Seq     int    `json:"seq"` // counts them
	Problem string `json:"problem"`
}

// lastNo is the zero no if there was none, or if it cannot be read: then the
// question is asked, as it would have been without it.
func (s *Store) lastNo() no {
	var last no
	if state, err := s.lockState(unlockLock); err == nil {
		_ = json.Unmarshal(state, &last)
	}
	return last
}

// waits remembers the last no of the time when this process first had to wait for
// another, whichever lock that is: the question may come behind a caller's.
func (s *Store) waits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil {
		last := s.lastNo()
		s.before = &last
	}
}

// heardNo is the problem of a no that came while this process waited, or "": so
// fifty do not ask one after the other what was answered already.
func (s *Store) heardNo() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil {
		return ""
	}
	last := s.lastNo()
	if last.Seq == s.before.Seq {
		return ""
	}
	return last.Problem
}

// shareNo tells those who wait for the lock of the question, which the caller
// holds, why the store was not opened, if that was a person's doing.
func (s *Store) shareNo(err error) {
	last := s.lastNo()
	var locked *LockedError
	switch {
	case errors.As(err, &locked) && locked.Declined:
		last.Problem = locked.Reason
	case errors.Is(err, term.ErrCancelled):
		last.Problem = "cancelled"
	case errors.Is(err, ErrWrongPassphrase):
		last.Problem = ErrWrongPassphrase.Error()
	default:
		return // another may have a terminal, or more time
	}
	last.Seq++
	state, err := json.Marshal(last)
	if err == nil {
		err = s.setLockState(unlockLock, state)
	}
	if err != nil {
		s.logf("the answer is not shared: %v", err)
	}
}
