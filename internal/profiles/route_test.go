package profiles

import (
	"testing"
	"time"

	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

// A profile with a key of its own, stored or not, shows which; one that builds on
// another shows that one, and every role on the way.
func TestRoute(t *testing.T) {
	const id = "AKIAIOSFODNN7EXAMPLE"
	role := func(arn string) plan.Step { return plan.AssumeRole{RoleARN: arn} }
	deploy, hub := role("arn:aws:iam::222222222222:role/deploy"), role("arn:aws:iam::111111111111:role/teams/a/hub")
	session := plan.SessionToken{MFASerial: "arn:aws:iam::111111111111:mfa/jo"}
	stored, plain := plan.StoredKey{Profile: "base", KeyID: id}, plan.PlaintextKey{Profile: "base", KeyID: id}
	for _, row := range []struct {
		profile string
		steps   []plan.Step
		want    string
	}{
		{"base", []plan.Step{stored, session}, "AKIA...MPLE"},
		{"base", []plan.Step{stored, session, deploy}, "AKIA...MPLE > deploy"},
		{"other", []plan.Step{stored, session}, "base"},
		{"prod", []plan.Step{stored, session, deploy}, "base > deploy"},
		{"prod", []plan.Step{stored, session, hub, deploy}, "base > hub > deploy"},
		{"base", []plan.Step{plain, session}, "plain text AKIA...MPLE"},
		{"base", []plan.Step{plain, session, deploy}, "plain text AKIA...MPLE > deploy"},
		{"prod", []plan.Step{plain, session, deploy}, "base > deploy"},
		{"prod", []plan.Step{plan.Environment{KeyID: id}, deploy}, "environment > deploy"},
		{"base", []plan.Step{plan.Process{Profile: "base", Command: `"/opt/a b/vend" --for base`}}, "process vend"},
		{"base", []plan.Step{plan.Process{Profile: "base"}}, "process"},
		{"prod", []plan.Step{plan.Process{Profile: "base", Command: "vend"}, deploy}, "base > deploy"},
		{"ceph", []plan.Step{stored, role("arn:aws:iam:::role/backup")}, "base > backup"},
		{"minio", []plan.Step{plan.StoredKey{Profile: "minio", KeyID: "minio-root"}, role("arn:minio:iam:app")}, "minio-root > app"},
	} {
		if got := Route(plan.Plan{Profile: row.profile, Steps: row.steps}); got != row.want {
			t.Errorf("%s, %v: %q, want %q", row.profile, row.steps, got, row.want)
		}
	}
}

func TestState(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	for _, row := range []struct {
		r    Row
		want ui.Styled
	}{
		{Row{MFASerial: serial, Session: in(133 * time.Minute), SignedIn: in(11 * time.Hour)}, ui.Good.Text("2h 13m left")},
		{Row{MFASerial: serial, Session: in(40 * time.Second)}, ui.Good.Text("40s left")},
		{Row{MFASerial: serial, SignedIn: in(time.Hour)}, ui.Good.Text("signed in")},
		{Row{MFASerial: serial, SignedIn: in(time.Hour), Refused: in(-time.Minute)}, ui.Bad.Text("refused by AWS")},
		{Row{MFASerial: serial}, ui.Dim.Text("signed out")},
		{Row{MFASerial: serial, Seed: true}, ui.Dim.Text("-")},
		{Row{}, ui.Dim.Text("-")},
		{Row{Problem: &plan.LoopError{}}, ui.Dim.Text("-")},
	} {
		if got := row.r.State(now); got != row.want {
			t.Errorf("%+v: %v, want %v", row.r, got, row.want)
		}
	}
}

// A refusal counts until the profile signs in again.
func TestRefusals(t *testing.T) {
	when := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := plan.Plan{Profile: "prod", Steps: []plan.Step{plan.StoredKey{Profile: "base"}, plan.SessionToken{}, plan.AssumeRole{}}}
	for _, row := range []struct {
		profile string
		base    time.Duration // when the MFA session was made, after the refusal
		own     time.Duration // and the profile's, which has expired
		want    time.Time
	}{
		{"prod", -time.Hour, -time.Hour, when},
		{"prod", 0, -time.Hour, when}, // in the same second
		{"prod", time.Second, -time.Hour, time.Time{}},
		{"prod", -time.Hour, time.Second, time.Time{}},
		{"other", -time.Hour, -time.Hour, time.Time{}},
	} {
		cached := func(n int) (keyring.Info, error) {
			made := map[int]time.Duration{2: row.base, 3: row.own}
			return keyring.Info{Rev: "1", Created: when.Add(made[n])}, nil
		}
		if got := (refusals{row.profile: when}).of(p, cached); !got.Equal(row.want) {
			t.Errorf("%+v: %v", row, got)
		}
	}
}
