package rotate

import (
	"fmt"

	"fob/internal/creds"
)

// StoppedError is a rotation that stopped on its way. The next run continues it.
type StoppedError struct {
	Profile  string
	Rotation creds.Rotation
	Back     bool // it was on the way back, or there is none
	Err      error
}

func (e *StoppedError) Error() string { return e.Err.Error() }
func (e *StoppedError) Unwrap() error { return e.Err }

// OwnerError is a key that is not an IAM user's.
type OwnerError struct {
	KeyID, ARN string
	Root       bool
}

func (e *OwnerError) Error() string {
	if e.Root {
		return fmt.Sprintf("%s is a root user's key: delete it instead of replacing it", e.KeyID)
	}
	return fmt.Sprintf("%s belongs to %s, which is not an IAM user", e.KeyID, e.ARN)
}

// OtherUserError is a new key that belongs to somebody else, or the stored one, if what
// answers is not the AWS that it was stored for.
type OtherUserError struct{ KeyID, Is, Want string }

func (e *OtherUserError) Error() string {
	return fmt.Sprintf("%s belongs to %s, not to %s", e.KeyID, e.Is, e.Want)
}

// FullError is a user who cannot get another key.
type FullError struct {
	Profile string
	KeyID   string // of the profile
	User    string
	Keys    []KnownKey
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%s already has %d access keys, and AWS allows no more", e.User, len(e.Keys))
}

// ElsewhereError is a key that may be lost, or that another machine may be using.
type ElsewhereError struct{ Profile, KeyID string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("another computer with this store began to replace the key of %s, and may be using %s", e.Profile, e.KeyID)
}

// LeftError is a new key that could neither be stored nor deleted.
type LeftError struct {
	KeyID     string
	Err, Undo error
}

func (e *LeftError) Error() string {
	return fmt.Sprintf("%v; could not delete the new key %s in AWS: %v", e.Err, e.KeyID, e.Undo)
}

func (e *LeftError) Unwrap() error { return e.Err }

// CodesError is a schedule's run that nobody could finish.
type CodesError struct {
	Profile string
	Err     error // why nobody can be asked, as a clause
}

func (e *CodesError) Error() string {
	return fmt.Sprintf("replacing the key of %s takes an MFA code for the old key and one for the new key, and %v", e.Profile, e.Err)
}

func (e *CodesError) Unwrap() error { return e.Err }

// BothRefusedError says that AWS accepts neither key of a rotation.
type BothRefusedError struct {
	Old, New string
	Err      error
}

func (e *BothRefusedError) Error() string {
	return fmt.Sprintf("AWS accepts neither the old key %s nor the new key %s", e.Old, e.New)
}

func (e *BothRefusedError) Unwrap() error { return e.Err }

// StateError is a rotation that somebody else has brought into a state from which it does
// not go where it should.
type StateError struct {
	Action   Action // Nothing, OldGone, NewGone, Replaced or Unknown
	Profile  string
	Rotation creds.Rotation
}

func (e *StateError) Error() string {
	switch e.Action {
	case OldGone:
		return fmt.Sprintf("the old key %s is no longer active in AWS", e.Rotation.Old.ID)
	case NewGone:
		return fmt.Sprintf("the new key %s was deleted or deactivated in AWS", e.Rotation.New.ID)
	case Replaced:
		return fmt.Sprintf("%s no longer has the key that is being replaced (%s)", e.Profile, e.Rotation.Old.ID)
	case Unknown:
		return fmt.Sprintf("another version of fob is replacing the key of %s (%q)", e.Profile, e.Rotation.Step)
	}
	return fmt.Sprintf("no rotation of %s's key to go back from", e.Profile)
}
