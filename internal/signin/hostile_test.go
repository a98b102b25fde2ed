package signin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// at is the step at a server that answers what the rows of a test say.
func (b *bench) at(t *testing.T, answer func(path string, n int) (status int, body string)) plan.SSO {
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		status, body := answer(r.URL.Path, asked[r.URL.Path])
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return b.step(func(s *plan.SSO) { s.OIDC.URL, s.Portal.URL = server.URL, server.URL })
}

const pending = `{"error":"authorization_pending"}`

// Whatever an endpoint says of pauses and lifetimes, fob asks it no more often than AWS
// wants to be asked, and waits for the person no longer than for AWS's own codes.
func TestDeviceNumbers(t *testing.T) {
	for _, row := range []struct {
		life, interval int64
		first          time.Duration // the first pause; 0 if the code is not shown
	}{
		{600, 0, pollPause},
		{600, 2, 2 * time.Second},
		{600, 3600, maxPoll},
		{600, -1, pollPause},
		{600, math.MinInt64, pollPause},
		{600, math.MaxInt64, maxPoll},
		{math.MaxInt64, 5, pollPause},
		{10_000_000_000, 5, pollPause}, // in nanoseconds more than 64 bits
		{-1, 5, 0},
	} {
		b := newBench(t)
		b.Device = true
		ctx, cancel := context.WithCancel(t.Context())
		var pauses []time.Duration
		b.Pause = func(_ context.Context, d time.Duration) error {
			if pauses = append(pauses, d); len(pauses) == 3 {
				cancel()
			}
			return ctx.Err()
		}
		step := b.at(t, func(path string, _ int) (int, string) {
			switch path {
			case "/client/register":
				return 200, `{"clientId":"client","clientSecret":"client-secret","clientSecretExpiresAt":99999999999}`
			case "/device_authorization":
				return 200, fmt.Sprintf(`{"deviceCode":"device-code","userCode":"ABCD","verificationUri":"https://x.awsapps.com/","expiresIn":%d,"interval":%d}`, row.life, row.interval)
			}
			return 400, pending
		})
		err := b.Ask(ctx, planOf(step))
		if row.first == 0 {
			wantErr[*awsapi.AnswerError](t, err)
			continue
		}
		if len(pauses) != 3 || pauses[0] != row.first {
			t.Errorf("expiresIn %d, interval %d: pauses %v, want %v; %v", row.life, row.interval, pauses, row.first, err)
		}
	}
}

// A time that no answer of AWS's has is refused, and does not become an error of the
// store's or credentials that never end.
func TestHostileTimes(t *testing.T) {
	for _, at := range []int64{math.MaxInt64, math.MinInt64, 1 << 53, -1} {
		b := newBench(t)
		b.Device = true
		step := b.at(t, func(path string, n int) (int, string) {
			switch path {
			case "/client/register":
				return 200, fmt.Sprintf(`{"clientId":"client","clientSecret":"client-secret","clientSecretExpiresAt":%d}`, at)
			case "/device_authorization":
				return 200, `{"deviceCode":"device-code","userCode":"ABCD","verificationUri":"https://x.awsapps.com/","expiresIn":600}`
			case "/token":
				return 200, `{"accessToken":"a","refreshToken":"r","expiresIn":3600}`
			}
			return 200, fmt.Sprintf(`{"roleCredentials":{"accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, at)
		})
		err := b.Ask(t.Context(), planOf(step))
		if err != nil && (strings.Contains(err.Error(), "year") || strings.Contains(err.Error(), "json")) {
			t.Errorf("clientSecretExpiresAt %d: %v", at, err)
		}
		name, id := step.TokenName()
		token := creds.Token{Access: creds.NewSecret("a"), Refresh: creds.NewSecret("r"), Expires: b.now().Add(time.Hour)}
		if _, err := b.Store.SetToken(t.Context(), name, id, token, keyring.Info{}); err != nil {
			t.Fatal(err)
		}
		s, err := b.RoleCredentials(t.Context(), step)
		if err == nil {
			t.Errorf("expiration %d: %v", at, s.Expires)
		} else {
			wantErr[*awsapi.AnswerError](t, err)
		}
	}
}

// A store that two machines share has no lock over both of them. The one whose refresh
// token AWS has already replaced uses what the other one got, and does not remove it.
func TestRefreshedElsewhere(t *testing.T) {
	for _, left := range []time.Duration{-time.Hour, 9 * m} {
		b := newBench(t)
		newer := creds.Token{Access: creds.NewSecret("access-2"), Refresh: creds.NewSecret("refresh-2"), Expires: b.now().Add(time.Hour)}
		var name, id string
		step := b.at(t, func(path string, n int) (int, string) {
			if path == "/token" {
				if _, err := b.signer().Store.SetToken(t.Context(), name, id, newer, keyring.Info{}); err != nil {
					t.Error(err)
				}
				return 400, `{"error":"invalid_grant"}`
			}
			return 200, fmt.Sprintf(`{"roleCredentials":{"accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, b.now().Add(time.Hour).UnixMilli())
		})
		name, id = step.TokenName()
		older := creds.Token{Access: creds.NewSecret("access-1"), Refresh: creds.NewSecret("refresh-1"), Expires: b.now().Add(left)}
		if _, err := b.Store.SetToken(t.Context(), name, id, older, keyring.Info{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.RoleCredentials(t.Context(), step); err != nil {
			t.Errorf("%v left: %v", left, err)
		}
		if got := b.token(step); !got.Access.Equal(newer.Access) || !got.Refresh.Equal(newer.Refresh) {
			t.Errorf("%v left: the other machine's sign-in is gone", left)
		}
	}
}

func TestConsoleRenewedElsewhere(t *testing.T) {
	for _, left := range []time.Duration{0, 4 * m} {
		b := newConsoleBench(t, true)
		b.own(t, left)
		name, id := b.step.TokenName()
		b.aws.reason = reasonExpired
		b.aws.during = func() {
			token, err := parseAWSCache(cacheText(t, nil), jo)
			token.Session.ID, token.Refresh = nextID, creds.NewSecret("refresh-2")
			token.Expires = b.now.Add(15 * m)
			token.Session.Expires = token.Expires
			if err == nil {
				_, err = b.Store.SetToken(t.Context(), name, id, token, keyring.Info{Account: "111111111111", ARN: jo})
			}
			if err != nil {
				t.Error(err)
			}
		}
		if s, err := b.Console(t.Context(), b.step); s.ID != nextID || err != nil {
			t.Errorf("%v left: %s, %v", left, s.ID, err)
		}
		if got, _, err := b.Store.Token(t.Context(), name, id); err != nil || got.Refresh.Reveal() != "refresh-2" {
			t.Errorf("%v left: the other machine's sign-in is gone: %v", left, err)
		}
	}
}

// Who opens connections without end, silent ones and ones that only begin to ask, takes
// neither fob's descriptors nor the browser's place.
func TestBrowseCrowd(t *testing.T) {
	b := newBench(t)
	b.Browser = func(address string) error {
		redirect, state, _ := strings.Cut(address, " ")
		u, err := url.Parse(redirect)
		if err != nil {
			return err
		}
		var crowd []net.Conn
		for i := range 3 * maxGuests {
			c, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Error(err)
				break
			}
			t.Cleanup(func() { c.Close() })
			if i%2 == 0 {
				fmt.Fprint(c, "GET ")
			}
			crowd = append(crowd, c)
		}
		for _, c := range crowd[:maxGuests] {
			c.SetReadDeadline(time.Now().Add(2 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("an old connection is still open: %v", err)
			}
		}
		if status, _, _ := get(t, "GET", redirect+"?code=abc&state="+state, ""); status != 200 {
			t.Errorf("status %d", status)
		}
		return nil
	}
	back, err := b.browse(t.Context(), &NeededError{To: to}, func(redirect, state string) string { return redirect + " " + state })
	if back.code != "abc" || err != nil {
		t.Errorf("%+v, %v", back, err)
	}
}

// A sign-in that somebody else can have written is not offered: fob would act as whom they
// signed in as.
func TestForeignCLIToken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("what is below a user's profile is that user's alone")
	}
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	step := plan.SSO{Session: "corp", StartURL: "https://d-1.awsapps.com/start", Region: "eu-west-1"}
	const text = `{"startUrl":"https://d-1.awsapps.com/start","region":"eu-west-1","accessToken":"aoa1","expiresAt":"2026-11-23T19:34:00Z"}`
	for _, row := range []struct {
		name      string
		dir, file os.FileMode
		found     bool
	}{
		{"private", 0o700, 0o600, true},
		{"readable by others", 0o755, 0o644, true},
		{"everybody's", 0o755, 0o666, false},
		{"in everybody's directory", 0o777, 0o600, false},
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		path := filepath.Join(dir, cliFile(step))
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, row.file), os.Chmod(dir, row.dir)); err != nil {
			t.Fatal(err)
		}
		var logs []string
		s := &Signer{CLICache: dir, Now: func() time.Time { return now }, Log: func(format string, args ...any) { logs = append(logs, fmt.Sprintf(format, args...)) }}
		if _, found := s.ofCLI(step); found != row.found || !found && len(logs) != 1 {
			t.Errorf("%s: found %v, logs %q", row.name, found, logs)
		}
	}
}

// While a token lives, it serves even if the process that should renew it dies. Else the
// error says what has died.
func TestRenewalDies(t *testing.T) {
	for _, left := range []time.Duration{9 * m, -m} {
		b := newBench(t)
		step := b.at(t, func(string, int) (int, string) {
			return 200, fmt.Sprintf(`{"roleCredentials":{"accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, b.now().Add(time.Hour).UnixMilli())
		})
		name, id := step.TokenName()
		token := creds.Token{Access: creds.NewSecret("access-1"), Refresh: creds.NewSecret("refresh-1"), Expires: b.now().Add(left)}
		if _, err := b.Store.SetToken(t.Context(), name, id, token, keyring.Info{}); err != nil {
			t.Fatal(err)
		}
		b.Apart = func(ctx context.Context, request []byte) ([]byte, error) {
			return Process(ctx, os.Args[0], "-nonsense", []string{}, request) // which a test does not know
		}
		err := b.quiet(step)
		if left > 0 && err != nil || left < 0 && (err == nil || err.Error() != "the process that renews the sign-in has failed: exit status 2") {
			t.Errorf("%v left: %v", left, err)
		}
	}
}

// A token that is longer than any of AWS's is not kept: there is no room for it on the way
// to the process that renews.
func TestLongTokens(t *testing.T) {
	long := strings.Repeat("a", maxTokenSize+1)
	for _, answer := range []string{`{"accessToken":"` + long + `","expiresIn":3600}`, `{"accessToken":"a","refreshToken":"` + long + `","expiresIn":3600}`} {
		b := newBench(t)
		b.Device = true
		step := b.at(t, func(path string, _ int) (int, string) {
			switch path {
			case "/client/register":
				return 200, `{"clientId":"client","clientSecret":"client-secret","clientSecretExpiresAt":99999999999}`
			case "/device_authorization":
				return 200, `{"deviceCode":"device-code","userCode":"ABCD","verificationUri":"https://x.awsapps.com/","expiresIn":600}`
			}
			return 200, answer
		})
		wantErr[*awsapi.AnswerError](t, b.Ask(t.Context(), planOf(step)))
	}
}

// What a console sign-in gives counts from this computer's clock. If that has been put back
// since, nobody knows how much is left, and the sign-in is renewed.
func TestConsoleClockPutBack(t *testing.T) {
	b := newConsoleBench(t, true)
	now := b.now
	b.now = now.Add(24 * time.Hour)
	b.own(t, 15*m)
	if _, err := b.Console(t.Context(), b.step); err != nil || b.aws.took() != "" {
		t.Errorf("renewed before: %v", err)
	}
	b.now = now
	for _, calls := range []string{"refresh_token", ""} {
		s, err := b.Console(t.Context(), b.step)
		if s.ID != nextID || err != nil || s.Expires.Sub(b.now) > 15*m {
			t.Errorf("%s until %v, %v", s.ID, s.Expires, err)
		}
		if got := b.aws.took(); got != calls {
			t.Errorf("calls %q, want %q", got, calls)
		}
	}
}
