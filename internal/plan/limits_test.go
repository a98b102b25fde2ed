package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
)

// lab is a world with one stored key and a config.
func lab(t *testing.T, config string) world {
	return world{
		config: parse(t, config, ""),
		keys:   map[string]Key{"base": {ID: "AKIAIOSFODNN7EXAMPLE", ARN: "arn:aws:iam::111111111111:user/jo", Account: "111111111111"}},
	}
}

func (w world) resolve(t *testing.T, profile string, o Options) Plan {
	t.Helper()
	p, err := Resolve(w.facts(nil), profile, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTooOld(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		limit, age time.Duration
		want       bool
	}{
		{0, 100 * time.Hour, false}, // any age
		{time.Hour, 0, false},
		{time.Hour, time.Hour, false},
		{time.Hour, time.Hour + time.Second, true},
		{time.Hour, -maxLead, false}, // clocks differ a little
		{time.Hour, -maxLead - time.Second, true},
	} {
		if got := (Plan{MaxMFAAge: tt.limit}).TooOld(now.Add(-tt.age), now); got != tt.want {
			t.Errorf("limit %v, age %v: %v", tt.limit, tt.age, got)
		}
	}
	for limit, want := range map[time.Duration]bool{0: false, time.Hour: true} {
		if got := (Plan{MaxMFAAge: limit}).TooOld(time.Time{}, now); got != want {
			t.Errorf("limit %v, age unknown: %v", limit, got)
		}
	}
}

// What was made before an account was checked is another session than what was made
// after; a guard says nothing about the steps before it.
func TestIDOfGuards(t *testing.T) {
	steps := []Step{Process{Profile: "p", Command: "x"}, AssumeRole{RoleARN: "r"}}
	without := Plan{Steps: steps}
	for _, at := range []int{1, 2} {
		with := Plan{Steps: steps, Guards: []AccountGuard{{Steps: at, Account: "111111111111"}}}
		other := Plan{Steps: steps, Guards: []AccountGuard{{Steps: at, Account: "222222222222"}}}
		for n := 1; n <= 2; n++ {
			if guarded := n >= at; (with.ID(n) != without.ID(n)) != guarded || (with.ID(n) != other.ID(n)) != guarded {
				t.Errorf("guard after step %d: the ID after step %d", at, n)
			}
		}
	}
}

// A guard counts for the role of its section, not for the MFA session below it.
func TestGuardSteps(t *testing.T) {
	const mfa = "mfa_serial = arn:aws:iam::111111111111:mfa/jo\n"
	const role = "source_profile = base\nrole_arn = arn:aws:iam:::role/ceph\nendpoint_url = https://ceph.example.com\nfob_account = 333333333333\n"
	for text, want := range map[string]int{"[profile a]\n" + role: 2, "[profile a]\n" + role + mfa: 3} {
		p := lab(t, text).resolve(t, "a", Options{})
		if len(p.Guards) != 1 || p.Guards[0].Steps != want || len(p.Steps) != want {
			t.Errorf("%s: %+v of %d steps", text, p.Guards, len(p.Steps))
		}
	}
}

func TestFirstCached(t *testing.T) {
	for _, tt := range []struct {
		first Step
		want  int
	}{
		{StoredKey{}, 2},
		{PlaintextKey{}, 2},
		{Environment{}, 2},
		{Process{Command: "/opt/other --x"}, 1},
		{Process{Command: "other"}, 1},
		{Process{Command: "./other"}, 2}, // another program in another directory
		{Process{Command: `"../other tools/x"`}, 2},
		{Process{Command: ` './x'`}, 2},
		{WebIdentity{TokenFile: "/token"}, 1},
		{WebIdentity{TokenProcess: "mint"}, 1},
		{WebIdentity{TokenProcess: "./mint"}, 2},
		{SSO{}, 1},
		{ConsoleLogin{}, 1},
	} {
		if got := (Plan{Steps: []Step{tt.first}}).FirstCached(); got != tt.want {
			t.Errorf("%+v: %d", tt.first, got)
		}
	}
}

func TestRoles(t *testing.T) {
	p := Plan{Steps: []Step{StoredKey{}, SessionToken{}, AssumeRole{RoleARN: "a"}, AssumeRole{RoleARN: "b"}}}
	if got := p.Roles(); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
}

// A duration from a flag is a demand on what is served; one from a file is not.
func TestDemand(t *testing.T) {
	w := lab(t, "[profile base]\n")
	for soft, want := range map[bool]time.Duration{false: time.Hour, true: 0} {
		p := w.resolve(t, "base", Options{Duration: Requested{Duration: time.Hour, From: "-d", Soft: soft}})
		if p.Demand != want {
			t.Errorf("soft %v: %v", soft, p.Demand)
		}
	}
}

// AWS takes policies of 2,048 characters, and ten ARNs.
func TestPolicyLimits(t *testing.T) {
	w := lab(t, "[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\n")
	for n, fails := range map[int]bool{maxPolicy: false, maxPolicy + 1: true} {
		policy := `{"é":"` + strings.Repeat("é", n-len(`{"e":""}`)) + `"}`
		_, err := Resolve(w.facts(nil), "a", Options{Policy: policy, PolicyFrom: "--policy"})
		if usage := (*UsageError)(nil); (err != nil) != fails || fails && !errors.As(err, &usage) {
			t.Errorf("%d characters: %v", n, err)
		}
	}
	var arns []string
	for n := 1; n <= maxPolicyARNs+1; n++ {
		arns = append(arns, fmt.Sprintf("arn:aws:iam::aws:policy/P%d", n))
		_, err := Resolve(w.facts(nil), "a", Options{PolicyARNs: arns, PolicyARNsFrom: "--policy-arn"})
		if fails := n > maxPolicyARNs; (err != nil) != fails {
			t.Errorf("%d ARNs: %v", n, err)
		}
	}
	for _, arn := range []string{"arn:aws:iam::aws:role/P", "arn:aws:s3:::P", "arn:aws:iam::222222222222:policy/", "arn:aws:iam::other:policy/P", "P"} {
		if _, err := Resolve(w.facts(nil), "a", Options{PolicyARNs: []string{arn}, PolicyARNsFrom: "--policy-arn"}); err == nil {
			t.Errorf("%q was accepted", arn)
		}
	}
}

// A profile whose header cannot be read is that mistake, and not a missing profile.
func TestUnreadableProfile(t *testing.T) {
	const role = "role_arn = arn:aws:iam::222222222222:role/r\nsource_profile = "
	w := lab(t, "[profile Co-[prod]]\n[profile my prod]\n[profile a]\n"+role+"Co-[prod]\n[profile b]\n"+role+"my prod\n[profile c]\n"+role+"base\n[profile c] x\n")
	for profile, line := range map[string]int{"Co-[prod]": 1, "a": 1, "my prod": 2, "b": 2, "c": 12} {
		_, err := Resolve(w.facts(nil), profile, Options{})
		if syntax := (*awsconfig.SyntaxError)(nil); !errors.As(err, &syntax) || syntax.Line != line {
			t.Errorf("%s: %v", profile, err)
		}
	}
	_, err := Resolve(w.facts(nil), "other", Options{})
	if missing := (*NoProfileError)(nil); !errors.As(err, &missing) {
		t.Errorf("other: %v", err)
	}
}

// What is wrong is not left out: a later setting would count in its place.
func TestWrongValues(t *testing.T) {
	const role = "[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\n"
	for _, tt := range []struct{ config, problem string }{
		{role + "use_dualstack_endpoint = maybe\n", "must be true or false"},
		{role + "use_fips_endpoint = maybe\n", "must be true or false"},
		{role + "ignore_configured_endpoint_urls = maybe\nendpoint_url = https://sts.example.com\n", "must be true or false"},
		{role + "duration_seconds = soon\n", "invalid duration"},
		{role + "[profile base]\nfob_session_duration = soon\n", ""}, // nothing below this role lasts that long
		{role + "mfa_serial = arn:aws:iam::111111111111:mfa/jo\n[profile base]\nfob_session_duration = soon\n", "invalid duration"},
		{"[profile b]\nsource_profile = a\nrole_arn = arn:aws:iam::333333333333:role/s\n" + role + "duration_seconds = soon\n", "invalid duration"},
		{"[profile a]\ncredential_process = /opt/\xff\n", "not valid UTF-8"},
	} {
		profile := tt.config[len("[profile "):][:1]
		_, err := Resolve(lab(t, tt.config).facts(nil), profile, Options{})
		if config := (*ConfigError)(nil); (err != nil) != (tt.problem != "") || err != nil && (!errors.As(err, &config) || !strings.Contains(config.Problem, tt.problem)) {
			t.Errorf("%q: %v", tt.config, err)
		}
	}
}

// An empty endpoint_url of a service does not count: the profile's does.
func TestEmptyServiceEndpoint(t *testing.T) {
	p := lab(t, "[profile base]\nservices = lab\nendpoint_url = https://all.example.com\n[services lab]\nsts =\n  endpoint_url =\n").resolve(t, "base", Options{})
	if p.STS.URL != "https://all.example.com" {
		t.Error(p.STS.URL)
	}
}

// SourceOf follows the way to the source past other mistakes, but not past a mistake on
// the way.
func TestSourceOf(t *testing.T) {
	w := lab(t, "[profile a]\nsource_profile = base\nrole_arn = not one\nregion = Not One\n[profile b]\nsource_profile = gone\nrole_arn = arn:aws:iam::222222222222:role/r\n")
	if got, err := SourceOf(w.facts(nil), "a"); got != "base" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := SourceOf(w.facts(nil), "b"); got != "" || err == nil {
		t.Errorf("%q, %v", got, err)
	}
}
