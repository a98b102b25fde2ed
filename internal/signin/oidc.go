package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/keyring"
)

// The ways to sign in, as a registration names them.
const (
	grantCode    = "authorization_code"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"
)

// defaultScope is what a client may do that names no scopes and signs in with a browser:
// without any, AWS would not let it.
const defaultScope = "sso:account:access"

// minRegistration is how long a registration must still last to be used.
const minRegistration = 15 * time.Minute

// registerTries is how often fob registers if AWS only asks for patience.
const registerTries = 3

// SetupError means that Identity Center did not know what to make of the settings. Its
// own message is empty then.
type SetupError struct {
	StartURL, Region string
	// Where are the settings: "[sso-session corp]", or the profile's section.
	Where string
	Err   error
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("AWS knows no Identity Center %s in %s", e.StartURL, e.Region)
}

// Unwrap returns AWS's refusal.
func (e *SetupError) Unwrap() error { return e.Err }

// LateError means that nobody signed in in time.
type LateError struct {
	To string
	// Browser: fob waited for the browser on this computer.
	Browser bool
}

func (e *LateError) Error() string { return "nobody signed in to " + e.To + " in time" }

// oidc is Identity Center's service that makes tokens.
type oidc struct {
	center
	client *awsapi.Client
	signer *Signer
	// start is the start URL that the configured one leads to.
	start string
}

func (c center) oidc(ctx context.Context, s *Signer) (oidc, error) {
	client, err := s.client(c.OIDC)
	if err != nil {
		return oidc{}, err
	}
	start, err := resolveStartURL(ctx, client, c.StartURL)
	if err != nil {
		s.Log("%s: %v", c.StartURL, err)
	}
	return oidc{c, client, s, start}, nil
}

// signIn signs in with the browser on this computer, or with a code on any device.
func (c center) signIn(ctx context.Context, s *Signer) (creds.Token, keyring.Info, error) {
	o, err := c.oidc(ctx, s)
	if err != nil {
		return creds.Token{}, keyring.Info{}, err
	}
	grant, way := grantCode, o.withBrowser
	if s.elsewhere() {
		grant, way = grantDevice, o.withDevice
	}
	for try := 1; ; try++ {
		client, err := o.register(ctx, grant, try > 1)
		if err != nil {
			return creds.Token{}, keyring.Info{}, o.explain(err)
		}
		t, err := way(ctx, client)
		if try == 1 && refusedWith(err, codeInvalidClient) {
			s.Log("%s no longer knows this fob; registering again", c.title())
			continue
		}
		if denied := (*DeniedError)(nil); err != nil && grant == grantCode && !errors.As(err, &denied) {
			// The browser may show that AWS does not know this fob, and fob does not see it.
			o.unregister(grant)
		}
		return t, keyring.Info{}, o.explain(err)
	}
}

// unregister forgets a registration.
func (o oidc) unregister(grant string) {
	name, id := o.ClientName(grant)
	if err := o.signer.Store.RemoveToken(name, id); err != nil {
		o.signer.Log("could not forget the registration: %v", err)
	}
}

// explain finds out what a refusal without words is about.
func (o oidc) explain(err error) error {
	if refusedWith(err, codeInvalidRequest) {
		where := "the profile " + o.Profile
		if o.Session != "" {
			where = "[sso-session " + o.Session + "]"
		}
		return &SetupError{StartURL: o.StartURL, Region: o.Region, Where: where, Err: err}
	}
	return err
}

// register returns the registration for a grant: one client may sign in in one way
// only. It is kept, unless that is of no use any more.
func (o oidc) register(ctx context.Context, grant string, again bool) (creds.Client, error) {
	s := o.signer
	name, id := o.ClientName(grant)
	kept, _, err := s.Store.Token(ctx, name, id)
	if none := (*keyring.NotFoundError)(nil); err != nil && !errors.As(err, &none) {
		return creds.Client{}, err
	}
	if err == nil && !again && kept.Client.Grant == grant && kept.Client.Expires.Sub(s.Now()) >= minRegistration {
		return kept.Client, nil
	}
	body := map[string]any{"clientName": "fob", "clientType": "public"}
	scopes := o.Scopes
	if grant == grantCode {
		scopes = o.scopes()
		body["grantTypes"] = []string{grantCode, grantRefresh}
		body["redirectUris"] = []string{callback("127.0.0.1")}
		body["issuerUrl"] = o.start
	}
	if len(scopes) > 0 {
		body["scopes"] = scopes
	}
	var answer struct {
		ID      string `json:"clientId"`
		Secret  string `json:"clientSecret"`
		Expires int64  `json:"clientSecretExpiresAt"`
	}
	for try := 1; ; try++ {
		err := o.call(ctx, "RegisterClient", "/client/register", body, nil, &answer)
		if err == nil {
			break
		}
		if !refusedWith(err, codeSlowDown) || try == registerTries {
			return creds.Client{}, err
		}
		if err := s.pause(ctx, slowDown); err != nil {
			return creds.Client{}, err
		}
	}
	if !isToken(answer.ID) || !isToken(answer.Secret) {
		return creds.Client{}, o.strange("RegisterClient", "a malformed registration")
	}
	made := creds.Client{ID: answer.ID, Secret: creds.NewSecret(answer.Secret), Expires: time.Unix(answer.Expires, 0).UTC(), Grant: grant}
	if _, err := s.Store.SetToken(ctx, name, id, creds.Token{Client: made}, keyring.Info{}); err != nil {
		return creds.Client{}, err
	}
	return made, nil
}

// createToken is POST /token for a grant.
func (o oidc) createToken(ctx context.Context, client creds.Client, grant string, more map[string]string) (creds.Token, error) {
	body := map[string]any{"clientId": client.ID, "clientSecret": client.Secret.Reveal(), "grantType": grant}
	secrets := []string{client.Secret.Reveal()}
	for name, value := range more {
		body[name] = value
		secrets = append(secrets, value)
	}
	var answer struct {
		Access  string `json:"accessToken"`
		Refresh string `json:"refreshToken"`
		Life    int64  `json:"expiresIn"`
	}
	const action = "CreateToken"
	if err := o.call(ctx, action, "/token", body, secrets, &answer); err != nil {
		return creds.Token{}, err
	}
	if !isToken(answer.Access) || answer.Refresh != "" && !isToken(answer.Refresh) || answer.Life <= 0 || answer.Life > maxTokenLife {
		return creds.Token{}, o.strange(action, "a malformed token")
	}
	return creds.Token{
		Access: creds.NewSecret(answer.Access), Refresh: creds.NewSecret(answer.Refresh),
		Expires: o.signer.Now().Add(time.Duration(answer.Life) * time.Second).UTC(), Client: client,
	}, nil
}

// maxTokenSize is far longer than any token of AWS's is, in bytes. What the store and the
// process that renews have room for is longer.
const maxTokenSize = 16 << 10

// isToken reports whether a text of an answer can be a token, or a part of a registration.
func isToken(text string) bool { return creds.IsPrintable(text) && len(text) <= maxTokenSize }

// maxTokenLife is longer than any token lives, in seconds: a portal session has at most
// 90 days.
const maxTokenLife = 90 * 24 * 3600

// call calls the service. It is not repeated if AWS may have carried it out: codes and
// refresh tokens are good once.
func (o oidc) call(ctx context.Context, action, path string, body any, secrets []string, answer any) error {
	return o.client.JSON(ctx, creds.Session{}, awsapi.JSON{
		Service: "sso-oidc", Action: action, Method: "POST", Path: path, Body: body, Secrets: secrets,
	}, answer)
}

func (o oidc) strange(action, problem string) error {
	return &awsapi.AnswerError{Action: action, Host: host(o.OIDC), Problem: problem}
}

// refreshGrace is how long AWS may still take to answer after the user gave up.
const refreshGrace = 5 * time.Second

// exchange refreshes a token. It continues if the user gives up: AWS may have replaced the
// refresh token, and then only the answer has the new one.
func (s *Signer) exchange(ctx context.Context, c center, t creds.Token) (creds.Token, error) {
	client, err := s.client(c.OIDC)
	if err != nil {
		return creds.Token{}, err
	}
	o := oidc{center: c, client: client, signer: s}
	limit, stop := outlast(ctx, refreshGrace)
	defer stop()
	made, err := o.createToken(limit, t.Client, grantRefresh, map[string]string{"refreshToken": t.Refresh.Reveal()})
	if err == nil && made.Refresh.IsZero() {
		made.Refresh = t.Refresh
	}
	return made, err
}
