//go:build unix

package main

import (
	"strings"
	"testing"

	"fob/internal/ststest"
)

// What AWS gets with the role is what it needs to hold the guards: it would deny a call
// in another region, and nobody's session is served to a coding agent.
func TestGuardsReachAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config(t, "[profile dev]\nmfa_serial = "+ststest.DemoSerial+"\n[profile prod]\nsource_profile = dev\nrole_arn = "+ststest.DemoRole+"\nfob_regions = eu-west-1\nfob_agent = read-only\n")
	for _, c := range []struct{ stdin, args string }{
		{ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n", "add dev --stdin --no-config"},
		{ststest.DemoSeed, "mfa add dev --stdin"},
	} {
		if _, stderr, code := w.RunWith(c.stdin, strings.Fields(c.args)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	const readOnly = `{"Statement":[{"Effect":"Allow","Action":["*:Get*","*:List*","*:Describe*"],"Resource":"*"}]}` // in short
	keys := map[string]string{}
	for _, tt := range []struct {
		name  string
		world *world
		args  string
		may   map[string]bool // "ACTION REGION"
	}{
		{"a person", w, "export prod", map[string]bool{"ec2:RunInstances eu-west-1": true, "ec2:RunInstances us-east-1": false, "iam:CreateUser us-east-1": true}},
		{"an agent", w.with("CODEX_CI=1"), "export prod", map[string]bool{"ec2:RunInstances eu-west-1": false, "ec2:DescribeInstances eu-west-1": true, "s3:GetObject us-east-1": false}},
	} {
		w.AWS.ResetCalls()
		stdout, stderr, code := tt.world.Run(strings.Fields(tt.args)...)
		if code != 0 {
			t.Fatalf("%s: %s", tt.name, stderr)
		}
		calls := w.AWS.Calls()
		sent := calls[len(calls)-1]
		policies := []string{sent.Params["Policy"]}
		if arn := sent.Params["PolicyArns.member.1.arn"]; arn == "arn:aws:iam::aws:policy/ReadOnlyAccess" {
			policies = append(policies, readOnly)
		}
		for call, want := range tt.may {
			action, region, _ := strings.Cut(call, " ")
			if got, err := ststest.SessionAllows(policies, action, region); got != want || err != nil || sent.Action != "AssumeRole" {
				t.Errorf("%s: %s: %v, %v (%s with %q)", tt.name, call, got, err, sent.Action, policies)
			}
		}
		keys[stdout] = tt.name
	}
	if len(keys) != 2 {
		t.Errorf("only these have a session of their own: %q", keys)
	}
	w.AWS.ResetCalls()
	for range 2 { // each is served its own
		w.Run("export", "prod")
		w.with("CODEX_CI=1").Run("export", "prod")
	}
	if calls := w.AWS.Calls(); len(calls) != 0 {
		t.Errorf("%d calls for cached sessions", len(calls))
	}
}
