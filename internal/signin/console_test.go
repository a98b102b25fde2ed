package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// consoleAWS is a sign-in service that takes each refresh token and each code once, from
// the key that they belong to.
type consoleAWS struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	calls   []string // the grants
	valid   string   // the refresh token, or the code
	of      string   // the key's x that it belongs to; "" for any
	reason  string   // refuse with it
	down    bool
	subject string
	life    int
	during  func() // called before the answer
	n       int
}

func newConsoleAWS(t *testing.T) *consoleAWS {
	a := &consoleAWS{t: t, valid: "refresh-1", subject: jo, life: 900}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *consoleAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != "POST" || r.URL.Path != "/v1/token" || r.Header.Get("Authorization") != "" {
		a.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	if a.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	a.calls = append(a.calls, body["grantType"])
	h, payload := openProof(a.t, r.Header.Get("DPoP"))
	if payload["htu"] != a.URL+"/v1/token" || payload["htm"] != "POST" {
		a.t.Errorf("proof for %v", payload)
	}
	if a.during != nil {
		a.during()
	}
	reason := a.reason
	if given := body["refreshToken"] + body["code"]; reason == "" && (given != a.valid || a.of != "" && a.of != h.JWK.X) {
		reason = reasonExpired
	}
	if reason != "" {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":%q,"message":"no"}`, reason)
		return
	}
	a.n++
	a.valid, a.of = fmt.Sprintf("next-%d", a.n), h.JWK.X
	answer := map[string]any{
		"accessToken": map[string]string{"accessKeyId": fmt.Sprintf("ASIANEXT%012d", a.n), "secretAccessKey": "s", "sessionToken": fmt.Sprintf("t%d", a.n)},
		"tokenType":   "aws_sigv4", "expiresIn": a.life, "refreshToken": a.valid,
	}
	if body["grantType"] == "authorization_code" {
		answer["idToken"] = idToken(a.subject)
	}
	json.NewEncoder(w).Encode(answer)
}

// took are the calls since the last time.
func (a *consoleAWS) took() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := strings.Join(a.calls, " ")
	a.calls = nil
	return calls
}

// consoleBench is a person with a profile, and maybe a store.
type consoleBench struct {
	*Signer
	aws  *consoleAWS
	step plan.ConsoleLogin
	home string
	now  time.Time
	logs []string
}

func newConsoleBench(t *testing.T, withStore bool) *consoleBench {
	t.Helper()
	b := &consoleBench{aws: newConsoleAWS(t), home: t.TempDir(), now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	var mu sync.Mutex
	log := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		b.logs = append(b.logs, fmt.Sprintf(format, args...))
	}
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(b.home, "store"), StateDir: filepath.Join(b.home, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
		Now:        func() time.Time { return b.now },
	})
	if withStore {
		if _, err := store.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.step = plan.ConsoleLogin{Profile: "ops", Session: jo, AWSLogin: true, Signin: plan.Endpoint{Region: "eu-west-1", URL: b.aws.URL}}
	b.Signer = &Signer{
		Store: store, Home: b.home, Now: func() time.Time { return b.now }, Log: log, Note: log,
		Open:   func(ctx context.Context) error { return store.Unlock(ctx, keyring.KindSession) },
		MayAsk: func() (bool, error) { return true, nil },
		Dial: func(e plan.Endpoint, log func(string, ...any)) (*awsapi.Client, error) {
			return awsapi.NewClient(awsapi.Limits{Backoff: time.Millisecond}, e, log)
		},
		Say: log, Waiting: func(string, ...any) func() { return func() {} },
	}
	return b
}

// awsFile writes AWS's cache, with credentials that have some time left.
func (b *consoleBench) awsFile(t *testing.T, left time.Duration, replace map[string]any) (path string) {
	t.Helper()
	path = awsCacheFile(filepath.Join(b.home, ".aws", "login", "cache"), jo)
	all := map[string]any{"accessToken.expiresAt": b.now.Add(left).Format(time.RFC3339)}
	for name, value := range replace {
		all[name] = value
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(cacheText(t, all)), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// own stores a sign-in of fob's own, with some time left.
func (b *consoleBench) own(t *testing.T, left time.Duration) {
	t.Helper()
	token, err := parseAWSCache(cacheText(t, nil), jo)
	if err != nil {
		t.Fatal(err)
	}
	token.Session.ID = "ASIAOWN0000000000000"
	token.Session.Expires = b.now.Add(left)
	token.Expires = token.Session.Expires
	name, id := b.step.TokenName()
	if _, err := b.Store.SetToken(t.Context(), name, id, token, keyring.Info{Account: "111111111111", ARN: jo}); err != nil {
		t.Fatal(err)
	}
}

const (
	fileID = "ASIAIOSFODNN7EXAMPLE"
	nextID = "ASIANEXT000000000001"
)

// AWS's cache is served without a lock, a store or a call while it has time left; then it
// is renewed, and what is left is handed out where that does not work.
func TestConsoleOfAWS(t *testing.T) {
	for _, tt := range []struct {
		name   string
		left   time.Duration
		break_ func(b *consoleBench, path string) error
		id     string // of what is handed out
		calls  string
		err    string
	}{
		{name: "all of it left", left: 15 * time.Minute, id: fileID},
		{name: "5 minutes left", left: 5 * time.Minute, id: fileID},
		{name: "less left", left: 5*time.Minute - time.Second, id: nextID, calls: "refresh_token"},
		{name: "expired", left: -11 * time.Hour, id: nextID, calls: "refresh_token"},
		{name: "AWS is down, enough left", left: time.Minute, id: fileID, break_: func(b *consoleBench, _ string) error {
			b.aws.down = true
			return nil
		}},
		{name: "AWS is down", left: time.Minute - time.Second, err: "could not reach AWS", break_: func(b *consoleBench, _ string) error {
			b.aws.down = true
			return nil
		}},
		{name: "AWS has ended it, enough left", left: time.Minute, id: fileID, calls: "refresh_token", break_: func(b *consoleBench, _ string) error {
			b.aws.reason = reasonExpired
			return nil
		}},
		{name: "AWS has ended it", err: "the sign-in of ops to the AWS console has ended", calls: "refresh_token", break_: func(b *consoleBench, _ string) error {
			b.aws.reason = reasonExpired
			return nil
		}},
		{name: "the password has changed", err: "the sign-in of ops to the AWS console has ended: the password or the MFA device of the user has changed", calls: "refresh_token",
			break_: func(b *consoleBench, _ string) error {
				b.aws.reason = reasonChanged
				return nil
			}},
		{name: "no permission", err: jo + " may not sign in for programs: it needs the policy SignInLocalDevelopmentAccess", calls: "refresh_token",
			break_: func(b *consoleBench, _ string) error {
				b.aws.reason = reasonPermissions
				return nil
			}},
		{name: "signed out", err: "ops is not signed in to the AWS console", break_: func(_ *consoleBench, path string) error { return os.Remove(path) }},
		{name: "damaged", err: "it is not a sign-in of the AWS CLI", break_: func(_ *consoleBench, path string) error { return os.WriteFile(path, nil, 0o600) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newConsoleBench(t, false)
			path := b.awsFile(t, tt.left, nil)
			before, _ := os.ReadFile(path)
			if tt.break_ != nil {
				if err := tt.break_(b, path); err != nil {
					t.Fatal(err)
				}
			}
			s, err := b.Console(t.Context(), b.step)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || s.ID != tt.id {
				t.Errorf("%s, %v\n%q", s.ID, err, b.logs)
			}
			if calls := b.aws.took(); calls != tt.calls {
				t.Errorf("calls %q, want %q", calls, tt.calls)
			}
			if exists, _ := b.Store.Exists(); exists {
				t.Error("made a store")
			}
			_, locks := os.Stat(filepath.Join(b.home, "store"))
			if tt.left >= consoleDue && locks == nil {
				t.Error("took a lock")
			}
			after, _ := os.ReadFile(path)
			if renewed := tt.id == nextID; tt.break_ == nil && (string(after) != string(before)) != renewed {
				t.Errorf("the file: %s", after)
			}
		})
	}
}

// fullKeeper is a cache on a full disk.
type fullKeeper struct{ keeper }

func (fullKeeper) reserve(context.Context) error { return errors.New("no space left") }

// Before AWS is asked for the next refresh token, it is sure that it can be kept.
func TestConsoleReserves(t *testing.T) {
	for _, left := range []time.Duration{0, 2 * time.Minute} {
		b := newConsoleBench(t, false)
		b.awsFile(t, left, nil)
		c := console{b.step}
		s, err := b.renewed(t.Context(), c, fullKeeper{&awsSignIn{signer: b.Signer, console: c}})
		if enough := left > 0; enough != (err == nil) || enough != (s.ID == fileID) {
			t.Errorf("%s left: %s, %v", left, s.ID, err)
		}
		if calls := b.aws.took(); calls != "" {
			t.Errorf("%s left: calls %q", left, calls)
		}
	}
}

// A renewal writes back what AWS answered, and nothing else changes, so that every other
// tool can use it.
func TestConsoleRenewal(t *testing.T) {
	b := newConsoleBench(t, false)
	extra := map[string]any{"new": []any{1.0}, "accessToken.scope": "x"}
	path := b.awsFile(t, 0, extra)
	for n := 1; n <= 3; n++ {
		s, err := b.Console(t.Context(), b.step)
		if err != nil || s.ID != fmt.Sprintf("ASIANEXT%012d", n) || s.AccountID != "111111111111" || !s.Expires.Equal(b.now.Add(15*time.Minute)) {
			t.Fatalf("%d: %+v, %v", n, s, err)
		}
		got, _ := os.ReadFile(path)
		want := cacheText(t, map[string]any{
			"new": []any{1.0}, "accessToken.scope": "x", "accessToken.accessKeyId": s.ID, "accessToken.secretAccessKey": "s",
			"accessToken.sessionToken": fmt.Sprintf("t%d", n), "accessToken.expiresAt": s.Expires.Format(time.RFC3339), "refreshToken": fmt.Sprintf("next-%d", n),
		})
		if string(got) != want {
			t.Errorf("%d: got  %s\nwant %s", n, got, want)
		}
		b.now = b.now.Add(15 * time.Minute)
	}
}

// Of many at once one renews, and the others use what it got, with a store or without.
func TestConsoleCrowd(t *testing.T) {
	for _, own := range []bool{false, true} {
		b := newConsoleBench(t, own)
		if own {
			b.own(t, 0)
		} else {
			b.awsFile(t, 0, nil)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if s, err := b.Console(t.Context(), b.step); err != nil || s.ID != nextID {
					t.Errorf("own %v: %s, %v", own, s.ID, err)
				}
			})
		}
		all.Wait()
		if calls := b.aws.took(); calls != "refresh_token" {
			t.Errorf("own %v: calls %q", own, calls)
		}
	}
}

// Other tools take no lock. One that renewed the same sign-in meanwhile was first, and
// what it got is used; a new sign-in is not overwritten by what the old one became.
func TestConsoleAndOtherTools(t *testing.T) {
	t.Run("faster", func(t *testing.T) {
		b := newConsoleBench(t, false)
		b.awsFile(t, 0, nil)
		b.aws.during = func() {
			b.aws.valid = "other"
			b.awsFile(t, 15*time.Minute, map[string]any{"refreshToken": "other", "accessToken.accessKeyId": "ASIAOTHER00000000000"})
		}
		if s, err := b.Console(t.Context(), b.step); err != nil || s.ID != "ASIAOTHER00000000000" {
			t.Errorf("%s, %v", s.ID, err)
		}
	})
	t.Run("signed in meanwhile", func(t *testing.T) {
		b := newConsoleBench(t, false)
		var path string
		b.awsFile(t, 0, nil)
		b.aws.during = func() { path = b.awsFile(t, 15*time.Minute, map[string]any{"refreshToken": "other"}) }
		if s, err := b.Console(t.Context(), b.step); err != nil || s.ID != nextID {
			t.Errorf("%s, %v", s.ID, err)
		}
		if text, _ := os.ReadFile(path); !strings.Contains(string(text), `"other"`) {
			t.Errorf("overwritten: %s", text)
		}
	})
	t.Run("signed out meanwhile", func(t *testing.T) {
		b := newConsoleBench(t, false)
		path := b.awsFile(t, 0, nil)
		b.aws.during = func() { os.Remove(path) }
		if _, err := b.Console(t.Context(), b.step); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("signed in again")
		}
	})
}

// A refresh token that cannot be written where it belongs is kept in the store; without
// one it is an error, and not a silent loss.
func TestConsoleWriteFails(t *testing.T) {
	for _, withStore := range []bool{true, false} {
		b := newConsoleBench(t, withStore)
		path := b.awsFile(t, 0, nil)
		b.aws.during = func() {
			// What cannot be replaced by a rename.
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Error(err)
			}
		}
		s, err := b.Console(t.Context(), b.step)
		if lost := (*LostError)(nil); withStore != (err == nil) || !withStore && (!errors.As(err, &lost) || lost.File != path) {
			t.Errorf("with a store %v: %v", withStore, err)
		}
		if !withStore {
			continue
		}
		if s.ID != nextID || !strings.Contains(strings.Join(b.logs, "\n"), "fob keeps it") {
			t.Errorf("%s, %q", s.ID, b.logs)
		}
		b.aws.during = nil
		b.now = b.now.Add(time.Hour)
		if s, err = b.Console(t.Context(), b.step); err != nil || s.ID != "ASIANEXT000000000002" {
			t.Errorf("afterwards: %s, %v", s.ID, err)
		}
	}
}

// fob's own sign-in comes first, is renewed in the store, and forgotten when AWS has ended
// it. AWS's cache is not touched.
func TestConsoleOwn(t *testing.T) {
	b := newConsoleBench(t, true)
	b.own(t, 15*time.Minute)
	path := b.awsFile(t, 15*time.Minute, nil)
	before, _ := os.ReadFile(path)
	name, id := b.step.TokenName()
	for _, step := range []struct {
		after  time.Duration
		reason string
		id     string
		calls  string
	}{
		{0, "", "ASIAOWN0000000000000", ""},
		{10 * time.Minute, "", "ASIAOWN0000000000000", ""},
		{time.Second, "", nextID, "refresh_token"},
		{13*time.Minute + 30*time.Second, reasonExpired, nextID, "refresh_token"}, // but there is something left
		{20 * time.Second, reasonExpired, nextID, ""},                             // AWS is not asked all the time
		{time.Minute, reasonExpired, "", "refresh_token"},
	} {
		b.now = b.now.Add(step.after)
		b.aws.reason = step.reason
		s, err := b.Console(t.Context(), b.step)
		if s.ID != step.id && step.id != "" || (err == nil) != (step.id != "") {
			t.Errorf("%v: %s, %v", step, s.ID, err)
		}
		if calls := b.aws.took(); calls != step.calls {
			t.Errorf("%v: calls %q", step, calls)
		}
	}
	if _, err := b.Store.TokenInfo(name, id); err == nil {
		t.Error("the sign-in is still there")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("AWS's cache has changed")
	}
}

// browserThat comes back with a code, as the page does, or with something else.
func (b *consoleBench) browserThat(t *testing.T, change func(q url.Values)) func(string) error {
	return func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		q := u.Query()
		if u.Path != "/v1/authorize" || q.Get("client_id") != sameDevice || q.Get("code_challenge_method") != "SHA-256" || q.Get("scope") != "openid" ||
			q.Get("response_type") != "code" || len(q.Get("code_challenge")) != 43 || !strings.HasPrefix(q.Get("redirect_uri"), "http://127.0.0.1:") {
			t.Errorf("address %s", address)
		}
		back := url.Values{"state": {q.Get("state")}, "code": {"code-1"}}
		if change != nil {
			change(back)
		}
		b.aws.mu.Lock()
		b.aws.valid, b.aws.of = "code-1", ""
		b.aws.mu.Unlock()
		res, err := http.Get(q.Get("redirect_uri") + "?" + back.Encode())
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return err
	}
}

func (b *consoleBench) plan() plan.Plan {
	return plan.Plan{Profile: "ops", Steps: []plan.Step{b.step}}
}

// A person signs in for a profile: everything is in the store, nothing in AWS's cache.
func TestConsoleSignIn(t *testing.T) {
	b := newConsoleBench(t, true)
	b.step.AWSLogin = false
	b.Browser = b.browserThat(t, nil)
	if err := b.Ask(t.Context(), b.plan()); err != nil {
		t.Fatal(err)
	}
	s, err := b.Console(t.Context(), b.step)
	if err != nil || s.ID != nextID || s.AccountID != "111111111111" {
		t.Errorf("%+v, %v", s, err)
	}
	if calls := b.aws.took(); calls != "authorization_code" {
		t.Errorf("calls %q", calls)
	}
	name, id := b.step.TokenName()
	token, info, err := b.Store.Token(t.Context(), name, id)
	if err != nil || info.ARN != jo || info.Account != "111111111111" || token.Client.ID != sameDevice || token.DPoPKey.IsZero() || token.IDToken.IsZero() || token.Refresh.Reveal() != "next-1" {
		t.Errorf("%+v, %+v, %v", token, info, err)
	}
	// It is renewed with the key that it belongs to.
	b.now = b.now.Add(time.Hour)
	if s, err = b.Console(t.Context(), b.step); err != nil || s.ID != "ASIANEXT000000000002" {
		t.Errorf("renewed: %s, %v", s.ID, err)
	}
	if _, err := os.Stat(filepath.Join(b.home, ".aws")); err == nil {
		t.Error("there is something in ~/.aws")
	}
	b.Browser = func(string) error { t.Error("a second browser"); return nil }
	if err := b.Ahead(t.Context(), b.plan(), false); err != nil {
		t.Error(err)
	}
}

// What goes wrong when a person signs in, and what is kept then: nothing.
func TestConsoleSignInRefused(t *testing.T) {
	const eve = "arn:aws:iam::111111111111:user/eve"
	for _, tt := range []struct {
		name, subject, reason string
		back                  func(url.Values)
		want                  string
	}{
		{name: "another identity", subject: eve, want: "you signed in as " + eve + ", but ops is for " + jo},
		{name: "no identity", subject: "jo", want: "the ID token does not say who signed in"},
		{name: "denied", want: "the sign-in to the AWS console was not completed: access_denied", back: func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }},
		{name: "late", reason: reasonLateCode, want: "nobody signed in to the AWS console in time"},
		{name: "no permission", reason: reasonPermissions, want: "needs the policy SignInLocalDevelopmentAccess"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newConsoleBench(t, true)
			b.step.AWSLogin = false
			b.Browser = b.browserThat(t, tt.back)
			b.aws.reason = tt.reason
			if tt.subject != "" {
				b.aws.subject = tt.subject
			}
			err := b.Ask(t.Context(), b.plan())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if infos, err := b.Store.Infos(keyring.KindToken); err != nil || len(infos) > 0 {
				t.Errorf("kept %v, %v", infos, err)
			}
		})
	}
}

// aws login is the way to sign in where AWS's tools do it, unless a person asks fob to.
func TestConsoleLeftToAWS(t *testing.T) {
	b := newConsoleBench(t, true)
	b.Browser = func(string) error { t.Error("a browser"); return nil }
	var needed *NeededError
	if err := b.Ask(t.Context(), b.plan()); !errors.As(err, &needed) || !needed.AWSLogin {
		t.Errorf("%v", err)
	}
	b.awsFile(t, 15*time.Minute, nil)
	if err := b.Ahead(t.Context(), b.plan(), false); err != nil {
		t.Errorf("signed in: %v", err)
	}
	b.awsFile(t, 0, nil)
	b.aws.reason = reasonExpired
	b.Browser = func(address string) error {
		b.aws.mu.Lock()
		b.aws.reason = ""
		b.aws.mu.Unlock()
		return b.browserThat(t, nil)(address)
	}
	if err := b.Ahead(t.Context(), b.plan(), false); err != nil {
		t.Errorf("ended: %v", err)
	}
	if s, err := b.Console(t.Context(), b.step); err != nil || s.ID != nextID {
		t.Errorf("%s, %v", s.ID, err)
	}
	if logs := strings.Join(b.logs, "\n"); !strings.Contains(logs, "AWS's own tools keep a sign-in of their own: aws login --profile ops") {
		t.Errorf("not told that this is another sign-in: %s", logs)
	}
}

// A person who signed in as somebody else is not asked again by those who waited.
func TestConsoleIdentityIsShared(t *testing.T) {
	b := newConsoleBench(t, true)
	b.step.AWSLogin = false
	b.aws.subject = "arn:aws:iam::111111111111:user/eve"
	waits := *b.Signer
	waiting, done := make(chan bool), make(chan error)
	waits.MayAsk = func() (bool, error) { close(waiting); return true, nil }
	waits.Browser = func(string) error { t.Error("a second browser"); return nil }
	b.Browser = func(address string) error {
		go func() { done <- waits.Ask(t.Context(), b.plan()) }()
		<-waiting
		return b.browserThat(t, nil)(address)
	}
	var identity *IdentityError
	if err := b.Ask(t.Context(), b.plan()); !errors.As(err, &identity) {
		t.Errorf("%v", err)
	}
	var shared *SharedError
	if err := <-done; !errors.As(err, &shared) || shared.Outcome != keyring.Refused {
		t.Errorf("the one who waited: %v", err)
	}
}

// With a browser elsewhere, the person pastes what the page shows.
func TestConsolePasted(t *testing.T) {
	b := newConsoleBench(t, true)
	b.Device, b.step.AWSLogin = true, false
	b.Paste = func(_ context.Context, _ string, check func(string) error) (string, error) {
		u, err := url.Parse(strings.TrimSpace(b.logs[len(b.logs)-1]))
		q := u.Query()
		if err != nil || q.Get("client_id") != crossDevice || q.Get("redirect_uri") != b.aws.URL+"/v1/sessions/confirmation" {
			t.Errorf("%v, %v", u, err)
		}
		encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
		for _, wrong := range []string{"", "code-1", encode("code=code-1"), encode("state=" + q.Get("state")), encode("state=other&code=code-1")} {
			if err := check(wrong); err == nil {
				t.Errorf("took %q", wrong)
			}
		}
		b.aws.valid = "code-1"
		return "", check(" " + encode("state="+q.Get("state")+"&code=code-1") + "\n")
	}
	if err := b.Ask(t.Context(), b.plan()); err != nil {
		t.Fatal(err)
	}
	name, id := b.step.TokenName()
	if token, _, err := b.Store.Token(t.Context(), name, id); err != nil || token.Client.ID != crossDevice {
		t.Errorf("%+v, %v", token.Client, err)
	}
}

// A new profile belongs to the person who signs in.
func TestSignInToConsole(t *testing.T) {
	b := newConsoleBench(t, true)
	b.Browser = b.browserThat(t, nil)
	arn, err := b.SignInToConsole(t.Context(), "new", b.step.Signin)
	if err != nil || arn != jo {
		t.Fatalf("%s, %v", arn, err)
	}
	if s, err := b.Console(t.Context(), b.step); err != nil || s.ID != nextID {
		t.Errorf("%s, %v", s.ID, err)
	}
	b.MayAsk = func() (bool, error) { return false, nil }
	var needed *NeededError
	if _, err := b.SignInToConsole(t.Context(), "new", b.step.Signin); !errors.As(err, &needed) {
		t.Errorf("%v", err)
	}
}

// A user who gives up after the request was sent does not cost anybody the sign-in.
func TestConsoleCancelled(t *testing.T) {
	b := newConsoleBench(t, false)
	path := b.awsFile(t, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	b.aws.during = cancel
	if _, err := b.Console(ctx, b.step); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), `"next-1"`) {
		t.Errorf("lost: %s", text)
	}
}
