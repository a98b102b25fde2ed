// Package signin gets credentials from what a person signed in to with a browser: AWS
// IAM Identity Center, and the AWS console.
//
// What a sign-in gave (an access token, mostly with a refresh token) is kept in the
// store, encrypted, and serves all profiles and programs until AWS ends it. Renewing it
// takes no person. A new refresh token is on the disk before anything uses what came
// with it, because AWS may have made the old one useless. If many processes need the same
// sign-in, one asks the person, and the others wait and use it; a refusal is shared,
// too.
//
// The browser comes back to a listener on this computer that only this computer reaches,
// or the person confirms a code on any other device. The package keeps no secret in a
// command line, an address or a page.
package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// Signer signs in. It is safe for concurrent use if its fields are.
type Signer struct {
	Store *keyring.Store
	// Open opens the store for sign-ins, and creates it if there is none. It may ask a
	// person.
	Open func(ctx context.Context) error
	// MayAsk reports whether a person can be asked to sign in here; if not, why is the
	// reason, nil if it goes without saying.
	MayAsk func() (ok bool, why error)
	// Dial makes the client of an endpoint, which logs its calls.
	Dial func(e plan.Endpoint, log func(format string, args ...any)) (*awsapi.Client, error)
	// Device has the person sign in on any device, and so does a Loopback that reports that
	// a browser on this computer could not come back to fob; nil: it can.
	Device   bool
	Loopback func() bool
	// Browser opens an address in the browser.
	Browser func(address string) error
	// CLICache is where the AWS CLI keeps its sign-ins, and Offer asks whether to use one
	// that it finds there. Nil: it does not look.
	CLICache string
	Offer    func(ctx context.Context, until time.Time) (yes bool, err error)
	// Home is the user's home directory, where AWS's tools keep their sign-ins to the
	// console. Paste asks for the code that the page of a sign-in elsewhere shows, until
	// check takes the answer.
	Home  string
	Paste func(ctx context.Context, prompt string, check func(answer string) error) (string, error)
	// Apart carries a request to Renew out in another process and returns its answer; nil: a
	// sign-in is renewed in this one.
	Apart func(ctx context.Context, request []byte) (answer []byte, err error)
	// Say prints a line for the person. Waiting says what fob waits for, until done.
	Say     func(format string, args ...any)
	Waiting func(format string, args ...any) (done func())
	// Patience is how long a person has to sign in with the browser; 0 is 10 minutes.
	Patience time.Duration
	// Pause waits between two questions whether the person has confirmed the code; nil is
	// a clock's.
	Pause func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
	Log   func(format string, args ...any)
	Note  func(format string, args ...any)
}

// NeededError means that a person has to sign in.
type NeededError struct {
	Profile string
	// To is what to sign in to: "Identity Center (corp)".
	To string
	// Ended: somebody was signed in, and AWS has ended that.
	Ended bool
	// AWSLogin: the AWS CLI signs in to this profile, too, with aws login.
	AWSLogin bool
	// Why is why the person cannot be asked now; nil if nobody tried, or if it goes
	// without saying.
	Why error `json:"-"`
}

func (e *NeededError) Error() string {
	text := fmt.Sprintf("%s is not signed in to %s", e.Profile, e.To)
	if e.Ended {
		text = fmt.Sprintf("the sign-in of %s to %s has ended", e.Profile, e.To)
	}
	if e.Why != nil {
		text += fmt.Sprintf(": %v", e.Why)
	}
	return text
}

// Unwrap returns the reason.
func (e *NeededError) Unwrap() error { return e.Why }

// method is one kind of sign-in: what its steps have in common for those who ask a
// person.
type method interface {
	// item names the sign-in in the store.
	item() (name, id string)
	// needed is the error where there is no sign-in.
	needed() *NeededError
	// lives reports whether a sign-in needs no person now, as far as it tells itself.
	lives(t creds.Token, now time.Time) bool
	// lasts reports whether it will do for a while, so that nobody has to sign in ahead. It
	// renews the sign-in for that, if that needs no person.
	lasts(ctx context.Context, s *Signer, t creds.Token, i keyring.Info) (bool, error)
	// signIn has a person sign in.
	signIn(ctx context.Context, s *Signer) (creds.Token, keyring.Info, error)
}

// methodOf is how a plan is signed in to; nil if it does not start with a sign-in that is
// kept in the store.
func methodOf(p plan.Plan) method {
	switch step := p.Steps[0].(type) {
	case plan.SSO:
		return center{step}
	case plan.ConsoleLogin:
		return console{step}
	}
	return nil
}

// Starts reports whether a plan starts with a sign-in that is kept in the store.
func Starts(p plan.Plan) bool { return methodOf(p) != nil }

// Same reports whether two plans start with the same sign-in.
func Same(p, q plan.Plan) bool {
	a, b := methodOf(p), methodOf(q)
	if a == nil || b == nil {
		return false
	}
	_, one := a.item()
	_, other := b.item()
	return one == other
}

func (s *Signer) client(e plan.Endpoint) (*awsapi.Client, error) { return s.Dial(e, s.Log) }

// elsewhere reports whether the person signs in on any device.
func (s *Signer) elsewhere() bool { return s.Device || s.Loopback != nil && !s.Loopback() }

// token reads a sign-in. If there is none, the error is a *NeededError.
func (s *Signer) token(ctx context.Context, m method) (creds.Token, keyring.Info, error) {
	name, id := m.item()
	t, info, err := s.Store.Token(ctx, name, id)
	if none := (*keyring.NotFoundError)(nil); errors.As(err, &none) {
		err = m.needed()
	}
	return t, info, err
}

// signInLock names the lock around the renewal of a sign-in. Nobody is asked under it.
func signInLock(id string) string { return "sign-in-" + id }
