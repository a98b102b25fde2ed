package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/keyring"
)

// A plan that starts with a sign-in: what needs nobody comes first; then somebody is asked,
// without any lock of a step; then the steps are carried out.
func TestSignIn(t *testing.T) {
	const m = time.Minute
	own, role := planOf(plan.SSO{Profile: "ops"}), planOf(plan.SSO{Profile: "ops"}, stepAudit)
	needed := &signin.NeededError{Profile: "ops", To: "Identity Center (corp)"}
	ended := &signin.NeededError{Profile: "ops", To: "Identity Center (corp)", Ended: true}
	denied := &signin.DeniedError{Code: "access_denied"}
	shared := &signin.SharedError{Refusal: keyring.Refusal{Outcome: keyring.Cancelled}}
	silence := &signin.LateError{}
	for _, row := range []struct {
		name   string
		plan   plan.Plan
		cached []cached
		renew  Renewal
		// source are the errors of the looks for a sign-in, and then there is one; ask are
		// those of the questions.
		source, ask []error
		id, did     string
		note        string
	}{
		{"signed in", own, nil, RenewExport, nil, nil, "SSO", "source", ""},
		{"signed in, a role", role, nil, RenewExport, nil, nil, "NEW1", "source dial audit(SSO)", ""},
		{"signed out", own, nil, RenewExec, []error{needed}, nil, "SSO", "source ask source", ""},
		{"signed out, a role", role, nil, RenewExec, []error{needed}, nil, "NEW1", "source ask source dial audit(SSO)", ""},
		{"locked", own, nil, RenewExec, []error{errLocked}, nil, "SSO", "source ask source", ""},
		{"locked, and signed out", own, nil, RenewExec, []error{errLocked, needed}, nil, "SSO", "source ask source ask source", ""},
		{"signed out twice", own, nil, RenewExec, []error{needed, needed, needed}, nil, "*signin.NeededError", "source ask source ask source", ""},
		{"nobody to ask", own, nil, RenewExport, []error{ended}, []error{needed}, "*signin.NeededError ended", "source ask", ""},
		{"no network", own, nil, RenewExec, []error{errNetwork}, nil, "*awsapi.UnreachableError", "source", ""},
		{"no", own, nil, RenewExec, []error{needed}, []error{denied}, "*signin.DeniedError", "source ask", ""},

		{"warm", own, []cached{{1, 10 * m, 50 * m}}, RenewExec, nil, nil, "OLD1", "", ""},
		{"half", own, []cached{{1, 31 * m, 29 * m}}, RenewExec, nil, nil, "SSO", "source", ""},
		{"half, signed out", own, []cached{{1, 31 * m, 29 * m}}, RenewExec, []error{needed}, nil, "OLD1", "source", ""},
		{"half, for an SDK", own, []cached{{1, 31 * m, 29 * m}}, RenewExport, nil, nil, "OLD1", "", ""},
		{"due, nobody to ask", own, []cached{{1, 51 * m, 9 * m}}, RenewExport, []error{ended}, []error{needed}, "OLD1", "source ask", "dev expires in 9m"},
		{"due, silence", own, []cached{{1, 51 * m, 9 * m}}, RenewExport, []error{ended}, []error{silence}, "OLD1", "source ask", "dev expires in 9m"},
		{"due, no", own, []cached{{1, 51 * m, 9 * m}}, RenewExport, []error{ended}, []error{denied}, "*signin.DeniedError", "source ask", ""},
		{"due, no to another", own, []cached{{1, 51 * m, 9 * m}}, RenewExport, []error{ended}, []error{shared}, "*signin.SharedError", "source ask", ""},
		{"a role of a cached session", role, []cached{{1, 10 * m, 50 * m}}, RenewExec, nil, nil, "NEW1", "dial audit(OLD1)", ""},
		{"ahead", own, []cached{{1, 31 * m, 29 * m}}, RenewLogin, nil, nil, "SSO", "source", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, row.renew)
			for _, c := range row.cached {
				now := b.now
				b.now = now.Add(-c.age)
				if err := b.store.SaveSession(t.Context(), "ops", row.plan.ID(c.n), "", session("OLD1", now.Add(c.left))); err != nil {
					t.Fatal(err)
				}
				b.now = now
			}
			looks, asked := row.source, row.ask
			b.Source = func(ctx context.Context, p plan.Plan, _ bool) (creds.Session, string, error) {
				b.do("source")
				if len(looks) > 0 {
					err := looks[0]
					looks = looks[1:]
					return creds.Session{}, "", err
				}
				return session("SSO", b.now.Add(hour)), "", nil
			}
			b.Ask = func(_ context.Context, p plan.Plan) error {
				b.do("ask")
				lock, ok, err := keyring.New(storeOptions(b.dir)).TryLock((&run{Broker: b.Broker, plan: p}).stepLock(1))
				if !ok || err != nil {
					t.Error("asked under a lock:", err)
				} else {
					lock.Unlock()
				}
				if len(asked) > 0 {
					err := asked[0]
					asked = asked[1:]
					return err
				}
				return nil
			}
			s, err := b.Credentials(t.Context(), row.plan)
			got := s.ID
			if err != nil {
				got = fmt.Sprintf("%T", err)
			}
			if e, ok := errors.AsType[*signin.NeededError](err); ok && e.Ended {
				got += " ended"
			}
			if got != row.id || strings.Join(b.did, " ") != row.did {
				t.Errorf("%s, did %q; want %s, %q", got, b.did, row.id, row.did)
			}
			if notes := strings.Join(b.notes, " "); row.note == "" && notes != "" || !strings.Contains(notes, row.note) {
				t.Errorf("notes %q", b.notes)
			}
		})
	}
}
