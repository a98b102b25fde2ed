package signin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fob/internal/plan"
	"fob/internal/ststest"
)

// get is a request to the listener as a browser or a stranger makes it.
func get(t *testing.T, method, address, host string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// What comes to the listener: only an answer with the state ends the wait, and no page
// shows what somebody else wrote as it is.
func TestBrowse(t *testing.T) {
	needed := &NeededError{Profile: "ops", To: to}
	for _, row := range []struct {
		name, last string
		want       returned
		denied     string
		page       string
	}{
		{"code", "code=abc&state=STATE", returned{code: "abc"}, "", "You can close this tab"},
		{"denied", "error=access_denied&error_description=The+user+denied+access&state=STATE", returned{},
			"the sign-in to " + to + " was not completed: access_denied: The user denied access", "access_denied: The user denied access"},
		{"hostile", "error=%3Cscript%3E&error_description=%3Cb%3Ex%0Ay%26%22&state=STATE", returned{},
			"the sign-in to " + to + " was not completed: <script>: <b>x y&\"", "&lt;script&gt;: &lt;b&gt;x y&amp;&#34;"},
		{"long", "error=x&error_description=" + strings.Repeat("y", 999) + "&state=STATE", returned{},
			"the sign-in to " + to + " was not completed: x: " + strings.Repeat("y", maxWords) + "...", "x: yyy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			var redirect, state string
			var answered time.Time
			page := func(r, s string) string { redirect, state = r, s; return "about:blank" }
			b.Browser = func(string) error {
				u, err := url.Parse(redirect)
				if err != nil || u.Hostname() != "127.0.0.1" || u.Path != "/oauth/callback" || len(state) < 26 {
					t.Errorf("%q, %q, %v", redirect, state, err)
				}
				for _, stranger := range []struct {
					method, address, host string
					status                int
				}{
					{"GET", "http://" + u.Host + "/", "", 404},
					{"GET", "http://" + u.Host + "/favicon.ico", "", 404},
					{"GET", redirect + "/x?code=a&state=" + state, "", 404},
					{"POST", redirect + "?code=a&state=" + state, "", 404},
					{"HEAD", redirect + "?code=a&state=" + state, "", 404},
					{"GET", redirect + "?code=a&state=" + state, "evil.example:" + u.Port(), 404},
					{"GET", redirect + "?code=a&state=" + state, "localhost:" + u.Port(), 404},
					{"GET", redirect, "", 400},
					{"GET", redirect + "?code=evil&state=x", "", 400},
					{"GET", redirect + "?error=evil&state=" + state[1:], "", 400},
					{"GET", redirect + "?code=evil", "", 400},
					{"GET", redirect + "?state=" + state, "", 400},
					{"GET", redirect + "?code=a&error=b&state=" + state, "", 400},
				} {
					if status, _, _ := get(t, stranger.method, stranger.address, stranger.host); status != stranger.status {
						t.Errorf("%v: %d", stranger, status)
					}
				}
				spare, err := net.Dial("tcp", u.Host) // browsers do that
				if err != nil {
					t.Error(err)
				} else {
					t.Cleanup(func() { spare.Close() })
				}
				answered = time.Now()
				status, h, text := get(t, "GET", redirect+"?"+strings.Replace(row.last, "STATE", state, 1), "")
				if status != 200 || !strings.Contains(text, row.page) || strings.Contains(text, "<script>") || strings.Contains(text, "abc") {
					t.Errorf("%d, %s", status, text)
				}
				if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Errorf("header %v", h)
				}
				return nil
			}
			got, err := b.browse(t.Context(), needed, page)
			if got.code != row.want.code || row.denied == "" && (err != nil || got.redirect != redirect) || row.denied != "" && err.Error() != row.denied {
				t.Errorf("%+v, %v", got, err)
			}
			if took := time.Since(answered); took > 900*time.Millisecond {
				t.Errorf("it waited for %v after the answer", took)
			}
			u, _ := url.Parse(redirect)
			if c, err := net.DialTimeout("tcp", u.Host, time.Second); err == nil {
				c.Close()
				t.Error("it still listens")
			}
		})
	}
}

// The wait ends with the context and with the time, and a browser that does not open shows
// the address.
func TestBrowseEnds(t *testing.T) {
	b := newBench(t)
	needed := &NeededError{Profile: "ops", To: to}
	page := func(string, string) string { return "https://example.com/?a=1&b=2" }
	b.Browser = func(string) error { return errNoBrowser }
	b.Patience = 50 * time.Millisecond
	if _, err := b.browse(t.Context(), needed, page); wantErr[*LateError](t, err).Error() != "nobody signed in to "+to+" in time" {
		t.Error(err)
	}
	if !b.hears("No browser opened (no program for that). Open this address on this computer:") || !b.hears("    https://example.com/?a=1&b=2") {
		t.Errorf("%q", b.said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.Browser = func(string) error { cancel(); return nil }
	b.Patience = time.Minute
	if _, err := b.browse(ctx, needed, page); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What AWS is asked for in the address: no secret, and what the registration allows.
func TestAuthorizeAddress(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step(func(s *plan.SSO) { s.Scopes = []string{"sso:account:access", "codewhisperer:x"} }))
	u, err := url.Parse(b.pages[0])
	if err != nil || u.Path != "/authorize" || strings.Contains(b.pages[0], "+") {
		t.Fatal(b.pages, err)
	}
	q := u.Query()
	if q.Get("scopes") != "sso:account:access codewhisperer:x" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("response_type") != "code" || len(q) != 7 {
		t.Errorf("%v", q)
	}
}

func TestPrograms(t *testing.T) {
	const address = "https://x/?a=1&b=2"
	for _, row := range []struct {
		system, browser string
		want            [][]string
	}{
		{"linux", "", [][]string{{"xdg-open", address}, {"x-www-browser", address}, {"wslview", address}}},
		{"darwin", "", [][]string{{"open", address}}},
		{"windows", "", [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}},
		{"darwin", "firefox", [][]string{{"firefox", address}, {"open", address}}},
		{"darwin", "firefox --new-tab '%s' --x:w3m", [][]string{{"firefox", "--new-tab", address, "--x"}, {"w3m", address}, {"open", address}}},
		{"darwin", "a --url=%s:: ", [][]string{{"a", "--url=" + address}, {"open", address}}},
	} {
		b := Browsers{Getenv: func(string) string { return row.browser }}
		if got := b.programs(row.system, address); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s, %q: %q", row.system, row.browser, got)
		}
	}
}

func TestIsPortal(t *testing.T) {
	for address, want := range map[string]bool{
		"https://d-1.awsapps.com/start":                                   true,
		"https://D-1.AWSAPPS.COM/start":                                   true,
		"https://start.home.awsapps.cn/directory/d-1":                     true,
		"https://ssoins-1.portal.eu-west-1.app.aws":                       true,
		"https://start.us-gov-home.awsapps.com/directory/d-1":             true,
		"https://ssoins-1.portal.amazonaws.eu":                            true,
		"https://identitycenter.amazonaws.com/ssoins-1":                   true,
		"https://identitycenter.us-gov.amazonaws.com/ssoins-1":            true,
		"https://sso.example.com/":                                        false,
		"https://awsapps.com.evil.example/start":                          false,
		"https://evilawsapps.com/start":                                   false,
		"https://identitycenter.amazonaws.com.evil.example/ssoins-1":      false,
		"https://evil.example/?x=.awsapps.com":                            false,
		"https://x.identitycenter.amazonaws.com/ssoins-1":                 false,
		"https://user:pw@evil.example/start#https://d-1.awsapps.com":      false,
		"https://ssoins-1.portal.cn-north-1.app.amazonwebservices.com.cn": true,
	} {
		u, err := url.Parse(address)
		if err != nil || isPortal(u) != want {
			t.Errorf("%s: %v, %v", address, !want, err)
		}
	}
}

// A company's own start URL leads to AWS's by one redirect.
func TestStartURL(t *testing.T) {
	for _, row := range []struct{ name, leads, want, problem string }{
		{"to the portal", "https://d-1.awsapps.com:443/start/?x=1#y", "https://d-1.awsapps.com/start", ""},
		{"to another place", "https://evil.example/start", "", "leads to evil.example, which is not an AWS access portal"},
		{"without TLS", "http://d-1.awsapps.com/start", "", "leads to d-1.awsapps.com, which is not an AWS access portal"},
		{"nowhere", "", "", "no redirect (HTTP status 200)"},
		{"HEAD is refused", "GET https://d-1.awsapps.com/start", "https://d-1.awsapps.com/start", ""},
	} {
		b := newBench(t)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		leads, onlyGet := strings.CutPrefix(row.leads, "GET ")
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case onlyGet && r.Method == "HEAD":
				w.WriteHeader(405)
			case leads != "":
				w.Header().Set("Location", leads)
				w.WriteHeader(302)
			}
		})}
		go server.Serve(listener)
		t.Cleanup(func() { server.Close() })
		client, err := b.client(b.step().OIDC)
		if err != nil {
			t.Fatal(err)
		}
		location, err := client.Location(t.Context(), "http://"+listener.Addr().String())
		got, problem := location, err
		if err == nil {
			got, problem = leadsTo("https://sso.example.com/", location)
		}
		if problem == nil && got != row.want || (problem != nil) != (row.problem != "") || problem != nil && problem.Error() != row.problem {
			t.Errorf("%s: %q, %v", row.name, got, problem)
		}
	}
	b := newBench(t)
	client, _ := b.client(b.step().OIDC)
	for _, own := range []string{ststest.DemoStartURL, "https://identitycenter.amazonaws.com/ssoins-1", "http://sso.example.com"} {
		if got, err := resolveStartURL(t.Context(), client, own); got != own || err != nil {
			t.Errorf("%s: %s, %v", own, got, err)
		}
	}
}

// The AWS CLI's sign-in, found by its name, and only if it is for the same place and lasts.
func TestOfCLI(t *testing.T) {
	const (
		corp   = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
		inline = "0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json"
	)
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	step := plan.SSO{Session: "corp", StartURL: "https://d-1.awsapps.com/start", Region: "eu-west-1"}
	own := step
	own.Session = ""
	if cliFile(step) != corp || cliFile(own) != inline {
		t.Error(cliFile(step), cliFile(own))
	}
	good := map[string]string{"startUrl": step.StartURL, "region": "eu-west-1", "accessToken": "aoa1", "expiresAt": "2026-11-23T19:34:00Z", "refreshToken": "aor1"}
	for _, row := range []struct {
		name, key, value string
		found            bool
	}{
		{"good", "", "", true},
		{"as old versions wrote it", "expiresAt", "2026-11-23T19:34:00UTC", true},
		{"a slash", "startUrl", step.StartURL + "/", true},
		{"another region", "region", "eu-west-2", false},
		{"another portal", "startUrl", "https://d-2.awsapps.com/start", false},
		{"expired", "expiresAt", "2026-11-23T17:34:00Z", false},
		{"expires soon", "expiresAt", "2026-11-23T18:14:00Z", false},
		{"no time", "expiresAt", "tomorrow", false},
		{"no token", "accessToken", "", false},
		{"a header of its own", "accessToken", "a\r\nx: y", false},
	} {
		file := map[string]string{}
		for k, v := range good {
			file[k] = v
		}
		if row.key != "" {
			file[row.key] = row.value
		}
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, corp), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Signer{CLICache: dir, Now: func() time.Time { return now }}
		got, found := s.ofCLI(step)
		if found != row.found || found && (got.Access.Reveal() != "aoa1" || !got.Refresh.IsZero() || !got.Expires.Equal(time.Date(2026, 11, 23, 19, 34, 0, 0, time.UTC))) {
			t.Errorf("%s: %v, %v", row.name, found, got.Expires)
		}
		if _, found := s.ofCLI(own); found {
			t.Errorf("%s: found under another name", row.name)
		}
	}
}

// The AWS CLI's sign-in is offered once, and used if the person wants that; a no lasts.
func TestOffer(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	token := b.token(b.step()) // what the CLI would have got
	name, id := b.step().TokenName()
	b.CLICache = t.TempDir()
	text, _ := json.Marshal(map[string]string{"startUrl": ststest.DemoStartURL, "region": ststest.DemoSSORegion, "accessToken": token.Access.Reveal(), "expiresAt": token.Expires.Format(time.RFC3339)})
	if err := os.WriteFile(filepath.Join(b.CLICache, cliFile(b.step())), text, 0o600); err != nil {
		t.Fatal(err)
	}
	asked, answer := 0, true
	b.Offer = func(_ context.Context, until time.Time) (bool, error) {
		asked++
		if until.Sub(b.now()) > time.Hour || until.Sub(b.now()) < 59*m {
			t.Error(until)
		}
		return answer, nil
	}
	out := func() {
		if err := b.Store.RemoveToken(name, id); err != nil {
			t.Fatal(err)
		}
	}
	out()
	if _, err := b.get(b.Signer, b.step()); err != nil || asked != 1 {
		t.Error(err, asked)
	}
	b.want("GetRoleCredentials")
	if !b.token(b.step()).Refresh.IsZero() {
		t.Error("a refresh token")
	}
	out()
	for range 2 {
		if _, err := b.get(b.Signer, b.step()); err != nil || asked != 1 {
			t.Error(err, asked)
		}
		b.want("Authorize authorization_code GetRoleCredentials")
		out()
	}
	// Another sign-in has a question of its own, and a token that AWS does not take any
	// more leads to a sign-in at once.
	b.aws.RevokeTokens()
	step := b.step(func(s *plan.SSO) { s.Scopes = nil })
	wantErr[*NeededError](t, func() error { _, err := b.get(b.Signer, step); return err }())
	b.want("GetRoleCredentials!")
	if _, err := b.get(b.Signer, step); err != nil || asked != 2 {
		t.Error(err, asked)
	}
	b.want("RegisterClient Authorize authorization_code GetRoleCredentials")
}

// A code for any device: too many questions, a no, and no answer.
func TestDevice(t *testing.T) {
	for _, row := range []struct {
		name  string
		do    func(b *bench, asked int)
		err   string
		calls string
	}{
		{"authorized before", nil, "", "device_code"},
		{"slow down", func(b *bench, asked int) {
			b.aws.Fail("CreateToken", ststest.Refuse(400, "SlowDownException", ""), 2)
			b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve})
		}, "", "device_code! device_code! device_code! device_code"},
		{"the network is gone for a while", func(b *bench, asked int) {
			b.aws.Fail("CreateToken", ststest.Status(503), 3)
			b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve})
		}, "", "device_code! device_code! device_code"},
		{"no", func(b *bench, asked int) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Deny}) }, "AWS refused CreateToken: AccessDeniedException: Access denied", "device_code! device_code!"},
		{"nobody", func(b *bench, asked int) {}, "nobody signed in to " + to + " in time", "device_code! device_code!"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.Device = true
			say := b.Say
			b.Say = func(format string, args ...any) {
				say(format, args...)
				if strings.HasPrefix(format, "Confirm") {
					row.do(b, 0)
				}
			}
			if row.do == nil {
				go func() {
					for b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) != nil {
						time.Sleep(time.Millisecond)
					}
				}()
				b.aws.Fail("StartDeviceAuthorization", ststest.Slow(100*time.Millisecond), 1)
			}
			err := b.Ask(t.Context(), planOf(b.step()))
			if (err == nil) != (row.err == "") || err != nil && err.Error() != row.err {
				t.Error(err)
			}
			calls, _ := strings.CutPrefix(b.did(), "RegisterClient StartDeviceAuthorization ")
			if !strings.HasPrefix(calls, row.calls) {
				t.Errorf("calls: %s, want %s", calls, row.calls)
			}
			if row.do == nil && len(b.said) > 0 {
				t.Errorf("said %q", b.said)
			}
		})
	}
}
