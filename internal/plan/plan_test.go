package plan

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"fob/internal/awsconfig"
	"fob/internal/creds"
)

// everyStep has one of each type, empty.
func everyStep() []Step {
	return []Step{StoredKey{}, PlaintextKey{}, Environment{}, Process{}, SSO{}, ConsoleLogin{}, WebIdentity{}, SessionToken{}, AssumeRole{}}
}

// TestID: a changed input is another session (rule 6). Every field of every step and
// the URL of the endpoint change the ID, and never to the same one.
func TestID(t *testing.T) {
	seen := map[string]string{}
	distinct := func(p Plan, what string) {
		id := p.ID(len(p.Steps))
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
			t.Errorf("%s: ID %q", what, id)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%s has the ID of %s", what, other)
		}
		seen[id] = what
	}
	distinct(Plan{STS: Endpoint{URL: "https://sts.example.com"}}, "an endpoint")
	distinct(Plan{}, "no step")
	for _, s := range everyStep() {
		distinct(Plan{Steps: []Step{s}}, s.Kind())
		distinct(Plan{Steps: []Step{s, s}}, "twice "+s.Kind())
		for _, f := range reflect.VisibleFields(reflect.TypeOf(s)) {
			if f.Name == "From" {
				continue
			}
			for _, v := range values(t, f.Type) {
				changed := reflect.New(reflect.TypeOf(s)).Elem()
				changed.FieldByIndex(f.Index).Set(reflect.ValueOf(v))
				distinct(Plan{Steps: []Step{changed.Interface().(Step)}}, s.Kind()+" with another "+f.Name)
			}
		}
	}
}

// values of a type that differ from each other and from the zero value.
func values(t *testing.T, typ reflect.Type) []any {
	switch v := reflect.Zero(typ).Interface().(type) {
	case string:
		return []any{"x", "y", "x\n", `"x"`, "<", "ü"}
	case int:
		return []any{900, 3600}
	case bool:
		return []any{true}
	case []string:
		return []any{[]string{"x"}, []string{"x", "y"}, []string{"y", "x"}, []string{"x,y"}}
	case Endpoint:
		return []any{Endpoint{URL: "x"}, Endpoint{URL: "y"}}
	case map[string]string:
		return []any{map[string]string{"x": ""}, map[string]string{"x": "y"}, map[string]string{"y": "x"}, map[string]string{"x": "y", "y": "x"}}
	default:
		t.Fatalf("a field of type %T: say here how it changes", v)
		return nil
	}
}

// TestEveryStep keeps everyStep complete.
func TestEveryStep(t *testing.T) {
	source, err := os.ReadFile("plan.go")
	if err != nil {
		t.Fatal(err)
	}
	var inSource, listed []string
	for _, m := range regexp.MustCompile(`(?m)^func \((\w+)\) Kind\(\)`).FindAllSubmatch(source, -1) {
		inSource = append(inSource, string(m[1]))
	}
	for _, s := range everyStep() {
		listed = append(listed, reflect.TypeOf(s).Name())
	}
	if !slices.Equal(inSource, listed) {
		t.Errorf("types %q, tested are %q", inSource, listed)
	}
}

// TestIDIgnores: a change that does not affect credentials keeps the ID.
func TestIDIgnores(t *testing.T) {
	same := Plan{Steps: everyStep()}
	want := same.ID(len(same.Steps))
	for _, s := range everyStep() {
		moved := reflect.New(reflect.TypeOf(s)).Elem()
		moved.Set(reflect.ValueOf(s))
		moved.FieldByName("From").SetString("config:7")
		p := Plan{Steps: slices.Clone(same.Steps)}
		p.Steps[slices.IndexFunc(p.Steps, func(o Step) bool { return o.Kind() == s.Kind() })] = moved.Interface().(Step)
		if p.ID(len(p.Steps)) != want {
			t.Errorf("the ID depends on where %s is from", s.Kind())
		}
	}
	other := Plan{
		Profile: "other", Region: "eu-west-1", Account: "111111111111", MaxMFAAge: 1, Notes: []string{"note"}, Steps: same.Steps,
		Confirm: "config:4", RegionDenied: "a sentence", Guarding: []Guard{{"fob_confirm", "true", "config:4"}},
		STS:        Endpoint{Region: "eu-west-1", Home: "us-east-1", FIPS: true, DualStack: true, CABundle: "/ca.pem"},
		MFAProcess: Command{"ykman oath", "config:3"},
	}
	if other.ID(len(other.Steps)) != want {
		t.Error("the ID depends on the region or another field of Plan")
	}
}

// TestSharedPrefix: profiles with one key and one device share the MFA session, also
// in different regions. Another key or device has a session of its own.
func TestSharedPrefix(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte(`
-- config --
[profile base]
mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile one]
region = eu-west-1
source_profile = base
role_arn = arn:aws:iam::222222222222:role/one
[profile two]
region = us-west-2
source_profile = base
role_arn = arn:aws:iam::333333333333:role/two
[profile phone]
source_profile = base
mfa_serial = arn:aws:iam::111111111111:mfa/phone
[profile other]
mfa_serial = arn:aws:iam::111111111111:mfa/jo
-- keys --
base   AKIAIOSFODNN7EXAMPLE arn:aws:iam::111111111111:user/jo
other  AKIAI44QH8DHBEXAMPLE arn:aws:iam::111111111111:user/jo
`)))
	plan := func(profile string) Plan {
		p, err := Resolve(w.facts(nil), profile, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	base, one, two := plan("base"), plan("one"), plan("two")
	if base.ID(2) != one.ID(2) || one.ID(2) != two.ID(2) {
		t.Error("the MFA session is not shared")
	}
	if one.ID(3) == two.ID(3) {
		t.Error("two roles have one ID")
	}
	if plan("phone").ID(2) == base.ID(2) || plan("other").ID(2) == base.ID(2) {
		t.Error("another device or key shares the MFA session")
	}
	if got := one.Source(); got != "base" {
		t.Errorf("Source = %q", got)
	}
	if got := one.MFASerial(); got != "arn:aws:iam::111111111111:mfa/jo" {
		t.Errorf("MFASerial = %q", got)
	}
}

// TestExplainJSON compares the format of fob explain --json with a golden file:
// unknown fields are left out, kind is first and from is last.
func TestExplainJSON(t *testing.T) {
	full := AssumeRole{
		RoleARN: "arn:aws:iam::222222222222:role/deploy", DurationSeconds: 3600, RoleSessionName: "jo", ExternalID: "123",
		MFASerial: "arn:aws:iam::111111111111:mfa/jo", SourceIdentity: "jo@example.com",
		Tags: map[string]string{"b": "2", "a": "1"}, TransitiveTagKeys: []string{"a"},
		Policy: `{"Statement":[]}`, PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, From: "config:9",
	}
	plans := []Plan{
		{
			Profile: "prod", Region: "eu-west-1", Account: "222222222222", STS: Endpoint{Region: "eu-west-1", URL: "https://sts.example.com"},
			Steps: []Step{
				StoredKey{Profile: "base", KeyID: "AKIAIOSFODNN7EXAMPLE", From: "the store"},
				SessionToken{MFASerial: "arn:aws:iam::111111111111:mfa/jo", DurationSeconds: 43200, From: "config:2"},
				full,
			},
			Env: []Variable{
				{Name: "URL", Value: []Part{
					{Text: creds.NewSecret("hidden://")}, {Reference: Reference{Service: "secretsmanager", ID: "prod/db", Key: "a&b"}},
					{Reference: Reference{Service: "ssm", ID: "/prod/db/host", Version: "3"}},
				}, From: "config:10"},
				{Name: "LEVEL", Value: []Part{{Text: creds.NewSecret("hidden")}}, From: "config:11"},
			},
			Notes: []string{"a note"},
		},
		{Profile: "least", Steps: []Step{
			StoredKey{Profile: "base", From: "the store"},
			SessionToken{DurationSeconds: 43200, From: "default"},
			AssumeRole{RoleARN: "arn:aws:iam::222222222222:role/deploy", DurationSeconds: 3600, RoleSessionName: "jo", From: "config:9"},
		}},
		{Profile: "plain", Steps: []Step{PlaintextKey{Profile: "plain", KeyID: "AKIAI44QH8DHBEXAMPLE", From: "credentials:2"}}},
		{Profile: "env", Steps: []Step{Environment{KeyID: "AKIAIOSFODNN7EXAMPLE", From: "config:3"}}},
		{Profile: "process", Steps: []Step{Process{Profile: "process", Command: `/opt/a b && c <d>`, From: "config:3"}}},
	}
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	for _, p := range plans {
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/explain.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got:\n%s\nwant:\n%s", got.Bytes(), want)
	}
}

// TestSource: a plan that may have cached sessions has a name to file them under,
// which no other plan has.
func TestSource(t *testing.T) {
	for _, s := range []Step{StoredKey{Profile: "p"}, PlaintextKey{Profile: "p"}, Process{Profile: "p"}} {
		if got := (Plan{Steps: []Step{s}}).Source(); got != "p" {
			t.Errorf("%s: %q", s.Kind(), got)
		}
	}
	got := Plan{Steps: []Step{Environment{KeyID: "AKIAIOSFODNN7EXAMPLE"}}}.Source()
	if _, err := awsconfig.Header("profile", got); err == nil || got == "" {
		t.Errorf("%q can be the name of a profile", got)
	}
	if _, err := awsconfig.Header("", got); err == nil {
		t.Errorf("%q can be the name of a profile in the credentials file", got)
	}
}

// chain is the input of the benchmarks: two roles and a key with MFA.
const chain = `
-- config --
[profile base]
region = eu-west-1
mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile one]
source_profile = base
role_arn = arn:aws:iam::222222222222:role/one
[profile two]
source_profile = one
role_arn = arn:aws:iam::333333333333:role/two
session_tags = team=red
-- keys --
base   AKIAIOSFODNN7EXAMPLE arn:aws:iam::111111111111:user/jo
`

func BenchmarkResolve(b *testing.B) {
	facts := newWorld(b, txtar.Parse([]byte(chain))).facts(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Resolve(facts, "two", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkID(b *testing.B) {
	p, err := Resolve(newWorld(b, txtar.Parse([]byte(chain))).facts(nil), "two", Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.ID(len(p.Steps))
	}
}
