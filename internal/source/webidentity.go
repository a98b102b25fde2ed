package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/plan"
)

// STS is the part of AWS that sources need: an *awsapi.Client.
type STS interface {
	WebIdentity(ctx context.Context, step plan.WebIdentity, token creds.Secret) (creds.Session, error)
}

// What STS takes as a token, in characters, and far more than that with white space.
const (
	minToken     = 4
	maxToken     = 20000
	maxTokenFile = 64 << 10
)

// TokenError means that there is no web identity token of Profile to use.
type TokenError struct {
	Profile string
	// File has it; "" if a program prints it.
	File string
	Err  error // holds nothing of a token
}

func (e *TokenError) Error() string {
	if e.File != "" {
		return fmt.Sprintf("the web identity token of %q: %v", e.Profile, e.Err)
	}
	return fmt.Sprintf("the web_identity_token_process of %q %v", e.Profile, e.Err)
}

// Unwrap returns the cause.
func (e *TokenError) Unwrap() error { return e.Err }

// webIdentity exchanges the token that there is now. It is read each time, because
// what made it replaces it before it expires, and it is kept nowhere.
func (r Reader) webIdentity(ctx context.Context, at plan.Endpoint, step plan.WebIdentity) (creds.Session, error) {
	token, err := r.token(ctx, step)
	if err != nil {
		return creds.Session{}, err
	}
	sts, err := r.Dial(at)
	if err != nil {
		return creds.Session{}, err
	}
	s, err := sts.WebIdentity(ctx, step, token)
	if step.TokenFile == "" || !stale(err) {
		return s, err
	}
	newer, readErr := r.token(ctx, step)
	if readErr != nil || newer.Equal(token) {
		return s, err
	}
	return sts.WebIdentity(ctx, step, newer)
}

// stale reports whether AWS refused a token that it has accepted earlier, or would have.
func stale(err error) bool {
	var refused *awsapi.RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	return refused.Code == "IDPRejectedClaim" || refused.Code == "ExpiredTokenException" || refused.Code == "ExpiredToken"
}

// token reads the token.
func (r Reader) token(ctx context.Context, step plan.WebIdentity) (creds.Secret, error) {
	text, verb, err := "", "printed", error(nil)
	if step.TokenFile == "" {
		var out []byte
		out, err = r.run(ctx, "web_identity_token_process", step.Profile, step.TokenProcess)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("gave %w", err)
		}
		text = string(out)
	} else {
		verb = step.TokenFile + " has"
		text, err = input.Read(step.TokenFile, maxTokenFile)
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", step.TokenFile, file.Err)
		}
	}
	text = strings.TrimRight(text, " \t\r\n")
	if err == nil {
		err = checkToken(text, verb)
	}
	if err != nil {
		return creds.Secret{}, &TokenError{Profile: step.Profile, File: step.TokenFile, Err: err}
	}
	return creds.NewSecret(text), nil
}

// checkToken refuses what STS would refuse, before it is sent: what is there by mistake
// may be another secret. verb says where it is from.
func checkToken(text, verb string) error {
	switch {
	case len(text) < minToken:
		return fmt.Errorf("%s no token", verb)
	case len(text) > maxToken:
		return fmt.Errorf("%s %d characters, and AWS takes tokens of %d", verb, len(text), maxToken)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%s something other than a token: there are blanks, line breaks or special characters in it", verb)
	}
	return nil
}
