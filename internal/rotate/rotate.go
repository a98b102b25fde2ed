// Package rotate replaces an access key in AWS and in the store.
//
// Each step is written into the store before it is taken, so that the next run
// continues where a killed process stopped. No secret of a key that AWS has created exists
// only in memory for longer than it takes to store it.
//
// There are three sources of truth: the journal in the store, the profiles' keys beside it,
// and AWS's list of the user's keys. Decide makes one action of them at a time. In the
// table, O is the old key and N the new one. A lost key is one that AWS created, but whose
// answer never came.
//
//	journal      during            what is so if fob dies there       fob rotate            --abort
//	(none)       the first checks  nothing has changed                begins                refuses
//	began        CreateAccessKey   O works; there may be a lost key   deletes a lost key,   deletes a lost key,
//	                                                                  creates one           forgets
//	created      waiting for AWS   O and N work; only the journal     waits for N,          deletes N with O,
//	                               has N                              switches              forgets
//	created      switching         O and N work; each profile has     switches the rest     switches back,
//	                               one of them                                              deletes N with O
//	switched     UpdateAccessKey   N works; O works or is inactive    deactivates O         activates O with N,
//	                                                                  with N                switches back,
//	                                                                                        deletes N with O
//	deactivated  DeleteAccessKey   N works; O is inactive or gone     deletes O with N,     the same; refuses if
//	                                                                  forgets               O is gone
//	returning    going back        O works, or N can activate it      goes back             goes back
//
// To forget is to remove the journal, which happens last.
//
// A machine whose copy of the store is behind sees an earlier row, and must not break what
// another one has reached: O is deactivated and deleted with N, which proves that N works,
// and N is deleted with O. If the journal has arrived here before the keys, a file with N
// is still to come: so the way back stores O again for every profile before it deletes N.
// A key counts as lost only if AWS created it when fob asked for one and got no answer,
// nothing has ever used it, and the store does not have it. If another machine asked, that
// one may have got the answer and be using the key, so that only a person may have it
// deleted. A list that is behind proves nothing: AWS is asked again, or told to delete what
// may be there. If the profiles have other keys by now, fob deletes neither O nor N, because
// nobody knows whether those work. A journal or a key that another process has changed in
// the meantime is neither overwritten nor removed.
package rotate

import (
	"context"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/keyring"
)

// The steps of a journal, in their order. Each is written when it is reached; Began,
// before AWS is asked for a key.
const (
	Began       = "began"
	Created     = "created"     // the journal has the new key
	Switched    = "switched"    // so do the profiles
	Deactivated = "deactivated" // the old key
	Returning   = "returning"   // to the old key
)

// Lock is the name of the store's lock that a process holds while it rotates keys: of two
// that replaced one key, each would delete what the other has created.
const Lock = "rotate"

// Store has the keys and the journals: a *keyring.Store.
type Store interface {
	Key(ctx context.Context, profile string) (creds.Key, keyring.Info, error)
	SetKey(ctx context.Context, profile string, k creds.Key, i keyring.Info) (keyring.Info, error)
	// Infos are the headers of all items of a kind. Damaged ones are left out, and are an
	// error beside the others.
	Infos(kind keyring.Kind) ([]keyring.Info, error)
	KeyInfo(profile string) (keyring.Info, error)
	// Conflicts are files that hold an item under another name than its own.
	Conflicts() ([]keyring.Conflict, error)
	Retire(ctx context.Context, profile string, k creds.Key, why string) error
	Rotation(ctx context.Context, profile string) (creds.Rotation, keyring.Info, error)
	SetRotation(ctx context.Context, profile string, r creds.Rotation, i keyring.Info) (keyring.Info, error)
	RemoveRotation(profile, rev string) error
}

// STS says whose a key is.
type STS interface {
	Identity(ctx context.Context, with creds.Session) (awsapi.Identity, error)
}

// IAM is called with one of the user's two keys.
type IAM interface {
	// SignIn is called when AWS has denied something to a key alone. From then on, calls
	// with that key are made with an MFA session of it. ok is false if there is no MFA
	// device.
	SignIn(ctx context.Context, with creds.Key) (ok bool, err error)
	// CanSignIn says why nobody, and nothing, can sign in once more, with the new key.
	CanSignIn() error
	AccessKeys(ctx context.Context, with creds.Key) ([]iam.AccessKey, error)
	CreateAccessKey(ctx context.Context, with creds.Key) (creds.Key, iam.AccessKey, error)
	SetAccessKey(ctx context.Context, with creds.Key, id string, active bool) error
	DeleteAccessKey(ctx context.Context, with creds.Key, id string) error
	AccessKeyUse(ctx context.Context, with creds.Key, id string) (creds.KeyUse, error)
	// Now is the time by AWS's clock.
	Now() time.Time
}

// Rotator replaces the key of a profile. All fields are needed.
type Rotator struct {
	Store   Store
	Profile string
	STS     STS
	// Machine tells this machine from others that have the same store; "" if nothing does.
	Machine string
	// Dial returns IAM as it is called for a user.
	Dial func(awsapi.Identity) (IAM, error)
	// MayDrop asks whether an inactive key may be deleted, because AWS creates no third one.
	MayDrop func(ctx context.Context, k KnownKey) (bool, error)
	// MayDropLost asks whether a key may be deleted that another machine may be using: that
	// one asked AWS for a key, and may have got the answer.
	MayDropLost func(ctx context.Context, k KnownKey) (bool, error)
	// Wait pauses until AWS may know more.
	Wait func(ctx context.Context, d time.Duration) error
	// Done is called after each action. other is the key that was deleted, if it is neither
	// of the two.
	Done func(a Action, r creds.Rotation, other string)
	// Now is this computer's clock.
	Now func() time.Time
	Log func(format string, args ...any)
}

// Wish is what a run is asked for.
type Wish struct {
	Back    bool // to the old key
	KeepOld bool // leave the old key in AWS, inactive
	// MaxAge is how old a key may be; 0 replaces any, but for the new key of a rotation that
	// is only finished: see OldAge and soak.
	MaxAge time.Duration
	// Scheduled: nobody has named this profile, so an old key that was left inactive on
	// purpose is left a while longer.
	Scheduled bool
}

// KnownKey is a key of the user, with what helps to decide about it.
type KnownKey struct {
	iam.AccessKey
	creds.KeyUse
	// UseUnknown: AWS did not say when it was used.
	UseUnknown bool
	// PerhapsLost: AWS may have created it for this rotation, although the answer was lost.
	PerhapsLost bool
	Age         time.Duration // 0 if that is unknown
}

// Result is how a run ended.
type Result struct {
	// Last is Finish, Leave, Forget or NotDue.
	Last Action
	// Rotation is what the journal said at the end.
	Rotation creds.Rotation
	// Age is that of the profile's key; 0 if that is unknown.
	Age time.Duration
	// Left are keys that no profile has, and that may still be in AWS: another key was
	// stored in their place.
	Left []string
	// PerhapsLost is a key that AWS may have created for this rotation, and does not say
	// whether anything uses it; "" for none.
	PerhapsLost string
	// Unseen: AWS may have created such a key, and did not list the user's keys.
	Unseen bool
}

// retiredAs is why the store no longer has the old key.
const retiredAs = "rotated"

const (
	// patience is how long AWS may take to know a key that it has created or activated.
	patience = time.Minute
	// answerTime is how long after the request AWS may still create a key, or not list it.
	answerTime = time.Minute
	// lostWindow is how long after fob asked AWS may have created a lost key, and lostSlack
	// how much earlier it may seem to be, because times have whole seconds.
	lostWindow = 2 * time.Minute
	lostSlack  = 5 * time.Second
	// createTries is how many answers may be lost.
	createTries = 3
	// inUse is how recently something else must have used a key, not to delete it at once.
	inUse = 30 * 24 * time.Hour
	// soak is how long an old key is then left by runs that nobody watches.
	soak = 24 * time.Hour
)

// OldAge is the age at which a key is old: AWS's own reports (Security Hub, IAM.3) draw the
// line there.
const OldAge = 90 * 24 * time.Hour
