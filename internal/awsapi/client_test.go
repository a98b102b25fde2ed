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
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// brisk are limits for tests: enough for a loaded machine, and short enough for a
// test to wait for.
var brisk = Limits{Dial: 2 * time.Second, Answer: 2 * time.Second, Call: 5 * time.Second, Backoff: 10 * time.Millisecond}

func newTestClient(t testing.TB, e plan.Endpoint, l Limits) *Client {
	t.Helper()
	if e.Region == "" {
		e.Region, e.Home = "eu-west-1", "us-east-1"
	}
	c, err := NewClient(l, e, func(format string, args ...any) { publishable(t, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A wrong clock is corrected, and the client knows by how much. The time at which a
// session expires is AWS's.
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
				// Never later than it expires by this clock.
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

// dialing makes a client that connects with dial.
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
	closed := httptest.NewServer(http.NotFoundHandler()) // it is not a proxy
	defer closed.Close()
	proxied := func(proxy string) *Client {
		c := newTestClient(t, plan.Endpoint{URL: "https://sts.example.com"}, brisk)
		c.transport.next.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
		return c
	}
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
		"no proxy":           {proxied("http://" + l.Addr().String()), "the proxy (HTTPS_PROXY): connect: connection refused", 3},
		"the proxy declines": {proxied(closed.URL), "", 3},
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
		if e.Unknown != (name == "no name") {
			t.Errorf("%s: unknown: %t", name, e.Unknown)
		}
		// Not a byte left this computer.
		if wantErr[*UnsentError](t, err); e.Sent {
			t.Errorf("%s: sent", name)
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

// A call that ends while it still connects has not been sent, whatever ended it.
func TestUnsent(t *testing.T) {
	for _, why := range []error{context.Canceled, errors.New("the program that asked is gone")} {
		ctx, cancel := context.WithCancelCause(t.Context())
		c := dialing(t, plan.Endpoint{}, func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel(why)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		_, err := c.SessionToken(ctx, withKey, stepMFA, "123456")
		if wantErr[*UnsentError](t, err); !errors.Is(err, why) {
			t.Error(err)
		}
	}
}

func TestCABundle(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := NewClient(Limits{}, plan.Endpoint{Region: "eu-west-1", CABundle: file}, t.Logf); err == nil || !strings.Contains(err.Error(), file) {
			t.Error(err)
		}
	}
}

// A call that is cancelled fails with the cause; one whose deadline passes had "no
// answer in time".
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

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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

// Two calls in a row use one connection. net/http closes a connection if its writer
// is not scheduled for 50 ms, so the test tries three times.
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

// net/http reads the proxy from the environment once per process, so the test needs
// other processes.
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

// Many calls at once over one client: each returns its own result.
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

// AWS is waited for once in every call, however often it is tried, and no longer.
func TestWaiting(t *testing.T) {
	ctx := reflect.TypeFor[context.Context]()
	client := reflect.TypeFor[*Client]()
	for method := range client.Methods() {
		if method.Type.NumIn() < 2 || method.Type.In(1) != ctx {
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			t.Parallel()
			var args []reflect.Value
			for i := 2; i < method.Type.NumIn(); i++ {
				arg := reflect.Zero(method.Type.In(i))
				switch arg.Interface().(type) {
				case creds.Session:
					arg = reflect.ValueOf(creds.Session{Key: longKey})
				case plan.AssumeRole:
					arg = reflect.ValueOf(stepRole)
				}
				args = append(args, arg)
			}
			c := newTestClient(t, plan.Endpoint{URL: newAWS(t, ststest.Config{}).URL}, brisk)
			begun, ended := 0, 0
			c.Waiting = func() func() { begun++; return func() { ended++ } }
			method.Func.Call(append([]reflect.Value{reflect.ValueOf(c), reflect.ValueOf(t.Context())}, args...))
			if begun != 1 || ended != 1 {
				t.Errorf("begun %d times, ended %d times", begun, ended)
			}
		})
	}
}
