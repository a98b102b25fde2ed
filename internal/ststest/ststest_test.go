package ststest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

const (
	rootARN  = "arn:aws:iam::111111111111:root"
	aliARN   = "arn:aws:iam::111111111111:user/team/ali"
	aliMFA   = "arn:aws:iam::111111111111:mfa/ali"
	chainARN = "arn:aws:iam::222222222222:role/path/chain"
	openARN  = "arn:aws:iam::222222222222:role/open"
)

var (
	jo   = creds.Session{Key: creds.Key{ID: DemoKeyID, Secret: creds.NewSecret(DemoSecret)}}
	ali  = creds.Session{Key: creds.Key{ID: "AKIAALIEXAMPLE", Secret: creds.NewSecret(DemoSecret)}}
	root = creds.Session{Key: creds.Key{ID: "AKIAROOTEXAMPLE", Secret: creds.NewSecret(DemoSecret)}}
)

// start adds to the demo world: ali (MFA codes that last a day, so that no step
// ends during a test), the root user, a role without conditions, and one that
// trusts it.
func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	seed := creds.Seed{Secret: creds.NewSecret(DemoSeed), Period: 24 * time.Hour}
	err = errors.Join(
		s.AddDemo(),
		s.AddUser(User{ARN: aliARN, Keys: []creds.Key{ali.Key}, MFA: []Device{{aliMFA, seed}}}),
		s.AddUser(User{ARN: rootARN, Keys: []creds.Key{root.Key}}),
		s.AddRole(Role{ARN: openARN, Principals: []string{rootARN}, MaxSession: 12 * time.Hour}),
		s.AddRole(Role{ARN: chainARN, Principals: []string{openARN}, MaxSession: 12 * time.Hour}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client signs with the SDK, and tries once.
func client(s *Server, c creds.Session, region string) *sts.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CAPEM)
	return sts.New(sts.Options{
		Region:       region,
		BaseEndpoint: &s.URL,
		Retryer:      aws.NopRetryer{},
		HTTPClient: &http.Client{
			Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return sdkCredentials(c), nil
		}),
	})
}

func sdkCredentials(c creds.Session) aws.Credentials {
	return aws.Credentials{AccessKeyID: c.ID, SecretAccessKey: c.Secret.Reveal(), SessionToken: c.Token.Reveal()}
}

func session(c *types.Credentials) creds.Session {
	return creds.Session{
		Key:     creds.Key{ID: *c.AccessKeyId, Secret: creds.NewSecret(*c.SecretAccessKey)},
		Token:   creds.NewSecret(*c.SessionToken),
		Expires: *c.Expiration,
	}
}

func identity(s *Server, c creds.Session) (*sts.GetCallerIdentityOutput, error) {
	return client(s, c, "eu-west-1").GetCallerIdentity(context.Background(), nil)
}

func sessionToken(s *Server, c creds.Session, in *sts.GetSessionTokenInput) (creds.Session, error) {
	out, err := client(s, c, "eu-west-1").GetSessionToken(context.Background(), in)
	if err != nil {
		return creds.Session{}, err
	}
	return session(out.Credentials), nil
}

func assume(s *Server, c creds.Session, in *sts.AssumeRoleInput) (creds.Session, error) {
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("jo")
	}
	out, err := client(s, c, "eu-west-1").AssumeRole(context.Background(), in)
	if err != nil {
		return creds.Session{}, err
	}
	return session(out.Credentials), nil
}

// must is for set-up whose failure is a bug of the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wantErr checks an SDK error, or that there is none if code is "".
func wantErr(t *testing.T, err error, code, message string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("unexpected error: %v", err)
		}
		return
	}
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %s: %q\nwant %s: %q", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}

// signed sends a call signed by hand, for what the SDK's client would not send.
func signed(t *testing.T, s *Server, c creds.Session, service, target, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", s.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Add("X-Amz-Meta", "  two   blanks ")
	r.Header.Add("X-Amz-Meta", "twice")
	if c.ID != "" {
		err = v4.NewSigner().SignHTTP(context.Background(), sdkCredentials(c), r, hexHash([]byte(body)), service, "eu-west-1", s.Now())
		if err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestCallerIdentity(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	open := must(assume(s, plain, &sts.AssumeRoleInput{RoleArn: aws.String(openARN)}))
	chain := must(assume(s, open, &sts.AssumeRoleInput{RoleArn: aws.String(chainARN), RoleSessionName: aws.String("me")}))
	for _, tt := range []struct {
		name              string
		c                 creds.Session
		arn, id4, account string
	}{
		{"key", jo, DemoUser, "AIDA", "111111111111"},
		{"root", root, rootARN, "1111", "111111111111"},
		{"session", plain, DemoUser, "AIDA", "111111111111"},
		{"role", open, "arn:aws:sts::222222222222:assumed-role/open/jo", "AROA", "222222222222"},
		{"role of a role, without its path", chain, "arn:aws:sts::222222222222:assumed-role/chain/me", "AROA", "222222222222"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := identity(s, tt.c)
			if err != nil {
				t.Fatal(err)
			}
			if *out.Arn != tt.arn || (*out.UserId)[:4] != tt.id4 || *out.Account != tt.account {
				t.Errorf("got %s %s %s", *out.Arn, *out.UserId, *out.Account)
			}
		})
	}
}

func TestAnswerShape(t *testing.T) {
	s := start(t, Config{})
	_, got := signed(t, s, jo, "sts", "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::111111111111:user/jo</Arn>
    <UserId>` + uniqueID("AIDA", DemoUser) + `</UserId>
    <Account>111111111111</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	status, got := signed(t, s, creds.Session{}, "sts", "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
	want = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>MissingAuthenticationToken</Code>
    <Message>Request is missing Authentication Token</Message>
  </Error>
  <RequestId>`
	if !strings.HasPrefix(got, want) || status != 403 {
		t.Errorf("got %d\n%s\nwant\n%s", status, got, want)
	}
}

func TestAuthentication(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	with := func(change func(*creds.Session)) creds.Session {
		c := plain
		change(&c)
		return c
	}
	wrongSecret := jo
	wrongSecret.Secret = creds.NewSecret("wrong")
	keyWithToken := jo
	keyWithToken.Token = plain.Token
	for _, tt := range []struct {
		name    string
		c       creds.Session
		code    string
		message string
	}{
		{"key", jo, "", ""},
		{"session", plain, "", ""},
		{"unknown key", creds.Session{Key: creds.Key{ID: "AKIANOBODY", Secret: jo.Secret}}, "InvalidClientTokenId", "The security token included in the request is invalid."},
		{"wrong secret", wrongSecret, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."},
		{"key with a token", keyWithToken, "InvalidClientTokenId", ""},
		{"session without its token", with(func(c *creds.Session) { c.Token = creds.Secret{} }), "InvalidClientTokenId", ""},
		{"session with another's token", with(func(c *creds.Session) { c.Token = creds.NewSecret("other") }), "InvalidClientTokenId", ""},
		{"session with the key's secret", with(func(c *creds.Session) { c.Secret = jo.Secret }), "SignatureDoesNotMatch", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := identity(s, tt.c)
			wantErr(t, err, tt.code, tt.message)
		})
	}
}

func TestSignature(t *testing.T) {
	s := start(t, Config{})
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	auth := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), old, new))
		}
	}
	for _, tt := range []struct {
		name, service, target, body string
		change                      func(*http.Request)
		status                      int
		contains                    string
	}{
		{"plain", "sts", "/", body, nil, 200, DemoUser},
		{"path and query", "sts", "/a%20b/ü*~?b=2&a=%2F+x&a=1&c", body, nil, 200, DemoUser},
		{"no blanks in the header", "sts", "/", body, auth(", ", ","), 200, DemoUser},
		{"another service", "iam", "/", body, nil, 403, "Credential should be scoped to correct service: &#39;sts&#39;."},
		{"query changed", "sts", "/?a=1", body, func(r *http.Request) { r.URL.RawQuery = "a=2" }, 403, "SignatureDoesNotMatch"},
		{"header changed", "sts", "/", body, func(r *http.Request) { r.Header.Set("X-Amz-Meta", "x") }, 403, "SignatureDoesNotMatch"},
		{"host changed", "sts", "/", body, func(r *http.Request) { r.Host = "sts.amazonaws.com" }, 403, "SignatureDoesNotMatch"},
		{"body changed", "sts", "/", body, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body+"&")), int64(len(body)+1)
		}, 403, "SignatureDoesNotMatch"},
		{"region changed", "sts", "/", body, auth("eu-west-1", "eu-west-2"), 403, "SignatureDoesNotMatch"},
		{"no region", "sts", "/", body, auth("eu-west-1", ""), 403, "valid region"},
		{"no terminator", "sts", "/", body, auth("aws4_request", "aws5_request"), 403, "valid terminator"},
		{"day of the scope", "sts", "/", body, auth(s.Now().Format("20060102")+"/", "20150830/"), 403, "Date in Credential scope does not match YYYYMMDD"},
		{"host not signed", "sts", "/", body, auth("host;", ""), 403, "must be a &#39;SignedHeader&#39;"},
		{"date not signed", "sts", "/", body, auth("x-amz-date;", ""), 403, "must be a &#39;SignedHeader&#39;"},
		{"no signature", "sts", "/", body, auth("Signature=", "x="), 400, "Authorization header requires &#39;Signature&#39; parameter."},
		{"short scope", "sts", "/", body, auth("/sts/", "/"), 400, "exactly 5"},
		{"basic authentication", "sts", "/", body, func(r *http.Request) { r.SetBasicAuth("a", "b") }, 400, "IncompleteSignature"},
		{"no date", "sts", "/", body, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 400, "Date must be in ISO-8601"},
		{"no authentication", "sts", "/", body, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken"},
		{"unknown action", "sts", "/", "Action=Nothing&Version=2011-06-15", nil, 400, "Could not find operation Nothing for version 2011-06-15"},
		{"no version", "sts", "/", "Action=GetCallerIdentity", nil, 400, "for version NO_VERSION_SPECIFIED"},
		{"no form", "sts", "/", "%zz", nil, 400, "MalformedQueryString"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, text := signed(t, s, jo, tt.service, tt.target, tt.body, tt.change)
			if status != tt.status || !strings.Contains(text, tt.contains) {
				t.Errorf("got %d %s\nwant %d %q", status, text, tt.status, tt.contains)
			}
		})
	}
}

func TestClockSkew(t *testing.T) {
	for _, tt := range []struct {
		server  time.Duration
		code    string
		message string
	}{
		{4 * time.Minute, "", ""},
		{-4 * time.Minute, "", ""},
		{6 * time.Minute, "SignatureDoesNotMatch", "Signature expired: "},
		{-6 * time.Minute, "SignatureDoesNotMatch", "Signature not yet current: "},
	} {
		t.Run(tt.server.String(), func(t *testing.T) {
			s := start(t, Config{})
			s.Advance(tt.server)
			_, err := identity(s, jo)
			wantErr(t, err, tt.code, tt.message)

			res := must(http.Get(s.URL))
			res.Body.Close()
			date := must(http.ParseTime(res.Header.Get("Date")))
			if off := time.Until(date) - tt.server; off.Abs() > time.Minute {
				t.Errorf("Date is %v off the server's clock", off)
			}
			if res.Header.Get("x-amzn-RequestId") == "" {
				t.Error("no request ID")
			}
		})
	}
}

// A client that corrects its clock by the Date header, as the SDK does, gets in.
func TestSkewCorrected(t *testing.T) {
	s := start(t, Config{})
	s.Advance(time.Hour)
	c := client(s, jo, "eu-west-1")
	_, err := c.GetCallerIdentity(context.Background(), nil, func(o *sts.Options) {
		o.Retryer = retry.NewStandard()
	})
	wantErr(t, err, "", "")
}

func TestKeyState(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	s.DeactivateKey(jo.ID)
	s.DeactivateKey("AKIANOBODY")
	_, err := identity(s, jo)
	wantErr(t, err, "InvalidClientTokenId", "")
	s.DeleteKey(jo.ID)
	_, err = identity(s, jo)
	wantErr(t, err, "InvalidClientTokenId", "")
	_, err = identity(s, plain)
	wantErr(t, err, "", "") // as AWS: the session outlives its key
}

func TestExpiry(t *testing.T) {
	s := start(t, Config{SessionLife: time.Hour})
	c := must(sessionToken(s, jo, nil))
	if left := time.Until(c.Expires); left > time.Hour || left < 50*time.Minute {
		t.Errorf("session lives %v", left)
	}
	s.AgeSessions(59 * time.Minute)
	_, err := identity(s, c)
	wantErr(t, err, "", "")
	s.AgeSessions(time.Minute)
	_, err = identity(s, c)
	wantErr(t, err, "ExpiredToken", "The security token included in the request is expired")

	s.SetSessionLife(2 * time.Second)
	if c = must(sessionToken(s, jo, nil)); time.Until(c.Expires) > 2*time.Second {
		t.Errorf("ends %v", c.Expires)
	}
}

func TestGetSessionToken(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	open := must(assume(s, jo, &sts.AssumeRoleInput{RoleArn: aws.String(openARN)}))
	for _, tt := range []struct {
		name    string
		c       creds.Session
		seconds int32
		life    time.Duration
		code    string
		message string
	}{
		{"default", jo, 0, 12 * time.Hour, "", ""},
		{"least", jo, 900, 15 * time.Minute, "", ""},
		{"most", jo, 129600, 36 * time.Hour, "", ""},
		{"too short", jo, 899, 0, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"too long", jo, 129601, 0, "ValidationError", "Member must have value less than or equal to 129600"},
		{"root's default", root, 0, time.Hour, "", ""},
		{"root's cap", root, 43200, time.Hour, "", ""},
		{"root's least", root, 900, 15 * time.Minute, "", ""},
		{"with a session", plain, 0, 0, "AccessDenied", "Cannot call GetSessionToken with session credentials"},
		{"with a role's session", open, 0, 0, "AccessDenied", "Cannot call GetSessionToken with session credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &sts.GetSessionTokenInput{}
			if tt.seconds != 0 {
				in.DurationSeconds = &tt.seconds
			}
			c, err := sessionToken(s, tt.c, in)
			wantErr(t, err, tt.code, tt.message)
			if err != nil {
				return
			}
			if !strings.HasPrefix(c.ID, "ASIA") || len(c.ID) != 20 || len(c.Secret.Reveal()) != 40 {
				t.Errorf("key %q", c.ID)
			}
			if early := tt.life - time.Until(c.Expires); early < 0 || early > time.Minute {
				t.Errorf("ends %v, want in %v", c.Expires, tt.life)
			}
		})
	}
}

func TestMFACodes(t *testing.T) {
	const wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	const unknown = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	s := start(t, Config{})
	step := s.Step(aliMFA)
	at := func(n int64) string { return s.CodeAt(aliMFA, step+n) }
	for _, tt := range []struct {
		name, serial, code string
		want, message      string
	}{
		{"none", "", "", "", ""},
		{"two steps early", aliMFA, at(2), "AccessDenied", wrong},
		{"two steps late", aliMFA, at(-2), "AccessDenied", wrong},
		{"wrong", aliMFA, "000000", "AccessDenied", wrong},
		{"now", aliMFA, at(0), "", ""},
		{"again", aliMFA, at(0), "AccessDenied", wrong},
		{"next", aliMFA, at(1), "", ""},
		{"last", aliMFA, at(-1), "", ""},
		{"last again", aliMFA, at(-1), "AccessDenied", wrong},
		{"unknown serial", aliMFA + "x", at(0), "AccessDenied", unknown},
		{"another user's", DemoSerial, s.Code(DemoSerial), "AccessDenied", unknown},
		{"no serial", "", at(0), "AccessDenied", "must provide both MFA serial number and one time pass code."},
		{"no code", aliMFA, "", "AccessDenied", "must provide both MFA serial number and one time pass code."},
		{"short", aliMFA, "12345", "ValidationError", "Member must have length greater than or equal to 6"},
		{"letters", aliMFA, "12345x", "ValidationError", `Value '12345x' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\d]*`},
		{"both wrong", "a b", "1", "ValidationError", "3 validation errors detected: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &sts.GetSessionTokenInput{}
			if tt.serial != "" {
				in.SerialNumber = &tt.serial
			}
			if tt.code != "" {
				in.TokenCode = &tt.code
			}
			_, err := sessionToken(s, ali, in)
			wantErr(t, err, tt.want, tt.message)
		})
	}
	if code := s.Code(aliMFA); code != "" {
		t.Errorf("all used, and yet %q", code)
	}
	if s.Code("nobody") != "" || s.CodeAt("nobody", 1) != "" || s.Step("nobody") != 0 {
		t.Error("codes of an unknown device")
	}
}

func TestCodeFollowsUse(t *testing.T) {
	s := start(t, Config{})
	step := s.Step(aliMFA)
	for _, n := range []int64{0, 1, -1} {
		code := s.Code(aliMFA)
		if want := s.CodeAt(aliMFA, step+n); code != want {
			t.Errorf("got %s, want step %+d's %s", code, n, want)
		}
		must(sessionToken(s, ali, &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: &code}))
	}
}

// RFC 6238, appendix B: step 1 is at 59 s.
func TestCodeVectors(t *testing.T) {
	s := start(t, Config{})
	for algorithm, v := range map[string]struct{ seed, code string }{
		"SHA1":   {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "94287082"},
		"SHA256": {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA", "46119246"},
		"SHA512": {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA", "90693936"},
	} {
		seed := creds.Seed{Secret: creds.NewSecret(v.seed), Algorithm: algorithm, Digits: 8}
		err := s.AddUser(User{ARN: DemoUser, MFA: []Device{{algorithm, seed}}})
		if err != nil {
			t.Fatal(err)
		}
		if code := s.CodeAt(algorithm, 1); code != v.code {
			t.Errorf("%s: got %s, want %s", algorithm, code, v.code)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	s := start(t, Config{})
	for _, err := range []error{
		s.AddUser(User{ARN: "jo"}),
		s.AddUser(User{ARN: openARN}),
		s.AddUser(User{ARN: DemoUser, MFA: []Device{{"x", creds.Seed{Secret: creds.NewSecret("1!")}}}}),
		s.AddUser(User{ARN: DemoUser, MFA: []Device{{"x", creds.Seed{Secret: creds.NewSecret(DemoSeed), Algorithm: "MD5"}}}}),
		s.AddRole(Role{ARN: DemoUser}),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
}

// However many use one code at once, one of them succeeds.
func TestCodeOnceConcurrently(t *testing.T) {
	s := start(t, Config{})
	in := &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: aws.String(s.Code(aliMFA))}
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = sessionToken(s, ali, in) })
	}
	wg.Wait()
	var succeeded int
	for _, err := range errs {
		if err == nil {
			succeeded++
			continue
		}
		wantErr(t, err, "AccessDenied", "one time pass code")
	}
	if succeeded != 1 {
		t.Errorf("%d succeeded", succeeded)
	}
}

func TestAssumeRoleParameters(t *testing.T) {
	s := start(t, Config{})
	plain := must(sessionToken(s, jo, nil))
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	policies := func(n int, arn string) []types.PolicyDescriptorType {
		return slices.Repeat([]types.PolicyDescriptorType{{Arn: &arn}}, n)
	}
	const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	const allow = `{"Version":"2012-10-17","Statement":[]}`
	for _, tt := range []struct {
		name    string
		c       creds.Session
		in      sts.AssumeRoleInput
		code    string
		message string
	}{
		{"default", jo, sts.AssumeRoleInput{}, "", ""},
		{"least", jo, sts.AssumeRoleInput{DurationSeconds: aws.Int32(900)}, "", ""},
		{"most", jo, sts.AssumeRoleInput{DurationSeconds: aws.Int32(43200)}, "", ""},
		{"too short", jo, sts.AssumeRoleInput{DurationSeconds: aws.Int32(899)}, "ValidationError", "greater than or equal to 900"},
		{"too long", jo, sts.AssumeRoleInput{DurationSeconds: aws.Int32(43201)}, "ValidationError", "less than or equal to 43200"},
		{"from a session, 1h", plain, sts.AssumeRoleInput{DurationSeconds: aws.Int32(3600)}, "", ""},
		{"from a session, more", plain, sts.AssumeRoleInput{DurationSeconds: aws.Int32(3601)}, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."},
		{"root", root, sts.AssumeRoleInput{}, "AccessDenied", "Roles may not be assumed by root accounts."},
		{"no such role", jo, sts.AssumeRoleInput{RoleArn: aws.String(openARN + "x")}, "AccessDenied", "User: " + DemoUser + " is not authorized to perform: sts:AssumeRole on resource: " + openARN + "x"},
		{"no role's ARN", jo, sts.AssumeRoleInput{RoleArn: aws.String(DemoUser)}, "ValidationError", DemoUser + " is invalid"},
		{"short ARN", jo, sts.AssumeRoleInput{RoleArn: aws.String("x")}, "ValidationError", "Value 'x' at 'roleArn'"},
		{"session name", jo, sts.AssumeRoleInput{RoleSessionName: aws.String("jo doe")}, "ValidationError", `Value 'jo doe' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"session name's marks", jo, sts.AssumeRoleInput{RoleSessionName: aws.String("_Aa9+=,.@-")}, "", ""},
		{"short session name", jo, sts.AssumeRoleInput{RoleSessionName: aws.String("j")}, "ValidationError", "length greater than or equal to 2"},
		{"long session name", jo, sts.AssumeRoleInput{RoleSessionName: aws.String(strings.Repeat("j", 65))}, "ValidationError", "length less than or equal to 64"},
		{"no session name", jo, sts.AssumeRoleInput{RoleSessionName: aws.String("")}, "ValidationError", "at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"external ID", jo, sts.AssumeRoleInput{ExternalId: aws.String("a b")}, "ValidationError", "'externalId'"},
		{"source identity", jo, sts.AssumeRoleInput{SourceIdentity: aws.String("x")}, "ValidationError", "'sourceIdentity'"},
		{"policy", jo, sts.AssumeRoleInput{Policy: aws.String(allow)}, "", ""},
		{"policy no JSON", jo, sts.AssumeRoleInput{Policy: aws.String("{")}, "MalformedPolicyDocument", "The policy is not in the valid JSON format."},
		{"policy without statement", jo, sts.AssumeRoleInput{Policy: aws.String("{}")}, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"policy of 2,048", jo, sts.AssumeRoleInput{Policy: aws.String(allow + strings.Repeat(" ", 2048-len(allow)))}, "", ""},
		{"policy of 2,049", jo, sts.AssumeRoleInput{Policy: aws.String(allow + strings.Repeat(" ", 2049-len(allow)))}, "ValidationError", "'policy'"},
		{"ten policies", jo, sts.AssumeRoleInput{PolicyArns: policies(10, readOnly)}, "", ""},
		{"eleven policies", jo, sts.AssumeRoleInput{PolicyArns: policies(11, readOnly)}, "LimitExceeded", "10"},
		{"no policy's ARN", jo, sts.AssumeRoleInput{PolicyArns: policies(1, openARN)}, "ValidationError", "is invalid"},
		{"short policy's ARN", jo, sts.AssumeRoleInput{PolicyArns: policies(1, "x")}, "ValidationError", "'policyArns.member.arn'"},
		{"tags", jo, sts.AssumeRoleInput{Tags: []types.Tag{tag("k", "v"), tag("l", "")}, TransitiveTagKeys: []string{"K"}}, "", ""},
		{"fifty-one tags", jo, sts.AssumeRoleInput{Tags: slices.Repeat([]types.Tag{tag("k", "v")}, 51)}, "ValidationError", "'tags'"},
		{"long tag", jo, sts.AssumeRoleInput{Tags: []types.Tag{tag("k", strings.Repeat("v", 257))}}, "ValidationError", "'tags.1.member.value'"},
		{"duplicate tags", jo, sts.AssumeRoleInput{Tags: []types.Tag{tag("k", "v"), tag("K", "w")}}, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"transitive tag that is none", jo, sts.AssumeRoleInput{TransitiveTagKeys: []string{"k"}}, "InvalidParameterValue", "must be included in the requested tags."},
		{"wrong code", ali, sts.AssumeRoleInput{SerialNumber: aws.String(aliMFA), TokenCode: aws.String("000000")}, "AccessDenied", "invalid MFA one time pass code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.in.RoleArn == nil {
				tt.in.RoleArn = aws.String(openARN)
			}
			_, err := assume(s, tt.c, &tt.in)
			wantErr(t, err, tt.code, tt.message)
		})
	}
	status, text := signed(t, s, jo, "sts", "/", "Action=AssumeRole&Version=2011-06-15&DurationSeconds=x", nil)
	if status != 400 || !strings.Contains(text, "3 validation errors detected: ") {
		t.Errorf("got %d %s", status, text)
	}
}

func TestAssumeRoleAnswer(t *testing.T) {
	s := start(t, Config{})
	out, err := client(s, jo, "eu-west-1").AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String(openARN), RoleSessionName: aws.String("me"), SourceIdentity: aws.String("jo"),
		Policy: aws.String(`{"Statement":[]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::222222222222:assumed-role/open/me" ||
		!strings.HasSuffix(*out.AssumedRoleUser.AssumedRoleId, ":me") || *out.SourceIdentity != "jo" {
		t.Errorf("got %+v", out)
	}
	if left := time.Until(*out.Credentials.Expiration); left > time.Hour || left < 59*time.Minute {
		t.Errorf("lives %v", left)
	}
}

func TestMaxSession(t *testing.T) {
	s := start(t, Config{})
	for seconds, code := range map[int32]string{3600: "", 3601: "ValidationError"} {
		s.AddRole(Role{ARN: openARN, Principals: []string{DemoUser}})
		_, err := assume(s, jo, &sts.AssumeRoleInput{RoleArn: aws.String(openARN), DurationSeconds: &seconds})
		wantErr(t, err, code, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
}

func TestTrust(t *testing.T) {
	s := start(t, Config{})
	mfaSession := func() creds.Session {
		return must(sessionToken(s, ali, &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: aws.String(s.Code(aliMFA))}))
	}
	plain := must(sessionToken(s, ali, nil))
	fresh := mfaSession()
	old := mfaSession()
	open := must(assume(s, fresh, &sts.AssumeRoleInput{RoleArn: aws.String(openARN)}))
	sourced := must(assume(s, ali, &sts.AssumeRoleInput{RoleArn: aws.String(openARN), SourceIdentity: aws.String("ali")}))
	s.mu.Lock()
	s.world.credentials[old.ID].caller.mfa = s.now().Add(-10 * time.Minute)
	s.mu.Unlock()
	named := func(r Role) Role { r.Principals = []string{rootARN, openARN}; return r }
	tags := func(v string) []types.Tag { return []types.Tag{{Key: aws.String("team"), Value: &v}} }
	for _, tt := range []struct {
		name    string
		role    Role
		c       creds.Session
		in      sts.AssumeRoleInput
		trusted bool
	}{
		{"nobody", Role{}, ali, sts.AssumeRoleInput{}, false},
		{"user", Role{Principals: []string{aliARN}}, ali, sts.AssumeRoleInput{}, true},
		{"user's session", Role{Principals: []string{aliARN}}, plain, sts.AssumeRoleInput{}, true},
		{"another user", Role{Principals: []string{DemoUser}}, ali, sts.AssumeRoleInput{}, false},
		{"account", Role{Principals: []string{rootARN}}, ali, sts.AssumeRoleInput{}, true},
		{"another account", Role{Principals: []string{"arn:aws:iam::222222222222:root"}}, ali, sts.AssumeRoleInput{}, false},
		{"role", Role{Principals: []string{openARN}}, open, sts.AssumeRoleInput{}, true},
		{"another role", Role{Principals: []string{chainARN}}, open, sts.AssumeRoleInput{}, false},
		{"a role's session", Role{Principals: []string{"arn:aws:sts::222222222222:assumed-role/open/jo"}}, open, sts.AssumeRoleInput{}, true},

		{"MFA, key", named(Role{MFA: true}), ali, sts.AssumeRoleInput{}, false},
		{"MFA, session without", named(Role{MFA: true}), plain, sts.AssumeRoleInput{}, false},
		{"MFA, session with", named(Role{MFA: true}), fresh, sts.AssumeRoleInput{}, true},
		{"MFA, role's session", named(Role{MFA: true}), open, sts.AssumeRoleInput{}, false},
		{"MFA, code in the call", named(Role{MFA: true}), ali, sts.AssumeRoleInput{SerialNumber: aws.String(aliMFA), TokenCode: aws.String(s.Code(aliMFA))}, true},
		{"age, fresh", named(Role{MaxMFAAge: 5 * time.Minute}), fresh, sts.AssumeRoleInput{}, true},
		{"age, old", named(Role{MaxMFAAge: 5 * time.Minute}), old, sts.AssumeRoleInput{}, false},
		{"age, none", named(Role{MaxMFAAge: 5 * time.Minute}), plain, sts.AssumeRoleInput{}, false},

		{"external ID", named(Role{ExternalID: "abc"}), ali, sts.AssumeRoleInput{ExternalId: aws.String("abc")}, true},
		{"another external ID", named(Role{ExternalID: "abc"}), ali, sts.AssumeRoleInput{ExternalId: aws.String("abd")}, false},
		{"no external ID", named(Role{ExternalID: "abc"}), ali, sts.AssumeRoleInput{}, false},
		{"session name", named(Role{SessionNameIsUser: true}), plain, sts.AssumeRoleInput{RoleSessionName: aws.String("ali")}, true},
		{"another session name", named(Role{SessionNameIsUser: true}), plain, sts.AssumeRoleInput{}, false},
		{"session name of a role", named(Role{SessionNameIsUser: true}), open, sts.AssumeRoleInput{}, false},
		{"tag", named(Role{Tags: map[string]string{"team": "a"}}), ali, sts.AssumeRoleInput{Tags: tags("a")}, true},
		{"another tag", named(Role{Tags: map[string]string{"team": "a"}}), ali, sts.AssumeRoleInput{Tags: tags("b")}, false},
		{"source identity", named(Role{SourceIdentity: "ali"}), ali, sts.AssumeRoleInput{SourceIdentity: aws.String("ali")}, true},
		{"source identity inherited", named(Role{SourceIdentity: "ali"}), sourced, sts.AssumeRoleInput{}, true},
		{"source identity changed", named(Role{}), sourced, sts.AssumeRoleInput{SourceIdentity: aws.String("jo")}, false},
		{"no source identity", named(Role{SourceIdentity: "ali"}), ali, sts.AssumeRoleInput{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.role.ARN = "arn:aws:iam::222222222222:role/tested"
			if err := s.AddRole(tt.role); err != nil {
				t.Fatal(err)
			}
			tt.in.RoleArn = &tt.role.ARN
			code := "AccessDenied"
			if tt.trusted {
				code = ""
			}
			_, err := assume(s, tt.c, &tt.in)
			wantErr(t, err, code, "is not authorized to perform: sts:")
		})
	}
}

func TestTransitiveTags(t *testing.T) {
	s := start(t, Config{})
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}, {Key: aws.String("free"), Value: aws.String("b")}}
	open := must(assume(s, jo, &sts.AssumeRoleInput{RoleArn: aws.String(openARN), Tags: tags, TransitiveTagKeys: []string{"team"}}))
	_, err := assume(s, open, &sts.AssumeRoleInput{RoleArn: aws.String(chainARN), Tags: tags[1:]})
	wantErr(t, err, "", "")
	_, err = assume(s, open, &sts.AssumeRoleInput{RoleArn: aws.String(chainARN), Tags: tags[:1]})
	wantErr(t, err, "InvalidParameterValue", "conflicts with a transitive tag key from the calling session")
}

// The MFA context is in GetSessionToken's session and in no role's.
func TestListThings(t *testing.T) {
	s := start(t, Config{})
	serial, code := aws.String(aliMFA), func() *string { return aws.String(s.Code(aliMFA)) }
	mfa := must(sessionToken(s, ali, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: code()}))
	for _, tt := range []struct {
		name   string
		c      creds.Session
		status int
	}{
		{"key", ali, 403},
		{"session without MFA", must(sessionToken(s, ali, nil)), 403},
		{"session with MFA", mfa, 200},
		{"role by that session", must(assume(s, mfa, &sts.AssumeRoleInput{RoleArn: aws.String(openARN)})), 403},
		{"role by key and code", must(assume(s, ali, &sts.AssumeRoleInput{RoleArn: aws.String(openARN), SerialNumber: serial, TokenCode: code()})), 403},
	} {
		status, text := signed(t, s, tt.c, "sts", "/", "Action=ListThings&Version=2011-06-15", nil)
		if status != tt.status || status == 403 && !strings.Contains(text, "<Code>AccessDenied</Code>") {
			t.Errorf("%s: got %d %s", tt.name, status, text)
		}
	}
}

func TestRegions(t *testing.T) {
	s := start(t, Config{})
	for _, tt := range []struct {
		regions Regions
		region  string
		code    string
		message string
	}{
		{Regions{}, "eu-west-1", "", ""},
		{Regions{Disabled: []string{"eu-west-1"}}, "eu-west-1", "RegionDisabledException", "STS is not activated in this region for account:111111111111."},
		{Regions{Disabled: []string{"eu-west-1"}}, "eu-west-2", "", ""},
		{Regions{HomeOnly: true}, "eu-west-1", "InvalidClientTokenId", ""},
		{Regions{HomeOnly: true}, "us-east-1", "", ""},
		{Regions{HomeOnly: true, Home: "eu-west-1"}, "eu-west-1", "", ""},
		// A partition knows nothing of the keys of another.
		{Regions{}, "cn-north-1", "InvalidClientTokenId", ""},
		{Regions{}, "us-gov-west-1", "InvalidClientTokenId", ""},
	} {
		s.SetRegions(tt.regions)
		_, err := client(s, jo, tt.region).GetCallerIdentity(context.Background(), nil)
		wantErr(t, err, tt.code, tt.message)
	}
	mei := creds.Key{ID: "AKIAMEIEXAMPLE", Secret: creds.NewSecret(DemoSecret)}
	if err := s.AddUser(User{ARN: "arn:aws-cn:iam::111111111111:user/mei", Keys: []creds.Key{mei}}); err != nil {
		t.Fatal(err)
	}
	for region, code := range map[string]string{"cn-northwest-1": "InvalidClientTokenId", "cn-north-1": "", "us-east-1": "InvalidClientTokenId"} {
		s.SetRegions(Regions{HomeOnly: true})
		_, err := client(s, creds.Session{Key: mei}, region).GetCallerIdentity(context.Background(), nil)
		wantErr(t, err, code, "")
	}
}

func TestCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.jsonl")
	s := start(t, Config{LogFile: file})
	code := s.Code(aliMFA)
	c := client(s, ali, "eu-north-1")
	got := session(must(c.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: &code})).Credentials)
	_, err := c.GetSessionToken(context.Background(), &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: &code})
	wantErr(t, err, "AccessDenied", "")
	must(identity(s, got))

	calls := s.Calls()
	if len(calls) != 3 {
		t.Fatalf("got %d calls", len(calls))
	}
	first := calls[0]
	if first.Action != "GetSessionToken" || first.Key != ali.ID || first.Region != "eu-north-1" || first.Code != "OK" ||
		"http://"+first.Host != s.URL || !strings.Contains(first.UserAgent, "aws-sdk-go-v2") || time.Since(first.Time) > time.Minute {
		t.Errorf("got %+v", first)
	}
	if want := map[string]string{"SerialNumber": aliMFA, "TokenCode": "[redacted]"}; !maps.Equal(first.Params, want) {
		t.Errorf("got %v", first.Params)
	}
	if calls[1].Code != "AccessDenied" || calls[2].Conn == first.Conn || calls[2].Key != got.ID {
		t.Errorf("got %+v", calls[1:])
	}

	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	var last Call
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || len(lines) != 3 || last.Key != got.ID {
		t.Errorf("got %d lines, %+v, %v", len(lines), last, err)
	}
	for _, secret := range []string{`"` + code + `"`, got.Secret.Reveal(), got.Token.Reveal(), DemoSecret} {
		if bytes.Contains(log, []byte(secret)) {
			t.Error("a secret in the log")
		}
	}
	s.ResetCalls()
	if len(s.Calls()) != 0 {
		t.Error("calls after a reset")
	}
}

func TestConnections(t *testing.T) {
	s := start(t, Config{})
	for range 2 { // one client, that keeps its connection
		signed(t, s, jo, "sts", "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
	}
	must(identity(s, jo))
	calls := s.Calls()
	if calls[0].Conn != 1 || calls[1].Conn != 1 || calls[2].Conn != 2 {
		t.Errorf("got %+v", calls)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault Fault
		done  bool   // the action was carried out
		want  string // in the error
	}{
		{Drop(), false, "EOF"},
		{Reset(), true, "https response error"},
		{Status(500), false, "api error InternalFailure"},
		{Status(503), false, "api error ServiceUnavailable"},
		{Throttle(), false, "api error Throttling: Rate exceeded"},
		{Empty(), false, ""}, // the SDK takes it for an answer without credentials
		{Portal(), false, "deserialization failed"},
		{Redirect("http://127.0.0.1:1/"), false, "StatusCode: 302"},
		{Truncated(), true, "deserialization failed"},
	} {
		for _, https := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,TLS=%t", tt.fault, https), func(t *testing.T) {
				s := start(t, Config{TLS: https})
				s.Fail("GetSessionToken", tt.fault, 1)
				must(identity(s, ali)) // another action
				in := &sts.GetSessionTokenInput{SerialNumber: aws.String(aliMFA), TokenCode: aws.String(s.Code(aliMFA))}
				out, err := client(s, ali, "eu-west-1").GetSessionToken(context.Background(), in)
				if tt.want == "" && (err != nil || out.Credentials != nil) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("got %v, %v; want %q", out, err, tt.want)
				}
				call := s.Calls()[1]
				if call.Fault != tt.fault.String() || (call.Code == "OK") != tt.done {
					t.Errorf("got %+v", call)
				}
				_, err = sessionToken(s, ali, in)
				code := ""
				if tt.done {
					code = "AccessDenied" // burnt
				}
				wantErr(t, err, code, "one time pass code")
			})
		}
	}
}

func TestFaultTimes(t *testing.T) {
	s := start(t, Config{})
	s.Fail("GetCallerIdentity", Throttle(), 2)
	s.Fail("", Status(500), Always)
	for _, code := range []string{"Throttling", "Throttling", "InternalFailure", "InternalFailure"} {
		_, err := identity(s, jo)
		wantErr(t, err, code, "")
	}
	s.Heal()
	_, err := identity(s, jo)
	wantErr(t, err, "", "")
}

func TestExpiredAndDate(t *testing.T) {
	s := start(t, Config{})
	s.Fail("", Expired(), 1)
	c := must(sessionToken(s, jo, nil))
	if !c.Expires.Before(time.Now()) {
		t.Errorf("ends %v", c.Expires)
	}
	_, err := identity(s, c)
	wantErr(t, err, "ExpiredToken", "")

	s.Fail("", WrongDate(-time.Hour), 1)
	res := must(http.Get(s.URL))
	res.Body.Close()
	if date := must(http.ParseTime(res.Header.Get("Date"))); time.Since(date) < 50*time.Minute {
		t.Errorf("got %v", date)
	}
}

func TestSlow(t *testing.T) {
	s := start(t, Config{})
	s.Fail("", Slow(50*time.Millisecond), 1)
	begin := time.Now()
	must(identity(s, jo))
	if d := time.Since(begin); d < 50*time.Millisecond {
		t.Errorf("took %v", d)
	}
	// Neither a caller that gives up nor Close waits for the end.
	s.Fail("", Slow(time.Hour), 2)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client(s, jo, "eu-west-1").GetCallerIdentity(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	failed := make(chan error)
	go func() {
		_, err := identity(s, jo)
		failed <- err
	}()
	for len(s.Calls()) < 3 {
		time.Sleep(time.Millisecond)
	}
	s.Close()
	if err := <-failed; err == nil {
		t.Error("an answer after Close")
	}
}

func TestParseFault(t *testing.T) {
	for _, text := range []string{"drop", "reset", "throttle", "empty", "portal", "truncated", "expired", "status=502", "slow=2s", "date=-10m0s", "redirect=http://127.0.0.1:1/?a=b"} {
		if f, err := ParseFault(text); err != nil || f.String() != text {
			t.Errorf("%s: got %q, %v", text, f, err)
		}
	}
	for _, text := range []string{"", "dorp", "status", "status=200", "slow=2", "date", "redirect="} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%s: got %q", text, f)
		}
	}
}

func TestControl(t *testing.T) {
	s := start(t, Config{})
	post := func(contentType, body string) (int, reply) {
		t.Helper()
		res := must(http.Post(s.URL+"/_control", contentType, strings.NewReader(body)))
		defer res.Body.Close()
		var a reply
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, a
	}
	do := func(body string) reply {
		t.Helper()
		status, a := post("application/json", body)
		if status != 200 {
			t.Fatalf("%s: %d %s", body, status, a.Error)
		}
		return a
	}
	if calls := do(`{"op":"calls"}`).Calls; calls == nil || len(*calls) != 0 {
		t.Errorf("got %v", calls)
	}
	if code := *do(`{"op":"code","serial":"` + aliMFA + `"}`).Code; code != s.Code(aliMFA) {
		t.Errorf("got %s", code)
	}
	if code := *do(`{"op":"code","serial":"` + aliMFA + `","step":1}`).Code; code != s.CodeAt(aliMFA, s.Step(aliMFA)+1) {
		t.Errorf("got %s", code)
	}
	for _, tt := range []struct{ order, code string }{
		{`{"op":"fail","fault":"throttle"}`, "Throttling"},
		{`{"op":"reset"}`, ""},
		{`{"op":"fail","fault":"throttle","times":-1,"action":"GetCallerIdentity"}`, "Throttling"},
		{`{"op":"heal"}`, ""},
		{`{"op":"advance","by":"10m"}`, "SignatureDoesNotMatch"},
		{`{"op":"advance","by":"-10m"}`, ""},
		{`{"op":"life","by":"1m"}`, ""},
		{`{"op":"regions","regions":{"home_only":true}}`, "InvalidClientTokenId"},
		{`{"op":"regions"}`, ""},
		{`{"op":"deactivate","key":"` + DemoKeyID + `"}`, "InvalidClientTokenId"},
	} {
		do(tt.order)
		_, err := identity(s, jo)
		wantErr(t, err, tt.code, "")
	}
	if calls := *do(`{"op":"calls"}`).Calls; len(calls) != 9 { // control itself does not count as a call
		t.Errorf("got %d calls", len(calls))
	}
	c := must(sessionToken(s, ali, nil))
	if time.Until(c.Expires) > time.Minute {
		t.Errorf("ends %v", c.Expires)
	}
	do(`{"op":"age","by":"1m"}`)
	_, err := identity(s, c)
	wantErr(t, err, "ExpiredToken", "")
	do(`{"op":"delete","key":"` + c.ID + `"}`)
	_, err = identity(s, c)
	wantErr(t, err, "InvalidClientTokenId", "")

	for _, bad := range []string{``, `{}`, `{"op":"fly"}`, `{"op":"calls","more":1}`, `{"op":"advance"}`, `{"op":"fail","fault":"x"}`, `{"op":"fail","fault":"drop","times":0}`} {
		if status, a := post("application/json", bad); status != 400 || a.Error == "" {
			t.Errorf("%s: got %d %q", bad, status, a.Error)
		}
	}
	// Requests that a web page may send to other origins without permission.
	if status, _ := post("text/plain", `{"op":"calls"}`); status != 415 {
		t.Errorf("got %d", status)
	}
}

func TestTLS(t *testing.T) {
	s := start(t, Config{TLS: true})
	if u := must(url.Parse(s.URL)); u.Scheme != "https" {
		t.Errorf("got %s", s.URL)
	}
	must(identity(s, jo))
	if _, err := http.Get(s.URL); err == nil {
		t.Error("trusted without the CA")
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		s, err := Start(Config{Addr: addr})
		var e *NotLoopbackError
		if !errors.As(err, &e) || e.Addr != addr {
			t.Errorf("%s: got %v", addr, err)
		}
		if s != nil {
			s.Close()
		}
	}
	for _, c := range []Config{{Addr: "nonsense"}, {LogFile: t.TempDir()}} {
		if _, err := Start(c); err == nil {
			t.Errorf("%+v: started", c)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	s := start(t, Config{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.URL); err == nil {
		t.Error("still there")
	}
}

// A code that is handed out is good for a while: the last step's is not, at the end
// of the current one.
func TestCodeLasts(t *testing.T) {
	s := start(t, Config{})
	const period = time.Second
	d := s.world.devices[DemoSerial]
	d.Seed.Period = period
	for time.Now().UnixNano()%int64(period) < int64(period)*3/4 {
		time.Sleep(time.Millisecond)
	}
	step := d.step(time.Now())
	d.used[step], d.used[step+1] = true, true
	if got := s.Code(DemoSerial); got != s.CodeAt(DemoSerial, step+2) {
		t.Errorf("got the code of another step than the one after those that are used")
	}
}
