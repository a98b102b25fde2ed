//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/ststest"
)

// jsonDocuments are the commands that print JSON: the part of the manual's section
// JSON that describes it, and the Go files that have its types.
var jsonDocuments = []struct {
	heading string
	files   []string
}{
	{"list", []string{"list.go"}},
	{"status", []string{"status.go"}},
	{"explain", []string{"internal/plan/plan.go"}},
	{"store", []string{"store.go"}},
	{"doctor", []string{"internal/doctor/doctor.go"}},
	{"leaks", []string{"internal/leaks/leaks.go", "leaks_print.go"}},
	{"sso", []string{"sso.go"}},
	{"sso accounts", []string{"sso_accounts.go"}},
	{"config get", []string{"config.go"}},
	{"mfa code", []string{"mfa.go"}},
	{"export", []string{"internal/format/process.go"}},
}

// jsonConfig has a profile of each kind, and everything that a role can send to AWS.
const jsonConfig = `[profile dev]
region = eu-west-1
mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile prod]
source_profile = dev
role_arn = arn:aws:iam::222222222222:role/deploy
[profile all]
source_profile = dev
role_arn = arn:aws:iam::222222222222:role/deploy
duration_seconds = 14400
external_id = 123
role_session_name = build
source_identity = jo
session_tags = team=web
transitive_session_tags = team
mfa_process = echo 123456
fob_policy = POLICY
fob_policy_arns = arn:aws:iam::aws:policy/ReadOnlyAccess
[profile other]
credential_process = ./credentials
[profile chain]
source_profile = other
role_arn = arn:aws:iam::222222222222:role/deploy
role_session_name = jo
mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile given]
credential_source = Environment
role_arn = arn:aws:iam::222222222222:role/deploy
role_session_name = jo
[profile plain]
aws_access_key_id = AKIAI44QH8DHBEXAMPLE
aws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY
[profile gone]
source_profile = nobody
role_arn = arn:aws:iam::222222222222:role/deploy
[profile ops]
sso_session = corp
sso_account_id = 333333333333
sso_role_name = Admin
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[sso-session half]
sso_region = eu-west-1
`

// Each document of JSON is what it was, in a fixed home at a fixed time; UPDATE_SCRIPTS=1
// writes the files again. People build on these keys.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := time.Date(2026, 1, 2, 12, 0, 10, 0, time.UTC)
	at := func(now time.Time, vars ...string) *world {
		w.AWS.StopClock(now)
		return w.with(append(vars, testClock+"="+now.Format(time.RFC3339Nano))...)
	}
	run := func(w *world, stdin string, want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := w.RunWith(stdin, args...)
		if code != want {
			t.Fatalf("fob %q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	policy := filepath.Join(w.Home, "policy.json")
	if err := os.WriteFile(policy, []byte(`{"Version":"2012-10-17","Statement":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.config(t, strings.Replace(jsonConfig, "POLICY", policy, 1))

	created := time.Date(2025, 8, 20, 9, 30, 0, 0, time.UTC)
	w.AWS.AgeKey(ststest.DemoKeyID, w.AWS.Keys(ststest.DemoUser)[0].Created.Sub(created))
	golden(t, w, "store-none", run(at(begin), "", 0, "store", "--json"))
	golden(t, w, "status-none", run(at(begin), "", 1, "status", "--json"))
	run(at(begin), ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", 0, "add", "dev", "--stdin")
	run(at(begin), ststest.DemoSeed, 0, "mfa", "add", "dev", "--stdin")
	golden(t, w, "mfa-code", run(at(begin), "", 0, "mfa", "code", "dev", "--json"))
	begin = begin.Add(time.Minute)
	golden(t, w, "export", run(at(begin), "", 0, "export", "--profile", "prod"))

	later := at(begin.Add(10*time.Minute), "AWS_PROFILE=prod")
	golden(t, w, "list", run(later, "", 0, "list", "--json"))
	golden(t, w, "status", run(later, "", 0, "status", "--json"))
	golden(t, w, "status-all", run(later, "", 0, "status", "--all", "--json"))
	given := at(begin.Add(10*time.Minute), "AWS_ACCESS_KEY_ID="+ststest.DemoKeyID, "AWS_SECRET_ACCESS_KEY="+ststest.DemoSecret)
	for _, profile := range []string{"prod", "all", "chain", "given", "plain"} {
		golden(t, w, "explain-"+profile, run(given, "", 0, "explain", profile, "--json"))
	}
	golden(t, w, "explain-ops", run(given, "", 0, "explain", "ops", "--json"))
	golden(t, w, "sso", run(later, "", 0, "sso", "--json"))
	golden(t, w, "config-get", run(later, "", 0, "config", "get", "region", "--profile", "dev", "--json"))
	golden(t, w, "store", run(later, "", 0, "store", "--json"))
	notes := filepath.Join(w.Home, "notes")
	text := ststest.DemoKeyID + "\n" + url.QueryEscape(ststest.DemoSecret) + "\n" + ststest.DemoSeed + "\nAKIA6RVFFB77RE7OLMKI\n"
	if err := errors.Join(os.Mkdir(notes, 0o700), os.WriteFile(filepath.Join(notes, "env"), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	golden(t, w, "leaks", run(later, "", 1, "leaks", "--json", notes))
	if runtime.GOOS == "linux" { // others have no kernel that keeps a store unlocked
		stdout, _, _ := later.Run("doctor", "--json")
		golden(t, w, "doctor", stdout)
		stdout, _, _ = later.Run("doctor", "prod", "--json")
		golden(t, w, "doctor-profile", stdout)
	}
}

// golden compares a document with its file, without what is random or depends on the
// machine.
func golden(t *testing.T, w *world, name, got string) {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(got), &doc); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, got)
	}
	if strings.Contains(got, "~") {
		t.Errorf("%s: a path with ~:\n%s", name, got)
	}
	for _, key := range slices.Sorted(maps.Keys(jsonKeys(doc))) {
		if !documentedKeys(t, jsonCommand(name))[key] {
			t.Errorf("%s: %q is not in the manual", name, key)
		}
	}
	for _, m := range regexp.MustCompile(`"(check|level|kind)": ?"(.*?)"`).FindAllStringSubmatch(got, -1) {
		if !hasWord(jsonSection(t, jsonCommand(name)), m[2]) {
			t.Errorf("%s: the %s %q is not in the manual", name, m[1], m[2])
		}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(sameEverywhere(doc)); err != nil {
		t.Fatal(err)
	}
	got = strings.NewReplacer(w.Home, "/home/jo", w.AWS.URL, "http://127.0.0.1:1", w.Fob, "/usr/local/bin/fob").Replace(text.String())
	got = regexp.MustCompile(`"(id|fingerprint|AccessKeyId|SecretAccessKey|SessionToken)": ".*"`).ReplaceAllString(got, `"$1": "..."`)
	file := filepath.Join("testdata", "json", name+".golden")
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// jsonCommand is the command whose document a golden file has.
func jsonCommand(name string) string {
	switch name {
	case "mfa-code":
		return "mfa code"
	case "config-get":
		return "config get"
	}
	name, _, _ = strings.Cut(name, "-")
	return name
}

// sameEverywhere leaves out which keyrings this machine has.
func sameEverywhere(doc any) any {
	switch doc := doc.(type) {
	case map[string]any:
		for key, value := range doc {
			doc[key] = sameEverywhere(value)
		}
	case []any:
		return slices.DeleteFunc(doc, func(e any) bool {
			e = sameEverywhere(e)
			way, _ := e.(map[string]any)
			name, _ := way["name"].(string)
			return way["check"] == "ways" || way["usable"] != nil && name != "file" && name != "age"
		})
	}
	return doc
}

// jsonKeys are the keys of all objects in a document, but for those that users make up.
func jsonKeys(doc any) map[string]bool {
	keys := map[string]bool{}
	switch doc := doc.(type) {
	case map[string]any:
		for key, value := range doc {
			keys[key] = true
			if key != "tags" {
				maps.Copy(keys, jsonKeys(value))
			}
		}
	case []any:
		for _, e := range doc {
			maps.Copy(keys, jsonKeys(e))
		}
	}
	return keys
}

// documentedKeys are the keys that the manual describes for a command.
func documentedKeys(t *testing.T, command string) map[string]bool {
	t.Helper()
	keys, text := map[string]bool{}, jsonSection(t, command)
	for _, m := range regexp.MustCompile(`(?m)^\.(?:TP|TQ)\n\.BR? (.*)$`).FindAllStringSubmatch(text, -1) {
		for _, key := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ' ' || r == ',' }) {
			keys[key] = true
		}
	}
	return keys
}

// jsonSection is what the manual says about a command's JSON.
func jsonSection(t *testing.T, command string) string {
	t.Helper()
	_, text, _ := strings.Cut(manualText(t), "\n.SH JSON\n")
	text, _, _ = strings.Cut(text, "\n.SH ")
	_, text, ok := strings.Cut(text, "\n.SS "+command+"\n")
	if !ok {
		t.Fatalf("the manual does not say what %s prints as JSON", command)
	}
	text, _, _ = strings.Cut(text, "\n.SS ")
	return text
}

// The manual describes each key that is in a type, and no other.
func TestManualHasJSON(t *testing.T) {
	model := grammar(t)
	known := map[string]bool{"export": true}
	for _, d := range jsonDocuments {
		known[d.heading] = true
		keys := map[string]bool{}
		for _, file := range d.files {
			maps.Copy(keys, taggedKeys(t, file))
		}
		if d.heading == "store" {
			maps.Copy(keys, map[string]bool{"keys": true, "seeds": true, "sessions": true, "sign_ins": true}) // of a map
		}
		if d.heading == "explain" {
			keys["kind"], keys["from"] = true, true // of every step
		}
		if documented := documentedKeys(t, d.heading); !maps.Equal(keys, documented) {
			t.Errorf("%s prints %q,\nthe manual has %q", d.heading, slices.Sorted(maps.Keys(keys)), slices.Sorted(maps.Keys(documented)))
		}
	}
	for _, leaf := range model.Leaves(false) {
		words := helpWords(leaf)
		if slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == "json" && !f.Hidden }) && !known[strings.Join(words, " ")] {
			t.Errorf("nothing on the JSON of %q", words)
		}
	}
}

// taggedKeys are the keys of the structs in a file that are made for JSON.
func taggedKeys(t *testing.T, name string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.StructType); ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return jsonName(f) != "" }) {
			for _, f := range s.Fields.List {
				name := jsonName(f)
				if name == "" && len(f.Names) == 1 && f.Names[0].IsExported() {
					name = f.Names[0].Name
				}
				if name != "" && name != "-" {
					keys[name] = true
				}
			}
		}
		return true
	})
	return keys
}

// jsonName is the name in a field's tag; "" if it has none.
func jsonName(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	return name
}
