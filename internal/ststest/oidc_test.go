package ststest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// verifier is RFC 7636's example, and so is challenge's result for it.
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

type object = map[string]any

// said is an answer in JSON.
type said struct {
	status int
	class  string // X-Amzn-Errortype
	object
}

// text is a field of the answer.
func (a said) text(name string) string { return fmt.Sprint(a.object[name]) }

// talk makes a call that speaks JSON.
func talk(t *testing.T, method, url string, body any, header ...string) said {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	r := must(http.NewRequest(method, url, bytes.NewReader(text)))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := said{status: res.StatusCode, class: res.Header.Get("X-Amzn-Errortype")}
	if text = must(io.ReadAll(res.Body)); len(text) > 0 {
		if err := json.Unmarshal(text, &a.object); err != nil {
			t.Fatalf("%s: %s", err, text)
		}
	}
	return a
}

// changed copies an object, with some fields changed; nil removes one.
func changed(o object, fields object) object {
	c := object{}
	for name, value := range o {
		c[name] = value
	}
	for name, value := range fields {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

var (
	codeClient = object{
		"clientName": "fob", "clientType": "public", "scopes": []string{accessScope}, "issuerUrl": DemoStartURL,
		"grantTypes": []string{grantCode, grantRefresh}, "redirectUris": []string{"http://127.0.0.1/oauth/callback"},
	}
	deviceClient = object{"clientName": "fob", "clientType": "public", "scopes": []string{accessScope}}
	legacyClient = object{"clientName": "fob", "clientType": "public"}
)

// wantFailure checks an error of OIDC or the portal.
func wantFailure(t *testing.T, a said, status int, class string) {
	t.Helper()
	name, _, _ := strings.Cut(a.class, ":")
	if a.status != status || name != class {
		t.Errorf("got %d %s %v, want %d %s", a.status, a.class, a.object, status, class)
	}
}

func register(t *testing.T, base string, client object) (id, secret string) {
	t.Helper()
	a := talk(t, "POST", base+"/client/register", client)
	if a.status != 200 {
		t.Fatalf("%d %v", a.status, a.object)
	}
	return a.text("clientId"), a.text("clientSecret")
}

// authorizeURL is the address of the page on which a program asks to sign in.
func authorizeURL(base, id, redirect string, change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirect}, "state": {"a state"},
		"code_challenge_method": {"S256"}, "code_challenge": {challenge(verifier)}, "scopes": {accessScope},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return base + "/authorize?" + q.Encode()
}

// open opens a page without following it to the program.
func open(t *testing.T, address string) (status int, back url.Values) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	u := must(url.Parse(res.Header.Get("Location")))
	return res.StatusCode, u.Query()
}

const callback = "http://127.0.0.1:4321/oauth/callback"

// signInWithCode signs in through the browser.
func signInWithCode(t *testing.T, base string) (id, secret string, tokens said) {
	t.Helper()
	id, secret = register(t, base, codeClient)
	_, back := open(t, authorizeURL(base, id, callback))
	tokens = talk(t, "POST", base+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantCode,
		"code": back.Get("code"), "codeVerifier": verifier, "redirectUri": callback})
	if tokens.status != 200 {
		t.Fatalf("%d %v", tokens.status, tokens.object)
	}
	return id, secret, tokens
}

func TestChallenge(t *testing.T) {
	if got := challenge(verifier); got != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
		t.Errorf("got %s", got)
	}
}

func TestRegisterClient(t *testing.T) {
	s := start(t, Config{})
	a := talk(t, "POST", s.URL+"/client/register", codeClient)
	if a.status != 200 || a.object["clientSecretExpiresAt"].(float64)-a.object["clientIdIssuedAt"].(float64) != 90*24*3600 || a.object["authorizationEndpoint"] != nil {
		t.Errorf("got %d %v", a.status, a.object)
	}
	for _, tt := range []struct {
		name   string
		region string
		client object
		class  string
	}{
		{"a device's", "", deviceClient, ""},
		{"legacy", "", legacyClient, ""},
		{"both names of the grant", "", changed(deviceClient, object{"grantTypes": []string{grantDevice, grantRefresh}}), ""},
		{"a port", "", changed(codeClient, object{"redirectUris": []string{callback}}), ""},
		{"confidential", "", changed(codeClient, object{"clientType": "confidential"}), "InvalidClientMetadataException"},
		{"no name", "", changed(codeClient, object{"clientName": nil}), "InvalidRequestException"},
		{"names in another case", "", object{"clientname": "fob", "clienttype": "public"}, "InvalidRequestException"},
		{"no list", "", changed(codeClient, object{"scopes": accessScope}), "InvalidRequestException"},
		{"unknown scope", "", changed(codeClient, object{"scopes": []string{"openid"}}), "InvalidScopeException"},
		{"unknown grant", "", changed(codeClient, object{"grantTypes": []string{"password"}}), "UnsupportedGrantTypeException"},
		{"two ways", "", changed(codeClient, object{"grantTypes": []string{grantCode, grantDevice}}), "InvalidClientMetadataException"},
		{"refresh only", "", changed(codeClient, object{"grantTypes": []string{grantRefresh}}), "InvalidClientMetadataException"},
		{"no redirect", "", changed(codeClient, object{"redirectUris": nil}), "InvalidRedirectUriException"},
		{"another machine", "", changed(codeClient, object{"redirectUris": []string{"http://10.0.0.1/oauth/callback"}}), "InvalidRedirectUriException"},
		{"localhost", "", changed(codeClient, object{"redirectUris": []string{"http://localhost/oauth/callback"}}), "InvalidRedirectUriException"},
		{"another path", "", changed(codeClient, object{"redirectUris": []string{"http://127.0.0.1/"}}), "InvalidRedirectUriException"},
		{"https", "", changed(codeClient, object{"redirectUris": []string{"https://127.0.0.1/oauth/callback"}}), "InvalidRedirectUriException"},
		{"no issuer", "", changed(codeClient, object{"issuerUrl": nil}), "InvalidRequestException"},
		{"another issuer", "", changed(codeClient, object{"issuerUrl": DemoStartURL + "s"}), "InvalidRequestException"},
		{"its issuer, as the portal shows it", "", changed(codeClient, object{"issuerUrl": DemoStartURL + "/#"}), ""},
		{"its region", DemoSSORegion, codeClient, ""},
		{"another region", "us-east-1", codeClient, "InvalidRequestException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := s.URL
			if tt.region != "" {
				base = s.RegionURL(tt.region)
			}
			a := talk(t, "POST", base+"/client/register", tt.client)
			if tt.class == "" {
				wantFailure(t, a, 200, "")
			} else {
				wantFailure(t, a, 400, tt.class)
				if a.text("error") != oidcCodes[tt.class] {
					t.Errorf("got %v", a.object)
				}
			}
		})
	}
	if a := talk(t, "POST", s.RegionURL("us-east-1")+"/client/register", codeClient); a.object["error_description"] != nil {
		t.Errorf("AWS says nothing of a wrong region, the fake %v", a.object)
	}
	wantFailure(t, talk(t, "GET", s.URL+"/client/register", nil), 404, "UnknownOperationException")
	wantFailure(t, talk(t, "POST", s.URL+"/client/register", codeClient, "Content-Type", "text/plain"), 415, "UnsupportedMediaTypeException")
	wantFailure(t, talk(t, "POST", s.URL+"/client/register", "text"), 400, "SerializationException")
}

// Only a page that is asked for in the right way sends the browser anywhere.
func TestAuthorize(t *testing.T) {
	s := start(t, Config{})
	id, _ := register(t, s.URL, codeClient)
	device, _ := register(t, s.URL, deviceClient)
	for _, tt := range []struct {
		name    string
		address string
		status  int
	}{
		{"right", authorizeURL(s.URL, id, callback), 302},
		{"the other name of scopes", authorizeURL(s.URL, id, callback, "scopes", "", "scope", accessScope), 302},
		{"no scopes", authorizeURL(s.URL, id, callback, "scopes", ""), 302},
		{"unknown client", authorizeURL(s.URL, "somebody", callback), 401},
		{"a device", authorizeURL(s.URL, device, callback), 400},
		{"localhost", authorizeURL(s.URL, id, "http://localhost:4321/oauth/callback"), 400},
		{"another path", authorizeURL(s.URL, id, "http://127.0.0.1:4321/"), 400},
		{"another machine", authorizeURL(s.URL, id, "http://127.0.0.1.example.com:4321/oauth/callback"), 400},
		{"a user", authorizeURL(s.URL, id, "http://user@127.0.0.1:4321/oauth/callback"), 400},
		{"a query", authorizeURL(s.URL, id, callback+"?a=b"), 400},
		{"a token", authorizeURL(s.URL, id, callback, "response_type", "token"), 400},
		{"plain", authorizeURL(s.URL, id, callback, "code_challenge_method", "plain"), 400},
		{"the console's name", authorizeURL(s.URL, id, callback, "code_challenge_method", "SHA-256"), 400},
		{"padding", authorizeURL(s.URL, id, callback, "code_challenge", challenge(verifier)+"="), 400},
		{"no challenge", authorizeURL(s.URL, id, callback, "code_challenge", ""), 400},
		{"no state", authorizeURL(s.URL, id, callback, "state", ""), 400},
		{"more scopes", authorizeURL(s.URL, id, callback, "scopes", accessScope+" codewhisperer:completions"), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, back := open(t, tt.address)
			if status != tt.status || (status == 302) != (back.Get("code") != "" && back.Get("state") == "a state") {
				t.Errorf("got %d %v, want %d", status, back, tt.status)
			}
		})
	}
}

func TestPerson(t *testing.T) {
	s := start(t, Config{})
	id, _ := register(t, s.URL, codeClient)
	for _, tt := range []struct {
		does  Answer
		check func(status int, back url.Values) bool
	}{
		{Approve, func(status int, back url.Values) bool {
			return back.Get("code") != "" && back.Get("state") == "a state"
		}},
		{Deny, func(status int, back url.Values) bool {
			return back.Get("error") == "access_denied" && back.Get("state") == "a state" && !back.Has("code")
		}},
		{WrongState, func(status int, back url.Values) bool {
			return back.Get("code") != "" && back.Get("state") != "a state"
		}},
		{Nobody, func(status int, back url.Values) bool { return status == 200 && len(back) == 0 }},
	} {
		if err := s.SetPerson(Person{Does: tt.does}); err != nil {
			t.Fatal(err)
		}
		if status, back := open(t, authorizeURL(s.URL, id, callback)); !tt.check(status, back) {
			t.Errorf("%s: got %d %v", tt.does, status, back)
		}
	}
	if s.SetPerson(Person{Does: "sleep"}) == nil || s.AnswerDevice("", Person{Does: Approve}) == nil {
		t.Error("no error")
	}
}

// A browser follows the page to the program, and looks for its icon.
func TestBrowse(t *testing.T) {
	s := start(t, Config{})
	id, _ := register(t, s.URL, codeClient)
	var asked []string
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		fmt.Fprint(w, "You are signed in.")
	}))
	text, err := Browse(context.Background(), authorizeURL(s.URL, id, program.URL+"/oauth/callback"))
	program.Close()
	if err != nil || text != "You are signed in." || !slices.Equal(asked, []string{"/oauth/callback", "/favicon.ico"}) {
		t.Errorf("got %q, %v, %v", text, err, asked)
	}
	if text, err := Browse(context.Background(), authorizeURL(s.URL, "somebody", callback)); err == nil || !strings.Contains(text, "InvalidClient") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestCodeGrant(t *testing.T) {
	s := start(t, Config{})
	id, secret := register(t, s.URL, codeClient)
	otherID, otherSecret := register(t, s.URL, codeClient)
	right := object{"clientId": id, "clientSecret": secret, "grantType": grantCode, "codeVerifier": verifier, "redirectUri": callback}
	for _, tt := range []struct {
		name   string
		change object
		age    time.Duration
		status int
		class  string
	}{
		{"right", nil, 0, 200, ""},
		{"late", nil, codeLife, 400, "InvalidGrantException"},
		{"another verifier", object{"codeVerifier": verifier + "A"}, 0, 400, "InvalidGrantException"},
		{"another port", object{"redirectUri": "http://127.0.0.1:4322/oauth/callback"}, 0, 400, "InvalidGrantException"},
		{"no port", object{"redirectUri": "http://127.0.0.1/oauth/callback"}, 0, 400, "InvalidGrantException"},
		{"another client", object{"clientId": otherID, "clientSecret": otherSecret}, 0, 400, "InvalidGrantException"},
		{"wrong secret", object{"clientSecret": otherSecret}, 0, 401, "InvalidClientException"},
		{"no secret", object{"clientSecret": nil}, 0, 400, "InvalidRequestException"},
		{"no code", object{"code": ""}, 0, 400, "InvalidGrantException"},
		{"another grant", object{"grantType": grantDevice}, 0, 400, "UnauthorizedClientException"},
		{"unknown grant", object{"grantType": "password"}, 0, 400, "UnsupportedGrantTypeException"},
		{"underscores", object{"grantType": nil, "grant_type": grantCode}, 0, 400, "UnsupportedGrantTypeException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, back := open(t, authorizeURL(s.URL, id, callback))
			call := changed(right, object{"code": back.Get("code")})
			s.AgeSignIns(tt.age)
			a := talk(t, "POST", s.URL+"/token", changed(call, tt.change))
			wantFailure(t, a, tt.status, tt.class)
			if tt.status == 200 {
				if a.text("tokenType") != "Bearer" || a.text("expiresIn") != "3600" || a.object["refreshToken"] == nil || a.object["idToken"] != nil {
					t.Errorf("got %v", a.object)
				}
				wantFailure(t, talk(t, "POST", s.URL+"/token", call), 400, "InvalidGrantException") // used
			}
			if tt.name == "another verifier" { // used, too
				wantFailure(t, talk(t, "POST", s.URL+"/token", call), 400, "InvalidGrantException")
			}
		})
	}
}

func TestDeviceGrant(t *testing.T) {
	s := start(t, Config{})
	s.StopClock(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	id, secret := register(t, s.URL, deviceClient)
	begin := func(change object) said {
		return talk(t, "POST", s.URL+"/device_authorization", changed(object{"clientId": id, "clientSecret": secret, "startUrl": DemoStartURL}, change))
	}
	wantFailure(t, begin(object{"startUrl": "https://another.awsapps.com/start"}), 400, "InvalidRequestException")
	wantFailure(t, begin(object{"clientSecret": "wrong"}), 401, "InvalidClientException")
	codeID, codeSecret := register(t, s.URL, codeClient)
	wantFailure(t, begin(object{"clientId": codeID, "clientSecret": codeSecret}), 400, "UnauthorizedClientException")

	ask := func(d said) said {
		return talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantDevice, "deviceCode": d.text("deviceCode")})
	}
	d := begin(nil)
	if d.text("verificationUriComplete") != d.text("verificationUri")+"?user_code="+d.text("userCode") || d.text("interval") != "5" || d.text("expiresIn") != "600" {
		t.Fatalf("got %v", d.object)
	}
	wantFailure(t, ask(d), 400, "AuthorizationPendingException") // a device may ask at once
	s.Advance(4 * time.Second)
	wantFailure(t, ask(d), 400, "SlowDownException")
	s.Advance(5 * time.Second)
	wantFailure(t, ask(d), 400, "SlowDownException") // it has become 10 s, and now 15 s
	s.Advance(15 * time.Second)
	wantFailure(t, ask(d), 400, "AuthorizationPendingException")
	must(Browse(context.Background(), d.text("verificationUriComplete")))
	s.Advance(15 * time.Second)
	a := ask(d)
	if a.status != 200 || a.object["refreshToken"] == nil || a.text("expiresIn") != "3600" {
		t.Errorf("got %d %v", a.status, a.object)
	}
	s.Advance(15 * time.Second)
	wantFailure(t, ask(d), 400, "InvalidGrantException") // used

	d = begin(nil)
	if err := s.SetPerson(Person{Does: Deny}); err != nil {
		t.Fatal(err)
	}
	must(Browse(context.Background(), d.text("verificationUriComplete")))
	wantFailure(t, ask(d), 400, "AccessDeniedException")

	d = begin(nil)
	s.AgeSignIns(codeLife)
	wantFailure(t, ask(d), 400, "ExpiredTokenException")

	d = begin(nil)
	if err := s.AnswerDevice(d.text("userCode"), Person{Does: Approve}); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, talk(t, "POST", s.URL+"/token", object{"clientId": codeID, "clientSecret": codeSecret, "grantType": grantDevice, "deviceCode": d.text("deviceCode")}), 400, "UnauthorizedClientException")
	otherID, otherSecret := register(t, s.URL, deviceClient)
	wantFailure(t, talk(t, "POST", s.URL+"/token", object{"clientId": otherID, "clientSecret": otherSecret, "grantType": grantDevice, "deviceCode": d.text("deviceCode")}), 400, "InvalidGrantException")
	wantFailure(t, ask(d), 200, "")
}

// The token of a client without scopes lasts longer and cannot be refreshed.
func TestLegacyClient(t *testing.T) {
	s := start(t, Config{})
	id, secret := register(t, s.URL, legacyClient)
	d := talk(t, "POST", s.URL+"/device_authorization", object{"clientId": id, "clientSecret": secret, "startUrl": DemoStartURL})
	must(Browse(context.Background(), d.text("verificationUriComplete")))
	a := talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantDevice, "deviceCode": d.text("deviceCode")})
	if a.text("expiresIn") != "28800" || a.object["refreshToken"] != nil {
		t.Errorf("got %v", a.object)
	}
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", a.text("accessToken")), 200, "")
}

func TestRefreshToken(t *testing.T) {
	s := start(t, Config{})
	id, secret, first := signInWithCode(t, s.URL)
	refresh := func(token string) said {
		return talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantRefresh, "refreshToken": token})
	}
	s.AgeSignIns(time.Hour)
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", first.text("accessToken")), 401, "UnauthorizedException")
	second := refresh(first.text("refreshToken"))
	wantFailure(t, second, 200, "")
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", second.text("accessToken")), 200, "")
	wantFailure(t, refresh(first.text("refreshToken")), 400, "InvalidGrantException")
	s.RevokeTokens()
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", second.text("accessToken")), 401, "UnauthorizedException")
	third := refresh(second.text("refreshToken"))
	wantFailure(t, third, 200, "")

	otherID, otherSecret := register(t, s.URL, codeClient)
	wantFailure(t, talk(t, "POST", s.URL+"/token", object{"clientId": otherID, "clientSecret": otherSecret, "grantType": grantRefresh,
		"refreshToken": third.text("refreshToken")}), 400, "InvalidGrantException")

	// A person stays signed in for 8 h, and not longer because of refreshing.
	s.AgeSignIns(7 * time.Hour)
	wantFailure(t, refresh(third.text("refreshToken")), 400, "InvalidGrantException")

	// The registration lasts longer than that, but it ends too.
	_, _, tokens := signInWithCode(t, s.URL)
	s.AgeSignIns(clientLife - time.Hour)
	wantFailure(t, refresh(tokens.text("refreshToken")), 401, "InvalidClientException")
	id, secret, tokens = signInWithCode(t, s.URL)
	s.ForgetClients()
	wantFailure(t, refresh(tokens.text("refreshToken")), 401, "InvalidClientException")

	id, secret, tokens = signInWithCode(t, s.URL)
	s.EndSignIns()
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", tokens.text("accessToken")), 401, "UnauthorizedException")
	wantFailure(t, refresh(tokens.text("refreshToken")), 400, "InvalidGrantException")
}

// Some instances leave the refresh token as it is, and do not send it again.
func TestRefreshTokenStays(t *testing.T) {
	s := start(t, Config{})
	if err := s.AddInstance(Instance{StartURL: DemoStartURL, KeepRefreshTokens: true, TokenLife: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	id, secret, tokens := signInWithCode(t, s.URL)
	for range 2 {
		a := talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantRefresh, "refreshToken": tokens.text("refreshToken")})
		if a.status != 200 || a.object["refreshToken"] != nil || a.text("expiresIn") != "300" {
			t.Errorf("got %d %v", a.status, a.object)
		}
	}
}

// The log has what a test may ask for, and nothing secret.
func TestJSONCalls(t *testing.T) {
	s := start(t, Config{})
	id, secret, tokens := signInWithCode(t, s.URL)
	portalCall(t, s.RegionURL(DemoSSORegion), "/federation/credentials?account_id=111111111111&role_name=AdministratorAccess", tokens.text("accessToken"))
	text := string(must(json.Marshal(s.Calls())))
	for _, hidden := range []string{secret, verifier, challenge(verifier), "a state", tokens.text("accessToken"), tokens.text("refreshToken")} {
		if strings.Contains(text, hidden) {
			t.Errorf("the log shows %q", hidden)
		}
	}
	var actions []string
	for _, c := range s.Calls() {
		actions = append(actions, c.Action+" "+c.Code)
	}
	if want := []string{"RegisterClient OK", "Authorize OK", "CreateToken OK", "GetRoleCredentials OK"}; !slices.Equal(actions, want) {
		t.Errorf("got %v", actions)
	}
	calls := s.Calls()
	if p := calls[2].Params; p["clientId"] != id || p["grantType"] != grantCode || p["code"] != "[redacted]" || p["redirectUri"] != callback {
		t.Errorf("got %v", p)
	}
	if c := calls[3]; c.Params["role_name"] != "AdministratorAccess" || c.Region != DemoSSORegion {
		t.Errorf("got %v", c)
	}
}

func portalCall(t *testing.T, base, path, token string) said {
	t.Helper()
	method := "GET"
	if path == "/logout" {
		method = "POST"
	}
	return talk(t, method, base+path, nil, "x-amz-sso_bearer_token", token)
}

func TestRoleCredentials(t *testing.T) {
	s := start(t, Config{})
	_, _, tokens := signInWithCode(t, s.URL)
	token := tokens.text("accessToken")
	path := func(account, role string) string {
		return "/federation/credentials?account_id=" + account + "&role_name=" + role
	}
	right := path(DemoAccount, "AdministratorAccess")
	for _, tt := range []struct {
		name, path, token string
		status            int
		class             string
	}{
		{"no token", right, "", 401, "UnauthorizedException"},
		{"another token", right, token + "A", 401, "UnauthorizedException"},
		{"another role", path(DemoAccount, "Nobody"), token, 403, "ForbiddenException"},
		{"another account", path("333333333333", "AdministratorAccess"), token, 403, "ForbiddenException"},
		{"a role of another account", path("222222222222", "AdministratorAccess"), token, 403, "ForbiddenException"},
		{"no role", path(DemoAccount, ""), token, 400, "InvalidRequestException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := portalCall(t, s.URL, tt.path, tt.token)
			wantFailure(t, a, tt.status, tt.class)
			if !strings.HasSuffix(a.text("__type"), "#"+tt.class) {
				t.Errorf("got %v", a.object)
			}
		})
	}
	wantFailure(t, portalCall(t, s.RegionURL("us-east-1"), right, token), 200, "") // signed in with no region
	a := portalCall(t, s.URL, right, token)
	wantFailure(t, a, 200, "")
	got := a.object["roleCredentials"].(object)
	expires := time.UnixMilli(int64(got["expiration"].(float64)))
	if left := expires.Sub(s.Now()); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %s", left)
	}
	c := creds.Session{
		Key:   creds.Key{ID: got["accessKeyId"].(string), Secret: creds.NewSecret(got["secretAccessKey"].(string))},
		Token: creds.NewSecret(got["sessionToken"].(string)),
	}
	admin := DemoPermissionSets()[0]
	out, err := identity(s, c)
	if err != nil || *out.Arn != admin.SessionARN(DemoSSOUser) || !strings.HasPrefix(*out.Arn, "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_AdministratorAccess_") {
		t.Errorf("got %v, %v", out, err)
	}

	// They are a role's session: it may assume a role that trusts it, for an hour at most.
	const next = "arn:aws:iam::222222222222:role/next"
	if err := s.AddRole(Role{ARN: next, Principals: []string{admin.RoleARN()}, MaxSession: 12 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(next)})
	wantErr(t, err, "", "")
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(next), DurationSeconds: aws.Int32(3601)})
	wantErr(t, err, "ValidationError", "role chaining")
	_, err = sessionToken(s, c, nil)
	wantErr(t, err, "AccessDenied", "session credentials")

	// Signing out ends the sign-in, and not the role's session.
	wantFailure(t, portalCall(t, s.URL, "/logout", token), 200, "")
	wantFailure(t, portalCall(t, s.URL, "/logout", token), 401, "UnauthorizedException")
	wantFailure(t, portalCall(t, s.URL, right, token), 401, "UnauthorizedException")
	if _, err := identity(s, c); err != nil {
		t.Error(err)
	}
}

// A token is good in the region in which it was made.
func TestSSORegions(t *testing.T) {
	s := start(t, Config{})
	regional, elsewhere := s.RegionURL(DemoSSORegion), s.RegionURL("us-east-1")
	_, _, tokens := signInWithCode(t, regional)
	wantFailure(t, portalCall(t, regional, "/assignment/accounts", tokens.text("accessToken")), 200, "")
	wantFailure(t, portalCall(t, elsewhere, "/assignment/accounts", tokens.text("accessToken")), 401, "UnauthorizedException")
	id, _ := register(t, regional, codeClient)
	if status, _ := open(t, authorizeURL(regional, id, callback)); status != 302 {
		t.Errorf("got %d", status)
	}
	if status, _ := open(t, authorizeURL(elsewhere, id, callback)); status != 401 {
		t.Errorf("got %d", status)
	}
}

func TestPermissionSets(t *testing.T) {
	s := start(t, Config{})
	var want []string
	for i := range 5 {
		p := PermissionSet{StartURL: DemoStartURL, Account: fmt.Sprintf("33333333333%d", i), AccountName: fmt.Sprint("team-", i), Name: "Dev", Users: []string{"al@example.com"}}
		want = append(want, p.Account)
		if err := s.AddPermissionSet(p); err != nil {
			t.Fatal(err)
		}
	}
	want = append([]string{DemoAccount, "222222222222"}, want...)
	list := func(path, member, field, token string) []string {
		var all []string
		for next, page := "", 0; page < 10; page++ {
			a := portalCall(t, s.URL, path+"max_result=100&next_token="+url.QueryEscape(next), token)
			wantFailure(t, a, 200, "")
			members := a.object[member].([]any)
			if len(members) > 2 {
				t.Errorf("a page of %d", len(members))
			}
			for _, m := range members {
				all = append(all, m.(object)[field].(string))
			}
			if a.object["nextToken"] == nil {
				break
			}
			next = a.text("nextToken")
		}
		return all
	}
	_, _, tokens := signInWithCode(t, s.URL)
	if got := list("/assignment/accounts?", "accountList", "accountId", tokens.text("accessToken")); !slices.Equal(got, want[:2]) {
		t.Errorf("jo has %v", got)
	}
	if err := s.SetPerson(Person{Does: Approve, User: "al@example.com"}); err != nil {
		t.Fatal(err)
	}
	_, _, tokens = signInWithCode(t, s.URL)
	token := tokens.text("accessToken")
	if got := list("/assignment/accounts?", "accountList", "accountId", token); !slices.Equal(got, want) {
		t.Errorf("al has %v", got)
	}
	if got := list("/assignment/roles?account_id="+DemoAccount+"&", "roleList", "roleName", token); !slices.Equal(got, []string{"AdministratorAccess", "ReadOnlyAccess"}) {
		t.Errorf("got %v", got)
	}
	s.RemovePermissionSet(DemoStartURL, DemoAccount, "AdministratorAccess")
	if got := list("/assignment/roles?account_id="+DemoAccount+"&", "roleList", "roleName", token); !slices.Equal(got, []string{"ReadOnlyAccess"}) {
		t.Errorf("got %v", got)
	}
	for _, path := range []string{"/assignment/accounts?max_result=0", "/assignment/accounts?max_result=101", "/assignment/accounts?next_token=made-up", "/assignment/roles"} {
		wantFailure(t, portalCall(t, s.URL, path, token), 400, "InvalidRequestException")
	}
	wantFailure(t, portalCall(t, s.URL, "/assignment/roles?account_id=999999999999", token), 403, "ForbiddenException")
	for _, err := range []error{
		s.AddInstance(Instance{StartURL: "http://d-1.awsapps.com/start"}),
		s.AddPermissionSet(PermissionSet{StartURL: "https://another", Account: DemoAccount, Name: "a"}),
		s.AddPermissionSet(PermissionSet{StartURL: DemoStartURL, Account: "1", Name: "a"}),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
}

// A fault is told in the words of the called service.
func TestJSONFaults(t *testing.T) {
	s := start(t, Config{})
	_, _, tokens := signInWithCode(t, s.URL)
	s.Fail("ListAccounts", Throttle(), 1)
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", tokens.text("accessToken")), 429, "TooManyRequestsException")
	s.Fail("RegisterClient", Throttle(), 1)
	wantFailure(t, talk(t, "POST", s.URL+"/client/register", codeClient), 400, "SlowDownException")
	s.Fail("", Status(503), 1)
	wantFailure(t, portalCall(t, s.URL, "/assignment/accounts", tokens.text("accessToken")), 503, "ServiceUnavailable")
	s.Fail("CreateToken", must(ParseFault("refuse=400 AccessDeniedException KMS_AccessDeniedException")), 1)
	a := talk(t, "POST", s.URL+"/token", object{})
	wantFailure(t, a, 400, "AccessDeniedException")
	if a.text("reason") != "KMS_AccessDeniedException" || a.text("error") != "access_denied" {
		t.Errorf("got %v", a.object)
	}
	s.Fail("GetRoleCredentials", Expired(), 1)
	a = portalCall(t, s.URL, "/federation/credentials?account_id="+DemoAccount+"&role_name=ReadOnlyAccess", tokens.text("accessToken"))
	if expires := a.object["roleCredentials"].(object)["expiration"].(float64); time.UnixMilli(int64(expires)).After(s.Now()) {
		t.Errorf("expires at %v", expires)
	}
}

// giveOrder has another process control the server.
func giveOrder(t *testing.T, s *Server, text string) (status int) {
	t.Helper()
	res := must(http.Post(s.URL+"/_control", "application/json", strings.NewReader(text)))
	res.Body.Close()
	return res.StatusCode
}

func TestControlSignIns(t *testing.T) {
	s := start(t, Config{})
	id, secret, tokens := signInWithCode(t, s.URL)
	refresh := func() said {
		a := talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantRefresh, "refreshToken": tokens.text("refreshToken")})
		if a.status == 200 {
			tokens = a
		}
		return a
	}
	for _, tt := range []struct {
		order           string
		portal, renewal int
	}{
		{`{"op":"age-sign-ins","by":"61m"}`, 401, 200},
		{`{"op":"revoke-tokens"}`, 401, 200},
		{`{"op":"end-sign-ins"}`, 401, 400},
		{`{"op":"forget-clients"}`, 401, 401},
	} {
		if status := giveOrder(t, s, tt.order); status != 200 {
			t.Fatalf("%s: %d", tt.order, status)
		}
		if a := portalCall(t, s.URL, "/assignment/accounts", tokens.text("accessToken")); a.status != tt.portal {
			t.Errorf("%s: %d", tt.order, a.status)
		}
		if a := refresh(); a.status != tt.renewal {
			t.Errorf("%s: %d", tt.order, a.status)
		}
	}
	id, secret = register(t, s.URL, deviceClient)
	d := talk(t, "POST", s.URL+"/device_authorization", object{"clientId": id, "clientSecret": secret, "startUrl": DemoStartURL})
	for _, order := range []string{
		`{"op":"device","does":"approve"}`, `{"op":"device","does":"deny","user_code":"` + d.text("userCode") + `"}`,
		`{"op":"replay","by":"1m"}`, `{"op":"assign","account":"333333333333","role":"Dev","user":"al@example.com"}`,
		`{"op":"unassign","account":"` + DemoAccount + `","role":"ReadOnlyAccess"}`,
		`{"op":"change-password","arn":"` + DemoUser + `"}`, `{"op":"person","does":"deny","user":"al@example.com","arn":"` + DemoUser + `"}`,
	} {
		if status := giveOrder(t, s, order); status != 200 {
			t.Errorf("%s: %d", order, status)
		}
	}
	wantFailure(t, talk(t, "POST", s.URL+"/token", object{"clientId": id, "clientSecret": secret, "grantType": grantDevice, "deviceCode": d.text("deviceCode")}), 400, "AccessDeniedException")
	var roles []string
	for _, p := range s.center.assigned(&signIn{instance: s.center.instances[0], user: "al@example.com"}) {
		roles = append(roles, p.Account+" "+p.Name)
	}
	if want := []string{"111111111111 AdministratorAccess", "222222222222 ReadOnlyAccess", "333333333333 Dev"}; !slices.Equal(roles, want) {
		t.Errorf("got %v", roles)
	}
	if _, back := open(t, consolePage(s.URL, sameDevice, callback)); back.Get("error") != "access_denied" {
		t.Errorf("got %v", back)
	}
	for _, bad := range []string{`{"op":"person"}`, `{"op":"device","does":"approve","user_code":"AAAA-BBBB"}`, `{"op":"device","does":"sleep"}`, `{"op":"assign","role":"Dev"}`} {
		if status := giveOrder(t, s, bad); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}
}
