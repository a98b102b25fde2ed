package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// The life of an Identity Center token that can be refreshed, and when AWS's own tools
// refresh it: from dueLife on, and for sure from mustLife on.
const (
	dueLife  = 15 * time.Minute
	mustLife = 10 * time.Minute
	// tryPause is how long a refresh that failed is not tried again while the token still
	// lives.
	tryPause = time.Minute
	// minLife is how long a token must live to be worth a call.
	minLife = 5 * time.Second
	// justMade is how long AWS has to take the token of a new sign-in.
	justMade = time.Minute
)

// center is a sign-in to Identity Center.
type center struct{ plan.SSO }

func (c center) item() (name, id string) { return c.TokenName() }

func (c center) needed() *NeededError { return &NeededError{Profile: c.Profile, To: c.title()} }

func (c center) title() string { return fmt.Sprintf("Identity Center (%s)", c.Title()) }

func (c center) lives(t creds.Token, now time.Time) bool {
	return !t.Refresh.IsZero() || !t.Access.IsZero() && t.Expires.Sub(now) >= minLife
}

// lasts: with half of its life left it does; if it can be refreshed then, the portal
// session has not ended.
func (c center) lasts(ctx context.Context, s *Signer, t creds.Token, i keyring.Info) (bool, error) {
	if left := t.Expires.Sub(s.Now()); left > minLife && left >= t.Expires.Sub(i.Created)/2 {
		return true, nil
	}
	if t.Refresh.IsZero() {
		return false, nil
	}
	_, _, err := s.access(ctx, c, t.Access)
	if needed := (*NeededError)(nil); errors.As(err, &needed) {
		return false, nil
	}
	return err == nil, err
}

// The codes of Identity Center's refusals, as awsapi tells them.
const (
	codePending        = "AuthorizationPendingException"
	codeSlowDown       = "SlowDownException"
	codeExpired        = "ExpiredTokenException"
	codeDenied         = "AccessDeniedException"
	codeInvalidGrant   = "InvalidGrantException"
	codeInvalidClient  = "InvalidClientException"
	codeInvalidRequest = "InvalidRequestException"
	codeUnauthorized   = "UnauthorizedException"
	codeForbidden      = "ForbiddenException"
)

// KeyDenied is the reason of a refusal where the KMS key of an Identity Center denies it.
const KeyDenied = "KMS_AccessDeniedException"

func refusedWith(err error, codes ...string) bool {
	var refused *awsapi.RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	for _, code := range codes {
		if refused.Code == code {
			return true
		}
	}
	return false
}

// keyDenied reports whether a KMS key is what refuses: that does not end a sign-in.
func keyDenied(err error) bool {
	var refused *awsapi.RefusedError
	return errors.As(err, &refused) && refused.Reason == KeyDenied
}

// AssignmentError means that the person who is signed in may not use the role: nobody
// has to sign in again.
type AssignmentError struct {
	Profile, Account, Role string
	To                     string // where they are signed in
	SignIn                 string // the name of the sign-in
	Err                    error
}

func (e *AssignmentError) Error() string {
	return fmt.Sprintf("the user signed in to %s has no role %q in account %s", e.To, e.Role, e.Account)
}

// Unwrap returns AWS's refusal.
func (e *AssignmentError) Unwrap() error { return e.Err }

// maxRoleLife is longer than the credentials of any role of Identity Center's last: 12
// hours. What is kept for years could not be taken back by a new sign-in.
const maxRoleLife = 36 * time.Hour

// RoleCredentials returns the credentials of an account and role at Identity Center,
// without a person. If one has to sign in, the error is a *NeededError.
func (s *Signer) RoleCredentials(ctx context.Context, step plan.SSO) (session creds.Session, err error) {
	c := center{step}
	err = s.atPortal(ctx, c, func(portal *awsapi.Client, t creds.Token) (err error) {
		session, err = c.roleCredentials(ctx, portal, t, s.Now())
		return err
	})
	if refusedWith(err, codeForbidden) {
		err = &AssignmentError{Profile: step.Profile, Account: step.AccountID, Role: step.RoleName, To: c.title(), SignIn: step.Name(), Err: err}
	}
	return session, err
}

// atPortal does a call with a token, and once more with another one if AWS does not
// accept the first.
func (s *Signer) atPortal(ctx context.Context, c center, call func(*awsapi.Client, creds.Token) error) error {
	portal, err := s.client(c.Portal)
	if err != nil {
		return err
	}
	var rejected creds.Secret
	for {
		t, info, err := s.access(ctx, c, rejected)
		if err != nil {
			return err
		}
		err = call(portal, t)
		switch {
		case !refusedWith(err, codeUnauthorized):
			return err
		case rejected.IsZero() && s.justSignedIn(c, info):
			return err
		case rejected.IsZero():
			s.Log("%s no longer accepts the token", c.title())
			rejected = t.Access
			continue
		}
		if err := s.drop(ctx, c, t.Access); err != nil {
			return err
		}
		needed := c.needed()
		needed.Ended = true
		return needed
	}
}

// justSignedIn reports whether a token is of a person's who has just signed in, so that
// signing in again would not help.
func (s *Signer) justSignedIn(c center, token keyring.Info) bool {
	_, id := c.item()
	return s.just(token.Created) && s.just(s.state(id).At)
}

func (s *Signer) just(at time.Time) bool { return s.Now().Sub(at).Abs() <= justMade }

// roleCredentials asks the portal, and checks the answer as awsapi checks those of STS.
func (c center) roleCredentials(ctx context.Context, portal *awsapi.Client, t creds.Token, now time.Time) (creds.Session, error) {
	var answer struct {
		RoleCredentials struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
			Expiration      int64  `json:"expiration"` // in milliseconds
		} `json:"roleCredentials"`
	}
	const action = "GetRoleCredentials"
	err := portal.JSON(ctx, creds.Session{}, awsapi.JSON{
		Service: "sso", Action: action, Method: "GET", Path: "/federation/credentials",
		Query:  url.Values{"account_id": {c.AccountID}, "role_name": {c.RoleName}},
		Header: bearer(t), Again: true,
	}, &answer)
	if err != nil {
		return creds.Session{}, err
	}
	got := answer.RoleCredentials
	expires, now := time.UnixMilli(got.Expiration).UTC(), now.Add(-portal.Skew()) // AWS's clock: ours may be wrong
	problem := ""
	switch {
	case !creds.IsPrintable(got.AccessKeyID) || !creds.IsPrintable(got.SecretAccessKey) || !creds.IsPrintable(got.SessionToken):
		problem = "malformed credentials"
	case !expires.After(now):
		problem = "the credentials have already expired"
	case expires.Sub(now) > maxRoleLife:
		problem = "a malformed expiration"
	}
	if problem != "" {
		return creds.Session{}, &awsapi.AnswerError{Action: action, Host: host(c.Portal), Problem: problem}
	}
	return creds.Session{
		Key:   creds.Key{ID: got.AccessKeyID, Secret: creds.NewSecret(got.SecretAccessKey)},
		Token: creds.NewSecret(got.SessionToken),
		// If our clock is behind, the session would seem valid after it has expired.
		Expires:   expires.Add(min(0, portal.Skew())),
		AccountID: c.AccountID,
	}, nil
}

func bearer(t creds.Token) map[string]string {
	return map[string]string{"x-amz-sso_bearer_token": t.Access.Reveal()}
}

// host is who an endpoint's answers come from.
func host(e plan.Endpoint) string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return e.URL
	}
	return u.Host
}

// access returns a token that lives, refreshed if it is due, and not the one that AWS has
// rejected.
func (s *Signer) access(ctx context.Context, c center, rejected creds.Secret) (creds.Token, keyring.Info, error) {
	t, info, err := s.token(ctx, c)
	if err != nil || !s.due(t, rejected) {
		return t, info, err
	}
	_, id := c.item()
	name := signInLock(id)
	if s.Apart != nil {
		name = apartLock(id)
	}
	var lock *keyring.Lock
	if left := t.Expires.Sub(s.Now()); rejected.IsZero() && left >= mustLife {
		var ok bool
		if lock, ok, err = s.Store.TryLock(name); err != nil || !ok {
			return t, info, err // another fob refreshes it, and this one still lives
		}
	} else {
		lock, err = s.Store.Lock(ctx, name, func() { s.Log("waiting for another fob to renew the sign-in") })
		if err != nil {
			return t, info, err
		}
	}
	defer lock.Unlock() // closing the file releases it in any case
	if s.Apart == nil {
		return s.refresh(ctx, c, lock, rejected)
	}
	t, info, err = s.token(ctx, c)
	if err != nil || !s.due(t, rejected) {
		return t, info, err
	}
	return s.refreshApart(ctx, c, t, rejected)
}

// refreshApart is refresh in another process.
func (s *Signer) refreshApart(ctx context.Context, c center, t creds.Token, rejected creds.Secret) (creds.Token, keyring.Info, error) {
	works := func(t creds.Token) bool {
		return !t.Access.IsZero() && t.Expires.Sub(s.Now()) >= minLife && (rejected.IsZero() || !t.Access.Equal(rejected))
	}
	name, id := c.item()
	if err := s.Store.CanSetToken(ctx, name, id); err != nil && !works(t) {
		return t, keyring.Info{}, err
	}
	problem := s.renewApart(ctx, ofSSO(c.SSO, rejected))
	if errors.Is(problem, errNoProcess) {
		s.Log("%v", problem)
		return s.here().access(ctx, c, rejected)
	}
	now, info, err := s.token(ctx, c)
	switch {
	case err == nil && works(now):
		if problem != nil {
			s.Log("could not renew the sign-in to %s: %v", c.title(), problem)
		}
	case problem != nil:
		err = problem
	case err == nil: // it could not be saved
		ended := c.needed()
		ended.Ended = true
		err = ended
	}
	return now, info, err
}

// due reports whether a token must not or should not be used as it is.
func (s *Signer) due(t creds.Token, rejected creds.Secret) bool {
	left := t.Expires.Sub(s.Now())
	switch {
	case t.Access.IsZero() || left < minLife || !rejected.IsZero() && t.Access.Equal(rejected):
		return true
	}
	return left < dueLife && !t.Refresh.IsZero()
}

// refreshState is what the lock of a sign-in remembers.
type refreshState struct {
	// Tried is when a refresh was last tried.
	Tried time.Time `json:"tried,omitzero"`
}

// refresh refreshes a token under its lock, if nobody else has.
func (s *Signer) refresh(ctx context.Context, c center, lock *keyring.Lock, rejected creds.Secret) (creds.Token, keyring.Info, error) {
	t, info, err := s.token(ctx, c)
	if err != nil || !s.due(t, rejected) {
		return t, info, err
	}
	name, id := c.item()
	lives := t.Expires.Sub(s.Now()) >= minLife && !t.Access.IsZero() && (rejected.IsZero() || !t.Access.Equal(rejected))
	ended := c.needed()
	ended.Ended = true
	if t.Refresh.IsZero() {
		return t, info, cmp.Or(s.Store.RemoveToken(name, id), error(ended))
	}
	if ago := s.Now().Sub(s.tried(id)); lives && ago >= 0 && ago < tryPause {
		return t, info, nil
	}
	// AWS may replace the refresh token: not before there is room for the next.
	if err := s.Store.CanSetToken(ctx, name, id); err != nil {
		if lives {
			s.Log("not renewing the sign-in to %s: %v", c.title(), err)
			err = nil
		}
		return t, info, err
	}
	s.rememberTry(lock)
	made, err := s.exchange(ctx, c, t)
	if refusedWith(err, codeInvalidClient) {
		oidc{center: c, signer: s}.unregister(t.Client.Grant)
	}
	if refusedWith(err, codeInvalidGrant, codeInvalidClient, codeExpired, codeDenied) {
		// The lock is not over other machines, which may have the same store.
		if now, info, problem := s.token(context.WithoutCancel(ctx), c); problem == nil && !now.Access.Equal(t.Access) {
			s.Log("another machine has renewed the sign-in to %s", c.title())
			return now, info, nil
		}
	}
	switch {
	case err == nil:
		saved, err := s.Store.SetToken(context.WithoutCancel(ctx), name, id, made, info)
		if err != nil {
			// The old one may be useless by now, but this one works.
			s.Note("could not save the sign-in to %s, so it may soon be needed again: %v", c.title(), err)
			saved = keyring.Info{Created: s.Now()}
		}
		return made, saved, nil
	case lives:
		s.Log("could not renew the sign-in to %s: %v", c.title(), err)
		if refusedWith(err, codeInvalidGrant, codeInvalidClient) {
			t.Refresh = creds.Secret{} // it serves to its end, and is not tried again
			if _, err := s.Store.SetToken(ctx, name, id, t, info); err != nil {
				s.Log("could not save that the sign-in cannot be renewed: %v", err)
			}
		}
		return t, info, nil
	case refusedWith(err, codeInvalidGrant, codeInvalidClient, codeExpired, codeDenied) && !keyDenied(err):
		s.Log("the sign-in to %s has ended: %v", c.title(), err)
		if err := s.Store.RemoveToken(name, id); err != nil {
			return t, info, err
		}
		return t, info, ended
	}
	return t, info, err
}

func (s *Signer) tried(id string) time.Time {
	var state refreshState
	text, err := s.Store.LockState(signInLock(id))
	if err == nil && len(text) > 0 {
		_ = json.Unmarshal(text, &state) // a damaged one has not tried
	}
	return state.Tried
}

func (s *Signer) rememberTry(lock *keyring.Lock) {
	text, err := json.Marshal(refreshState{Tried: s.Now().UTC()})
	if err == nil {
		err = lock.SetState(text)
	}
	if err != nil {
		s.Log("could not remember that the sign-in is being renewed: %v", err)
	}
}

// drop forgets a sign-in that AWS does not accept, unless there is another by now.
func (s *Signer) drop(ctx context.Context, c center, access creds.Secret) error {
	name, id := c.item()
	return s.locked(ctx, id, func() error {
		if t, _, err := s.token(ctx, c); err != nil || !t.Access.Equal(access) {
			return nil
		}
		return s.Store.RemoveToken(name, id)
	})
}
