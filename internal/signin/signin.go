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
// The browser comes back to a listener on this computer that only it can reach, or the
// person confirms a code on any other device. The package keeps no secret in a command
// line, an address or a page.
package signin

import (
	"context"
	"fmt"
	"time"

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
	// Device has the person confirm a code on any device, where a browser on this
	// computer could not come back to fob.
	Device bool
	// Browser opens an address in the browser.
	Browser func(ctx context.Context, address string) error
	// Say prints a line for the person. Waiting says what fob waits for, until done.
	Say     func(format string, args ...any)
	Waiting func(format string, args ...any) (done func())
	Now     func() time.Time
	Log     func(format string, args ...any)
	Note    func(format string, args ...any)
}

// NeededError means that a person has to sign in.
type NeededError struct {
	Profile string
	// To is what to sign in to: "Identity Center (corp)".
	To string
	// Ended: somebody was signed in, and AWS has ended that.
	Ended bool
	// Why is why the person cannot be asked now; nil if nobody tried.
	Why error
}

func (e *NeededError) Error() string {
	text := fmt.Sprintf("%s is not signed in to %s", e.Profile, e.To)
	if e.Ended {
		text = fmt.Sprintf("the sign-in of %s to %s has ended", e.Profile, e.To)
	}
	if e.Why != nil {
		text += fmt.Sprintf(" (%v)", e.Why)
	}
	return text
}

// Unwrap returns the reason.
func (e *NeededError) Unwrap() error { return e.Why }

// Starts reports whether a plan starts with a sign-in that is kept in the store.
func Starts(p plan.Plan) bool { return false }

// Ask has a person sign in to what a plan starts from, unless that is not necessary any
// more. With force it is necessary in any case. It opens the store first, and must not be
// called under a lock.
func (s *Signer) Ask(ctx context.Context, p plan.Plan, force bool) error {
	return s.Open(ctx)
}
