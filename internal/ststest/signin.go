package ststest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// AWS Sign-In: a program gets credentials of the person who is signed in at the console
// ("aws login"). They last 15 minutes, and the program renews them with a refresh token
// that works only with the key whose holder it was made for:
// https://docs.aws.amazon.com/signin/latest/APIReference/Welcome.html

const (
	sameDevice   = "arn:aws:signin:::devtools/same-device"
	crossDevice  = "arn:aws:signin:::devtools/cross-device"
	confirmation = "/v1/sessions/confirmation"

	consoleLife = 15 * time.Minute
	// consoleSignIn is how long credentials can be renewed.
	consoleSignIn = 12 * time.Hour
)

// console needs the server's lock.
type console struct {
	codes   map[string]*consoleCode
	refresh map[string]*consoleToken
	proofs  map[string]bool // those used, by ID
	replay  time.Duration
}

func newConsole() console {
	return console{codes: make(map[string]*consoleCode), refresh: make(map[string]*consoleToken), proofs: make(map[string]bool)}
}

// A consoleSession is a person's stay at the console.
type consoleSession struct {
	arn     string
	expires time.Time
	// changed means that the person's password or rights are not what they were.
	changed bool
}

type consoleCode struct {
	client, redirect, challenge string
	session                     *consoleSession
	expires                     time.Time
}

type consoleToken struct {
	client, key string // key is the thumbprint of the program's
	session     *consoleSession
	used        time.Time // when it was; zero for a new one
	got         consoleCredentials
}

// SetReplay changes for how long a refresh token of the console that was used gets the
// same answer again, and nothing new: AWS's model speaks of a "validity window" and does
// not say how long it is. At the start it is 0.
func (s *Server) SetReplay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.console.replay = d
}

// ChangePassword makes the sign-ins that a person has so far useless. An ARN is that of
// Person.ARN.
func (s *Server) ChangePassword(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.console.refresh {
		if t.session.arn == arn {
			t.session.changed = true
		}
	}
}

// age makes codes and sign-ins older, see AgeSignIns.
func (c *console) age(d time.Duration) {
	sessions := make(map[*consoleSession]bool)
	for _, code := range c.codes {
		code.expires = code.expires.Add(-d)
		sessions[code.session] = true
	}
	for _, t := range c.refresh {
		sessions[t.session] = true
	}
	for session := range sessions {
		session.expires = session.expires.Add(-d)
	}
}

type signinFailure struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

// signinError is an error whose kind is a field, and whose class is in the header.
func signinError(e *refusal) answer {
	f := signinFailure{"INVALID_REQUEST", e.message}
	class := e.code
	switch {
	case e == errThrottled:
		class, e = "TooManyRequestsError", &refusal{http.StatusTooManyRequests, e.code, e.message}
	case e.status >= 500:
		class, f.Error = "InternalServerException", "server_error"
	case slices.Contains(accessDenied, e.code):
		class, f.Error = "AccessDeniedException", e.code
	}
	a := document(e.status, e.code, f)
	a.class = class
	return a
}

// accessDenied are the kinds of an AccessDeniedException.
var accessDenied = []string{"TOKEN_EXPIRED", "USER_CREDENTIALS_CHANGED", "INSUFFICIENT_PERMISSIONS", "AUTHCODE_EXPIRED"}

func signinInvalid(message string) error { return badRequest("ValidationException", message) }

var errTokenExpired = badRequest("TOKEN_EXPIRED", "The refresh token is expired or was used")

// base is the address of the service as the caller knows it.
func (v *visit) base() string {
	scheme := "http"
	if v.r.TLS != nil || strings.HasPrefix(v.URL, "https:") {
		scheme = "https"
	}
	prefix := ""
	if strings.HasPrefix(v.r.URL.Path, regionPrefix) {
		prefix = regionPrefix + v.region
	}
	return scheme + "://" + v.r.Host + prefix
}

// authorizeConsole is the page on which the person at the console allows a program to
// have credentials. A program on another device cannot be sent back to: the person takes
// a code there.
func (v *visit) authorizeConsole() (any, error) {
	client, to := v.query.Get("client_id"), v.query.Get("redirect_uri")
	switch client {
	case sameDevice:
		if u, err := url.Parse(to); err != nil || u.Port() == "" || !sameRedirect("http://127.0.0.1/oauth/callback", to) {
			return nil, signinInvalid("Invalid redirect_uri")
		}
	case crossDevice:
		if to != v.base()+confirmation {
			return nil, signinInvalid("Invalid redirect_uri")
		}
	default:
		return nil, signinInvalid("Invalid client_id")
	}
	asked, err := decodeRaw(v.query.Get("code_challenge"))
	switch {
	case v.query.Get("response_type") != "code", v.query.Get("scope") != "openid", v.query.Get("state") == "",
		v.query.Get("code_challenge_method") != "SHA-256", err != nil || len(asked) != sha256.Size:
		return nil, signinInvalid("Invalid request")
	}
	return v.sendBack(to, v.query.Get("state"), func() string {
		code := randomBase64(96)
		v.console.codes[code] = &consoleCode{
			client: client, redirect: to, challenge: v.query.Get("code_challenge"), expires: v.now.Add(codeLife),
			session: &consoleSession{arn: cmp.Or(v.person.ARN, DemoUser), expires: v.now.Add(consoleSignIn)},
		}
		return code
	}), nil
}

// confirm is the page that shows what to type on the other device.
func (v *visit) confirm() (any, error) {
	text := "state=" + v.query.Get("state") + "&code=" + v.query.Get("code")
	return webPage(http.StatusOK, "OK", base64.StdEncoding.EncodeToString([]byte(text))), nil
}

type consoleCredentials struct {
	AccessToken  consoleKey `json:"accessToken"`
	TokenType    string     `json:"tokenType"`
	ExpiresIn    int        `json:"expiresIn"`
	RefreshToken string     `json:"refreshToken"`
	IDToken      string     `json:"idToken,omitempty"`
}

type consoleKey struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
}

func (v *visit) createConsoleToken() (any, error) {
	p, err := readProof(v.r.Header.Get("Dpop"), v.r.Method, v.base()+"/v1/token", v.now)
	switch {
	case len(v.r.Header.Values("Dpop")) != 1:
		return nil, signinInvalid("One DPoP proof is required")
	case err != nil:
		return nil, signinInvalid("Invalid DPoP proof: " + err.Error())
	case v.console.proofs[p.id]:
		return nil, signinInvalid("The DPoP proof was used before")
	}
	v.console.proofs[p.id] = true
	if client := v.text("clientId"); client != sameDevice && client != crossDevice {
		return nil, signinInvalid("Invalid clientId")
	}
	switch v.text("grantType") {
	case grantCode:
		return v.redeemConsoleCode(p)
	case grantRefresh:
		return v.refreshConsole(p)
	}
	return nil, signinInvalid("Invalid grantType")
}

// redeemConsoleCode uses a code up, whatever comes of it.
func (v *visit) redeemConsoleCode(p proof) (any, error) {
	name, verifier := v.text("code"), v.text("codeVerifier")
	code := v.console.codes[name]
	delete(v.console.codes, name)
	foreign := strings.Trim(verifier, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != ""
	switch {
	case name == "" || len(verifier) < 43 || len(verifier) > 128 || foreign:
		return nil, signinInvalid("Invalid code or codeVerifier")
	case code == nil || !v.now.Before(code.expires):
		return nil, badRequest("AUTHCODE_EXPIRED", "The authorization code is expired or was used")
	case code.client != v.text("clientId") || code.redirect != v.text("redirectUri") || code.challenge != challenge(verifier):
		return nil, signinInvalid("The code was not made for this request")
	}
	return v.issueConsole(p, code.client, code.session, true)
}

func (v *visit) refreshConsole(p proof) (any, error) {
	name := v.text("refreshToken")
	t := v.console.refresh[name]
	switch {
	case t == nil || !t.used.IsZero() && v.now.Sub(t.used) >= v.console.replay:
		return nil, errTokenExpired
	case t.key != p.key || t.client != v.text("clientId"):
		return nil, signinInvalid("The refresh token is bound to another key or client")
	}
	switch {
	case !v.now.Before(t.session.expires):
		return nil, errTokenExpired
	case t.session.changed:
		return nil, badRequest("USER_CREDENTIALS_CHANGED", "The user's credentials have changed")
	case !t.used.IsZero():
		return t.got, nil
	}
	var err error
	if t.got, err = v.issueConsole(p, t.client, t.session, false); err != nil {
		return nil, err
	}
	t.used = v.now
	return t.got, nil
}

// issueConsole makes credentials of the person, and the refresh token for the next ones.
// Root needs no permission for that.
func (v *visit) issueConsole(p proof, client string, session *consoleSession, withID bool) (out consoleCredentials, err error) {
	c := consoleCaller(session.arn)
	if v.world.policy["CreateOAuth2Token"] != allowed && !c.root() {
		return out, badRequest("INSUFFICIENT_PERMISSIONS", "User: "+c.arn+" is not authorized to perform: signin:CreateOAuth2Token")
	}
	life := consoleLife
	if v.life != 0 {
		life = v.life
	}
	s := v.world.session(c, v.now.Truncate(time.Second).Add(life))
	out = consoleCredentials{
		AccessToken: consoleKey{s.ID, s.Secret.Reveal(), s.Token.Reveal()},
		TokenType:   "aws_sigv4", ExpiresIn: int(life / time.Second), RefreshToken: opaque(""),
	}
	v.console.refresh[out.RefreshToken] = &consoleToken{client: client, key: p.key, session: session}
	if withID {
		out.IDToken = v.idToken(client, session.arn)
	}
	return out, nil
}

// consoleCaller is whom the credentials are of: a user, or a role's session.
func consoleCaller(arn string) caller {
	if role, ok := strings.CutPrefix(arnPart(arn, resourcePart), "assumed-role/"); ok {
		role, name, _ := strings.Cut(role, "/")
		role = "arn:" + arnPart(arn, partitionPart) + ":iam::" + arnPart(arn, accountPart) + ":role/" + role
		return caller{arn: arn, role: role, userID: uniqueID("AROA", role) + ":" + name}
	}
	c := caller{arn: arn, user: arn, userID: uniqueID("AIDA", arn)}
	if c.root() {
		c.userID = c.account()
	}
	return c
}

// idToken says who signed in. Programs get it from AWS itself, and do not check who
// signed it: nobody has.
func (v *visit) idToken(client, arn string) string {
	part := func(fields map[string]any) string {
		text, err := json.Marshal(fields)
		if err != nil {
			panic(err) // always encodable
		}
		return rawURL.EncodeToString(text)
	}
	return part(map[string]any{"alg": "ES384", "typ": "JWT", "kid": "ststest"}) + "." +
		part(map[string]any{"iss": "https://signin.aws.amazon.com/signin", "aud": client, "sub": arn,
			"iat": v.now.Unix(), "exp": v.now.Add(consoleLife).Unix(), "jti": rand.Text()}) + "." +
		rawURL.EncodeToString(make([]byte, 96))
}
