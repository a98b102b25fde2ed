package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// An error is the same on the other side of the pipe: for those who look for its type, and
// for those who read it.
func TestFailure(t *testing.T) {
	refused := &awsapi.RefusedError{Action: "CreateToken", Code: "InvalidGrantException", Message: "no", Reason: "x", HTTPStatus: 400}
	for _, err := range []error{
		nil,
		errors.New("plain"),
		refused,
		&awsapi.UnreachableError{Host: "oidc.eu-west-1.amazonaws.com", Problem: "no answer in time", Sent: true, Code: "Throttling"},
		&awsapi.UnsentError{Err: &awsapi.UnreachableError{Host: "h", Problem: "p"}},
		&awsapi.AnswerError{Action: "CreateToken", Host: "h", Problem: "p"},
		&NeededError{Profile: "ops", To: "Identity Center (corp)", Ended: true},
		&NeededError{Profile: "ops", To: consoleTitle, AWSLogin: true, Why: errors.New("the password has changed")},
		&PermissionError{Profile: "ops", Session: "arn:aws:iam::111111111111:user/jo", Err: refused},
		&LostError{Profile: "ops", File: "f", AWSLogin: true, Err: errors.New("full")},
		&CacheError{Profile: "ops", File: "f", Err: errors.New("not a file")},
	} {
		text, problem := json.Marshal(failureOf(err))
		if problem != nil {
			t.Fatal(problem)
		}
		var f *failure
		if problem := json.Unmarshal(text, &f); problem != nil {
			t.Fatal(problem)
		}
		if got := f.err(); !reflect.DeepEqual(got, err) {
			t.Errorf("got %#v, want %#v (%s)", got, err, text)
		}
	}
}

// A request has all that the other process needs of a step, and its answer the error, the
// notes and what is logged.
func TestRenewApart(t *testing.T) {
	e := plan.Endpoint{Region: "eu-west-1", Home: "us-east-1", URL: "http://127.0.0.1:1", FIPS: true, CABundle: "/ca.pem"}
	here, step := signedIn(t, "http://127.0.0.1:1")
	step.OIDC, step.Portal, step.Scopes = e, e, []string{"a"}
	name, id := step.TokenName()
	if _, err := here.Store.SetToken(t.Context(), name, id, creds.Token{Access: creds.NewSecret("access"), Expires: time.Now().Add(time.Hour)}, keyring.Info{}); err != nil {
		t.Fatal(err)
	}
	there := *here
	here.Apart = func(ctx context.Context, request []byte) ([]byte, error) {
		var r renewal
		if err := json.Unmarshal(request, &r); err != nil {
			t.Fatal(err)
		}
		got := *r.SSO
		got.OIDC, got.Portal = plan.Endpoint(r.OIDC), plan.Endpoint(r.Portal)
		if !reflect.DeepEqual(got, step) || r.Mark == "" || len(r.Subkey) != 32 {
			t.Errorf("the request is %s", request)
		}
		return there.Renew(ctx, request)
	}
	var said []string
	here.Log = func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	there.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } // the token has ended, and cannot be renewed
	err := here.renewApart(t.Context(), ofSSO(step, creds.NewSecret("access")))
	if needed := (*NeededError)(nil); !errors.As(err, &needed) || !needed.Ended {
		t.Errorf("%v", err)
	}
	// The calls of that process are in the log of this one.
	if _, err := here.Store.SetToken(t.Context(), name, id, creds.Token{
		Access: creds.NewSecret("access"), Refresh: creds.NewSecret("refresh"), Expires: time.Now().Add(time.Hour),
		Client: creds.Client{ID: "client", Secret: creds.NewSecret("s"), Expires: time.Now().AddDate(0, 1, 0)},
	}, keyring.Info{}); err != nil {
		t.Fatal(err)
	}
	step.OIDC.CABundle = ""
	err = here.renewApart(t.Context(), ofSSO(step, creds.Secret{}))
	if unreachable := (*awsapi.UnreachableError)(nil); !errors.As(err, &unreachable) || !slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, "sso-oidc:CreateToken ") }) {
		t.Errorf("%v, %q", err, said)
	}
	for name, answer := range map[string]string{"nothing": "", "half": `{"Notes":["x"`} {
		here.Apart = func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil }
		if err := here.renewApart(t.Context(), ofSSO(step, creds.NewSecret("access"))); err == nil {
			t.Errorf("%s is an answer", name)
		}
	}
	here.Apart = func(context.Context, []byte) ([]byte, error) {
		return []byte(`{"Logs":["from there"]}`), nil
	}
	if err := here.renewApart(t.Context(), ofSSO(step, creds.NewSecret("access"))); err != nil || !slices.Contains(said, "from there") {
		t.Errorf("%v, %q", err, said)
	}
	for _, request := range []string{"", "{}", "[]"} {
		if _, err := there.Renew(t.Context(), []byte(request)); err == nil {
			t.Errorf("%q is a request", request)
		}
	}
}

// Where fob cannot start itself, it renews in its own process.
func TestNoProcess(t *testing.T) {
	s, step := signedIn(t, "http://127.0.0.1:1")
	s.Apart = func(ctx context.Context, request []byte) ([]byte, error) {
		return Process(ctx, "/nonexistent/fob", "word", nil, request)
	}
	s.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	_, _, err := s.access(t.Context(), center{step}, creds.Secret{})
	if needed := (*NeededError)(nil); !errors.As(err, &needed) || !needed.Ended {
		t.Errorf("%v", err)
	}
}
