// Package source reads what a plan starts from: a stored key, a key in plain text,
// the environment, the output of another program, or what a web identity token is
// exchanged for.
//
// It promises that a plan gets the credentials it was made for: a key that was
// replaced in the meantime is an error, and so are credentials that have expired.
// Programs that it runs get an environment without AWS credentials and without
// fob's secrets, and are told for which profiles they run, so that a loop through
// wrappers ends.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/helper"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/keyring"
)

// Reader reads sources. It is safe for concurrent use if Store is.
type Reader struct {
	Store  *keyring.Store
	Config *awsconfig.Config // what the plans were made from
	// Getenv is the environment that fob was started with.
	Getenv func(name string) string
	// Environ is what programs inherit that are run for a profile.
	Environ func(profile string) []string
	// Stderr gets what a program says to the user.
	Stderr io.Writer
	// Waiting is called when a program is started, and what it returns when it has ended;
	// nil for nothing.
	Waiting func(format string, args ...any) (done func())
	// Dial returns the client that exchanges tokens.
	Dial func(plan.Endpoint) (STS, error)
	// SignIn reads what somebody signed in to.
	SignIn *signin.Signer
	Now    func() time.Time
}

// ReplacedError means that the stored key of Profile is not the one the plan was
// made for.
type ReplacedError struct{ Profile string }

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("the key of %q was replaced just now; run the command again", e.Profile)
}

// Read returns the credentials that a plan starts from, and the revision of the
// stored key; rev is "" for a source that is not stored. With quiet nobody is
// asked. Errors are the store's, AWS's, a *ReplacedError, a *ProcessError, a
// *TokenError or the context's.
func (r Reader) Read(ctx context.Context, p plan.Plan, quiet bool) (s creds.Session, rev string, err error) {
	switch step := p.Steps[0].(type) {
	case plan.StoredKey:
		return r.stored(ctx, step, quiet)
	case plan.PlaintextKey:
		section, _ := r.Config.Profile(step.Profile) // the plan was made from it
		static, err := plan.Static(section)
		return creds.Session{
			Key:   creds.Key{ID: static.ID.Text, Secret: creds.NewSecret(static.Secret.Text)},
			Token: creds.NewSecret(static.Token.Text),
		}, "", err
	case plan.Environment:
		return creds.Session{
			Key:   creds.Key{ID: r.Getenv("AWS_ACCESS_KEY_ID"), Secret: creds.NewSecret(r.Getenv("AWS_SECRET_ACCESS_KEY"))},
			Token: creds.NewSecret(plan.EnvironmentToken(r.Getenv)),
		}, "", nil
	case plan.Process:
		s, err := r.process(ctx, step)
		return s, "", err
	case plan.SSO:
		s, err := r.SignIn.RoleCredentials(ctx, step)
		return s, "", err
	case plan.ConsoleLogin:
		s, err := r.SignIn.Console(ctx, step)
		return s, "", err
	case plan.WebIdentity:
		s, err := r.webIdentity(ctx, p.STS, step)
		return s, "", err
	}
	panic("a plan that starts with " + p.Steps[0].Kind())
}

func (r Reader) stored(ctx context.Context, step plan.StoredKey, quiet bool) (creds.Session, string, error) {
	store := r.Store
	if quiet {
		store = store.Quiet()
	}
	key, info, err := store.Key(ctx, step.Profile)
	if err != nil {
		return creds.Session{}, "", err
	}
	if info.KeyID != step.KeyID {
		return creds.Session{}, "", &ReplacedError{step.Profile}
	}
	return creds.Session{Key: key, AccountID: info.Account}, info.Rev, nil
}

// ProcessError means that the credential_process of Profile gave no credentials.
type ProcessError struct {
	Profile string
	Err     error // completes "the credential_process of ..."; holds none of its output
}

func (e *ProcessError) Error() string {
	return fmt.Sprintf("the credential_process of %q %v", e.Profile, e.Err)
}

// Unwrap returns the cause.
func (e *ProcessError) Unwrap() error { return e.Err }

// process gets credentials from a credential_process that is not fob.
func (r Reader) process(ctx context.Context, step plan.Process) (creds.Session, error) {
	out, err := r.run(ctx, "credential_process", step.Profile, step.Command)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("gave %w", err)
	}
	if err != nil {
		return creds.Session{}, &ProcessError{step.Profile, err}
	}
	s, err := format.ReadProcess(out)
	if err == nil && !s.Expires.IsZero() && !s.Expires.After(r.Now()) {
		err = fmt.Errorf("printed credentials that have expired")
	}
	if err != nil {
		return creds.Session{}, &ProcessError{step.Profile, err}
	}
	return s, nil
}

// MFAProcess runs the program that prints the codes of a plan; nil if there is
// none.
func (r Reader) MFAProcess(p plan.Plan) func(context.Context) ([]byte, error) {
	if p.MFAProcess.Line == "" {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		return r.run(ctx, "mfa_process", p.Profile, p.MFAProcess.Line)
	}
}

// run runs the program of a profile's setting.
func (r Reader) run(ctx context.Context, setting, profile, line string) ([]byte, error) {
	if r.Waiting != nil {
		defer r.Waiting("waiting for the %s of %q ...", setting, profile)()
	}
	return helper.Output(ctx, line, r.Environ(profile), r.Stderr)
}

// ChainVariable names the profiles, in JSON, that the programs above this one are
// run for.
const ChainVariable = "FOB_CHAIN"

// Environ is what a program inherits that fob runs for a profile; for the store if
// profile is "". It is environ without AWS credentials and fob's secrets, and with
// the profile added to the chain.
func Environ(environ []string, foldCase bool, chain []string, profile string) []string {
	cleaned := format.Clean(environ, foldCase, ChainVariable)
	if profile != "" {
		chain = append(chain[:len(chain):len(chain)], profile)
	}
	if len(chain) == 0 {
		return cleaned
	}
	text, err := json.Marshal(chain)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return append(cleaned, ChainVariable+"="+string(text))
}

// Chain reads ChainVariable. A value that is not fob's counts as empty.
func Chain(value string) []string {
	var names []string
	if json.Unmarshal([]byte(value), &names) != nil {
		return nil
	}
	return names
}
