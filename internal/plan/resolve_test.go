package plan

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
)

// A key that cannot be read is not missing: Resolve returns the error as it is, and
// no plan.
func TestResolveKeyError(t *testing.T) {
	w := world{config: parse(t, "[profile prod]\nsource_profile = dev\nrole_arn = arn:aws:iam::222222222222:role/r\n[profile dev]\n", "")}
	facts := w.facts(nil)
	damaged := errors.New("damaged")
	facts.Key = func(profile string) (Key, bool, error) {
		if profile == "dev" {
			return Key{}, false, damaged
		}
		return Key{}, false, nil
	}
	for _, profile := range []string{"dev", "prod"} {
		if p, err := Resolve(facts, profile, Options{}); err != damaged || p.Steps != nil {
			t.Errorf("%s: %+v, %v", profile, p, err)
		}
	}
}

// FuzzResolve: no config makes it panic or give different answers, and every plan
// obeys the rules of AWS.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{
		"[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n",
		"[profile a]\nsource_profile = b\nrole_arn = arn:aws:iam::222222222222:role/r\nduration_seconds = 7200\n[profile b]\ncredential_process = fob export --profile base\n",
		"[profile a]\nsource_profile = root\nfob_session_duration = 90m\nregion = cn-north-1\n",
		"[profile a]\nrole_arn = arn:aws:iam::222222222222:role/r\ncredential_source = Environment\nsession_tags = a=b,c=d\ntransitive_session_tags = a\n",
		"[profile a]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\nservices = s\n[services s]\nsts =\n  endpoint_url = http://localhost:1\n",
		"[profile a]\ncredential_process = /opt/x\nsource_profile =\n",
		"[profile a]\ncredential_process = fob export --profile=\n",
		"[profile a]\nsource_profile = a\nrole_arn = x\n",
		"[profile a]\nsource_profile = b\nrole_arn = arn:aws:iam::222222222222:role/r\n[profile b]\nsso_session = s\nsso_account_id = 333333333333\nsso_role_name = Admin\n[sso-session s]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n",
		"[profile a]\nfob_sso_start_url = https://x.awsapps.com/start\nfob_sso_region = us-gov-west-1\nfob_sso_account_id = 333333333333\nfob_sso_role_name = Admin\ncredential_process = fob export --profile a\n",
		"[profile a]\nsource_profile = b\nrole_arn = arn:aws:iam::222222222222:role/r\n[profile b]\nlogin_session = arn:aws:iam::111111111111:root\n",
		"[profile a]\nlogin_session = arn:aws-cn:sts::111111111111:assumed-role/r/s\nregion = cn-north-1\nexternal_id = x1\n",
		"[profile a]\nsource_profile = b\nrole_arn = arn:aws:iam::222222222222:role/r\nduration_seconds = 7200\n[profile b]\nweb_identity_token_file = /t\nrole_arn = arn:aws:iam::222222222222:role/w\nduration_seconds = 43200\nsession_tags = a=b\n",
		"[profile a]\nweb_identity_token_process = t\ninclude_profile = b\n[profile b]\nrole_arn = arn:aws:iam::222222222222:role/w\nsource_profile = a\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n",
		"[profile a]\nrole_arn = arn:aws:iam::222222222222:role/r\ncredential_source = EcsContainer\n",
		"[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\nfob_policy = /p\nfob_policy_arns = arn:aws:iam::aws:policy/X\nfob_account = 222222222222\nfob_mfa_max_age = 1h\n",
	} {
		f.Add(seed, uint32(0), "", byte(0))
		f.Add(seed, uint32(7200), "eu-west-1", byte(7))
	}
	f.Fuzz(func(t *testing.T, config string, duration uint32, region string, bits byte) {
		c, err := awsconfig.Parse(awsconfig.File{Path: "config", Text: config}, awsconfig.File{Path: "credentials"})
		if err != nil {
			return
		}
		w := world{config: c, files: map[string]string{"/p": "{}"}, keys: map[string]Key{
			"base": {ID: "AKIAIOSFODNN7EXAMPLE", Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/jo"},
			"root": {ID: "AKIAIOSFODNN7EXAMPLE", Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"},
		}}
		facts := w.facts(map[string]string{"AWS_ACCESS_KEY_ID": "AKIAI44QH8DHBEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"})
		o := Options{NoSession: bits&1 != 0, Region: region, Duration: Requested{time.Duration(duration) * time.Second, "--duration", bits&2 != 0}}
		if bits&4 != 0 {
			o.PolicyARNs = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
		}
		p, err := Resolve(facts, "a", o)
		again, err2 := Resolve(facts, "a", o)
		if !reflect.DeepEqual(p, again) || !reflect.DeepEqual(err, err2) {
			t.Fatalf("two answers: %v %v, %v %v", p, err, again, err2)
		}
		for _, token := range []string{"", "/token"} { // a program's variables change nothing
			inherits := w.facts(map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAI44QH8DHBEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x",
				"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/" + region, "AWS_ROLE_SESSION_NAME": region, "AWS_MFA_SERIAL": region,
				"AWS_SESSION_TAGS": region, "AWS_TRANSITIVE_TAGS": region, "AWS_SOURCE_IDENTITY": region, "AWS_WEB_IDENTITY_TOKEN_FILE": token,
			})
			if other, err2 := Resolve(inherits, "a", o); !reflect.DeepEqual(p, other) || !reflect.DeepEqual(err, err2) {
				t.Fatalf("the environment counts: %v %v, %v %v", p, err, other, err2)
			}
			person := o
			person.Variables = true
			if p, err := Resolve(inherits, "a", person); err == nil {
				checkPlan(t, p, person)
				if token != "" && len(p.Variables) > 0 {
					t.Fatalf("%v count beside a web identity", p.Variables)
				}
			}
		}
		if err != nil {
			if err.Error() == "" || len(p.Steps) > 0 {
				t.Fatalf("error %q with %v", err, p)
			}
			return
		}
		checkPlan(t, p, o)
	})
}

// checkPlan checks a plan against the rules of AWS.
func checkPlan(t *testing.T, p Plan, o Options) {
	codes, scoped := 0, false
	chained := !p.StartsWithKey() // roles are assumed from a session from here on
	for i, s := range p.Steps {
		if s.Origin() == "" {
			t.Errorf("step %d has no origin", i)
		}
		if MFASerial(s) != "" {
			codes++
		}
		switch s := s.(type) {
		case SessionToken:
			if i != 1 || s.DurationSeconds < 900 || s.DurationSeconds > 129600 {
				t.Errorf("step %d: %+v", i, s)
			}
		case AssumeRole:
			limit := 43200
			if i > 1 || chained {
				limit = 3600
			}
			if i == 0 || s.DurationSeconds < 900 || s.DurationSeconds > limit || !isSessionName(s.RoleSessionName) || i > 1 && s.MFASerial != "" {
				t.Errorf("step %d: %+v", i, s)
			}
			scoped = s.Policy != "" || len(s.PolicyARNs) > 0
		case WebIdentity:
			if i > 0 || s.DurationSeconds < 900 || s.DurationSeconds > 43200 || s.RoleARN == "" || !isSessionName(s.RoleSessionName) || (s.TokenFile == "") == (s.TokenProcess == "") {
				t.Errorf("step %d: %+v", i, s)
			}
			scoped = s.Policy != "" || len(s.PolicyARNs) > 0
		case SSO:
			if i > 0 || !IsAccountID(s.AccountID) || s.RoleName == "" || !IsRegion(s.Region) || !strings.HasPrefix(s.StartURL, "https://") || (s.Session == "") != (len(s.Scopes) == 0) || p.Account == "" {
				t.Errorf("step %d: %+v", i, s)
			}
		case ConsoleLogin:
			a, ok := ParseARN(s.Session)
			if i > 0 || !ok || a.IsRoot() && len(p.Steps) > 1 || p.Account == "" && len(p.Steps) == 1 || partitionOf(s.Signin.Region).name != a.Partition {
				t.Errorf("step %d: %+v", i, s)
			}
		default:
			if i > 0 {
				t.Errorf("step %d: %s", i, s.Kind())
			}
		}
	}
	if codes > 1 || codes > 0 && !p.StartsWithKey() || o.scoped() && !scoped || p.STS.Region == "" || p.Region != "" && !IsRegion(p.Region) {
		t.Errorf("%d codes, scoped %v: %+v", codes, scoped, p)
	}
	if _, err := p.MarshalJSON(); err != nil {
		t.Error(err)
	}
	if id := p.ID(len(p.Steps)); len(id) != 32 {
		t.Errorf("ID %q", id)
	}
}

// JSON replaces bytes that are not UTF-8, so two such commands would have one ID.
func TestProcessIsText(t *testing.T) {
	w := world{config: parse(t, "[profile a]\ncredential_process = /opt/x \xff\n[profile b]\nsource_profile = a\n", "")}
	for _, profile := range []string{"a", "b"} {
		_, err := Resolve(w.facts(nil), profile, Options{})
		var wrong *ConfigError
		if !errors.As(err, &wrong) || wrong.At != "config:2" {
			t.Errorf("%s: %v", profile, err)
		}
	}
}
