package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

var withKey = creds.Session{Key: longKey, AccountID: ststest.DemoAccount}

// operations are the three calls of STS, as functions of the same type.
var operations = map[string]func(context.Context, *Client) (creds.Session, error){
	"GetCallerIdentity": func(ctx context.Context, c *Client) (creds.Session, error) {
		id, err := c.Identity(ctx, withKey)
		if err == nil && (id != Identity{ststest.DemoAccount, ststest.DemoUser}) {
			err = fmt.Errorf("identity %v", id)
		}
		return creds.Session{}, err
	},
	"GetSessionToken": func(ctx context.Context, c *Client) (creds.Session, error) {
		return c.SessionToken(ctx, withKey, stepPlain, "")
	},
	"AssumeRole": func(ctx context.Context, c *Client) (creds.Session, error) {
		return c.AssumeRole(ctx, withKey, stepAudit, "")
	},
}

func TestExpiredAnswer(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	aws.Fail("", ststest.Expired(), ststest.Always)
	c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
	for _, action := range []string{"GetSessionToken", "AssumeRole"} {
		_, err := operations[action](t.Context(), c)
		if e := wantErr[*AnswerError](t, err); !strings.Contains(e.Problem, "already expired") {
			t.Error(err)
		}
	}
}

// via sends the client's requests to AWS's own hosts to the fake instead.
func via(c *Client, s *ststest.Server) {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err)
	}
	c.transport.next = roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Host = r.URL.Host // signed
		r.URL.Scheme, r.URL.Host = u.Scheme, u.Host
		return http.DefaultTransport.RoundTrip(r)
	})
}

// If a region does not know the key, or is disabled, the home region is tried once.
func TestHomeRegion(t *testing.T) {
	home := plan.Endpoint{Region: "eu-west-1", Home: "us-east-1"}
	for _, row := range []struct {
		name    string
		regions ststest.Regions
		spoil   func(*ststest.Server)
		url     bool
		code    string // of the refusal
		hosts   string
	}{
		{"known", ststest.Regions{}, nil, false, "", "sts.eu-west-1.amazonaws.com"},
		{"too new a key", ststest.Regions{HomeOnly: true}, nil, false, "", "sts.eu-west-1.amazonaws.com sts.us-east-1.amazonaws.com"},
		{"disabled", ststest.Regions{Disabled: []string{"eu-west-1"}}, nil, false, "", "sts.eu-west-1.amazonaws.com sts.us-east-1.amazonaws.com"},
		{"deleted key", ststest.Regions{}, func(s *ststest.Server) { s.DeleteKey(longKey.ID) }, false, "InvalidClientTokenId",
			"sts.eu-west-1.amazonaws.com sts.us-east-1.amazonaws.com"},
		{"configured", ststest.Regions{HomeOnly: true}, nil, true, "InvalidClientTokenId", "127.0.0.1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			aws := newAWS(t, ststest.Config{})
			aws.SetRegions(row.regions)
			if row.spoil != nil {
				row.spoil(aws)
			}
			e := home
			if row.url {
				e.URL = aws.URL
			}
			c := newTestClient(t, e, brisk)
			if !row.url {
				via(c, aws)
			}
			_, err := c.Identity(t.Context(), withKey)
			code := ""
			if err != nil {
				code = wantErr[*RefusedError](t, err).Code
			}
			var hosts []string
			for _, c := range aws.Calls() {
				host, _, _ := strings.Cut(c.Host, ":")
				hosts = append(hosts, host)
			}
			if code != row.code || strings.Join(hosts, " ") != row.hosts {
				t.Errorf("%q after %v", code, hosts)
			}
		})
	}
}

// The home region's refusal counts, unless it cannot be reached.
func TestHomeRefuses(t *testing.T) {
	for home, want := range map[string]string{"AccessDenied": "AccessDenied", "": "RegionDisabledException"} {
		c := newTestClient(t, plan.Endpoint{Region: "eu-west-1", Home: "us-east-1"}, brisk)
		c.transport.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			code := home
			if r.URL.Host != "sts.us-east-1.amazonaws.com" {
				code = "RegionDisabledException"
			}
			if code == "" {
				return nil, errors.New("blocked")
			}
			return &http.Response{StatusCode: 403, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
				Body: io.NopCloser(strings.NewReader(refusal(code, "no")))}, nil
		})
		_, err := c.Identity(t.Context(), withKey)
		if e := wantErr[*RefusedError](t, err); e.Code != want {
			t.Error(err)
		}
	}
}

// AWS gets the parameters of the plan, and no others.
func TestAssumeRoleParameters(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
	step := stepRole
	step.MFASerial, step.ExternalID, step.SourceIdentity = deviceARN, "x-1", "jo"
	step.Tags, step.TransitiveTagKeys = map[string]string{"team": "blue"}, []string{"team"}
	step.Policy, step.PolicyARNs = `{"Version":"2012-10-17","Statement":[]}`, []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
	s, err := c.AssumeRole(t.Context(), withKey, step, aws.Code(deviceARN))
	if err != nil || s.AccountID != "222222222222" || !strings.HasPrefix(s.ID, "ASIA") || s.Expires.Location() != time.UTC {
		t.Fatalf("%+v, %v", s, err)
	}
	got := aws.Calls()[0].Params
	for name, want := range map[string]string{
		"RoleArn": roleARN, "RoleSessionName": "jo", "DurationSeconds": "3600", "SerialNumber": deviceARN, "ExternalId": "x-1",
		"SourceIdentity": "jo", "Tags.member.1.Key": "team", "Tags.member.1.Value": "blue", "TransitiveTagKeys.member.1": "team",
		"Policy": step.Policy, "PolicyArns.member.1.arn": step.PolicyARNs[0],
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	aws.ResetCalls()
	if _, err := operations["AssumeRole"](t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for name := range aws.Calls()[0].Params {
		if name != "RoleArn" && name != "RoleSessionName" && name != "DurationSeconds" {
			t.Errorf("%s was sent", name)
		}
	}
}

// webAnswer is what STS answers to AssumeRoleWithWebIdentity.
func webAnswer(expires time.Time) string {
	return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>` +
		`<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>` +
		expires.UTC().Format(time.RFC3339) + `</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
}

// The exchange of a token is not signed, and has what the step has.
func TestWebIdentity(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	expires := time.Now().Add(hour).UTC().Truncate(time.Second)
	p := newPortal(t, func(_ int, w http.ResponseWriter, r *http.Request, body string) {
		for _, name := range []string{"Authorization", "X-Amz-Security-Token"} {
			if r.Header.Get(name) != "" {
				t.Errorf("it has %s", name)
			}
		}
		io.WriteString(w, webAnswer(expires))
	})
	var log strings.Builder
	c, err := NewClient(brisk, plan.Endpoint{Region: "eu-west-1", URL: p.URL}, func(format string, args ...any) { fmt.Fprintf(&log, format, args...) })
	if err != nil {
		t.Fatal(err)
	}
	step := plan.WebIdentity{RoleARN: roleARN, RoleSessionName: "jo", DurationSeconds: 3600, Policy: "{}", PolicyARNs: []string{plan.ReadOnlyAccess}}
	s, err := c.WebIdentity(t.Context(), step, creds.NewSecret(token))
	want := creds.Session{Key: creds.Key{ID: "ASIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("s")}, Token: creds.NewSecret("t"), Expires: expires, AccountID: "222222222222"}
	if err != nil || !s.Secret.Equal(want.Secret) || !s.Token.Equal(want.Token) || s.ID != want.ID || !s.Expires.Equal(expires) || s.AccountID != want.AccountID {
		t.Fatalf("%+v, %v", s, err)
	}
	form, err := url.ParseQuery(p.body(0))
	if err != nil {
		t.Fatal(err)
	}
	got := form.Encode()
	sent := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {roleARN}, "RoleSessionName": {"jo"}, "DurationSeconds": {"3600"},
		"Policy": {"{}"}, "PolicyArns.member.1.arn": {plan.ReadOnlyAccess}, "WebIdentityToken": {token}}
	if got != sent.Encode() {
		t.Errorf("sent %s", got)
	}
	if !strings.HasPrefix(log.String(), "sts:AssumeRoleWithWebIdentity in eu-west-1 unsigned: done") || strings.Contains(log.String(), token) {
		t.Errorf("log: %s", &log)
	}
}

// AWS may know a token only a moment later; what it has looked at, it refuses once. No
// error repeats the token.
func TestWebIdentityRefused(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	for code, tries := range map[string]int{
		"InvalidIdentityToken": 3, "IDPCommunicationError": 3,
		"IDPRejectedClaim": 1, "ExpiredTokenException": 1, "AccessDenied": 1,
	} {
		for _, last := range []bool{false, true} {
			p := newPortal(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if last && n == tries && tries > 1 {
					io.WriteString(w, webAnswer(time.Now().Add(hour)))
					return
				}
				w.WriteHeader(400)
				io.WriteString(w, refusal(code, "The token "+token+" is not good"))
			})
			_, err := newTestClient(t, p.endpoint(), brisk).WebIdentity(t.Context(), plan.WebIdentity{RoleARN: roleARN, RoleSessionName: "jo", DurationSeconds: 3600}, creds.NewSecret(token))
			if len(p.seen()) != tries {
				t.Errorf("%s: %d tries", code, len(p.seen()))
			}
			if last && tries > 1 {
				if err != nil {
					t.Errorf("%s: %v", code, err)
				}
				continue
			}
			if e := wantErr[*RefusedError](t, err); e.Code != code || e.Role != roleARN || e.KeyID != "" {
				t.Errorf("%+v", e)
			}
			publishable(t, err.Error(), token)
		}
	}
}
