package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// brisk are limits for tests: long beside what a loaded machine needs, short
// beside what a test may take.
var brisk = Limits{Dial: 2 * time.Second, Answer: 2 * time.Second, Call: 5 * time.Second, Backoff: 10 * time.Millisecond}

func newTestClient(t testing.TB, e plan.Endpoint, l Limits) *Client {
	t.Helper()
	if e.Region == "" {
		e.Region, e.Home = "eu-west-1", "us-east-1"
	}
	c, err := NewClientWithin(l, e, func(format string, args ...any) { publishable(t, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var withKey = creds.Session{Key: longKey, AccountID: ststest.DemoAccount}

// operations are the three calls, as functions of the same form. They give the
// credentials' secrets, which errors are searched for.
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

// Every way to fail ends in success after the SDK's tries or in one clear line,
// for every call.
func TestFaults(t *testing.T) {
	const (
		fine        = ""
		unreachable = "*awsapi.UnreachableError"
		answer      = "*awsapi.AnswerError"
	)
	for _, row := range []struct {
		fault string // as ststest.ParseFault reads it
		times int
		want  string // error type
		calls int
		says  string
	}{
		{"drop", 2, fine, 3, ""},
		{"drop", ststest.Always, unreachable, 3, "closed before the answer was complete"},
		{"reset", 2, fine, 3, ""},
		{"reset", ststest.Always, unreachable, 3, "could not reach AWS at 127.0.0.1:"},
		{"status=500", 2, fine, 3, ""},
		{"status=500", ststest.Always, unreachable, 3, "AWS answered InternalFailure"},
		{"status=503", ststest.Always, unreachable, 3, "AWS answered ServiceUnavailable"},
		{"throttle", 2, fine, 3, ""},
		{"throttle", ststest.Always, unreachable, 3, "AWS answered Throttling"},
		{"slow=1m", 1, fine, 2, ""},
		{"slow=1m", ststest.Always, unreachable, 3, "no answer in time"},
		{"empty", ststest.Always, answer, 1, "no "},
		{"portal", ststest.Always, answer, 1, "a web page"},
		{"truncated", ststest.Always, answer, 1, "not an AWS response"},
		{"redirect=http://127.0.0.1:1/", ststest.Always, answer, 1, "a redirect"},
	} {
		fault, err := ststest.ParseFault(row.fault)
		if err != nil {
			t.Fatal(err)
		}
		for action, do := range operations {
			t.Run(fmt.Sprintf("%s/%d/%s", row.fault, row.times, action), func(t *testing.T) {
				t.Parallel()
				aws := newAWS(t, ststest.Config{})
				aws.Fail(action, fault, row.times)
				l := brisk
				if strings.HasPrefix(row.fault, "slow") {
					l.Answer, l.Call = 700*time.Millisecond, 2*time.Second
				}
				s, err := do(t.Context(), newTestClient(t, plan.Endpoint{URL: aws.URL}, l))
				got := ""
				if err != nil {
					got = fmt.Sprintf("%T", err)
					publishable(t, err.Error())
				}
				if got != row.want || err != nil && !strings.Contains(err.Error(), row.says) {
					t.Errorf("error is %s %v, want %s with %q", got, err, row.want, row.says)
				}
				if err != nil && s != (creds.Session{}) {
					t.Error("credentials beside an error")
				}
				if n := len(aws.Calls()); n != row.calls {
					t.Errorf("%d calls, want %d", n, row.calls)
				}
			})
		}
	}
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

// A clock that is off is corrected for, and it is known by how much. What such a
// clock says about a session's end does not count.
func TestSkew(t *testing.T) {
	for _, off := range []time.Duration{hour, -hour, 13 * hour, -13 * hour} { // AWS's clock against ours
		for action, do := range operations {
			t.Run(off.String()+"/"+action, func(t *testing.T) {
				t.Parallel()
				aws := newAWS(t, ststest.Config{})
				aws.Advance(off)
				c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
				s, err := do(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if skew := c.Skew() + off; skew.Abs() > time.Minute {
					t.Errorf("skew %s, want %s", c.Skew(), -off)
				}
				if n := len(aws.Calls()); n != 2 {
					t.Errorf("%d calls, want 2", n)
				}
				// Never later than its end on this clock.
				if s.ID != "" && s.Expires.After(time.Now().Add(12*hour+time.Minute)) {
					t.Errorf("expires in %s", time.Until(s.Expires))
				}
				if _, err := do(t.Context(), c); err != nil || len(aws.Calls()) != 3 {
					t.Errorf("the correction is not kept: %d calls, %v", len(aws.Calls()), err)
				}
			})
		}
	}
	t.Run("small", func(t *testing.T) {
		aws := newAWS(t, ststest.Config{})
		aws.Advance(2 * time.Minute)
		c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
		if _, err := operations["GetSessionToken"](t.Context(), c); err != nil || c.Skew() != 0 {
			t.Error(c.Skew(), err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		aws := newAWS(t, ststest.Config{})
		aws.Advance(hour)
		c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
		wrong := creds.Session{Key: creds.Key{ID: longKey.ID, Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}}
		_, err := c.Identity(t.Context(), wrong)
		if e := wantErr[*RefusedError](t, err); e.Code != "SignatureDoesNotMatch" || Ahead(e.Skew) != "1h behind AWS's" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("Date only", func(t *testing.T) {
		for _, off := range []time.Duration{hour, -hour} {
			aws := newAWS(t, ststest.Config{})
			aws.Fail("", ststest.WrongDate(off), ststest.Always)
			c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
			if _, err := operations["GetSessionToken"](t.Context(), c); err != nil || (c.Skew()+off).Abs() > time.Minute {
				t.Error(c.Skew(), err)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	aws.DeactivateKey(longKey.ID)
	c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
	for action, do := range operations {
		_, err := do(t.Context(), c)
		e := wantErr[*RefusedError](t, err)
		if e.Action != action || e.Code != "InvalidClientTokenId" || e.KeyID != longKey.ID || (e.Role != "") != (action == "AssumeRole") || e.Resent || e.Skew != 0 {
			t.Errorf("%+v", e)
		}
		publishable(t, err.Error())
	}
}

// The code of a request whose answer was lost is used up: that is another refusal
// than that of a wrong code. A request sent twice for its clock is not.
func TestLostAnswer(t *testing.T) {
	for _, row := range []struct {
		name   string
		spoil  func(*ststest.Server)
		resent bool
	}{
		{"reset", func(s *ststest.Server) { s.Fail("", ststest.Reset(), 1) }, true},
		{"clock", func(s *ststest.Server) { s.Advance(hour) }, false},
		{"throttled", func(s *ststest.Server) { s.Fail("", ststest.Throttle(), 1) }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			aws := newAWS(t, ststest.Config{})
			row.spoil(aws)
			code := aws.Code(deviceARN)
			if !row.resent {
				code = wrongCode(aws)
			}
			_, err := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk).SessionToken(t.Context(), withKey, stepMFA, code)
			e := wantErr[*RefusedError](t, err)
			if !e.BadCode() || e.Resent != row.resent || strings.Contains(err.Error(), LostAnswer) != row.resent || len(aws.Calls()) != 2 {
				t.Errorf("%+v after %s", e, actions(aws))
			}
			publishable(t, err.Error(), code)
		})
	}
}

// wrongCode is one that AWS does not take now.
func wrongCode(s *ststest.Server) string {
	step := s.Step(deviceARN)
	for n := 0; ; n++ {
		code := fmt.Sprintf("%06d", n)
		if code != s.CodeAt(deviceARN, step) && code != s.CodeAt(deviceARN, step+1) && code != s.CodeAt(deviceARN, step-1) {
			return code
		}
	}
}

// The device's name can be wrong too; asking for another code is no help then.
func TestBadCode(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	c := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk)
	_, err := c.SessionToken(t.Context(), withKey, stepMFA, wrongCode(aws))
	if e := wantErr[*RefusedError](t, err); !e.BadCode() {
		t.Error(err)
	}
	step := stepMFA
	step.MFASerial += "2"
	_, err = c.SessionToken(t.Context(), withKey, step, aws.Code(deviceARN))
	if e := wantErr[*RefusedError](t, err); e.BadCode() {
		t.Error(err)
	}
}

// canned answers every request with the same.
func canned(t testing.TB, status int, contentType, body string) plan.Endpoint {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return plan.Endpoint{URL: s.URL}
}

func refusal(code, message string) string {
	return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>` + message + `</Message></Error><RequestId>0</RequestId></ErrorResponse>`
}

func sessionAnswer(id, secret, token, expires string) string {
	return `<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult><Credentials>` +
		`<AccessKeyId>` + id + `</AccessKeyId><SecretAccessKey>` + secret + `</SecretAccessKey><SessionToken>` + token + `</SessionToken>` +
		`<Expiration>` + expires + `</Expiration></Credentials></GetSessionTokenResult></GetSessionTokenResponse>`
}

// What AWS quotes of the request is not repeated.
func TestQuotedSecrets(t *testing.T) {
	with := creds.Session{Key: longKey, Token: creds.NewSecret("AQoDYXdzEJr1K")}
	for _, message := range []string{
		"1 validation error detected: Value '123456' at 'tokenCode' failed to satisfy constraint",
		"The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:AQoDYXdzEJr1K\n\n'",
		"Check your AWS Secret Access Key " + ststest.DemoSecret,
	} {
		c := newTestClient(t, canned(t, 400, "text/xml", refusal("ValidationError", message)), brisk)
		_, err := c.SessionToken(t.Context(), with, stepMFA, "123456")
		wantErr[*RefusedError](t, err)
		publishable(t, err.Error(), "123456", "AQoDYXdzEJr1K")
		if !strings.Contains(err.Error(), "[hidden]") {
			t.Error(err)
		}
	}
	c := newTestClient(t, canned(t, 400, "text/xml", refusal("ValidationError", strings.Repeat("ä", 5000))), brisk)
	_, err := c.SessionToken(t.Context(), with, stepMFA, "123456")
	if e := wantErr[*RefusedError](t, err); len(e.Message) > maxWords+3 || strings.ContainsRune(e.Message, '\uFFFD') {
		t.Errorf("%d bytes of message", len(e.Message))
	}
}

// What is not AWS's is not believed, and not repeated.
func TestStrangeAnswers(t *testing.T) {
	later := time.Now().Add(hour).UTC().Format(time.RFC3339)
	for _, row := range []struct {
		name        string
		status      int
		contentType string
		body        string
		answer      string // an AnswerError with this
		unreachable string // an UnreachableError with this
	}{
		{"line break in the ID", 200, "text/xml", sessionAnswer("ASIA&#10;AWS_X=1", "s", "t", later), "malformed", ""},
		{"line break in the secret", 200, "text/xml", sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s&#13;", "t", later), "malformed", ""},
		{"blank in the token", 200, "text/xml", sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s", "t t", later), "malformed", ""},
		{"not ASCII", 200, "text/xml", sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s", "tä", later), "malformed", ""},
		{"no token", 200, "text/xml", sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s", "", later), "malformed", ""},
		{"no time", 200, "text/xml", sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s", "t", "soon"), "not an AWS response", ""},
		{"another document", 200, "text/xml", "<hello/>", "not an AWS response", ""},
		{"JSON", 200, "application/json", `{"AccessKeyId":"ASIA"}`, "no credentials", ""},
		{"too long", 200, "text/xml", "<!--" + strings.Repeat(" ", maxAnswer) + "-->" + sessionAnswer("ASIAIOSFODNN7EXAMPLE", "s", "t", later), "not an AWS response", ""},
		{"too long an error", 400, "text/xml", "<ErrorResponse>" + strings.Repeat(" ", maxAnswer), "not an AWS response", ""},
		{"web page that forbids", 403, "text/html; charset=utf-8", "<html><body>No.<br></body></html>", "a web page", ""},
		{"forbidden without words", 403, "", "", "not an AWS response", ""},
		{"gateway", 502, "text/html", "<html><body>Bad Gateway</body></html>", "", "HTTP status 502"},
		{"network sign-in", 511, "text/html", "<html></html>", "", "HTTP status 511"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, canned(t, row.status, row.contentType, row.body), brisk)
			s, err := c.SessionToken(t.Context(), withKey, stepPlain, "")
			if row.answer != "" {
				if e := wantErr[*AnswerError](t, err); !strings.Contains(e.Problem, row.answer) {
					t.Error(err)
				}
			} else if e := wantErr[*UnreachableError](t, err); !strings.Contains(e.Problem, row.unreachable) {
				t.Error(err)
			}
			if s != (creds.Session{}) {
				t.Error("credentials beside an error")
			}
			publishable(t, err.Error())
		})
	}
	c := newTestClient(t, canned(t, 200, "text/xml", "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1&#10;2</Account><Arn>a</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"), brisk)
	_, err := c.Identity(t.Context(), withKey)
	wantErr[*AnswerError](t, err)
}

// dialing makes a client whose connections are made by dial.
func dialing(t testing.TB, e plan.Endpoint, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *Client {
	t.Helper()
	c := newTestClient(t, e, brisk)
	c.transport.next.(*http.Transport).DialContext = dial
	return c
}

func TestUnreachable(t *testing.T) {
	secure := newAWS(t, ststest.Config{TLS: true})
	open := newAWS(t, ststest.Config{})
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, secure.CAPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	to := func(s *ststest.Server) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.URL[strings.LastIndex(s.URL, "/")+1:])
		}
	}
	at := func(off time.Duration) *Client {
		c := newTestClient(t, plan.Endpoint{URL: secure.URL, CABundle: bundle}, brisk)
		c.transport.next.(*http.Transport).TLSClientConfig.Time = func() time.Time { return time.Now().Add(off) }
		return c
	}
	for name, row := range map[string]struct {
		c     *Client
		says  string
		tries int
	}{
		"too late":  {at(2 * 24 * hour), "is the clock right?", 3},
		"too early": {at(-2 * 24 * hour), "is the clock right?", 3},
		"refused":   {newTestClient(t, plan.Endpoint{URL: "http://" + l.Addr().String()}, brisk), "refused", 3},
		"untrusted": {newTestClient(t, plan.Endpoint{URL: secure.URL}, brisk), "AWS_CA_BUNDLE", 3},
		"wrong host": {dialing(t, plan.Endpoint{URL: "https://sts.example.com", CABundle: bundle}, to(secure)),
			"not valid for this host", 3},
		"no TLS": {dialing(t, plan.Endpoint{URL: "https://sts.example.com"}, to(open)), "HTTP response to HTTPS client", 3},
		"no name": {dialing(t, plan.Endpoint{}, func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "sts.eu-west-1.amazonaws.com", IsNotFound: true}}
		}), "cannot resolve sts.eu-west-1.amazonaws.com", 1},
		"dead": {dialing(t, plan.Endpoint{}, func(ctx context.Context, _, _ string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		}), "no answer in time", 3},
	} {
		tries, next := 0, row.c.transport.next
		row.c.transport.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			tries++
			return next.RoundTrip(r)
		})
		_, err := row.c.Identity(t.Context(), withKey)
		e := wantErr[*UnreachableError](t, err)
		if !strings.Contains(e.Problem, row.says) || tries != row.tries {
			t.Errorf("%s: %v, %d tries", name, err, tries)
		}
		publishable(t, err.Error())
	}
	if n := len(secure.Calls()) + len(open.Calls()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, err := newTestClient(t, plan.Endpoint{URL: secure.URL, CABundle: bundle}, brisk).Identity(t.Context(), withKey); err != nil {
		t.Error(err)
	}
}

func TestCABundle(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := NewClient(plan.Endpoint{Region: "eu-west-1", CABundle: file}, t.Logf); err == nil || !strings.Contains(err.Error(), file) {
			t.Error(err)
		}
	}
}

// Whoever gives up gets the reason; a budget that runs out is no answer in time.
func TestGivingUp(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	aws.Fail("", ststest.Slow(time.Minute), ststest.Always)
	gone := errors.New("the parent is gone")
	for name, giveUp := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			return ctx, func() { cancel() }
		},
		"cause": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(gone) }
		},
		"budget": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			return ctx, func() { _ = cancel }
		},
	} {
		aws.ResetCalls()
		ctx, cancel := giveUp(t.Context())
		go func() {
			for len(aws.Calls()) == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		l := brisk
		l.Answer = time.Minute
		_, err := newTestClient(t, plan.Endpoint{URL: aws.URL}, l).Identity(ctx, withKey)
		switch name {
		case "cancel":
			if err != context.Canceled {
				t.Error(err)
			}
		case "cause":
			if err != gone {
				t.Error(err)
			}
		case "budget":
			if e := wantErr[*UnreachableError](t, err); e.Problem != "no answer in time" {
				t.Error(err)
			}
		}
	}
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// via sends requests for AWS's own hosts to a fake of it.
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

// Where a key or a region is unknown, the home region is asked, once.
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

// The home region's word counts, unless it is not reached.
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

func TestEndpoints(t *testing.T) {
	for _, row := range []struct {
		e    plan.Endpoint
		want string
	}{
		{plan.Endpoint{Region: "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com/"},
		{plan.Endpoint{Region: "us-east-1"}, "https://sts.us-east-1.amazonaws.com/"}, // not the global one
		{plan.Endpoint{Region: "us-east-1", FIPS: true}, "https://sts-fips.us-east-1.amazonaws.com/"},
		{plan.Endpoint{Region: "eu-west-1", DualStack: true}, "https://sts.eu-west-1.api.aws/"},
		{plan.Endpoint{Region: "us-west-2", FIPS: true, DualStack: true}, "https://sts-fips.us-west-2.api.aws/"},
		{plan.Endpoint{Region: "cn-north-1"}, "https://sts.cn-north-1.amazonaws.com.cn/"},
		{plan.Endpoint{Region: "cn-northwest-1", DualStack: true}, "https://sts.cn-northwest-1.api.amazonwebservices.com.cn/"},
		{plan.Endpoint{Region: "us-gov-west-1"}, "https://sts.us-gov-west-1.amazonaws.com/"},
		{plan.Endpoint{Region: "us-gov-west-1", FIPS: true}, "https://sts.us-gov-west-1.amazonaws.com/"},
		{plan.Endpoint{Region: "eusc-de-east-1"}, "https://sts.eusc-de-east-1.amazonaws.eu/"},
		{plan.Endpoint{Region: "us-iso-east-1"}, "https://sts.us-iso-east-1.c2s.ic.gov/"},
		{plan.Endpoint{Region: "us-isob-east-1"}, "https://sts.us-isob-east-1.sc2s.sgov.gov/"},
		{plan.Endpoint{Region: "eu-isoe-west-1"}, "https://sts.eu-isoe-west-1.cloud.adc-e.uk/"},
		{plan.Endpoint{Region: "us-isof-south-1"}, "https://sts.us-isof-south-1.csp.hci.ic.gov/"},
		{plan.Endpoint{Region: "eu-west-1", URL: "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com"}, "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com/"},
		{plan.Endpoint{Region: "eu-west-1", URL: "http://127.0.0.1:4566/aws"}, "http://127.0.0.1:4566/aws"},
	} {
		c := newTestClient(t, row.e, brisk)
		var got, scope string
		c.transport.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			got, scope = r.URL.String(), r.Header.Get("Authorization")
			if _, ok := r.Body.(io.WriterTo); ok {
				t.Error("the body can cost the connection, see transport.RoundTrip")
			}
			return nil, &net.DNSError{IsNotFound: true}
		})
		c.Identity(t.Context(), withKey)
		if strings.TrimSuffix(got, "/") != strings.TrimSuffix(row.want, "/") {
			t.Errorf("%+v: %s, want %s", row.e, got, row.want)
		}
		if !strings.Contains(scope, "/"+row.e.Region+"/sts/") {
			t.Errorf("%+v: signed for %s", row.e, scope)
		}
	}
}

// What a plan says is what AWS is told.
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

// A chain of two calls is two round trips over one connection. net/http gives a
// connection up if its writer is not scheduled for 50 ms: hence the tries.
func TestOneConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		aws := newAWS(t, ststest.Config{TLS: secure})
		e := plan.Endpoint{URL: aws.URL}
		if secure {
			e.CABundle = filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(e.CABundle, aws.CAPEM, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		one := false
		for try := 0; try < 3 && !one; try++ {
			aws.ResetCalls()
			c := newTestClient(t, e, brisk)
			s, err := c.SessionToken(t.Context(), withKey, stepMFA, aws.Code(deviceARN))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.AssumeRole(t.Context(), s, stepRole, ""); err != nil {
				t.Fatal(err)
			}
			calls := aws.Calls()
			one = len(calls) == 2 && calls[0].Conn == calls[1].Conn
		}
		if !one {
			t.Errorf("TLS %v: %+v", secure, aws.Calls())
		}
	}
}

// The proxy of the environment is read once in a process, so it takes others:
// each says how the call ended.
func TestProxy(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	for url, want := range map[string]string{
		"":      "CONNECT sts.eu-west-1.amazonaws.com:443",
		aws.URL: "",
	} {
		asked.Store("")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), urlVariable+"="+url+" ", "HTTPS_PROXY="+proxy.URL, "HTTP_PROXY="+proxy.URL)
		out, err := cmd.CombinedOutput()
		if got := asked.Load(); got != want {
			t.Errorf("the proxy was asked %q, want %q", got, want)
		}
		if want == "" && err != nil || want != "" && !strings.Contains(string(out), "could not reach AWS at sts.eu-west-1.amazonaws.com: Proxy Authentication Required") {
			t.Errorf("%s, %v", out, err)
		}
	}
}

// Of many calls at once over one client, each learns what happened to itself.
func TestManyGoroutines(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	aws.Advance(hour)
	aws.Fail("GetCallerIdentity", ststest.Drop(), ststest.Always)
	aws.Fail("GetSessionToken", ststest.Portal(), ststest.Always)
	aws.Deny("EnableMFADevice")
	limits := brisk
	limits.Call = time.Minute
	c := newTestClient(t, plan.Endpoint{URL: aws.URL}, limits)
	wants := []func(error) bool{
		func(err error) bool {
			e, ok := errors.AsType[*UnreachableError](err)
			return ok && e.Sent
		},
		func(err error) bool {
			e, ok := errors.AsType[*AnswerError](err)
			return ok && e.Action == "GetSessionToken"
		},
		func(err error) bool { return err == nil },
		func(err error) bool {
			e, ok := errors.AsType[*RefusedError](err)
			return ok && e.Action == "EnableMFADevice" && !e.Resent
		},
	}
	calls := []func() error{
		func() error { _, err := c.Identity(t.Context(), withKey); return err },
		func() error { _, err := c.SessionToken(t.Context(), withKey, stepPlain, ""); return err },
		func() error { _, err := c.AssumeRole(t.Context(), withKey, stepAudit, ""); return err },
		func() error {
			var nothing struct{}
			return c.Query(t.Context(), withKey, Query{Service: "iam", Version: "2010-05-08", Action: "EnableMFADevice"}, &nothing)
		},
	}
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if err := calls[i%len(calls)](); !wants[i%len(wants)](err) {
				t.Errorf("call %d: %+v", i%len(calls), err)
			}
		})
	}
	all.Wait()
	if (c.Skew() + hour).Abs() > time.Minute {
		t.Error(c.Skew())
	}
	if n := strings.Count(actions(aws), "GetCallerIdentity"); n != 16*3 {
		t.Errorf("%d tries of 16 calls, want three each", n)
	}
}
