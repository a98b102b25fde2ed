package signin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
	"fob/keyring"
)

const (
	admin = "AdministratorAccess"
	to    = "Identity Center (corp)"
	m     = time.Minute
)

// A bench is a signer with a fake AWS, an open store and a clock that both go by.
type bench struct {
	*Signer
	t   testing.TB
	aws *ststest.Server
	dir string

	mu    sync.Mutex
	ahead time.Duration // of the bench's clock
	said  []string
	pages []string // that the browser opened
}

func newBench(t testing.TB) *bench {
	t.Helper()
	aws, err := ststest.Start(ststest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { aws.Close() })
	if err := aws.AddDemo(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, aws: aws, dir: t.TempDir()}
	b.Signer = b.signer()
	if _, err := b.Store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// signer is another one, with a store of its own in the same directory, as another
// process has.
func (b *bench) signer() *Signer {
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(b.dir, "store"), StateDir: filepath.Join(b.dir, "state"), Backend: "file", WorkFactor: 2,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
		Now:        b.now,
	})
	say := func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.said = append(b.said, fmt.Sprintf(format, args...))
	}
	return &Signer{
		Store:  store,
		Open:   func(ctx context.Context) error { return store.Unlock(ctx, keyring.KindToken) },
		MayAsk: func() (bool, error) { return true, nil },
		Dial: func(e plan.Endpoint, log func(string, ...any)) (*awsapi.Client, error) {
			l := awsapi.Limits{Dial: 2 * time.Second, Answer: 2 * time.Second, Call: 5 * time.Second, Backoff: 10 * time.Millisecond, Now: b.now}
			return awsapi.NewClient(l, e, log)
		},
		Browser: func(address string) error {
			b.publishable(address)
			b.mu.Lock()
			b.pages = append(b.pages, address)
			b.mu.Unlock()
			_, err := ststest.Browse(context.Background(), address)
			return err
		},
		Pause:    func(_ context.Context, d time.Duration) error { b.later(d); return nil },
		Patience: 5 * time.Second,
		Say:      say, Note: say,
		Waiting: func(string, ...any) func() { return func() {} },
		Now:     b.now,
		Log:     func(format string, args ...any) { b.publishable(fmt.Sprintf(format, args...)) },
	}
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.ahead)
}

// later moves the clock of both.
func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	b.ahead += d
	b.mu.Unlock()
	b.aws.Advance(d)
}

// publishable fails the test if a token is in a text that is shown or logged.
func (b *bench) publishable(text string) {
	for _, secret := range []string{"aoaAAAAA", "aorAAAAA", "eyJraWQi"} {
		if strings.Contains(text, secret) {
			b.t.Errorf("a secret in %q", text)
		}
	}
}

// did are the calls since the last look, in short.
func (b *bench) did() string {
	var names []string
	for _, c := range b.aws.Calls() {
		name := c.Action
		if g := c.Params["grantType"]; name == "CreateToken" {
			name = g[strings.LastIndexByte(g, ':')+1:]
		}
		if c.Code != "OK" {
			name += "!"
		}
		names = append(names, name)
	}
	b.aws.ResetCalls()
	return strings.Join(names, " ")
}

// step is the profile's at the demo's Identity Center.
func (b *bench) step(edit ...func(*plan.SSO)) plan.SSO {
	e := plan.Endpoint{Region: ststest.DemoSSORegion, URL: b.aws.URL}
	s := plan.SSO{
		Profile: "ops", Session: "corp", StartURL: ststest.DemoStartURL, Region: ststest.DemoSSORegion,
		Scopes: []string{defaultScope}, AccountID: ststest.DemoAccount, RoleName: admin, OIDC: e, Portal: e,
	}
	for _, f := range edit {
		f(&s)
	}
	return s
}

func planOf(s plan.SSO) plan.Plan { return plan.Plan{Profile: s.Profile, Steps: []plan.Step{s}} }

// get gets the credentials, and has a person sign in where that is needed, as the broker
// does.
func (b *bench) get(s *Signer, step plan.SSO) (creds.Session, error) {
	got, err := s.RoleCredentials(b.t.Context(), step)
	if needed := (*NeededError)(nil); errors.As(err, &needed) {
		if err = s.Ask(b.t.Context(), planOf(step)); err == nil {
			got, err = s.RoleCredentials(b.t.Context(), step)
		}
	}
	return got, err
}

// quiet is RoleCredentials.
func (b *bench) quiet(step plan.SSO) error {
	_, err := b.RoleCredentials(b.t.Context(), step)
	return err
}

func (b *bench) signIn(step plan.SSO) {
	b.t.Helper()
	if err := b.Ask(b.t.Context(), planOf(step)); err != nil {
		b.t.Fatal(err)
	}
	b.did()
}

// token is the stored sign-in.
func (b *bench) token(step plan.SSO) creds.Token {
	name, id := step.TokenName()
	t, _, err := b.Store.Token(b.t.Context(), name, id)
	if missing := (*keyring.NotFoundError)(nil); err != nil && !errors.As(err, &missing) {
		b.t.Error(err)
	}
	return t
}

func wantErr[E error](t testing.TB, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("error is %T (%v), want %T", err, err, want)
	}
	return want
}

func (b *bench) want(calls string) {
	b.t.Helper()
	if got := b.did(); got != calls {
		b.t.Errorf("calls: %s, want %s", got, calls)
	}
}

func (b *bench) hears(line string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.said, func(s string) bool { return strings.Contains(s, line) })
}
