package ststest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// prove makes a proof, changed as a test demands.
func prove(key *ecdsa.PrivateKey, url string, now time.Time, head, body object) string {
	public := must(key.PublicKey.Bytes()) // 4, x, y
	h := changed(object{"typ": "dpop+jwt", "alg": "ES256", "jwk": object{
		"kty": "EC", "crv": "P-256", "x": rawURL.EncodeToString(public[1:33]), "y": rawURL.EncodeToString(public[33:])}}, head)
	b := changed(object{"htm": "POST", "htu": url, "iat": now.Unix(), "jti": rand.Text()}, body)
	text := rawURL.EncodeToString(must(json.Marshal(h))) + "." + rawURL.EncodeToString(must(json.Marshal(b)))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + rawURL.EncodeToString(signature)
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// The example of RFC 9449, section 4.1.
const rfc9449 = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19" +
	".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
	".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"

func TestProof(t *testing.T) {
	now := time.Unix(1562262616, 0)
	const address = "https://server.example.com/token"
	p, err := readProof(rfc9449, "POST", address, now)
	// The thumbprint is that of the RFC's section 6.1.
	if err != nil || p.id != "-BwC3ESc6acc2lTc" || p.key != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Fatalf("got %v, %v", p, err)
	}
	key := newKey()
	right := prove(key, address, now, nil, nil)
	signature := func(change func([]byte) []byte) string {
		i := strings.LastIndexByte(right, '.') + 1
		return right[:i] + rawURL.EncodeToString(change(must(rawURL.DecodeString(right[i:]))))
	}
	jwk := func(change object) object {
		var head struct{ JWK object }
		part, _, _ := strings.Cut(right, ".")
		if err := json.Unmarshal(must(rawURL.DecodeString(part)), &head); err != nil {
			panic(err)
		}
		return object{"jwk": changed(head.JWK, change)}
	}
	for _, tt := range []struct{ name, jwt, problem string }{
		{"right", right, ""},
		{"4 minutes old", prove(key, address, now.Add(-4*time.Minute), nil, nil), ""},
		{"6 minutes old", prove(key, address, now.Add(-6*time.Minute), nil, nil), "iat"},
		{"6 minutes early", prove(key, address, now.Add(6*time.Minute), nil, nil), "iat"},
		{"no iat", prove(key, address, now, nil, object{"iat": nil}), "iat"},
		{"text for iat", prove(key, address, now, nil, object{"iat": "1562262616"}), "cannot unmarshal"},
		{"no jti", prove(key, address, now, nil, object{"jti": ""}), "jti"},
		{"another method", prove(key, address, now, nil, object{"htm": "GET"}), "it is for GET"},
		{"another address", prove(key, address+"/", now, nil, nil), "it is for POST"},
		{"another type", prove(key, address, now, object{"typ": "JWT"}, nil), "typ"},
		{"no algorithm", prove(key, address, now, object{"alg": "none"}, nil), "alg"},
		{"no key", prove(key, address, now, object{"jwk": nil}, nil), "public key"},
		{"a private key", prove(key, address, now, jwk(object{"d": "AAAA"}), nil), "public key"},
		{"another curve", prove(key, address, now, jwk(object{"crv": "P-384"}), nil), "public key"},
		{"a short coordinate", prove(key, address, now, jwk(object{"x": rawURL.EncodeToString(make([]byte, 31))}), nil), "coordinates of 31"},
		{"not on the curve", prove(key, address, now, jwk(object{"x": rawURL.EncodeToString(make([]byte, 32))}), nil), "point not on curve"},
		{"padded", prove(key, address, now, jwk(object{"x": base64.URLEncoding.EncodeToString(make([]byte, 32))}), nil), "illegal base64"},
		{"somebody else's key", prove(key, address, now, jwk(object{"x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}), nil), "signature is wrong"},
		{"another signature", signature(func(b []byte) []byte { b[40] ^= 1; return b }), "signature is wrong"},
		{"a signature in ASN.1", signature(func(b []byte) []byte {
			return append([]byte{0x30, 0x44, 2, 32}, append(b[:32:32], append([]byte{2, 32}, b[32:]...)...)...)
		}), "64 bytes"},
		{"nothing", "", "not a JWT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readProof(tt.jwt, "POST", address, now)
			if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("got %v, want %q", err, tt.problem)
			}
		})
	}
}

// consolePage is the address on which a program asks the person at the console.
func consolePage(base, client, redirect string, change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect}, "state": {"a state"},
		"code_challenge_method": {"SHA-256"}, "code_challenge": {challenge(verifier)}, "scope": {"openid"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return base + "/v1/authorize?" + q.Encode()
}

func wantSignin(t *testing.T, a said, status int, class, kind string) {
	t.Helper()
	if a.status != status || a.class != class || kind != "" && a.text("error") != kind {
		t.Errorf("got %d %s %v, want %d %s %s", a.status, a.class, a.object, status, class, kind)
	}
}

// consoleToken calls with a proof that is right.
func (s *Server) consoleToken(t *testing.T, base string, key *ecdsa.PrivateKey, body object) said {
	t.Helper()
	return talk(t, "POST", base+"/v1/token", body, "DPoP", prove(key, base+"/v1/token", s.Now(), nil, nil))
}

func codeBody(back url.Values) object {
	return object{"clientId": sameDevice, "grantType": grantCode, "code": back.Get("code"), "codeVerifier": verifier, "redirectUri": callback}
}

func TestConsolePage(t *testing.T) {
	s := start(t, Config{})
	for _, tt := range []struct {
		name    string
		address string
		status  int
	}{
		{"right", consolePage(s.URL, sameDevice, callback), 302},
		{"no port", consolePage(s.URL, sameDevice, "http://127.0.0.1/oauth/callback"), 400},
		{"localhost", consolePage(s.URL, sameDevice, "http://localhost:4321/oauth/callback"), 400},
		{"another path", consolePage(s.URL, sameDevice, "http://127.0.0.1:4321/callback"), 400},
		{"Identity Center's method", consolePage(s.URL, sameDevice, callback, "code_challenge_method", "S256"), 400},
		{"no challenge", consolePage(s.URL, sameDevice, callback, "code_challenge", "AAAA"), 400},
		{"no scope", consolePage(s.URL, sameDevice, callback, "scope", ""), 400},
		{"no state", consolePage(s.URL, sameDevice, callback, "state", ""), 400},
		{"another program", consolePage(s.URL, "arn:aws:signin:::devtools/fob", callback), 400},
		{"another device", consolePage(s.URL, crossDevice, s.URL+confirmation), 302},
		{"another device, sent back", consolePage(s.URL, crossDevice, callback), 400},
		{"in a region", consolePage(s.RegionURL("eu-west-1"), crossDevice, s.RegionURL("eu-west-1")+confirmation), 302},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, back := open(t, tt.address); status != tt.status || (status == 302) != back.Has("code") {
				t.Errorf("got %d %v, want %d", status, back, tt.status)
			}
		})
	}
}

func TestConsoleSignIn(t *testing.T) {
	s := start(t, Config{})
	key := newKey()
	_, back := open(t, consolePage(s.URL, sameDevice, callback))
	a := s.consoleToken(t, s.URL, key, codeBody(back))
	wantSignin(t, a, 200, "", "")
	if a.text("tokenType") != "aws_sigv4" || a.text("expiresIn") != "900" {
		t.Errorf("got %v", a.object)
	}
	var id struct{ Sub, Aud string }
	if err := readPart(strings.Split(a.text("idToken"), ".")[1], &id); err != nil || id.Sub != DemoUser || id.Aud != sameDevice {
		t.Errorf("got %v, %v", id, err)
	}
	wantSignin(t, s.consoleToken(t, s.URL, key, codeBody(back)), 400, "AccessDeniedException", "AUTHCODE_EXPIRED") // used

	// The credentials are the user's, and a session's.
	c := consoleSessionOf(a)
	if out, err := identity(s, c); err != nil || *out.Arn != DemoUser {
		t.Errorf("got %v, %v", out, err)
	}
	_, err := sessionToken(s, c, nil)
	wantErr(t, err, "AccessDenied", "session credentials")
	const role = "arn:aws:iam::222222222222:role/user"
	if err := s.AddRole(Role{ARN: role, Principals: []string{DemoUser}, MaxSession: 12 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(role)})
	wantErr(t, err, "", "")
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(role), DurationSeconds: aws.Int32(3601)})
	wantErr(t, err, "ValidationError", "role chaining")

	// Each refresh token is for one renewal, by the holder of the key.
	refresh := func(key *ecdsa.PrivateKey, token string, change object) said {
		return s.consoleToken(t, s.URL, key, changed(object{"clientId": sameDevice, "grantType": grantRefresh, "refreshToken": token}, change))
	}
	first := a.text("refreshToken")
	wantSignin(t, refresh(newKey(), first, nil), 400, "ValidationException", "INVALID_REQUEST")
	wantSignin(t, refresh(key, first, object{"clientId": crossDevice}), 400, "ValidationException", "INVALID_REQUEST")
	s.AgeSessions(consoleLife)
	_, err = identity(s, c)
	wantErr(t, err, "ExpiredToken", "")
	b := refresh(key, first, nil)
	wantSignin(t, b, 200, "", "")
	if b.object["idToken"] != nil {
		t.Errorf("got %v", b.object)
	}
	if out, err := identity(s, consoleSessionOf(b)); err != nil || *out.Arn != DemoUser {
		t.Errorf("got %v, %v", out, err)
	}
	wantSignin(t, refresh(key, first, nil), 400, "AccessDeniedException", "TOKEN_EXPIRED")
	s.SetReplay(time.Minute)
	again := refresh(key, first, nil)
	wantSignin(t, again, 200, "", "")
	if again.text("refreshToken") != b.text("refreshToken") || consoleSessionOf(again).ID != consoleSessionOf(b).ID {
		t.Error("the same refresh token got something new")
	}
	wantSignin(t, refresh(newKey(), first, nil), 400, "ValidationException", "INVALID_REQUEST")
	second := b.text("refreshToken")
	s.Deny("CreateOAuth2Token")
	wantSignin(t, refresh(key, second, nil), 400, "AccessDeniedException", "INSUFFICIENT_PERMISSIONS")
	s.Allow("CreateOAuth2Token")

	_, back = open(t, consolePage(s.URL, sameDevice, callback))
	a = s.consoleToken(t, s.URL, key, codeBody(back))
	s.ChangePassword(DemoUser)
	wantSignin(t, refresh(key, a.text("refreshToken"), nil), 400, "AccessDeniedException", "USER_CREDENTIALS_CHANGED")

	_, back = open(t, consolePage(s.URL, sameDevice, callback))
	a = s.consoleToken(t, s.URL, key, codeBody(back))
	s.AgeSignIns(consoleSignIn)
	wantSignin(t, refresh(key, a.text("refreshToken"), nil), 400, "AccessDeniedException", "TOKEN_EXPIRED")

	_, back = open(t, consolePage(s.URL, sameDevice, callback))
	a = s.consoleToken(t, s.URL, key, codeBody(back))
	s.EndSignIns()
	wantSignin(t, refresh(key, a.text("refreshToken"), nil), 400, "AccessDeniedException", "TOKEN_EXPIRED")
}

func consoleSessionOf(a said) creds.Session {
	token := a.object["accessToken"].(object)
	return creds.Session{
		Key:   creds.Key{ID: token["accessKeyId"].(string), Secret: creds.NewSecret(token["secretAccessKey"].(string))},
		Token: creds.NewSecret(token["sessionToken"].(string)),
	}
}

func TestConsoleCode(t *testing.T) {
	s := start(t, Config{})
	for _, tt := range []struct {
		name   string
		change object
		class  string
		kind   string
	}{
		{"right", nil, "", ""},
		{"another verifier", object{"codeVerifier": verifier + "A"}, "ValidationException", "INVALID_REQUEST"},
		{"a short verifier", object{"codeVerifier": verifier[:42]}, "ValidationException", "INVALID_REQUEST"},
		{"another port", object{"redirectUri": "http://127.0.0.1:4322/oauth/callback"}, "ValidationException", "INVALID_REQUEST"},
		{"another device", object{"clientId": crossDevice}, "ValidationException", "INVALID_REQUEST"},
		{"another program", object{"clientId": "fob"}, "ValidationException", "INVALID_REQUEST"},
		{"no grant", object{"grantType": nil}, "ValidationException", "INVALID_REQUEST"},
		{"another code", object{"code": "A"}, "AccessDeniedException", "AUTHCODE_EXPIRED"},
		{"no code", object{"code": nil}, "ValidationException", "INVALID_REQUEST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, back := open(t, consolePage(s.URL, sameDevice, callback))
			a := s.consoleToken(t, s.URL, newKey(), changed(codeBody(back), tt.change))
			if tt.class == "" {
				wantSignin(t, a, 200, "", "")
			} else {
				wantSignin(t, a, 400, tt.class, tt.kind)
			}
		})
	}
	_, back := open(t, consolePage(s.URL, sameDevice, callback))
	s.AgeSignIns(codeLife)
	wantSignin(t, s.consoleToken(t, s.URL, newKey(), codeBody(back)), 400, "AccessDeniedException", "AUTHCODE_EXPIRED")

	// A call without a good proof does not use the code up.
	_, back = open(t, consolePage(s.URL, sameDevice, callback))
	key, once := newKey(), prove(newKey(), s.URL+"/v1/token", s.Now(), nil, object{"jti": "once"})
	for _, header := range [][]string{nil, {"DPoP", "x"}, {"DPoP", prove(key, s.RegionURL("eu-west-1")+"/v1/token", s.Now(), nil, nil)}} {
		wantSignin(t, talk(t, "POST", s.URL+"/v1/token", codeBody(back), header...), 400, "ValidationException", "INVALID_REQUEST")
	}
	wantSignin(t, talk(t, "POST", s.URL+"/v1/token", codeBody(back), "DPoP", once), 200, "", "")
	_, back = open(t, consolePage(s.URL, sameDevice, callback))
	a := talk(t, "POST", s.URL+"/v1/token", codeBody(back), "DPoP", once)
	wantSignin(t, a, 400, "ValidationException", "INVALID_REQUEST")
	if !strings.Contains(a.text("message"), "used before") {
		t.Errorf("got %v", a.object)
	}
}

// On another device the person is shown what to type.
func TestConsoleOtherDevice(t *testing.T) {
	s := start(t, Config{})
	const root = "arn:aws:iam::111111111111:root"
	for _, who := range []Person{
		{Does: Approve, ARN: root},
		{Does: Approve, ARN: "arn:aws:sts::222222222222:assumed-role/Admin/jo"},
	} {
		if err := s.SetPerson(who); err != nil {
			t.Fatal(err)
		}
		base := s.RegionURL("eu-west-1")
		page := must(Browse(context.Background(), consolePage(base, crossDevice, base+confirmation)))
		_, page, _ = strings.Cut(page, "<p>")
		page, _, _ = strings.Cut(page, "</p>")
		typed := string(must(base64.StdEncoding.DecodeString(strings.ReplaceAll(page, "&#43;", "+"))))
		state, code, ok := strings.Cut(typed, "&code=")
		if !ok || state != "state=a state" {
			t.Fatalf("got %q", typed)
		}
		s.Deny("CreateOAuth2Token") // not to root
		body := changed(codeBody(url.Values{"code": {code}}), object{"clientId": crossDevice, "redirectUri": base + confirmation})
		a := s.consoleToken(t, base, newKey(), body)
		if who.ARN != root {
			wantSignin(t, a, 400, "AccessDeniedException", "INSUFFICIENT_PERMISSIONS")
			s.Allow("CreateOAuth2Token")
			continue
		}
		wantSignin(t, a, 200, "", "")
		if out, err := identity(s, consoleSessionOf(a)); err != nil || *out.Arn != who.ARN {
			t.Errorf("got %v, %v", out, err)
		}
	}
	if s.SetPerson(Person{Does: Approve, ARN: "arn:aws:iam::222222222222:role/Admin"}) == nil {
		t.Error("a role signed in at the console")
	}
}

func TestConsoleFaults(t *testing.T) {
	s := start(t, Config{})
	for text, want := range map[string]string{
		"throttle":                            "429 TooManyRequestsError INVALID_REQUEST",
		"status=500":                          "500 InternalServerException server_error",
		"refuse=400 INSUFFICIENT_PERMISSIONS": "400 AccessDeniedException INSUFFICIENT_PERMISSIONS",
		"refuse=400 ValidationException no":   "400 ValidationException INVALID_REQUEST",
	} {
		s.Fail("CreateOAuth2Token", must(ParseFault(text)), 1)
		a := talk(t, "POST", s.URL+"/v1/token", object{})
		if got := fmt.Sprint(a.status, " ", a.class, " ", a.text("error")); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	wantSignin(t, talk(t, "POST", s.URL+"/v1/token", "text"), 400, "SerializationException", "INVALID_REQUEST")
}
