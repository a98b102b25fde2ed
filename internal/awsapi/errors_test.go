package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// Every call that fails succeeds within three tries, or ends in one clear line.
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
		sent  bool // AWS may have carried it out
	}{
		{"drop", 2, fine, 3, "", true},
		{"drop", ststest.Always, unreachable, 3, "closed before the answer was complete", true},
		{"lost", 2, fine, 3, "", true},
		{"lost", ststest.Always, unreachable, 3, "connection reset", true},
		{"reset", 2, fine, 3, "", true},
		{"reset", ststest.Always, unreachable, 3, "could not reach AWS at 127.0.0.1:", true},
		{"status=500", 2, fine, 3, "", true},
		{"status=500", ststest.Always, unreachable, 3, "AWS answered InternalFailure", true},
		{"status=503", ststest.Always, unreachable, 3, "AWS answered ServiceUnavailable", true},
		{"throttle", 2, fine, 3, "", false},
		{"throttle", ststest.Always, unreachable, 3, "AWS answered Throttling", false},
		{"slow=1m", 1, fine, 2, "", true},
		{"slow=1m", ststest.Always, unreachable, 3, "no answer in time", true},
		{"empty", ststest.Always, answer, 1, "no ", true},
		{"portal", ststest.Always, answer, 1, "a web page", true},
		{"truncated", ststest.Always, answer, 1, "not an AWS response", true},
		{"redirect=http://127.0.0.1:1/", ststest.Always, answer, 1, "a redirect", true},
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
				if e, ok := errors.AsType[*UnreachableError](err); ok && e.Sent != row.sent {
					t.Errorf("sent: %v", e.Sent)
				}
				if _, unsent := errors.AsType[*UnsentError](err); unsent {
					t.Error("it was sent")
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

// A clear answer to the last try does not undo the tries before it.
func TestSentOnce(t *testing.T) {
	for _, first := range []ststest.Fault{ststest.Drop(), ststest.Lost(), ststest.Status(500)} {
		aws := newAWS(t, ststest.Config{})
		aws.Fail("", first, 1)
		aws.Fail("", ststest.Throttle(), ststest.Always)
		_, err := newTestClient(t, plan.Endpoint{URL: aws.URL}, brisk).Identity(t.Context(), withKey)
		if e := wantErr[*UnreachableError](t, err); !e.Sent {
			t.Errorf("%s, then throttled: not sent", first)
		}

		// Then the network goes away.
		aws = newAWS(t, ststest.Config{})
		aws.Fail("", first, 1)
		dials := 0
		c := dialing(t, plan.Endpoint{URL: aws.URL}, func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		})
		c.transport.next.(*http.Transport).DisableKeepAlives = true
		_, err = c.Identity(t.Context(), withKey)
		if _, unsent := errors.AsType[*UnsentError](err); unsent || !wantErr[*UnreachableError](t, err).Sent {
			t.Errorf("%s, then not reached: not sent", first)
		}
	}
}

// If the answer to a request was lost, AWS refuses its code the second time, and the
// error says why. A request that is sent again because of a wrong clock, or because
// AWS throttled it, is not such a request.
func TestLostAnswer(t *testing.T) {
	for _, row := range []struct {
		name   string
		spoil  func(*ststest.Server)
		resent bool
	}{
		{"reset", func(s *ststest.Server) { s.Fail("", ststest.Reset(), 1) }, true},
		{"lost", func(s *ststest.Server) { s.Fail("", ststest.Lost(), 1) }, true},
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

// wrongCode is a code that AWS does not accept now.
func wrongCode(s *ststest.Server) string {
	step := s.Step(deviceARN)
	for n := 0; ; n++ {
		code := fmt.Sprintf("%06d", n)
		if code != s.CodeAt(deviceARN, step) && code != s.CodeAt(deviceARN, step+1) && code != s.CodeAt(deviceARN, step-1) {
			return code
		}
	}
}

// If the device's serial is wrong, another code does not help.
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

// canned starts a server that gives every request the same answer.
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

// Errors do not repeat the secrets that AWS quotes from the request.
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

// Servers that are not AWS refuse in forms of their own: code and status are shown,
// and an action that they do not know is told from one that they refuse.
func TestForeignRefusals(t *testing.T) {
	for _, row := range []struct {
		name        string
		status      int
		contentType string
		body        string
		want        string // the end of the error
		unsupported bool
	}{
		{"Ceph", 403, "application/xml", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><RequestId>tx1</RequestId><HostId>h</HostId></Error>`,
			" refused GetSessionToken: AccessDenied (HTTP status 403)", false},
		{"Ceph, no such action", 405, "application/xml", `<Error><Code>MethodNotAllowed</Code><Message></Message></Error>`,
			" refused GetSessionToken: MethodNotAllowed (HTTP status 405)", true},
		{"S3 with a message", 403, "application/xml", `<Error><Code>InvalidAccessKeyId</Code><Message>No such key.</Message></Error>`,
			" refused GetSessionToken: InvalidAccessKeyId (HTTP status 403): No such key.", false},
		{"S3, not implemented", 501, "application/xml", `<Error><Code>NotImplemented</Code><Message>A header</Message></Error>`,
			" refused GetSessionToken: NotImplemented (HTTP status 501): A header", true},
		{"MinIO, no such action", 400, "text/xml", refusal("InvalidParameterValue", "Unsupported action GetSessionToken"),
			"AWS refused GetSessionToken: InvalidParameterValue: Unsupported action GetSessionToken", true},
		{"SeaweedFS, no such action", 400, "text/xml", refusal("InvalidAction", "unsupported action: GetSessionToken"),
			"AWS refused GetSessionToken: InvalidAction: unsupported action: GetSessionToken", true},
		{"STS form, not implemented", 501, "text/xml", refusal("NotImplemented", "later"),
			"AWS refused GetSessionToken: NotImplemented: later", true},
		{"JSON of an API", 403, "application/json", `{"Code":"AccessDenied","Message":"No."}`,
			" refused GetSessionToken: AccessDenied (HTTP status 403): No.", false},
		{"JSON of AWS's other services", 400, "application/x-amz-json-1.1", `{"__type":"UnknownOperationException"}`,
			" refused GetSessionToken: UnknownOperationException (HTTP status 400)", false},
		{"JSON with a number", 404, "application/json", `{"code":404,"message":"page not found"}`,
			" refused GetSessionToken: 404 (HTTP status 404): page not found", true},
		{"JSON of OAuth", 401, "application/json", `{"error":"invalid_token","error_description":"It is over."}`,
			" refused GetSessionToken: invalid_token (HTTP status 401): It is over.", false},
		{"JSON with an object", 403, "application/json", `{"error":{"code":"Forbidden","message":"No."}}`,
			" refused GetSessionToken: Forbidden (HTTP status 403): No.", false},
		{"a code with the token in it", 403, "application/json", `{"code":"no ` + withKey.Secret.Reveal() + `"}`,
			" refused GetSessionToken: no [hidden] (HTTP status 403)", false},
		{"HTML", 404, "text/html", "<html><body>Not Found<br></body></html>", "HTTP status 404, a web page (does this network have a sign-in page?)", true},
		{"text", 404, "text/plain", "404 page not found", "HTTP status 404, not an AWS response", true},
		{"nothing", 403, "", "", "HTTP status 403, not an AWS response", false},
		{"JSON without a code", 403, "application/json", `{"message":"No."}`, "HTTP status 403, not an AWS response", false},
		{"half a document", 403, "application/xml", "<Error><Code>Acc", "HTTP status 403, not an AWS response", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, canned(t, row.status, row.contentType, row.body), brisk)
			_, err := c.SessionToken(t.Context(), withKey, stepPlain, "")
			if err == nil || !strings.HasSuffix(err.Error(), row.want) {
				t.Fatalf("got %v; want %s", err, row.want)
			}
			publishable(t, err.Error())
			var refused *RefusedError
			var answer *AnswerError
			switch {
			case errors.As(err, &refused):
				if refused.Unsupported != row.unsupported || (refused.Status != 0) != (refused.Server != "") {
					t.Errorf("%+v", refused)
				}
			case errors.As(err, &answer):
				if answer.Unsupported != row.unsupported {
					t.Errorf("%+v", answer)
				}
			default:
				t.Errorf("%T", err)
			}
		})
	}
}

// On the way to AWS such a document is a proxy's, and no refusal of AWS's.
func TestProxyIsNotAWS(t *testing.T) {
	c := newTestClient(t, canned(t, 403, "application/xml", "<Error><Code>AccessDenied</Code></Error>"), brisk)
	c.endpoint.URL = "https://sts.eu-west-1.amazonaws.com"
	_, err := c.SessionToken(t.Context(), withKey, stepPlain, "")
	if e := wantErr[*AnswerError](t, err); e.Unsupported || e.Problem != "HTTP status 403, not an AWS response" {
		t.Errorf("%+v", e)
	}
}

// AWS is never named by its host, and knows all its actions, whatever it answers; and a
// server that failed has refused nothing.
func TestOwnRefusals(t *testing.T) {
	c := &Client{endpoint: plan.Endpoint{URL: "https://sts.amazonaws.com"}, transport: &transport{}}
	r := &request{exchange: exchange{host: "sts.amazonaws.com", status: 404}}
	if e := c.refused(r, "InvalidAction", "Unsupported action", 0); e.Server != "" || e.Unsupported {
		t.Errorf("%+v", e)
	}
	for _, status := range []int{500, 503} {
		c := newTestClient(t, canned(t, status, "application/xml", "<Error><Code>AccessDenied</Code></Error>"), brisk)
		_, err := c.SessionToken(t.Context(), withKey, stepPlain, "")
		wantErr[*UnreachableError](t, err)
	}
}

// Servers elsewhere are named, and what stands in for AWS on this computer is not.
func TestRefuser(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1:9000": "", "localhost:1": "", "[::1]:9000": "", "s3.example.com": "s3.example.com", "10.0.0.1:9000": "10.0.0.1:9000"} {
		c := &Client{endpoint: plan.Endpoint{URL: "https://" + host}, transport: &transport{}}
		r := &request{foreign: true, exchange: exchange{host: host}}
		if e := c.refused(r, "AccessDenied", "No.", 0); e.Server != want {
			t.Errorf("%s: %q", host, e.Server)
		}
	}
}

// An answer that is not from AWS is not believed, and errors do not repeat it.
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

// A server may have chosen the secrets that a message is searched for: none of them makes
// it grow or keeps another one in it.
func TestWordsOfChosenSecrets(t *testing.T) {
	r := request{secrets: []string{"d", "i", "abc", "abcdef"}}
	if got, want := r.words("x abcdef abc d i y"), "x [hidden] [hidden] [hidden] [hidden] y"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	long := strings.Repeat("di", maxAnswer/2)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r.words(long)
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 100*maxAnswer {
		t.Errorf("%d MiB for a message of 1 MiB", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
}
