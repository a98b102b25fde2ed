package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// Between the moment when AWS replaces a refresh token and the moment when the new one is
// on the disk, only one process has it. If that one were killed, the sign-in would be
// lost. So another process renews: one of its own session, which nobody kills who wants
// to be rid of a program and of the fob that it runs.

// renewal is what that process is told. It is secret, and only ever in a pipe.
type renewal struct {
	SSO     *plan.SSO          `json:"sso,omitempty"`
	Console *plan.ConsoleLogin `json:"console,omitempty"`
	// The endpoints of the step, of which its own JSON has only the URL.
	OIDC, Portal, Signin endpoint
	// Rejected is an access token that AWS did not take.
	Rejected string `json:"rejected,omitempty"`
	// Mark and Subkey open the store for sign-ins; empty if it is not open.
	Mark   string `json:"mark,omitempty"`
	Subkey []byte `json:"subkey,omitempty"`
}

// endpoint is a plan.Endpoint with all its fields in JSON.
type endpoint plan.Endpoint

// outcome is how it went.
type outcome struct {
	Failure     *failure `json:"failure,omitempty"`
	Notes, Logs []string
}

// ofSSO and ofConsole are the renewals of the two kinds of sign-ins.
func ofSSO(step plan.SSO, rejected creds.Secret) renewal {
	r := renewal{SSO: &step, OIDC: endpoint(step.OIDC), Portal: endpoint(step.Portal), Rejected: rejected.Reveal()}
	step.OIDC, step.Portal = plan.Endpoint{}, plan.Endpoint{}
	return r
}

func ofConsole(step plan.ConsoleLogin) renewal {
	r := renewal{Console: &step, Signin: endpoint(step.Signin)}
	step.Signin = plan.Endpoint{}
	return r
}

// apartLock names the lock of those who have another process renew a sign-in: one at a
// time. The process itself takes the lock of the sign-in.
func apartLock(id string) string { return "renew-" + id }

// renewApart has another process renew a sign-in, and returns its error. It gives up when
// ctx ends, and the other process continues.
func (s *Signer) renewApart(ctx context.Context, r renewal) error {
	var err error
	if r.Mark, r.Subkey, err = s.Store.Lend(keyring.WithoutAsking(ctx), keyring.KindToken); err != nil {
		s.Log("renewing without the store: %v", err) // the sign-in may be in AWS's cache
		r.Mark, r.Subkey = "", nil
	}
	request, err := json.Marshal(r)
	if err != nil {
		return err
	}
	answer, err := s.Apart(ctx, request)
	if err != nil {
		return err
	}
	var o outcome
	if err := json.Unmarshal(answer, &o); err != nil {
		return errors.New("the process that renews the sign-in has ended without an answer")
	}
	for _, line := range o.Logs {
		s.Log("%s", line)
	}
	for _, line := range o.Notes {
		s.Note("%s", line)
	}
	return o.Failure.err()
}

// Renew is what the other process does: it carries a request out and returns the answer.
func (s *Signer) Renew(ctx context.Context, request []byte) (answer []byte, err error) {
	var r renewal
	if err := json.Unmarshal(request, &r); err != nil {
		return nil, err
	}
	if r.Mark != "" {
		s.Store.Borrow(keyring.KindToken, r.Mark, r.Subkey)
	}
	var o outcome
	here := s.here()
	here.Log = func(format string, args ...any) { o.Logs = append(o.Logs, fmt.Sprintf(format, args...)) }
	here.Note = func(format string, args ...any) { o.Notes = append(o.Notes, fmt.Sprintf(format, args...)) }
	ctx = keyring.WithoutAsking(ctx)
	switch {
	case r.SSO != nil:
		step := *r.SSO
		step.OIDC, step.Portal = plan.Endpoint(r.OIDC), plan.Endpoint(r.Portal)
		var rejected creds.Secret
		if r.Rejected != "" {
			rejected = creds.NewSecret(r.Rejected)
		}
		_, _, err = here.access(ctx, center{step}, rejected)
	case r.Console != nil:
		step := *r.Console
		step.Signin = plan.Endpoint(r.Signin)
		_, err = here.Console(ctx, step)
	default:
		return nil, errors.New("nothing to renew")
	}
	o.Failure = failureOf(err)
	return json.Marshal(o)
}

// Process runs program, this one, so that it renews a sign-in: word is its only argument.
func Process(ctx context.Context, program, word string, environ []string, request []byte) (answer []byte, err error) {
	cmd := exec.Command(program, word)
	var out bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout = environ, bytes.NewReader(request), &out
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoProcess, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	limit, stop := outlast(ctx, refreshGrace)
	defer stop()
	select {
	case err := <-done:
		if err != nil {
			err = fmt.Errorf("the process that renews the sign-in has failed: %w", err)
		}
		return out.Bytes(), err
	case <-limit.Done():
		return nil, context.Cause(limit)
	}
}

// errNoProcess means that this system does not let fob start itself: then it has to renew
// in this process.
var errNoProcess = errors.New("cannot start the process that renews sign-ins")

// here is s for this process alone.
func (s *Signer) here() *Signer {
	here := *s
	here.Apart = nil
	return &here
}

// RenewTime is longer than a renewal takes, with all its tries.
const RenewTime = 2 * time.Minute

// failure is an error on its way from one process to another.
type failure struct {
	Kind   string          `json:"kind"`
	Text   string          `json:"text"` // of an error that is not one of the types below
	Data   json.RawMessage `json:"data,omitempty"`
	Cause  *failure        `json:"cause,omitempty"`
	Unsent bool            `json:"unsent,omitempty"`
}

// failureOf takes an error apart. The types that somebody looks for stay what they are;
// others are only their text.
func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error()}
	data := func(kind string, v any, cause error) {
		f.Kind, f.Cause = kind, failureOf(cause)
		f.Data, _ = json.Marshal(v) // strings, numbers and booleans
	}
	switch e := err.(type) {
	case *awsapi.UnsentError:
		f = failureOf(e.Err)
		f.Unsent = true
	case *awsapi.RefusedError:
		data("refused", e, nil)
	case *awsapi.UnreachableError:
		data("unreachable", e, nil)
	case *awsapi.AnswerError:
		data("answer", e, nil)
	case *NeededError:
		data("needed", e, e.Why)
	case *PermissionError:
		data("permission", e, e.Err)
	case *LostError:
		data("lost", e, e.Err)
	case *CacheError:
		data("cache", e, e.Err)
	}
	return f
}

// err puts the error together again.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	err := f.known()
	if f.Unsent {
		err = &awsapi.UnsentError{Err: err}
	}
	return err
}

func (f *failure) known() error {
	cause := f.Cause.err()
	switch f.Kind {
	case "refused":
		return restored(f, &awsapi.RefusedError{})
	case "unreachable":
		return restored(f, &awsapi.UnreachableError{})
	case "answer":
		return restored(f, &awsapi.AnswerError{})
	case "needed":
		return restored(f, &NeededError{Why: cause})
	case "permission":
		return restored(f, &PermissionError{Err: cause})
	case "lost":
		return restored(f, &LostError{Err: cause})
	case "cache":
		if cause != nil { // which is half of its text
			return restored(f, &CacheError{Err: cause})
		}
	}
	return errors.New(f.Text)
}

func restored[E error](f *failure, e E) error {
	if json.Unmarshal(f.Data, e) != nil {
		return errors.New(f.Text)
	}
	return e
}
