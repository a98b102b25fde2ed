package broker

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"fob/internal/creds"
	"fob/internal/plan"
)

// Where nobody knows the account of the credentials, AWS is asked once, before they
// are used for anything, and credentials of another account are not handed out.
func TestAccountGuard(t *testing.T) {
	const mine, other = "111111111111", "222222222222"
	plain := plan.PlaintextKey{Profile: "plain", KeyID: "AKIA1"}
	tool := plan.Process{Profile: "tool", Command: "/opt/tool"}
	for _, row := range []struct {
		name  string
		steps []plan.Step
		said  string // the account that the source states
		guard plan.AccountGuard
		want  string // "" for a refusal
		did   string
	}{
		{"a key", []plan.Step{plain}, "", plan.AccountGuard{Steps: 1, Account: mine}, "KEY1", "source dial identity(KEY1)"},
		{"a key of another account", []plan.Step{plain}, "", plan.AccountGuard{Steps: 1, Account: other}, "", "source dial identity(KEY1)"},
		{"the environment", []plan.Step{plan.Environment{KeyID: "AKIA1"}}, "", plan.AccountGuard{Steps: 1, Account: other}, "", "source dial identity(KEY1)"},
		{"a session", []plan.Step{plain, stepMFA}, "", plan.AccountGuard{Steps: 1, Account: mine}, "NEW1",
			"source dial identity(KEY1) code token(KEY1) 000001"},
		{"a session of another account", []plan.Step{plain, stepMFA}, "", plan.AccountGuard{Steps: 1, Account: other}, "", "source dial identity(KEY1)"},
		{"a program", []plan.Step{tool}, "", plan.AccountGuard{Steps: 1, Account: mine}, "KEY1", "source dial identity(KEY1)"},
		{"a program that says it", []plan.Step{tool}, mine, plan.AccountGuard{Steps: 1, Account: mine}, "KEY1", "source"},
		{"a program that says another", []plan.Step{tool}, other, plan.AccountGuard{Steps: 1, Account: mine}, "", "source"},
		{"a role on a program", []plan.Step{tool, stepAudit}, "", plan.AccountGuard{Steps: 1, Account: mine}, "NEW1",
			"source dial identity(KEY1) audit(KEY1)"},
		{"a role on a program of another account", []plan.Step{tool, stepAudit}, "", plan.AccountGuard{Steps: 1, Account: other}, "",
			"source dial identity(KEY1)"},
		{"a role in an unknown account", []plan.Step{tool, stepAudit}, mine, plan.AccountGuard{Steps: 2, Account: mine}, "NEW1",
			"source dial audit(KEY1) identity(NEW1)"},
		{"a role in another account", []plan.Step{tool, stepAudit}, mine, plan.AccountGuard{Steps: 2, Account: other}, "",
			"source dial audit(KEY1) identity(NEW1)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, RenewExec)
			b.Source = func(context.Context, plan.Plan, bool) (creds.Session, string, error) {
				b.do("source")
				s := session("KEY1", b.now.Add(hour))
				s.AccountID = row.said
				return s, "", nil
			}
			p := planOf(row.steps...)
			open := p
			p.Guards = []plan.AccountGuard{row.guard}
			// A session of a profile without the guard is not taken.
			if n := len(row.steps); n >= p.FirstCached() {
				if err := b.store.SaveSession(t.Context(), p.Source(), open.ID(n), "", session("OLD1", b.now.Add(hour))); err != nil {
					t.Fatal(err)
				}
			}
			for again := range 2 {
				b.did, b.made = nil, 0
				s, err := b.Credentials(t.Context(), p)
				did := strings.Join(b.did, " ")
				if (err == nil) != (row.want != "") || s.ID != row.want {
					t.Errorf("%s, %v", s.ID, err)
				}
				if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("fob_account is %s, but the credentials belong to account ", row.guard.Account)) {
					t.Error(err)
				}
				if err == nil && s.AccountID != mine && row.guard.Steps == len(row.steps) {
					t.Errorf("account %q", s.AccountID)
				}
				kept := row.want != "" && len(row.steps) >= p.FirstCached()
				if again == 1 && kept && did != "" || (again == 0 || !kept && len(row.steps) == 1) && did != row.did {
					t.Errorf("did %s, want %s", did, row.did)
				}
			}
		})
	}
	// Nobody answers: nothing is handed out.
	b := newBench(t, RenewExec)
	b.network = errNetwork
	b.Source = func(context.Context, plan.Plan, bool) (creds.Session, string, error) {
		return session("KEY1", b.now.Add(hour)), "", nil
	}
	p := planOf(plain)
	p.Guards = []plan.AccountGuard{{Steps: 1, Account: mine}}
	if s, err := b.Credentials(t.Context(), p); err != errNetwork || s.ID != "" {
		t.Errorf("%s, %v", s.ID, err)
	}
}
