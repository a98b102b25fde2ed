package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// A portal lists accounts in pages; what cannot be AWS's answer is refused.
func TestAccounts(t *testing.T) {
	for _, row := range []struct {
		name    string
		answer  func(path, account, next string) any
		want    string
		problem string
	}{
		{"pages", func(path, account, next string) any {
			switch {
			case path == "/assignment/accounts" && next == "":
				return map[string]any{"nextToken": "2", "accountList": []map[string]string{{"accountId": "222222222222", "accountName": "prod"}}}
			case path == "/assignment/accounts":
				return map[string]any{"accountList": []map[string]string{{"accountId": "111111111111", "accountName": "Dev", "emailAddress": "dev@example.com"}}}
			case account == "111111111111" && next == "":
				return map[string]any{"nextToken": "r2", "roleList": []map[string]string{{"accountId": account, "roleName": "View"}}}
			case account == "111111111111":
				return map[string]any{"roleList": []map[string]string{{"accountId": account, "roleName": "Admin"}}}
			}
			return map[string]any{"roleList": nil}
		}, "[{111111111111 Dev dev@example.com [Admin View]} {222222222222 prod  []}]", ""},
		{"none", func(string, string, string) any { return map[string]any{} }, "[]", ""},
		{"a bad account", func(string, string, string) any {
			return map[string]any{"accountList": []map[string]string{{"accountId": "1", "accountName": "x"}}}
		}, "[]", "malformed accounts"},
		{"another account's role", func(path, _, _ string) any {
			if path == "/assignment/accounts" {
				return map[string]any{"accountList": []map[string]string{{"accountId": "111111111111"}}}
			}
			return map[string]any{"roleList": []map[string]string{{"accountId": "222222222222", "roleName": "Admin"}}}
		}, "[]", "malformed roles"},
		{"a role with a line break", func(path, account, _ string) any {
			if path == "/assignment/accounts" {
				return map[string]any{"accountList": []map[string]string{{"accountId": "111111111111"}}}
			}
			return map[string]any{"roleList": []map[string]string{{"accountId": account, "roleName": "Admin\ncredential_process = x"}}}
		}, "[]", "malformed roles"},
		{"no end", func(string, string, string) any { return map[string]any{"nextToken": "again"} }, "[]", "a list without an end"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.Header.Get("x-amz-sso_bearer_token") != "access" || r.URL.Query().Get("max_result") != "100" {
					t.Errorf("%s with %v", r.URL, r.Header)
				}
				w.Header().Set("Content-Type", "application/json")
				json.NewEncoder(w).Encode(row.answer(r.URL.Path, r.URL.Query().Get("account_id"), r.URL.Query().Get("next_token")))
			}))
			defer portal.Close()
			s, step := signedIn(t, portal.URL)
			got, err := s.Accounts(t.Context(), step)
			if fmt.Sprint(got) != row.want {
				t.Errorf("got %v", got)
			}
			var strange *awsapi.AnswerError
			switch {
			case row.problem == "" && err != nil, row.problem != "" && !errors.As(err, &strange):
				t.Errorf("%v", err)
			case row.problem != "" && !strings.Contains(strange.Problem, row.problem):
				t.Errorf("%v", err)
			}
			if n := calls.Load(); n > maxPages {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// signedIn has a token for a portal in its store.
func signedIn(t *testing.T, portal string) (*Signer, plan.SSO) {
	t.Helper()
	dir := t.TempDir()
	store := keyring.New(keyring.Options{
		Dir: dir + "/store", StateDir: dir + "/state", Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery"), true, nil },
	})
	if _, err := store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	step := plan.SSO{Profile: "ops", Session: "corp", StartURL: "https://corp.awsapps.com/start", Region: "eu-west-1", Portal: plan.Endpoint{Region: "eu-west-1", URL: portal}}
	name, id := step.TokenName()
	if _, err := store.SetToken(t.Context(), name, id, creds.Token{Access: creds.NewSecret("access"), Expires: time.Now().Add(time.Hour)}, keyring.Info{}); err != nil {
		t.Fatal(err)
	}
	return &Signer{
		Store: store, Now: time.Now, Log: t.Logf, Note: t.Logf,
		Dial: func(e plan.Endpoint, log func(string, ...any)) (*awsapi.Client, error) {
			return awsapi.NewClient(awsapi.Limits{}, e, log)
		},
	}, step
}

// Without a token nobody is asked, and nothing is called.
func TestAccountsSignedOut(t *testing.T) {
	s, step := signedIn(t, "http://127.0.0.1:1")
	step.Region = "eu-central-1" // another token
	_, err := s.Accounts(t.Context(), step)
	if needed := (*NeededError)(nil); !errors.As(err, &needed) {
		t.Errorf("%v", err)
	}
	if p := Of(step, "x"); p.Profile != "x" || p.Source() != "x" || !Starts(p) {
		t.Errorf("the plan of a sign-in: %+v", p)
	}
}
