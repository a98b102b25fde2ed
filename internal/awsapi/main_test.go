package awsapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// With this variable, an endpoint's URL and a blank, the test binary calls
// GetCallerIdentity as another process would.
const urlVariable = "FOB_TEST_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(urlVariable); url != "" {
		e := plan.Endpoint{Region: "eu-west-1", Home: "us-east-1", URL: strings.TrimSpace(url)}
		c, err := NewClient(Limits{}, e, func(string, ...any) {})
		if err == nil {
			_, err = c.Identity(context.Background(), withKey)
		}
		if err != nil {
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

// The steps that tests carry out.
var (
	stepMFA   = plan.SessionToken{MFASerial: deviceARN, DurationSeconds: 43200}
	stepPlain = plan.SessionToken{DurationSeconds: 43200}
	stepRole  = plan.AssumeRole{RoleARN: roleARN, RoleSessionName: "jo", DurationSeconds: 3600}
	stepAudit = plan.AssumeRole{RoleARN: otherRole, RoleSessionName: "jo", DurationSeconds: 3600}
)

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
