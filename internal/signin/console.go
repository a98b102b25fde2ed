package signin

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

const (
	// consoleDue is with how much time left a console sign-in, whose credentials last 15
	// minutes, is renewed: AWS's own tools do it then, too.
	consoleDue = 5 * time.Minute
	// consoleLeast is how much time must be left to hand credentials out that cannot be
	// renewed now.
	consoleLeast = time.Minute
	// consoleLong is how old a sign-in is after which a person signs in again ahead of time.
	consoleLong = consoleLife / 2
)

// The clients as which AWS's tools sign in to the console: with a browser on this
// computer, and on another.
const (
	sameDevice  = "arn:aws:signin:::devtools/same-device"
	crossDevice = "arn:aws:signin:::devtools/cross-device"
)

const consoleTitle = "the AWS console"

// console is a sign-in to the AWS console.
type console struct{ plan.ConsoleLogin }

func (c console) item() (name, id string) { return c.TokenName() }

func (c console) needed() *NeededError {
	return &NeededError{Profile: c.Profile, To: consoleTitle, AWSLogin: c.AWSLogin}
}

func (c console) ended() *NeededError {
	needed := c.needed()
	needed.Ended = true
	return needed
}

func (c console) lives(t creds.Token, now time.Time) bool {
	return !t.Refresh.IsZero() || t.Expires.Sub(now) >= consoleLeast
}

// lasts: AWS ends a sign-in after 12 hours, so with half of that left it does; if it can be
// renewed, AWS has not ended it yet.
func (c console) lasts(ctx context.Context, s *Signer, t creds.Token, _ keyring.Info) (bool, error) {
	if at := signedInAt(t.IDToken); !at.IsZero() && s.Now().Sub(at) >= consoleLong {
		return false, nil
	}
	_, err := s.renewed(ctx, c, ownSignIn{s, c})
	if needed := (*NeededError)(nil); errors.As(err, &needed) {
		return false, nil
	}
	return err == nil, err
}

// IdentityError means that somebody signed in who is not the one that the profile is
// for.
type IdentityError struct{ Profile, Want, Got string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("you signed in as %s, but %s is for %s", e.Got, e.Profile, e.Want)
}

// PermissionError means that AWS lets a user sign in to the console, but not for
// programs.
type PermissionError struct {
	Profile string
	Session string // the ARN of the user or role; "" if nobody knows it yet
	Err     error  `json:"-"`
}

// ConsolePolicy is AWS's managed policy for those who may.
const ConsolePolicy = "SignInLocalDevelopmentAccess"

func (e *PermissionError) Error() string {
	who := e.Session
	if who == "" {
		who = "this user"
	}
	return fmt.Sprintf("%s may not sign in for programs: it needs the policy %s", who, ConsolePolicy)
}

// Unwrap returns AWS's refusal.
func (e *PermissionError) Unwrap() error { return e.Err }

// The reasons of the console's refusals.
const (
	reasonExpired     = "TOKEN_EXPIRED"
	reasonChanged     = "USER_CREDENTIALS_CHANGED"
	reasonPermissions = "INSUFFICIENT_PERMISSIONS"
	reasonLateCode    = "AUTHCODE_EXPIRED"
)

// explained is what a refusal means.
func (c console) explained(err error) error {
	var refused *awsapi.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Reason {
	case reasonExpired:
		return c.ended()
	case reasonChanged:
		ended := c.ended()
		ended.Why = errChanged
		return ended
	case reasonPermissions:
		return &PermissionError{Profile: c.Profile, Session: c.Session, Err: err}
	case reasonLateCode:
		return &LateError{To: consoleTitle}
	}
	return err
}

var errChanged = errors.New("the password or the MFA device of the user has changed")

// Console returns the credentials of a console sign-in, as far as that needs no person:
// of fob's own one, if the store has it, else of the one that AWS's tools share.
func (s *Signer) Console(ctx context.Context, step plan.ConsoleLogin) (creds.Session, error) {
	c := console{step}
	ctx = keyring.WithoutAsking(ctx)
	if s.hasOwn(c) {
		return s.renewed(ctx, c, ownSignIn{s, c})
	}
	return s.renewed(ctx, c, &awsSignIn{signer: s, console: c})
}

// hasOwn reports whether the store has a sign-in of fob's own. It does not open the
// store.
func (s *Signer) hasOwn(c console) bool {
	_, err := s.Store.TokenInfo(c.item())
	if missing := (*keyring.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		s.Log("not looking for a sign-in of fob's own: %v", err)
	}
	return err == nil
}

// keeper is where a sign-in to the console is kept.
type keeper interface {
	// read returns the sign-in, or a *NeededError.
	read(ctx context.Context) (creds.Token, error)
	// reserve makes sure that it can be replaced, before AWS replaces the refresh token.
	reserve(ctx context.Context) error
	// save puts the next one in its place, and release ends what reserve began.
	save(ctx context.Context, t creds.Token) error
	release()
	// refused decides what becomes of a sign-in that AWS does not renew. The error is what
	// explained made of the refusal; a nil one means that it has been renewed elsewhere.
	refused(ctx context.Context, t creds.Token, err error) (creds.Token, error)
}

// renewed returns the credentials of a sign-in, renewed if they are due. One process at a
// time renews them. Nobody waits for it while there is enough left to hand out.
func (s *Signer) renewed(ctx context.Context, c console, k keeper) (creds.Session, error) {
	t, err := k.read(ctx)
	if err != nil || s.left(t) >= consoleDue {
		return t.Session, err
	}
	_, id := c.item()
	if s.Apart != nil {
		return s.consoleApart(ctx, c, t, k)
	}
	lock, err := s.lockRenewal(ctx, signInLock(id), s.left(t) >= consoleLeast)
	if err != nil {
		return creds.Session{}, err
	}
	if lock == nil {
		return t.Session, nil // another fob renews them
	}
	defer lock.release()
	if t, err = k.read(ctx); err != nil || s.left(t) >= consoleDue {
		return t.Session, err
	}
	enough := s.left(t) >= consoleLeast
	if ago := s.Now().Sub(s.tried(id)); enough && ago >= 0 && ago < tryPause {
		return t.Session, nil
	}
	if lock.lock != nil {
		s.rememberTry(lock.lock)
	}
	made, err := s.renew(ctx, c, t, k)
	switch {
	case err == nil:
		return made.Session, nil
	case enough:
		s.Log("could not renew the sign-in to %s: %v", consoleTitle, err)
		return t.Session, nil
	}
	return creds.Session{}, err
}

// consoleApart is the part of renewed where another process renews.
func (s *Signer) consoleApart(ctx context.Context, c console, t creds.Token, k keeper) (creds.Session, error) {
	_, id := c.item()
	lock, err := s.lockRenewal(ctx, apartLock(id), s.left(t) >= consoleLeast)
	if err != nil {
		return creds.Session{}, err
	}
	if lock == nil {
		return t.Session, nil // another fob has them renewed
	}
	defer lock.release()
	if t, err = k.read(ctx); err != nil || s.left(t) >= consoleDue {
		return t.Session, err
	}
	if s.left(t) < consoleLeast {
		if err := k.reserve(ctx); err != nil {
			return creds.Session{}, err
		}
		k.release()
	}
	problem := s.renewApart(ctx, ofConsole(c.ConsoleLogin))
	if errors.Is(problem, errNoProcess) {
		s.Log("%v", problem)
		return s.here().renewed(ctx, c, k)
	}
	if t, err = k.read(ctx); err == nil && s.left(t) < consoleLeast {
		err = cmp.Or(problem, error(c.ended()))
	}
	if err != nil {
		return creds.Session{}, cmp.Or(problem, err)
	}
	return t.Session, nil
}

func (s *Signer) left(t creds.Token) time.Duration { return t.Expires.Sub(s.Now()) }

// renewalLock is the lock around a renewal, or nothing where there can be none.
type renewalLock struct{ lock *keyring.Lock }

func (l *renewalLock) release() {
	if l.lock != nil {
		_ = l.lock.Unlock() // closing the file releases it in any case
	}
}

// lockRenewal takes the lock around the renewal of a sign-in; nil: somebody else has it,
// and try says not to wait for that. Where locks cannot be had it does without: AWS's own
// tools know no lock.
func (s *Signer) lockRenewal(ctx context.Context, name string, try bool) (*renewalLock, error) {
	var lock *keyring.Lock
	var err error
	if ok := true; try {
		if lock, ok, err = s.Store.TryLock(name); err == nil && !ok {
			return nil, nil
		}
	} else {
		lock, err = s.Store.Lock(ctx, name, func() { s.Log("waiting for another fob to renew the sign-in") })
	}
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		s.Log("renewing the sign-in without a lock: %v", err)
	}
	return &renewalLock{lock}, nil
}

// renew replaces a sign-in. From the request on it does not stop if the user gives up:
// AWS replaces the refresh token, and only the answer has the new one. If this process is
// killed between the answer and the write (see Apart), what remains is that AWS, by its
// documentation, answers an old refresh token consistently for a while (CreateOAuth2Token).
func (s *Signer) renew(ctx context.Context, c console, t creds.Token, k keeper) (creds.Token, error) {
	key, err := readDPoPKey(t.DPoPKey)
	if err != nil {
		return creds.Token{}, err
	}
	if err := k.reserve(ctx); err != nil {
		return creds.Token{}, err
	}
	defer k.release()
	limit, stop := outlast(ctx, refreshGrace)
	defer stop()
	made, err := s.consoleToken(limit, c, key, map[string]string{
		"clientId": t.Client.ID, "grantType": "refresh_token", "refreshToken": t.Refresh.Reveal(),
	}, true)
	if refused := (*awsapi.RefusedError)(nil); errors.As(err, &refused) {
		return k.refused(context.WithoutCancel(ctx), t, c.explained(err))
	}
	if err != nil {
		return creds.Token{}, err
	}
	if made.IDToken.IsZero() {
		made.IDToken = t.IDToken
	}
	made.Session.AccountID, made.Client, made.DPoPKey = t.Session.AccountID, t.Client, t.DPoPKey
	return made, k.save(context.WithoutCancel(ctx), made)
}

// outlast is a context that ends the given time after ctx.
func outlast(ctx context.Context, grace time.Duration) (_ context.Context, stop func()) {
	limit, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	after := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	return limit, func() { after(); cancel(nil) }
}

// maxConsoleLife is longer than any credentials of the console's, in seconds: AWS says
// that they last 15 minutes.
const maxConsoleLife = 12 * 3600

// consoleToken is a call for a token, and what it answers: credentials, a refresh token,
// and after a sign-in an ID token. again: the call may be repeated if its answer is lost.
func (s *Signer) consoleToken(ctx context.Context, c console, key *ecdsa.PrivateKey, body map[string]string, again bool) (creds.Token, error) {
	client, err := s.client(c.Signin)
	if err != nil {
		return creds.Token{}, err
	}
	var secrets []string
	for _, name := range []string{"refreshToken", "code", "codeVerifier"} {
		if body[name] != "" {
			secrets = append(secrets, body[name])
		}
	}
	var answer struct {
		Access struct {
			ID     string `json:"accessKeyId"`
			Secret string `json:"secretAccessKey"`
			Token  string `json:"sessionToken"`
		} `json:"accessToken"`
		Life    int64  `json:"expiresIn"`
		Refresh string `json:"refreshToken"`
		IDToken string `json:"idToken"`
	}
	const action = "CreateOAuth2Token"
	asked := s.Now()
	err = client.JSON(ctx, creds.Session{}, awsapi.JSON{
		Service: "signin", Action: action, Method: "POST", Path: "/v1/token", Body: body, Secrets: secrets, Again: again,
		Proof: func(method, url string, now time.Time) (map[string]string, error) {
			proof, err := dpopProof(key, method, url, now)
			return map[string]string{"DPoP": proof}, err
		},
	}, &answer)
	if err != nil {
		return creds.Token{}, err
	}
	got := answer.Access
	problem := ""
	switch {
	case !isToken(got.ID) || !isToken(got.Secret) || !isToken(got.Token):
		problem = "malformed credentials"
	case !isToken(answer.Refresh) || answer.IDToken != "" && !isToken(answer.IDToken):
		problem = "a malformed token"
	case answer.Life <= 0 || answer.Life > maxConsoleLife:
		problem = "a malformed lifetime"
	}
	if problem != "" {
		return creds.Token{}, &awsapi.AnswerError{Action: action, Host: host(c.Signin), Problem: problem}
	}
	// AWS's tools count from their own clock, too, whatever AWS's says.
	expires := asked.Add(time.Duration(answer.Life) * time.Second).UTC().Truncate(time.Second)
	return creds.Token{
		Session: creds.Session{
			Key:   creds.Key{ID: got.ID, Secret: creds.NewSecret(got.Secret)},
			Token: creds.NewSecret(got.Token), Expires: expires,
		},
		Expires: expires,
		Refresh: creds.NewSecret(answer.Refresh), IDToken: creds.NewSecret(answer.IDToken),
	}, nil
}

// signIn has a person sign in, and demands that it is who the profile is for.
func (c console) signIn(ctx context.Context, s *Signer) (creds.Token, keyring.Info, error) {
	t, info, err := s.toConsole(ctx, c)
	switch {
	case err != nil:
	case info.ARN != c.Session:
		err = &IdentityError{Profile: c.Profile, Want: c.Session, Got: info.ARN}
	case c.AWSLogin:
		s.Note("AWS's own tools keep a sign-in of their own: aws login --profile %s", cmdline.Quote(c.Profile))
	}
	return t, info, err
}

// SignInToConsole has a person sign in for a profile that does not exist yet, keeps the
// sign-in in the store, and returns the ARN of who it is.
func (s *Signer) SignInToConsole(ctx context.Context, profile string, signin plan.Endpoint) (arn string, err error) {
	c := console{plan.ConsoleLogin{Profile: profile, Signin: signin}}
	if ok, why := s.MayAsk(); !ok {
		return "", s.cannotAsk(c, nil, why)
	}
	if err := s.Open(ctx); err != nil {
		return "", err
	}
	t, info, err := s.toConsole(ctx, c)
	if err != nil {
		return "", err
	}
	c.Session = info.ARN
	return info.ARN, s.save(context.WithoutCancel(ctx), c, t, info)
}

// toConsole has a person sign in to the console: with the browser on this computer, or
// with one elsewhere, which shows a code to paste here.
func (s *Signer) toConsole(ctx context.Context, c console) (creds.Token, keyring.Info, error) {
	key, err := newDPoPKey()
	if err != nil {
		return creds.Token{}, keyring.Info{}, err
	}
	verifier := rand.Text() + rand.Text() // 52 characters, 256 bits
	page := func(client, redirect, state string) string {
		challenge := sha256.Sum256([]byte(verifier))
		q := url.Values{
			"response_type":         {"code"},
			"client_id":             {client},
			"redirect_uri":          {redirect},
			"state":                 {state},
			"scope":                 {"openid"},
			"code_challenge_method": {"SHA-256"}, // and not S256, as in the RFC
			"code_challenge":        {unpadded(challenge[:])},
		}
		return c.base() + "/v1/authorize?" + q.Encode()
	}
	client := sameDevice
	var back returned
	if s.elsewhere() {
		client = crossDevice
		back, err = s.pasted(ctx, c, func(redirect, state string) string { return page(client, redirect, state) })
	} else {
		back, err = s.browse(ctx, c.needed(), func(redirect, state string) string { return page(client, redirect, state) })
	}
	if err != nil {
		return creds.Token{}, keyring.Info{}, err
	}
	limit, stop := outlast(ctx, refreshGrace) // the code is good once
	defer stop()
	t, err := s.consoleToken(limit, c, key, map[string]string{
		"clientId": client, "grantType": "authorization_code", "code": back.code, "codeVerifier": verifier, "redirectUri": back.redirect,
	}, false)
	if err != nil {
		return creds.Token{}, keyring.Info{}, c.explained(err)
	}
	subject, err := subjectOf(t.IDToken)
	a, ok := plan.ParseARN(subject)
	if err != nil || !ok {
		return creds.Token{}, keyring.Info{}, &awsapi.AnswerError{Action: "CreateOAuth2Token", Host: host(c.Signin), Problem: errIDToken.Error()}
	}
	t.Session.AccountID, t.Client = a.Account, creds.Client{ID: client}
	t.DPoPKey, err = packDPoPKey(key)
	return t, keyring.Info{Account: a.Account, ARN: a.String()}, err
}

// base is the address of the sign-in service, without a slash at its end.
func (c console) base() string { return strings.TrimSuffix(c.Signin.URL, "/") }

// pasted shows an address to open on any device, and asks for the code that the page
// there shows at the end.
func (s *Signer) pasted(ctx context.Context, c console, page func(redirect, state string) string) (returned, error) {
	back := returned{redirect: c.base() + "/v1/sessions/confirmation"}
	state := rand.Text()
	s.Say("Sign in to %s on any device:", consoleTitle)
	s.Say("    %s", page(back.redirect, state))
	ctx, cancel := context.WithTimeoutCause(ctx, browserTime, &LateError{To: consoleTitle})
	defer cancel()
	_, err := s.Paste(ctx, "Code that the page shows: ", func(text string) (err error) {
		back.code, err = readPasted(text, state)
		return err
	})
	if late := (*LateError)(nil); err != nil && errors.As(context.Cause(ctx), &late) {
		err = late
	}
	return back, err
}

var (
	errNotPasted   = errors.New("not the code from the page; copy all of it")
	errOtherSignIn = errors.New("this code is from another sign-in; open the address above")
)

// readPasted reads what the page shows: the base64 of state=..&code=... The errors repeat
// nothing of it.
func readPasted(text, state string) (code string, err error) {
	text = strings.Join(strings.Fields(text), "") // terminals wrap it
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if plain, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "=")); err != nil {
			return "", errNotPasted
		}
	}
	got := map[string]string{}
	for pair := range strings.SplitSeq(string(plain), "&") {
		name, value, _ := strings.Cut(pair, "=")
		if got[name], err = url.PathUnescape(value); err != nil { // a + stands for itself
			return "", errNotPasted
		}
	}
	switch {
	case !creds.IsPrintable(got["code"]):
		return "", errNotPasted
	case subtle.ConstantTimeCompare([]byte(got["state"]), []byte(state)) != 1:
		return "", errOtherSignIn
	}
	return got["code"], nil
}
