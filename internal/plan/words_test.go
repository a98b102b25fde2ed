package plan

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
)

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		in    string
		want  time.Duration
		short string
	}{
		{"900", 15 * time.Minute, "15m"},
		{"0", 0, "0s"},
		{"1h", time.Hour, "1h"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"1.5s", time.Second, "1s"},
		{"2147483647", 2147483647 * time.Second, "596523h14m7s"},
	} {
		d, err := ParseDuration(tt.in)
		if err != nil || d != tt.want || Short(d) != tt.short {
			t.Errorf("ParseDuration(%q) = %s (%s), %v", tt.in, d, Short(d), err)
		}
	}
	for _, in := range []string{"", "-1", "-1h", "soon", "2147483648", "1 h", "1d", "9999999999h", "12:00"} {
		if d, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %s", in, d)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"fido", "prod", "prod-eu", "production", "staging", "dev", "Dev2", "prod"}
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"prdo", []string{"prod"}},
		{"PROD", []string{"prod"}},
		{"prod-e", []string{"prod-eu"}},
		{"prod-ue", []string{"prod-eu"}},
		{"stagin", []string{"staging"}},
		{"dev1", []string{"Dev2", "dev"}},
		{"x", nil},
		{"", nil},
		{strings.Repeat("prod", 100), nil},
	} {
		if got := Nearest(tt.name, names); !slices.Equal(got, tt.want) {
			t.Errorf("Nearest(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCheckSerial(t *testing.T) {
	for _, tt := range []struct{ serial, account, want string }{
		{"arn:aws:iam::111111111111:mfa/jo", "111111111111", ""},
		{"arn:aws:iam::111111111111:mfa/jo", "", ""},
		{"arn:aws-cn:iam::111111111111:mfa/team/jo", "111111111111", ""},
		{"arn:aws:iam::111111111111:mfa/root-account-mfa-device", "111111111111", ""},
		{"GAHT12345678", "111111111111", ""},
		{"arn:aws:iam::999999999999:mfa/jo", "111111111111", "the MFA device is in account 999999999999, the key in 111111111111"},
		{"arn:aws:iam::111111111111:u2f/user/jo/key", "", "arn:aws:iam::111111111111:u2f/user/jo/key is a FIDO security key, and AWS takes those only in the browser, not for session credentials"},
		{"arn:aws:iam::111111111111:user/jo", "", `"arn:aws:iam::111111111111:user/jo" is no ARN of an MFA device`},
		{"arn:aws:sts::111111111111:mfa/jo", "", `"arn:aws:sts::111111111111:mfa/jo" is no ARN of an MFA device`},
		{"arn:aws:iam::1:mfa/jo", "", `"arn:aws:iam::1:mfa/jo" is no ARN of an MFA device`},
		{"123456", "", `"123456" is no MFA serial number`},
		{"none", "", `"none" is no MFA serial number`},
		{"", "", `"" is no MFA serial number`},
		{"GAHT 12345678", "", `"GAHT 12345678" is no MFA serial number`},
		{strings.Repeat("1", 257), "", `"` + strings.Repeat("1", 257) + `" is no MFA serial number`},
	} {
		if got := CheckSerial(tt.serial, tt.account); got != tt.want {
			t.Errorf("CheckSerial(%q, %q) = %q, want %q", tt.serial, tt.account, got, tt.want)
		}
	}
}

func TestIsRegion(t *testing.T) {
	for _, s := range []string{"eu-west-1", "us-gov-west-1", "eusc-de-east-1", "local"} {
		if !IsRegion(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "EU-WEST-1", "eu-west-1.evil.com", "eu-west-", "-x", "eu_west_1", "eu-west-1\n", "$(id)", "a/b", strings.Repeat("a", 64)} {
		if IsRegion(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

// FuzzResolve: over any config there is no panic, the same answer twice, and a
// plan that AWS's rules allow.
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
		o := Options{NoSession: bits&1 != 0, Region: region, Duration: Demand{time.Duration(duration) * time.Second, "--duration", bits&2 != 0}}
		if bits&4 != 0 {
			o.PolicyARNs = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
		}
		p, err := Resolve(facts, "a", o)
		again, err2 := Resolve(facts, "a", o)
		if !reflect.DeepEqual(p, again) || !reflect.DeepEqual(err, err2) {
			t.Fatalf("two answers: %v %v, %v %v", p, err, again, err2)
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

// checkPlan holds a plan against AWS's rules.
func checkPlan(t *testing.T, p Plan, o Options) {
	codes, scoped := 0, false
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
			if i > 1 {
				limit = 3600
			}
			if i == 0 || s.DurationSeconds < 900 || s.DurationSeconds > limit || !isSessionName(s.RoleSessionName) || i > 1 && s.MFASerial != "" {
				t.Errorf("step %d: %+v", i, s)
			}
			scoped = s.Policy != "" || len(s.PolicyARNs) > 0
		default:
			if i > 0 {
				t.Errorf("step %d: %s", i, s.Kind())
			}
		}
	}
	if codes > 1 || o.scoped() && !scoped || p.STS.Region == "" || p.Region != "" && !IsRegion(p.Region) {
		t.Errorf("%d codes, scoped %v: %+v", codes, scoped, p)
	}
	if _, err := p.MarshalJSON(); err != nil {
		t.Error(err)
	}
	if id := p.ID(len(p.Steps)); len(id) != 32 {
		t.Errorf("ID %q", id)
	}
}

// FuzzParseDuration: what is taken is whole, not negative, and is read back from
// what Short prints.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"900", "1h", "1h30m5s", "0.5s", "-1", "1e3", "9223372036s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(Short(d)); d < 0 || d%time.Second != 0 || err != nil || again != d {
			t.Errorf("ParseDuration(%q) = %s, printed as %s", s, d, Short(d))
		}
	})
}

// FuzzNearest: at most three, all of them known, each once.
func FuzzNearest(f *testing.F) {
	f.Add("prdo", "prod,prod-eu,dev")
	f.Add("", ",a,a")
	f.Fuzz(func(t *testing.T, name, list string) {
		names := strings.Split(list, ",")
		got := Nearest(name, names)
		if len(got) > 3 || len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
			t.Errorf("Nearest(%q, %q) = %q", name, names, got)
		}
		for _, n := range got {
			if !slices.Contains(names, n) {
				t.Errorf("%q is none of %q", n, names)
			}
		}
	})
}

func FuzzLegalSessionName(f *testing.F) {
	for _, s := range []string{"", "j", "jo smith", "ü", "-jo-", strings.Repeat("x", 70), strings.Repeat("-", 70), strings.Repeat("é", 70) + "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := legalSessionName(s); !isSessionName(got) {
			t.Errorf("legalSessionName(%q) = %q", s, got)
		}
	})
}

// spellings are what AWS takes, as its API references write it.
var spellings = []struct {
	pattern string
	is      func(string) bool
}{
	{`^[\w+=,.@-]{2,64}$`, isSessionName},
	{`^[\w+=,.@:/-]{2,1000}$`, isExternalID}, // 1224, but no expression repeats more than 1000 times
	{`^[\w+=/:,.@-]{9,256}$`, isSerialNumber},
	{`^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$`, isTagKey},
	{`^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$`, isTagValue},
	{`^[0-9]{12}$`, isAccountID},
	{`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, isHostLabel},
}

func FuzzSpellings(f *testing.F) {
	for _, s := range []string{"", "j", "jo", "jo smith", "jo\n", "ü\u00a0٣", "\xff", "-jo-", "A-b_c+=,.@:/9", "123456789012", "\x00", "K\u212a"} {
		f.Add(s, 1)
	}
	for _, n := range []int{8, 9, 11, 12, 13, 63, 64, 65, 128, 129, 256, 257, 1000} {
		f.Add("1", n)
		f.Add("é", n)
	}
	var patterns []*regexp.Regexp
	for _, sp := range spellings {
		patterns = append(patterns, regexp.MustCompile(sp.pattern))
	}
	f.Fuzz(func(t *testing.T, s string, times int) {
		if times < 0 || times > 1000 || len(s)*times > 1000 {
			return
		}
		s = strings.Repeat(s, times)
		for i, sp := range spellings {
			if got, want := sp.is(s), patterns[i].MatchString(s); got != want {
				t.Errorf("%s: %q is %v, not %v", sp.pattern, s, got, want)
			}
		}
	})
}

func TestExternalIDLength(t *testing.T) {
	if !isExternalID(strings.Repeat("x", 1224)) || isExternalID(strings.Repeat("x", 1225)) {
		t.Error("the limit is not 1224")
	}
}
