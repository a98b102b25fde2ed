package plan

import (
	"strings"
	"testing"

	"fob/internal/ststest"
)

// AWS, by its rules for session policies, denies a session with fob_regions what is done
// in other regions, and nothing else that it would be allowed.
func TestOnlyRegions(t *testing.T) {
	const (
		role = "[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\n"
		// What ReadOnlyAccess allows, in short.
		readOnly = `{"Statement":[{"Effect":"Allow","Action":["*:Get*","*:Describe*","*:List*"],"Resource":"*"}]}`
		s3       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	)
	calls := []struct{ action, region string }{
		{"ec2:RunInstances", "eu-west-1"}, {"ec2:RunInstances", "us-east-1"}, {"ec2:DescribeInstances", "eu-central-1"}, {"ec2:DescribeInstances", "us-east-1"},
		{"ec2:DescribeRegions", "us-east-1"}, {"s3:GetObject", "eu-west-1"}, {"s3:PutObject", "eu-west-1"}, {"s3:GetObject", "us-east-1"},
		{"iam:GetUser", "us-east-1"}, {"iam:CreateUser", "us-east-1"}, {"sts:AssumeRole", "us-east-1"}, {"route53:GetChange", "us-east-1"},
		{"kms:GetKeyPolicy", "us-east-1"}, {"cloudfront:GetDistribution", "us-east-1"}, {"trustedadvisor:DescribeChecks", "us-west-2"},
	}
	// Without the guard and without a region, and with both.
	global := func(action string) bool {
		service, _, _ := strings.Cut(action, ":")
		return action == "ec2:DescribeRegions" || service != "ec2" && service != "s3" && service != "kms"
	}
	for _, tt := range []struct {
		name, config string
		options      Options
		before       []string // the session policies without the guard
	}{
		{"alone", "", Options{}, []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}},
		{"an inline policy", "", Options{Policy: s3, PolicyFrom: "--policy"}, []string{s3}},
		{"a managed policy", "", Options{PolicyARNs: []string{ReadOnlyAccess}, PolicyARNsFrom: "--read-only"}, []string{readOnly}},
		{"both", "fob_policy_arns = " + ReadOnlyAccess + "\nfob_policy = /s3.json\n", Options{}, []string{readOnly, s3}},
	} {
		w := lab(t, role+tt.config+"fob_regions = eu-west-1, eu-central-1\n")
		w.files = map[string]string{"/s3.json": s3}
		step := w.resolve(t, "a", tt.options).Steps[1].(AssumeRole)
		after := []string{step.Policy}
		if len(step.PolicyARNs) > 0 {
			after = append(after, readOnly)
		}
		for _, c := range calls {
			could, err := ststest.SessionAllows(tt.before, c.action, c.region)
			if err != nil {
				t.Fatal(err)
			}
			can, err := ststest.SessionAllows(after, c.action, c.region)
			want := could && (strings.HasPrefix(c.region, "eu-") || global(c.action))
			if can != want || err != nil {
				t.Errorf("%s: %s in %s: %v, %v", tt.name, c.action, c.region, can, err)
			}
		}
	}
}

// The regions are in the ID of the role's session, and their order is not; the session
// behind it is shared with profiles that have no such guard.
func TestIDOfRegions(t *testing.T) {
	const role = "source_profile = base\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\nrole_arn = arn:aws:iam::222222222222:role/r\n"
	w := lab(t, "[profile free]\n"+role+"[profile one]\n"+role+"fob_regions = eu-west-1\n[profile two]\n"+role+"fob_regions = eu-west-1, eu-west-2\n[profile same]\n"+role+"fob_regions = eu-west-2,eu-west-1\n")
	ids := map[string]string{}
	for _, profile := range []string{"free", "one", "two"} {
		p := w.resolve(t, profile, Options{})
		if p.ID(2) != w.resolve(t, "free", Options{}).ID(2) {
			t.Errorf("%s does not share the MFA session", profile)
		}
		if other, ok := ids[p.ID(3)]; ok {
			t.Errorf("%s has the session of %s", profile, other)
		}
		ids[p.ID(3)] = profile
	}
	if other := ids[w.resolve(t, "same", Options{}).ID(3)]; other != "two" {
		t.Errorf("the order makes another session: %q", other)
	}
}

// A session that a coding agent gets is another one, and nobody's is served in its
// place; where an agent gets what a person gets, it is the same.
func TestIDOfAgent(t *testing.T) {
	const role = "source_profile = base\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\nrole_arn = arn:aws:iam::222222222222:role/r\n"
	w := lab(t, "[profile reads]\n"+role+"fob_agent = read-only\n[profile free]\n"+role+"fob_agent = allow\n")
	id := func(profile, agent string, n int) string {
		f := w.facts(map[string]string{"AGENT": agent})
		p, err := Resolve(f, profile, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p.ID(n)
	}
	if id("reads", "", 3) == id("reads", "x", 3) {
		t.Error("an agent is served a person's session")
	}
	if id("reads", "x", 3) != id("reads", "y", 3) || id("free", "x", 3) != id("free", "", 3) || id("free", "x", 3) != id("reads", "", 3) {
		t.Error("the same session has several IDs")
	}
	if id("reads", "x", 2) != id("free", "", 2) {
		t.Error("the MFA session is not shared")
	}
	// Nobody looks for an agent without need.
	f := w.facts(nil)
	f.Agent = func() Agent { panic("looked for") }
	if _, err := Resolve(f, "base", Options{}); err != nil {
		t.Error(err)
	}
}

// What a plan is guarded by is said with its place, whatever stands in between.
func TestGuarding(t *testing.T) {
	w := lab(t, "[profile a]\nsource_profile = b\nfob_regions = eu-west-1,\n  eu-west-2\n[profile b]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\nfob_account = 222222222222\n[profile base]\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\nfob_mfa_max_age = 1h\n")
	var got []string
	for _, g := range w.resolve(t, "a", Options{}).Guarding {
		got = append(got, g.Key+"="+g.Value+"@"+g.From)
	}
	want := "fob_regions=eu-west-1, eu-west-2@config:3 fob_account=222222222222@config:8 fob_mfa_max_age=1h@config:11"
	if strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
}
