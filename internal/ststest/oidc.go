package ststest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The part of Identity Center that registers programs and gives them tokens:
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html

const (
	grantCode    = "authorization_code"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"

	// accessScope is what the portal demands.
	accessScope = "sso:account:access"

	clientLife = 90 * 24 * time.Hour
	codeLife   = 10 * time.Minute
	// legacyLife is that of the token of a client without scopes.
	legacyLife = 8 * time.Hour
)

type oidcFailure struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// oidcCodes are the error codes of OAuth. AWS's names are in the header only.
var oidcCodes = map[string]string{
	"AccessDeniedException":          "access_denied",
	"AuthorizationPendingException":  "authorization_pending",
	"ExpiredTokenException":          "expired_token",
	"InternalServerException":        "server_error",
	"InvalidClientException":         "invalid_client",
	"InvalidClientMetadataException": "invalid_client_metadata",
	"InvalidGrantException":          "invalid_grant",
	"InvalidRedirectUriException":    "invalid_redirect_uri",
	"InvalidRequestException":        "invalid_request",
	"InvalidScopeException":          "invalid_scope",
	"SlowDownException":              "slow_down",
	"UnauthorizedClientException":    "unauthorized_client",
	"UnsupportedGrantTypeException":  "unsupported_grant_type",
}

// oidcError is an error in the form of OAuth, with AWS's name in a header. The message
// of an AccessDeniedException may be its reason: the instance's key in KMS.
func oidcError(e *refusal) answer {
	if e == errThrottled {
		e = &refusal{http.StatusBadRequest, "SlowDownException", "Slow down"}
	}
	f := oidcFailure{Error: cmp.Or(oidcCodes[e.code], e.code), Description: e.message}
	if strings.HasPrefix(e.message, "KMS_") {
		f.Reason, f.Description = e.message, ""
	}
	a := document(e.status, e.code, f)
	a.class = e.code
	return a
}

func badRequest(code, message string) error { return refuse(http.StatusBadRequest, code, message) }

// errWrongPlace is all that AWS says of a wrong region or start URL.
var errWrongPlace = badRequest("InvalidRequestException", "")

type registration struct {
	ClientID              string `json:"clientId"`
	ClientSecret          string `json:"clientSecret"`
	ClientIDIssuedAt      int64  `json:"clientIdIssuedAt"`
	ClientSecretExpiresAt int64  `json:"clientSecretExpiresAt"`
}

func (v *visit) registerClient() (any, error) {
	scopes, ok1 := v.list("scopes")
	grants, ok2 := v.list("grantTypes")
	redirects, ok3 := v.list("redirectUris")
	switch {
	case !ok1 || !ok2 || !ok3 || v.text("clientName") == "":
		return nil, badRequest("InvalidRequestException", "Invalid request")
	case v.text("clientType") != "public":
		return nil, badRequest("InvalidClientMetadataException", "Only the client type public is supported")
	}
	for _, scope := range scopes {
		if scope != accessScope && !strings.HasPrefix(scope, "codewhisperer:") {
			return nil, badRequest("InvalidScopeException", "Invalid scope")
		}
	}
	if err := checkGrants(grants, redirects); err != nil {
		return nil, err
	}
	c := &oauthClient{
		id: rand.Text(), secret: "eyJraWQiOiJrZXkt" + randomBase64(300),
		expires: v.now.Truncate(time.Second).Add(clientLife),
		scopes:  scopes, grants: grants, redirects: redirects, startURL: v.text("issuerUrl"), region: v.region,
	}
	if len(grants) == 0 {
		c.grants = []string{grantDevice, grantRefresh}
	}
	if _, ok := v.center.instance(c.startURL, v.region); !ok && (c.startURL != "" || slices.Contains(grants, grantCode)) {
		return nil, errWrongPlace
	}
	v.center.clients[c.id] = c
	return registration{c.id, c.secret, v.now.Unix(), c.expires.Unix()}, nil
}

// checkGrants wants a registration for one way to sign in: AWS takes one for two, and
// refuses it when it is used.
func checkGrants(grants, redirects []string) error {
	for _, g := range grants {
		if g != grantCode && g != grantDevice && g != grantRefresh {
			return badRequest("UnsupportedGrantTypeException", "Unsupported grant type")
		}
	}
	code, device := slices.Contains(grants, grantCode), slices.Contains(grants, grantDevice)
	switch {
	case code && device, len(grants) > 0 && !code && !device:
		return badRequest("InvalidClientMetadataException", "Invalid combination of grant types")
	case code != (len(redirects) > 0):
		return badRequest("InvalidRedirectUriException", "Redirect URIs and the grant type authorization_code belong together")
	}
	for _, r := range redirects {
		u, err := url.Parse(r)
		if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Path != "/oauth/callback" || u.RawQuery != "" || u.Fragment != "" {
			return badRequest("InvalidRedirectUriException", "Invalid redirect URI")
		}
	}
	return nil
}

// client finds the registration of a call.
func (v *visit) client() (*oauthClient, error) {
	if v.text("clientId") == "" || v.text("clientSecret") == "" {
		return nil, badRequest("InvalidRequestException", "Invalid request")
	}
	c := v.center.clients[v.text("clientId")]
	if c == nil || subtle.ConstantTimeCompare([]byte(c.secret), []byte(v.text("clientSecret"))) == 0 || !v.now.Before(c.expires) || !v.in(c.region) {
		return nil, refuse(http.StatusUnauthorized, "InvalidClientException", "Invalid client")
	}
	return c, nil
}

var errGrant = badRequest("InvalidGrantException", "Invalid grant provided")

type token struct {
	AccessToken  string `json:"accessToken"`
	ExpiresIn    int    `json:"expiresIn"`
	RefreshToken string `json:"refreshToken,omitempty"`
	TokenType    string `json:"tokenType"`
}

func (v *visit) createToken() (any, error) {
	c, err := v.client()
	if err != nil {
		return nil, err
	}
	grant := v.text("grantType")
	run, known := map[string]func(*visit, *oauthClient) (any, error){
		grantCode: (*visit).redeemCode, grantDevice: (*visit).redeemDevice, grantRefresh: (*visit).refreshToken,
	}[grant]
	switch {
	case !known:
		return nil, badRequest("UnsupportedGrantTypeException", "Unsupported grant type")
	case !slices.Contains(c.grants, grant):
		return nil, badRequest("UnauthorizedClientException", "The client is not registered for this grant type")
	}
	return run(v, c)
}

// redeemCode uses a code up, whatever comes of it.
func (v *visit) redeemCode(c *oauthClient) (any, error) {
	code := v.center.codes[v.text("code")]
	if code == nil || code.client != c {
		return nil, errGrant
	}
	delete(v.center.codes, v.text("code"))
	if code.redirect != v.text("redirectUri") || code.challenge != challenge(v.text("codeVerifier")) || !v.now.Before(code.expires) {
		return nil, errGrant
	}
	return v.issue(c, code.signIn, code.scopes, true), nil
}

// challenge is what RFC 7636 calls S256.
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return rawURL.EncodeToString(sum[:])
}

func (v *visit) redeemDevice(c *oauthClient) (any, error) {
	name := v.text("deviceCode")
	d := v.center.devices[name]
	if d == nil || d.client != c {
		return nil, errGrant
	}
	if !v.now.Before(d.expires) {
		return nil, badRequest("ExpiredTokenException", "The device code has expired")
	}
	early := !d.asked.IsZero() && v.now.Sub(d.asked) < d.interval
	d.asked = v.now
	switch {
	case early:
		d.interval += 5 * time.Second // RFC 8628, section 3.5
		return nil, badRequest("SlowDownException", "Slow down")
	case d.answer == Deny:
		delete(v.center.devices, name)
		return nil, badRequest("AccessDeniedException", "Access denied")
	case d.answer != Approve:
		return nil, badRequest("AuthorizationPendingException", "Authorization is still pending")
	}
	delete(v.center.devices, name)
	return v.issue(c, v.signsIn(d.instance, d.person), c.scopes, true), nil
}

func (v *visit) refreshToken(c *oauthClient) (any, error) {
	name := v.text("refreshToken")
	t := v.center.refresh[name]
	if t == nil || t.client != c || t.signIn.over(v.now) {
		return nil, errGrant
	}
	if t.signIn.instance.KeepRefreshTokens {
		return v.issue(c, t.signIn, t.scopes, false), nil
	}
	delete(v.center.refresh, name)
	return v.issue(c, t.signIn, t.scopes, true), nil
}

func (v *visit) signsIn(i *Instance, user string) *signIn {
	return &signIn{instance: i, region: v.region, user: user, expires: v.now.Add(i.SignInLife)}
}

// issue makes tokens. A client without scopes gets one that lasts longer and cannot be
// refreshed.
func (v *visit) issue(c *oauthClient, in *signIn, scopes []string, refreshable bool) token {
	life := in.instance.TokenLife
	if len(scopes) == 0 {
		life, refreshable = legacyLife, false
	}
	t := token{AccessToken: opaque("aoaAAAAA"), ExpiresIn: int(life / time.Second), TokenType: "Bearer"}
	v.center.access[t.AccessToken] = &accessToken{signIn: in, scopes: scopes, expires: v.now.Add(life)}
	if refreshable && slices.Contains(c.grants, grantRefresh) {
		t.RefreshToken = opaque("aorAAAAA")
		v.center.refresh[t.RefreshToken] = &refreshToken{client: c, signIn: in, scopes: scopes}
	}
	return t
}

type deviceAuthorization struct {
	DeviceCode              string `json:"deviceCode"`
	UserCode                string `json:"userCode"`
	VerificationURI         string `json:"verificationUri"`
	VerificationURIComplete string `json:"verificationUriComplete"`
	ExpiresIn               int    `json:"expiresIn"`
	Interval                int    `json:"interval"`
}

func (v *visit) startDeviceAuthorization() (any, error) {
	c, err := v.client()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.grants, grantDevice) {
		return nil, badRequest("UnauthorizedClientException", "The client is not registered for this grant type")
	}
	i, ok := v.center.instance(v.text("startUrl"), v.region)
	if !ok {
		return nil, errWrongPlace
	}
	d := &deviceCode{
		user: formatUserCode(rand.Text()), client: c, instance: i, region: v.region,
		expires: v.now.Add(codeLife), interval: i.Interval, answer: Nobody,
	}
	name := randomBase64(64)
	v.center.devices[name] = d
	uri := v.base() + "/device"
	return deviceAuthorization{name, d.user, uri, uri + "?user_code=" + d.user,
		int(codeLife / time.Second), max(1, int((i.Interval+time.Second-1)/time.Second))}, nil
}

// verifyDevice is the page on which a person allows a device to sign in.
func (v *visit) verifyDevice() (any, error) {
	d := v.center.device(v.query.Get("user_code"))
	switch {
	case v.query.Get("user_code") == "":
		return webPage(http.StatusOK, "OK", "Enter the code that your device shows."), nil
	case d == nil || !v.now.Before(d.expires):
		return nil, badRequest("InvalidRequestException", "This code is not valid.")
	case v.person.Does == Approve:
		d.answer, d.person = Approve, v.person.user()
		return webPage(http.StatusOK, "OK", "Request approved. You can close this window."), nil
	case v.person.Does == Deny:
		d.answer = Deny
		return webPage(http.StatusOK, "OK", "Request denied."), nil
	}
	return webPage(http.StatusOK, "OK", "Allow this device to access your data?"), nil
}

// authorize is the page on which a person allows a program to sign in. Until the program
// and its address are known to be right, the browser is not sent back.
func (v *visit) authorize() (any, error) {
	c := v.center.clients[v.query.Get("client_id")]
	if c == nil || !v.in(c.region) || !v.now.Before(c.expires) {
		return nil, refuse(http.StatusUnauthorized, "InvalidClientException", "Invalid client")
	}
	to := v.query.Get("redirect_uri")
	if !slices.ContainsFunc(c.redirects, func(r string) bool { return sameRedirect(r, to) }) {
		return nil, badRequest("InvalidRedirectUriException", "Invalid redirect URI")
	}
	// Programs use both names.
	scopes := strings.Fields(cmp.Or(v.query.Get("scopes"), v.query.Get("scope")))
	asked, err := decodeRaw(v.query.Get("code_challenge"))
	switch {
	case v.query.Get("response_type") != "code",
		v.query.Get("code_challenge_method") != "S256" || err != nil || len(asked) != sha256.Size,
		v.query.Get("state") == "":
		return nil, badRequest("InvalidRequestException", "Invalid request")
	case slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(c.scopes, scope) }):
		return nil, badRequest("InvalidScopeException", "Invalid scope")
	}
	instance, ok := v.center.instance(c.startURL, v.region)
	if !ok {
		return nil, errWrongPlace
	}
	return v.sendBack(to, v.query.Get("state"), func() string {
		code := opaque("")
		v.center.codes[code] = &authCode{
			client: c, redirect: to, challenge: v.query.Get("code_challenge"), scopes: scopes,
			signIn: v.signsIn(instance, v.person.user()), expires: v.now.Add(codeLife),
		}
		return code
	}), nil
}

// sendBack does what the person does with a page that asks for a sign-in.
func (v *visit) sendBack(to, state string, code func() string) answer {
	switch v.person.Does {
	case Approve:
		return redirect(to, url.Values{"code": {code()}, "state": {state}})
	case Deny:
		return redirect(to, url.Values{"error": {"access_denied"}, "error_description": {"The user denied access"}, "state": {state}})
	case WrongState:
		return redirect(to, url.Values{"code": {opaque("")}, "state": {rand.Text()}})
	}
	return webPage(http.StatusOK, "OK", "Allow this program to access your data?")
}

// sameRedirect compares an address with a registered one. If that has no port, any will do.
func sameRedirect(registered, asked string) bool {
	u, err := url.Parse(asked)
	if err != nil {
		return false
	}
	r, _ := url.Parse(registered) // checkGrants has
	if r.Port() == "" && u.Port() != "" {
		r.Host = net.JoinHostPort(r.Host, u.Port())
	}
	return r.String() == asked
}
