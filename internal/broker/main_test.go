package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/ststest"
	"fob/keyring"
)

// With this variable, the test binary is one of the processes of a test.
const roleVariable = "FOB_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		if err := process(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each child sleeps for a second at its end
	os.Exit(m.Run())
}

const (
	deviceARN = ststest.DemoSerial
	roleARN   = ststest.DemoRole
	otherRole = "arn:aws:iam::222222222222:role/audit"
	hour      = time.Hour
)

var longKey = creds.Key{ID: ststest.DemoKeyID, Secret: creds.NewSecret(ststest.DemoSecret)}

// The steps that test plans are made of.
var (
	stepKey   = plan.StoredKey{Profile: "base", KeyID: ststest.DemoKeyID}
	stepMFA   = plan.SessionToken{MFASerial: deviceARN, DurationSeconds: 43200}
	stepPlain = plan.SessionToken{DurationSeconds: 43200}
	stepRole  = plan.AssumeRole{RoleARN: roleARN, RoleSessionName: "jo", DurationSeconds: 3600}
	stepAudit = plan.AssumeRole{RoleARN: otherRole, RoleSessionName: "jo", DurationSeconds: 3600}
)

func planOf(steps ...plan.Step) plan.Plan {
	return plan.Plan{Profile: "dev", STS: plan.Endpoint{Region: "eu-west-1", Home: "us-east-1"}, Steps: steps}
}

// storeOptions are the options of a store that opens fast and asks nobody.
func storeOptions(dir string) keyring.Options {
	return keyring.Options{
		Dir: dir, StateDir: dir + "-state", WorkFactor: 2,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	}
}

// openStore opens the store in dir. If there is none, it creates one with the key of
// profile base.
func openStore(t testing.TB, dir string, edit func(*keyring.Options)) *keyring.Store {
	t.Helper()
	o := storeOptions(dir)
	if edit != nil {
		edit(&o)
	}
	s := keyring.New(o)
	if exists, err := s.Exists(); err != nil || exists {
		return s
	}
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetKey(t.Context(), "base", longKey, keyring.Info{Account: ststest.DemoAccount, ARN: ststest.DemoUser}); err != nil {
		t.Fatal(err)
	}
	return s
}

// sourceOf reads stored keys from a store.
func sourceOf(s *keyring.Store) func(context.Context, plan.Plan, bool) (creds.Session, string, error) {
	return func(ctx context.Context, p plan.Plan, _ bool) (creds.Session, string, error) {
		key, info, err := s.Key(ctx, p.Steps[0].(plan.StoredKey).Profile)
		return creds.Session{Key: key, AccountID: info.Account}, info.Rev, err
	}
}

// codesFunc is a function as Codes.
type codesFunc func(context.Context, mfa.Request) (mfa.Answer, error)

func (f codesFunc) Code(ctx context.Context, r mfa.Request) (mfa.Answer, error) {
	if r.Quiet { // it stands for a person
		return mfa.Answer{}, errNoPerson
	}
	return f(ctx, r)
}

// newTestClient makes a client with limits that are enough for a loaded machine, and
// short enough for a test to wait for.
func newTestClient(t testing.TB, url string) *awsapi.Client {
	t.Helper()
	limits := awsapi.Limits{Dial: 2 * time.Second, Answer: 2 * time.Second, Call: 5 * time.Second, Backoff: 10 * time.Millisecond}
	e := plan.Endpoint{Region: "eu-west-1", Home: "us-east-1", URL: url}
	c, err := awsapi.NewClient(limits, e, func(format string, args ...any) { publishable(t, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newAWS starts a fake AWS with the demo world and a second role.
func newAWS(t testing.TB, c ststest.Config) *ststest.Server {
	t.Helper()
	s, err := ststest.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	trust := []string{"arn:aws:iam::" + ststest.DemoAccount + ":root", roleARN}
	if err := errors.Join(s.AddDemo(), s.AddRole(ststest.Role{ARN: otherRole, Principals: trust})); err != nil {
		t.Fatal(err)
	}
	return s
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

// actions lists the actions that AWS was called for.
func actions(s *ststest.Server) string {
	var names []string
	for _, c := range s.Calls() {
		names = append(names, c.Action)
	}
	return strings.Join(names, " ")
}

func wantErr[E error](t testing.TB, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("error is %T (%v), want %T", err, err, want)
	}
	return want
}

// publishable fails the test unless text is one short line without a secret.
func publishable(t testing.TB, text string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, ststest.DemoSecret, ststest.DemoSeed) {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("a secret in %q", text)
		}
	}
	for _, noise := range []string{"\n", "RequestID", "https response error", "operation error", "Amz-"} {
		if strings.Contains(text, noise) {
			t.Errorf("%q in %q", noise, text)
		}
	}
	if len(text) > 400 {
		t.Errorf("%d characters: %q", len(text), text)
	}
}
