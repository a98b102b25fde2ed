package awsapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/plan"
)

// portal is a server that answers JSON calls, and remembers them.
type portal struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

// newPortal answers the nth request, from 1, with answer.
func newPortal(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request, body string)) *portal {
	t.Helper()
	p := &portal{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := input.All(r.Body, 1<<20)
		if err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		p.requests, p.bodies = append(p.requests, r), append(p.bodies, string(body))
		n := len(p.requests)
		p.mu.Unlock()
		answer(n, w, r, string(body))
	}))
	t.Cleanup(p.Close)
	return p
}

// seen are the requests so far.
func (p *portal) seen() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func (p *portal) body(i int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bodies[i]
}

func (p *portal) endpoint() plan.Endpoint { return plan.Endpoint{URL: p.URL} }

const portalToken = `aoaAAA+/"T0k3n=`

var portalCall = JSON{
	Service: "awsssoportal", Action: "GetRoleCredentials", Method: "GET", Path: "/federation/credentials",
	Query:  url.Values{"role_name": {"Admin+1"}, "account_id": {"111111111111"}},
	Header: map[string]string{"x-amz-sso_bearer_token": portalToken}, Again: true,
}

// A call without a session is not signed; it has what it was given and no more.
func TestJSONUnsigned(t *testing.T) {
	p := newPortal(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		io.WriteString(w, `{"roleCredentials":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE"}}`)
	})
	c := newTestClient(t, p.endpoint(), brisk)
	var answer struct{ RoleCredentials struct{ AccessKeyID string } }
	if err := c.JSON(t.Context(), creds.Session{}, portalCall, &answer); err != nil || answer.RoleCredentials.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" {
		t.Fatal(answer, err)
	}
	get := p.seen()[0]
	if get.Method != "GET" || get.URL.String() != "/federation/credentials?account_id=111111111111&role_name=Admin%2B1" || p.body(0) != "" ||
		get.Header.Get("x-amz-sso_bearer_token") != portalToken || get.Header.Get("Authorization") != "" || get.Header.Get("Content-Type") != "" || get.ContentLength != 0 {
		t.Errorf("%s %s, %v", get.Method, get.URL, get.Header)
	}
	register := JSON{Service: "sso-oauth", Action: "RegisterClient", Method: "POST", Path: "/client/register", Body: map[string]any{"clientType": "public"}}
	if err := c.JSON(t.Context(), creds.Session{}, register, nil); err != nil {
		t.Fatal(err)
	}
	post := p.seen()[1]
	if post.Method != "POST" || post.URL.String() != "/client/register" || p.body(1) != `{"clientType":"public"}` ||
		post.Header.Get("Content-Type") != "application/json" || post.Header.Get("Authorization") != "" {
		t.Errorf("%s %s, %v, %s", post.Method, post.URL, post.Header, p.body(1))
	}
}

// A signed call carries the signature that the SDK would make, over its body.
func TestJSONSigned(t *testing.T) {
	with := creds.Session{Key: longKey, Token: creds.NewSecret("AQoDYXdzEJr1K")}
	p := newPortal(t, func(_ int, w http.ResponseWriter, r *http.Request, body string) {
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Error(err)
		}
		again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.String(), strings.NewReader(body))
		for _, name := range []string{"Content-Type", "X-Amz-Target"} {
			again.Header.Set(name, r.Header.Get(name))
		}
		hash := sha256.Sum256([]byte(body))
		key := aws.Credentials{AccessKeyID: with.ID, SecretAccessKey: with.Secret.Reveal(), SessionToken: with.Token.Reveal()}
		if err := v4.NewSigner().SignHTTP(context.Background(), key, again, hex.EncodeToString(hash[:]), "ssm", "eu-west-1", at); err != nil {
			t.Error(err)
		}
		if got := r.Header.Get("Authorization"); got != again.Header.Get("Authorization") || !strings.Contains(got, "/eu-west-1/ssm/aws4_request") {
			t.Errorf("signed %s, want %s", got, again.Header.Get("Authorization"))
		}
		io.WriteString(w, `{}`)
	})
	call := JSON{Service: "ssm", Action: "GetParameters", Method: "POST", Target: "AmazonSSM.GetParameters", Body: map[string]any{"Names": []string{"/a"}}}
	if err := newTestClient(t, p.endpoint(), brisk).JSON(t.Context(), with, call, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	r := p.seen()[0]
	if r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != call.Target || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || r.Header.Get("X-Amz-Security-Token") != "AQoDYXdzEJr1K" {
		t.Errorf("%s, %v", r.URL, r.Header)
	}
}

// Refusals come in several forms, which mean the same.
func TestJSONRefused(t *testing.T) {
	for _, row := range []struct {
		name, header, body string
		status             int
		want               RefusedError // Code, Message, Reason
	}{
		{"header and OAuth", "InvalidGrantException", `{"error":"invalid_grant","error_description":"Invalid refresh token provided"}`, 400,
			RefusedError{Code: "InvalidGrantException", Message: "Invalid refresh token provided", Reason: "invalid_grant"}},
		{"OAuth alone", "", `{"error":"authorization_pending"}`, 400, RefusedError{Code: "AuthorizationPendingException", Reason: "authorization_pending"}},
		{"slow down", "SlowDownException:", `{"error":"slow_down","error_description":null}`, 400, RefusedError{Code: "SlowDownException", Reason: "slow_down"}},
		{"no text", "InvalidRequestException", `{"error":"invalid_request"}`, 400, RefusedError{Code: "InvalidRequestException", Reason: "invalid_request"}},
		{"a reason", "AccessDeniedException", `{"error":"access_denied","reason":"KMS_AccessDeniedException","error_description":"d"}`, 400,
			RefusedError{Code: "AccessDeniedException", Message: "d", Reason: "KMS_AccessDeniedException"}},
		{"sign-in", "AccessDeniedException:http://internal.amazon.com/", `{"error":"TOKEN_EXPIRED","message":"The token is expired"}`, 401,
			RefusedError{Code: "AccessDeniedException", Message: "The token is expired", Reason: "TOKEN_EXPIRED"}},
		{"sign-in without header", "", `{"error":"USER_CREDENTIALS_CHANGED","message":"m"}`, 403, RefusedError{Code: "USER_CREDENTIALS_CHANGED", Message: "m", Reason: "USER_CREDENTIALS_CHANGED"}},
		{"portal", "", `{"message":"Session token not found or invalid","__type":"com.amazonaws.switchboard.portal#UnauthorizedException"}`, 401,
			RefusedError{Code: "UnauthorizedException", Message: "Session token not found or invalid"}},
		{"not in the model", "ForbiddenException", `{"message":"No access"}`, 403, RefusedError{Code: "ForbiddenException", Message: "No access"}},
		{"bare type", "", `{"__type":"ParameterNotFound"}`, 400, RefusedError{Code: "ParameterNotFound"}},
		{"type with address", "", `{"__type":"aws.ssm#AccessDeniedException:http://x","Message":"M"}`, 400, RefusedError{Code: "AccessDeniedException", Message: "M"}},
		{"code", "", `{"code":"ResourceNotFoundException","message":"m"}`, 404, RefusedError{Code: "ResourceNotFoundException", Message: "m"}},
		{"no code", "", `{"message":"Forbidden"}`, 403, RefusedError{Code: "ForbiddenException", Message: "Forbidden"}},
		{"no document", "UnauthorizedException", ``, 401, RefusedError{Code: "UnauthorizedException"}},
		{"a number", "", `{"code":404,"message":"m"}`, 404, RefusedError{Code: "NotFoundException", Message: "m"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
				if row.header != "" {
					w.Header().Set("X-Amzn-Errortype", row.header)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(row.status)
				io.WriteString(w, row.body)
			})
			err := newTestClient(t, p.endpoint(), brisk).JSON(t.Context(), creds.Session{}, portalCall, &struct{}{})
			e := wantErr[*RefusedError](t, err)
			if e.Code != row.want.Code || e.Message != row.want.Message || e.Reason != row.want.Reason || e.HTTPStatus != row.status || e.Status != 0 || e.Unsupported || e.KeyID != "" {
				t.Errorf("%+v", e)
			}
			publishable(t, err.Error(), portalToken)
			if strings.HasSuffix(err.Error(), ": ") || !strings.HasPrefix(err.Error(), "AWS refused GetRoleCredentials: "+e.Code) {
				t.Errorf("%q", err)
			}
			if len(p.seen()) != 1 {
				t.Errorf("%d tries", len(p.seen()))
			}
		})
	}
}

// What is not a service's answer is not believed, whatever its status.
func TestJSONStrange(t *testing.T) {
	for _, row := range []struct {
		name        string
		status      int
		contentType string
		body        string
		says        string
	}{
		{"sign-in page", 200, "text/html", "<html></html>", "a web page (does this network have a sign-in page?)"},
		{"a page that forbids", 403, "text/html; charset=utf-8", "<html></html>", "HTTP status 403, a web page"},
		{"redirect", 302, "", "", "a redirect"},
		{"text", 200, "text/plain", "hello", "not an AWS response"},
		{"nothing", 200, "", "", "not an AWS response"},
		{"another type", 200, "application/json", `{"expiresIn":"soon"}`, "not an AWS response"},
		{"too long", 200, "application/json", `{"a":"` + strings.Repeat("a", maxAnswer) + `"}`, "not an AWS response"},
		{"a proxy", 407, "", "", "HTTP status 407, not an AWS response"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var answer struct{ ExpiresIn int }
			c := newTestClient(t, canned(t, row.status, row.contentType, row.body), brisk)
			err := c.JSON(t.Context(), creds.Session{}, portalCall, &answer)
			if e := wantErr[*AnswerError](t, err); !strings.Contains(e.Problem, row.says) {
				t.Error(err)
			}
			publishable(t, err.Error(), portalToken)
		})
	}
	// Nobody reads the answer to /logout, but it must be one.
	c := newTestClient(t, canned(t, 200, "text/html", "<html></html>"), brisk)
	wantErr[*AnswerError](t, c.JSON(t.Context(), creds.Session{}, portalCall, nil))
	if err := newTestClient(t, canned(t, 200, "", ""), brisk).JSON(t.Context(), creds.Session{}, portalCall, nil); err != nil {
		t.Error(err)
	}
}

// A document counts whatever type the server says it has: SDKs do not look at it.
func TestJSONMislabelled(t *testing.T) {
	c := newTestClient(t, canned(t, 200, "text/html; charset=utf-8", `{"expiresIn":7}`), brisk)
	var answer struct{ ExpiresIn int }
	if err := c.JSON(t.Context(), creds.Session{}, portalCall, &answer); err != nil || answer.ExpiresIn != 7 {
		t.Errorf("%+v, %v", answer, err)
	}
}

// A call may have longer answers than others, and only that call.
func TestJSONMaxAnswer(t *testing.T) {
	long := strings.Repeat("a", 2*maxAnswer)
	c := newTestClient(t, canned(t, 200, "application/x-amz-json-1.1", `{"Value":"`+long+`"}`), brisk)
	call := JSON{Service: "secretsmanager", Action: "BatchGetSecretValue", Method: "POST", Again: true, MaxAnswer: 3 * maxAnswer}
	var answer struct{ Value string }
	if err := c.JSON(t.Context(), creds.Session{}, call, &answer); err != nil || answer.Value != long {
		t.Errorf("%d bytes, %v", len(answer.Value), err)
	}
	for _, limit := range []int64{0, 2 * maxAnswer} {
		call.MaxAnswer = limit
		wantErr[*AnswerError](t, c.JSON(t.Context(), creds.Session{}, call, &answer))
	}
}

// A call that may have been carried out is sent again only if that does no harm; one
// that AWS was too busy for always, and with more patience.
func TestJSONAgain(t *testing.T) {
	once := portalCall
	once.Again = false
	busy := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); io.WriteString(w, body) }
	}
	hangUp := func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	for _, row := range []struct {
		name  string
		call  JSON
		fault func(http.ResponseWriter)
		times int
		tries int
		fine  bool
		sent  bool
		code  string
	}{
		{"429", once, busy(429, `{"__type":"TooManyRequestsException"}`), 5, 6, true, false, ""},
		{"429 for ever", once, busy(429, `{"message":"HTTP content length exceeded"}`), 99, 6, false, false, "TooManyRequestsException"},
		{"429 from somebody else", once, busy(429, "later"), 99, 3, false, false, ""},
		{"throttled", once, busy(400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), 99, 6, false, false, "ThrottlingException"},
		{"500", portalCall, busy(500, `{"__type":"InternalServerException"}`), 2, 3, true, false, ""},
		{"500 for ever", portalCall, busy(500, `{"__type":"InternalServerException"}`), 99, 3, false, true, "InternalServerException"},
		{"500 once", once, busy(500, `{}`), 1, 1, false, true, "InternalServerErrorException"},
		{"gateway", once, busy(502, "<html></html>"), 1, 1, false, true, ""},
		{"lost", portalCall, hangUp, 2, 3, true, false, ""},
		{"lost for ever", portalCall, hangUp, 99, 3, false, true, ""},
		{"lost once", once, hangUp, 1, 1, false, true, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if n <= row.times {
					row.fault(w)
					return
				}
				io.WriteString(w, "{}")
			})
			c := newTestClient(t, p.endpoint(), brisk)
			c.transport.next.(*http.Transport).DisableKeepAlives = true // net/http itself repeats a GET
			err := c.JSON(t.Context(), creds.Session{}, row.call, &struct{}{})
			if (err == nil) != row.fine || len(p.seen()) != row.tries {
				t.Errorf("%d tries, %v", len(p.seen()), err)
			}
			if err == nil {
				return
			}
			if e := wantErr[*UnreachableError](t, err); e.Sent != row.sent || e.Code != row.code {
				t.Errorf("%+v", e)
			}
			publishable(t, err.Error(), portalToken)
		})
	}
}

// No error and no line of the log repeats a secret of the request, in whatever form
// AWS quotes it. (The log is checked by newTestClient for what publishable knows.)
func TestJSONQuotedSecrets(t *testing.T) {
	const refresh, proof = `aorAAA/+"r3fr3sh`, "eyJ.proof"
	call := portalCall
	call.Body, call.Secrets = map[string]string{"refreshToken": refresh}, []string{refresh}
	call.Proof = func(string, string, time.Time) (map[string]string, error) {
		return map[string]string{"DPoP": proof}, nil
	}
	for _, secret := range []string{portalToken, refresh, proof} {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
		for _, form := range []string{quoted, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(quoted, `\"`, `\\\"`)} {
			for _, body := range []string{`{"error":"x ` + form + `"}`, `{"__type":"` + form + `"}`, `{"message":"bad ` + form + ` here","reason":"` + form + `"}`} {
				var log strings.Builder
				c, err := NewClient(brisk, plan.Endpoint{Region: "eu-west-1", URL: canned(t, 400, "application/json", body).URL}, func(format string, args ...any) {
					log.WriteString(strings.TrimSpace(format))
					for _, arg := range args {
						if s, ok := arg.(string); ok {
							log.WriteString(s)
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				err = c.JSON(t.Context(), creds.Session{}, call, nil)
				e := wantErr[*RefusedError](t, err)
				for _, text := range []string{err.Error(), log.String(), e.Code, e.Message, e.Reason} {
					for _, form := range []string{secret, url.QueryEscape(secret), strings.ReplaceAll(secret, `"`, `\"`)} {
						if strings.Contains(text, form) {
							t.Errorf("%q in %q", form, text)
						}
					}
				}
			}
		}
	}
}

// What proves that the caller has a key is made again for each try, by AWS's clock.
func TestJSONProof(t *testing.T) {
	const off = 3 * hour
	p := newPortal(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		at, err := time.Parse(time.RFC3339, r.Header.Get("DPoP"))
		if err != nil {
			t.Error(err)
		}
		if time.Until(at.Add(-off)).Abs() > time.Minute {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"INVALID_REQUEST"}`)
		}
	})
	var urls []string
	call := JSON{Service: "signin", Action: "CreateOAuth2Token", Method: "POST", Path: "/v1/token", Body: struct{}{},
		Proof: func(method, url string, now time.Time) (map[string]string, error) {
			urls = append(urls, method+" "+url)
			return map[string]string{"DPoP": now.UTC().Format(time.RFC3339)}, nil
		}}
	c := newTestClient(t, p.endpoint(), brisk)
	if err := c.JSON(t.Context(), creds.Session{}, call, nil); err != nil || len(urls) != 2 || urls[0] != "POST "+p.URL+"/v1/token" {
		t.Error(urls, err)
	}
	// A refusal by a clock that is known to be wrong is a refusal.
	if err := c.JSON(t.Context(), creds.Session{}, call, nil); err != nil || len(urls) != 3 {
		t.Error(urls, err)
	}
	broken := errors.New("no key")
	call.Proof = func(string, string, time.Time) (map[string]string, error) { return nil, broken }
	if err := c.JSON(t.Context(), creds.Session{}, call, nil); err != broken || len(p.seen()) != 3 {
		t.Error(err, len(p.seen()))
	}
}

// A clock that is wrong is corrected for signed calls, by every service's code for it.
func TestJSONSkew(t *testing.T) {
	for _, code := range timeCodes {
		p := newPortal(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
			now := time.Now().Add(hour)
			w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			if at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date")); err != nil || now.Sub(at) > maxSkew {
				w.WriteHeader(400)
				io.WriteString(w, `{"__type":"`+code+`"}`)
				return
			}
			io.WriteString(w, "{}")
		})
		call := JSON{Service: "ssm", Action: "GetParameters", Method: "POST", Target: "AmazonSSM.GetParameters", Body: struct{}{}}
		if err := newTestClient(t, p.endpoint(), brisk).JSON(t.Context(), withKey, call, &struct{}{}); err != nil || len(p.seen()) != 2 {
			t.Errorf("%s: %d tries, %v", code, len(p.seen()), err)
		}
	}
}

// A call ends at its limit, and when the caller gives up, with the reason.
func TestJSONEnds(t *testing.T) {
	end := make(chan struct{})
	p := newPortal(t, func(int, http.ResponseWriter, *http.Request, string) { <-end })
	defer close(end) // before the server closes, which waits for the answers
	l := brisk
	l.Answer, l.Call = 100*time.Millisecond, 250*time.Millisecond
	c := newTestClient(t, p.endpoint(), l)
	if e := wantErr[*UnreachableError](t, c.JSON(t.Context(), creds.Session{}, portalCall, nil)); e.Problem != "no answer in time" || !e.Sent {
		t.Errorf("%+v", e)
	}
	gone := errors.New("the parent is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
	if err := newTestClient(t, p.endpoint(), brisk).JSON(ctx, creds.Session{}, portalCall, nil); err != gone {
		t.Error(err)
	}
}
