//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// Each kind of section that fob wire rewrites, and who its profile is for AWS.
var wiredForms = []struct{ name, section, arn string }{
	{"mfa", "role_arn = " + ststest.DemoRole + "\nsource_profile = base\nmfa_serial = " + ststest.DemoSerial + "\nrole_session_name = jo\n", deployARN},
	{"partner", "role_arn = arn:aws:iam::333333333333:role/partner\nsource_profile = base\nexternal_id = ours-1\nrole_session_name = jo\nduration_seconds = 43200\n",
		"arn:aws:sts::333333333333:assumed-role/partner/jo"},
	{"chain", "role_arn = arn:aws:iam::333333333333:role/audit\nsource_profile = mfa\nmfa_serial = " + ststest.DemoSerial + "\nrole_session_name = jo\n",
		"arn:aws:sts::333333333333:assumed-role/audit/jo"},
	{"process", "credential_process = FOB export --profile base\nrole_arn = " + ststest.DemoRole + "\nrole_session_name = jo\n", deployARN},
	{"sso", "sso_session = corp\nsso_account_id = 111111111111\nsso_role_name = AdministratorAccess\n", ssoARN},
	{"inline", "sso_start_url = " + ststest.DemoStartURL + "\nsso_region = " + ststest.DemoSSORegion + "\nsso_account_id = 111111111111\nsso_role_name = AdministratorAccess\n", ssoARN},
	{"login", "login_session = " + ststest.DemoUser + "\n", ststest.DemoUser},
	{"web", "web_identity_token_file = HOME/token\nrole_arn = " + ststest.DemoWebRole + "\nrole_session_name = build\n", "arn:aws:sts::222222222222:assumed-role/ci/build"},
}

var ssoARN = ststest.DemoPermissionSets()[0].SessionARN(ststest.DemoSSOUser)

// wiredWorld is a world with such a section for each form.
func wiredWorld(t *testing.T) (w *world, config string) {
	t.Helper()
	w = newWorld(t)
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	w.do(t, key, "add", "base", "--stdin", "--mfa-serial", ststest.DemoSerial, "--region", "us-east-1")
	w.do(t, ststest.DemoSeed+"\n", "mfa", "add", "base", "--stdin")
	for _, role := range []ststest.Role{
		{ARN: "arn:aws:iam::333333333333:role/partner", Principals: []string{ststest.DemoUser}, ExternalID: "ours-1", MaxSession: 12 * time.Hour},
		{ARN: "arn:aws:iam::333333333333:role/audit", Principals: []string{ststest.DemoRole}},
	} {
		if err := w.AWS.AddRole(role); err != nil {
			t.Fatal(err)
		}
	}
	token, err := w.AWS.WebToken(ststest.DemoClaims())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Home, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(w.Home, ".aws/config"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.Write(before)
	fmt.Fprintf(&b, "[sso-session corp] # for all\nsso_start_url = %s\nsso_region = %s\n", ststest.DemoStartURL, ststest.DemoSSORegion)
	for _, form := range wiredForms {
		fmt.Fprintf(&b, "\n# %s\n[profile %[1]s]\nregion = us-east-1\n%s", form.name, strings.NewReplacer("FOB", w.Fob, "HOME", w.Home).Replace(form.section))
	}
	w.setConfig(t, b.String())
	w.AWS.ResetCalls()
	return w, b.String()
}

// After fob wire, the AWS CLI and the SDKs get every kind of profile from fob alone, with
// the sessions that fob wire has made: not one of them calls AWS for credentials.
func TestWiredConsumers(t *testing.T) {
	t.Parallel()
	for _, c := range []consumer{{name: "aws", find: awsCLI}, {name: "boto3", find: boto3}, {name: "go", find: goSDK}, {name: "js", find: jsSDK}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			argv := c.find(t)
			w, config := wiredWorld(t)
			w.do(t, "", "wire", "--all")
			if calls := w.fobsCalls(); strings.Count(calls, "GetSessionToken") != 1 || strings.Count(calls, "Authorize ") != 2 { // of two sign-ins
				t.Errorf("fob wire called %s", calls)
			}
			for _, form := range wiredForms {
				stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=" + form.name}, argv...)
				if id := read(t, stdout, stderr, code); id.ARN != form.arn {
					t.Errorf("%s: %s, want %s", form.name, id.ARN, form.arn)
				}
				if calls := w.fobsCalls(); calls != "" {
					t.Errorf("%s: AWS was called for %s", form.name, calls)
				}
			}
			w.do(t, "", "wire", "--undo")
			if got, err := os.ReadFile(filepath.Join(w.Home, ".aws/config")); err != nil || string(got) != config {
				t.Errorf("%v: not given back:\n%s", err, got)
			}
		})
	}
}

// Killed at any point, fob wire and its undo leave one of the two forms, and the way back
// is remembered.
func TestWireKilled(t *testing.T) {
	t.Parallel()
	w, before := wiredWorld(t)
	path := filepath.Join(w.Home, ".aws/config")
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	w.do(t, "", "wire", "--all")
	after := read()
	w.do(t, "", "wire", "--undo")
	seen := map[string]int{}
	for i := range 16 {
		args := []string{"wire", "--all", "--no-input"}
		if i%2 == 1 {
			args = []string{"wire", "--undo"}
			w.do(t, "", "wire", "--all", "--no-input")
		}
		cmd := exec.Command(w.Fob, args...)
		cmd.Env = w.Env
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*i) * 270 * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		switch read() {
		case before:
			seen["before"]++
		case after:
			seen["after"]++
		default:
			t.Fatalf("after %d: neither:\n%s\n%s", i, read(), out.String())
		}
		w.do(t, "", "wire", "--undo")
		if read() != before {
			t.Fatalf("after %d: not given back:\n%s", i, read())
		}
	}
	t.Logf("%v", seen)
	// Of fob add there is one still.
	if left, err := filepath.Glob(filepath.Join(w.Home, ".local/state/fob/wired-*.json")); err != nil || len(left) != 1 {
		t.Errorf("still remembered: %q, %v", left, err)
	}
}
