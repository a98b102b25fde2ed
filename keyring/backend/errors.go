package backend

import "fmt"

// Error says that a backend failed.
type Error struct {
	Backend, Reason string
	// Fix is a command that may help; empty if there is none.
	Fix string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Backend, e.Reason) }

// LostError is an *Error: the backend works, and does not have the item (any more).
type LostError struct{ Backend, Item string }

func (e *LostError) Error() string { return e.Unwrap().Error() }
func (e *LostError) Unwrap() error {
	return &Error{Backend: e.Backend, Reason: fmt.Sprintf("it has no item %q", e.Item)}
}

// LockedError says that only a person can open the slot, and that nobody could
// be asked or that they declined.
type LockedError struct {
	Slot, Reason string
	// Fix is a command that asks the person, and Advice what to do where there is none;
	// empty for nothing.
	Fix, Advice string
	// Declined: a person was asked and declined.
	Declined bool
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is locked: %s", e.Slot, e.Reason) }
