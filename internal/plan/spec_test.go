package plan

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

var update = flag.Bool("update", false, "rewrite the plans in testdata; read the diff")

// TestSpec is the specification by example: testdata/*.txtar, with a rule or two
// each. After config, credentials, keys (profile, key ID, and ARN or "-" for a key
// that was stored without asking AWS) and files, the file plans has questions and
// answers:
//
//	> AWS_REGION=eu-west-1 prod --duration 2h
//	stored-key base AKIAIOSFODNN7EXAMPLE (the store)
//	...
//
// A question is a profile with options, after environment variables. --soft is a
// duration from a file, --export is for what fob export makes, --shown for what is only
// shown, --child for fob exec with its variables; AGENT is the coding agent that asks. An answer is the plan, or the error with its type.
func TestSpec(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no specification", err)
	}
	begins := map[string]int{} // how often the answers' lines begin with a word
	rows := 0
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, archive)
			plans := &archive.Files[len(archive.Files)-1]
			if plans.Name != "plans" {
				t.Fatal("the last file is not plans")
			}
			var out strings.Builder
			for _, block := range strings.Split("\n"+string(plans.Data), "\n> ")[1:] {
				question, want, _ := strings.Cut(block, "\n")
				want = strings.TrimSpace(want)
				got := w.answer(t, question)
				rows++
				for line := range strings.Lines(got) {
					word, _, _ := strings.Cut(line, " ")
					begins[word]++
				}
				if got != want && !*update {
					t.Errorf("> %s\ngot:\n%s\nwant:\n%s", question, got, want)
				}
				fmt.Fprintf(&out, "> %s\n%s\n\n", question, got)
			}
			if *update {
				plans.Data = []byte(strings.TrimSuffix(out.String(), "\n"))
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	words := slices.Clone(needed)
	for _, step := range everyStep() {
		words = append(words, step.Kind())
	}
	for _, word := range words {
		if begins[word] == 0 {
			t.Errorf("no row shows %s", word)
		}
	}
	if rows < 200 {
		t.Errorf("%d rows", rows)
	}
	t.Logf("%d rows", rows)
}

// needed are the errors that the specification has to show, beside every kind of step.
var needed = []string{
	"AgentError:", "ConfigError:", "LoopError:", "MachineRoleError:", "MissingSourceError:", "NoDeviceError:", "NoKeyError:",
	"NoProfileError:", "NoRegionError:", "PartialKeyError:", "SecurityKeyError:", "UnknownKeyError:", "UsageError:", "VariableError:", "env",
}

// world is the keys and files that the questions of a file are about.
type world struct {
	config *awsconfig.Config
	keys   map[string]Key
	files  map[string]string
}

func newWorld(t testing.TB, a *txtar.Archive) world {
	w := world{keys: map[string]Key{}, files: map[string]string{}}
	for _, f := range a.Files {
		w.files[f.Name] = string(f.Data)
	}
	w.config = parse(t, w.files["config"], w.files["credentials"])
	for line := range strings.Lines(w.files["keys"]) {
		f := strings.Fields(line)
		k := Key{ID: f[1]}
		if f[2] != "-" {
			a, ok := ParseARN(f[2])
			if !ok {
				t.Fatalf("keys: %s", line)
			}
			k.ARN, k.Account = f[2], a.Account
		}
		w.keys[f[0]] = k
	}
	return w
}

func parse(t testing.TB, config, credentials string) *awsconfig.Config {
	c, err := awsconfig.Parse(awsconfig.File{Path: "config", Text: config}, awsconfig.File{Path: "credentials", Text: credentials})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w world) facts(env map[string]string) Facts {
	return Facts{
		Config:      w.config,
		Key:         func(profile string) (Key, bool, error) { k, ok := w.keys[profile]; return k, ok, nil },
		StoredNames: func() []string { return slices.Sorted(maps.Keys(w.keys)) },
		Getenv:      func(name string) string { return env[name] },
		ReadFile: func(path string) (string, error) {
			text, ok := w.files[path]
			if !ok {
				return "", &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
			}
			return text, nil
		},
		Agent: func() Agent {
			if name := env["AGENT"]; name != "" {
				return Agent{name, "AGENT"}
			}
			return Agent{}
		},
		User:     func() string { return "jo" },
		Program:  "fob",
		FoldCase: env["FOLD"] != "",
	}
}

func (w world) answer(t testing.TB, question string) string {
	env := map[string]string{"USER": "jo"}
	words := cmdline.Words(question)
	for len(words) > 0 && strings.Contains(words[0], "=") {
		name, value, _ := strings.Cut(words[0], "=")
		env[name], words = value, words[1:]
	}
	f := w.facts(env)
	f.User = func() string { return env["USER"] }
	p, err := Resolve(f, words[0], options(t, words[1:]))
	if err != nil {
		return fmt.Sprintf("%s: %v%s", strings.TrimPrefix(fmt.Sprintf("%T", err), "*plan."), err, nearest(err))
	}
	return show(p)
}

// nearest are the names that an error suggests.
func nearest(err error) string {
	var profile *NoProfileError
	var source *MissingSourceError
	var unknown *UnknownKeyError
	var names []string
	switch {
	case errors.As(err, &unknown):
		names = unknown.Nearest
	case errors.As(err, &profile):
		names = profile.Nearest
	case errors.As(err, &source):
		names = source.Nearest
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s?)", strings.Join(names, ", "))
}

func options(t testing.TB, words []string) Options {
	var o Options
	for len(words) > 0 {
		flag := words[0]
		words = words[1:]
		if flag == "--shown" {
			o.Shown = true
			continue
		}
		if flag == "--child" {
			o.Child = true
			continue
		}
		if flag == "--variables" {
			o.Variables = true
			continue
		}
		if flag == "--no-session" || flag == "--unguarded" || flag == "--export" {
			o.Export = o.Export || flag == "--export"
			o.NoSession, o.Unguarded = o.NoSession || flag == "--no-session", o.Unguarded || flag == "--unguarded"
			continue
		}
		value := words[0]
		words = words[1:]
		switch flag {
		case "--duration", "--soft":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			o.Duration = Requested{d, flag, flag == "--soft"}
		case "--region":
			o.Region = value
		case "--secret":
			v, err := ParseSecret(value, flag)
			if err != nil {
				t.Fatal(err)
			}
			o.Secrets = append(o.Secrets, v)
		case "--policy":
			o.Policy, o.PolicyFrom = value, flag
		case "--policy-arn":
			o.PolicyARNs, o.PolicyARNsFrom = append(o.PolicyARNs, value), flag
		default:
			t.Fatalf("no option %s", flag)
		}
	}
	return o
}

// show prints a plan: each step with its origin on a line, then everything else
// that is not the default.
func show(p Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s%s (%s)\n", s.Kind(), words(s), s.Origin())
	}
	if p.Account != "" {
		fmt.Fprintf(&b, "account %s\n", p.Account)
	}
	for _, g := range p.Guards {
		fmt.Fprintf(&b, "account after step %d must be %s (%s)\n", g.Steps, g.Account, g.From)
	}
	if p.Region != "" {
		fmt.Fprintf(&b, "region %s\n", p.Region)
	}
	if e := p.STS; e != (Endpoint{Region: either(p.Region, "us-east-1"), Home: "us-east-1"}) {
		fmt.Fprintf(&b, "sts %s, home %s", e.Region, e.Home)
		if e.URL != "" {
			fmt.Fprintf(&b, ", url %s", e.URL)
		}
		if e.FIPS {
			b.WriteString(", fips")
		}
		if e.DualStack {
			b.WriteString(", dualstack")
		}
		if e.CABundle != "" {
			fmt.Fprintf(&b, ", ca %s", e.CABundle)
		}
		b.WriteString("\n")
	}
	if a := p.Agent; a != (AgentGuard{}) {
		fmt.Fprintf(&b, "agent %s gets %s (%s)\n", a.Name, a.Gets, a.From)
	}
	if p.Confirm != "" {
		fmt.Fprintf(&b, "confirm (%s)\n", p.Confirm)
	}
	if p.MaxMFAAge != 0 {
		fmt.Fprintf(&b, "mfa at most %s old\n", Duration(p.MaxMFAAge))
	}
	if c := p.MFAProcess; c != (Command{}) {
		fmt.Fprintf(&b, "mfa codes from %q (%s)\n", c.Line, c.From)
	}
	for _, v := range p.Env {
		fmt.Fprintf(&b, "env %s =%s (%s)\n", v.Name, showValue(v), v.From)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return strings.TrimSpace(b.String())
}

// showValue shows text in quotes, and references with their region.
func showValue(v Variable) string {
	var b strings.Builder
	for _, part := range v.Value {
		if part.Reference == (Reference{}) {
			fmt.Fprintf(&b, " %q", part.Text.Reveal())
			continue
		}
		fmt.Fprintf(&b, " %s in %s", part.Reference, part.Reference.Region)
	}
	return b.String()
}

func words(s Step) string {
	life := func(seconds int) string { return Duration(time.Duration(seconds) * time.Second) }
	var w []string
	field := func(name, value string) {
		if value != "" {
			w = append(w, name+value)
		}
	}
	switch s := s.(type) {
	case StoredKey:
		w = []string{s.Profile, s.KeyID}
	case PlaintextKey:
		w = []string{s.Profile, s.KeyID}
	case Environment:
		w = []string{s.KeyID}
	case Process:
		w = []string{s.Profile, fmt.Sprintf("%q", s.Command)}
	case SSO:
		w = []string{s.Profile, s.AccountID, s.RoleName, "session=" + s.Session, s.StartURL, s.Region}
		field("scopes=", strings.Join(s.Scopes, ","))
		field("oidc=", s.OIDC.other())
		field("portal=", s.Portal.other())
	case ConsoleLogin:
		w = []string{s.Profile, s.Session, "in " + s.Signin.Region}
		field("cache=", s.CacheDir)
		field("signin=", s.Signin.other())
		if s.AWSLogin {
			w = append(w, "aws-login")
		}
	case WebIdentity:
		w = []string{s.Profile, s.RoleARN, life(s.DurationSeconds), "as " + s.RoleSessionName}
		field("token-file=", s.TokenFile)
		field("token-process=", s.TokenProcess)
		field("policy=", s.Policy)
		field("policy-arns=", strings.Join(s.PolicyARNs, ","))
	case SessionToken:
		w = []string{life(s.DurationSeconds)}
		field("mfa=", s.MFASerial)
	case AssumeRole:
		w = []string{s.RoleARN, life(s.DurationSeconds), "as " + s.RoleSessionName}
		field("mfa=", s.MFASerial)
		field("external-id=", s.ExternalID)
		field("source-identity=", s.SourceIdentity)
		for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
			field("tag:", k+"="+s.Tags[k])
		}
		field("transitive=", strings.Join(s.TransitiveTagKeys, ","))
		field("policy=", s.Policy)
		field("policy-arns=", strings.Join(s.PolicyARNs, ","))
	}
	return " " + strings.Join(w, " ")
}
