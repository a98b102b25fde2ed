package leaks

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A report with everything in it, and an empty one, are valid by the schema of OASIS.
func TestSARIF(t *testing.T) {
	when := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	full := Report{
		Findings: []Finding{
			{Subject: Subject{Kind: SecretKey, State: IsStored, KeyID: "AKIA...MPLE", Profiles: []string{"dev"}}, Path: "a b/%/ü.env", Line: 3},
			{Subject: Subject{Kind: KeyID, State: IsRetired, KeyID: "AKIA...MPLE", Retired: &when}, Path: "/etc/x", Line: 1, Spelling: "base64"},
			{Subject: Subject{Kind: KeyID, State: IsOther, KeyID: "AKIA...LMKI", WithSecret: true}, Path: "c:d", Line: 1},
			{Subject: Subject{Kind: MFASecret, State: IsStored, Serial: testSerial}, Path: "name", InName: true},
			{Subject: Subject{Kind: BedrockKey, State: IsOther}, Git: &Object{Repository: "/r/.git", ID: "abc", Type: "blob", Date: &when}},
		},
		Problems: []Problem{{"dir", errors.New("permission denied")}},
	}
	var python string
	for _, p := range []string{"python3", "/usr/bin/python3"} { // the second has Debian's packages
		if exec.Command(p, "-c", "import jsonschema").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		if os.Getenv("FOB_TEST_REQUIRE") == "1" {
			t.Fatal("python3 with jsonschema is needed (FOB_TEST_REQUIRE=1)")
		}
		t.Skip("SKIPPED: NO PYTHON3 WITH JSONSCHEMA HERE")
	}
	several := full
	several.Findings = slices.Clone(full.Findings)
	several.Findings[0].at, several.Findings[1].at = place{"/r/.git", "/r", "a b"}, place{"/s/.git", "/s", "x"}
	for name, r := range map[string]Report{"full": full, "several": several, "empty": {}} {
		text, err := json.MarshalIndent(SARIF(r, "1.0", func(Finding) string { return "what it is" }), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "report.sarif")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		const validate = `import json, sys, jsonschema
schema, doc = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.Draft4Validator.check_schema(schema)
problems = list(jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).iter_errors(doc))
sys.exit("\n".join(map(str, problems)) or 0)`
		if out, err := exec.Command(python, "-c", validate, "testdata/sarif-schema-2.1.0.json", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out, text)
		}
		// The validator works: it refuses what has a mistake.
		wrong := strings.Replace(string(text), `"results"`, `"result"`, 1)
		if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if exec.Command(python, "-c", validate, "testdata/sarif-schema-2.1.0.json", file).Run() == nil {
			t.Errorf("%s: the schema has nothing against an unknown key", name)
		}
	}
}

// Addresses are relative to the top of the repository, for files as for git's objects, from
// whatever directory they were searched; in several repositories, to that of their own.
func TestSARIFBases(t *testing.T) {
	dir := t.TempDir()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for _, d := range []string{"outer/sub", "outer/vendor/x", "away"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(d)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "outer", "sub"))
	top := func(at string) place {
		at = filepath.Join(dir, filepath.FromSlash(at))
		return place{repository: filepath.Join(at, ".git"), top: at}
	}
	file := func(path string) Finding {
		return Finding{Subject: Subject{Kind: KeyID}, Path: filepath.FromSlash(path), Line: 1}
	}
	object := func(repository, path string) Finding {
		f := file(path)
		f.Git = &Object{Repository: filepath.Join(dir, filepath.FromSlash(repository), ".git")}
		return f
	}
	staged := Finding{Path: "sub/k", Staged: true}
	base := pathURI(dir)
	for _, c := range []struct {
		tops     []place
		findings []Finding
		want     string
	}{
		{[]place{top("outer")}, []Finding{file("k"), object("outer", "sub/k"), file("../other"), file(filepath.Join(dir, "outer", "z"))}, "sub/k sub/k other z"},
		{nil, []Finding{file("k"), file("../other")}, "k ../other"},
		{nil, []Finding{staged}, "sub/k"},
		{[]place{top("outer"), top("outer/vendor/x")}, []Finding{file("../vendor/x/k"), object("outer/vendor/x", "k")}, "k k"},
		{
			[]place{top("outer"), top("outer/vendor/x")},
			[]Finding{file("k"), object("outer", "gone"), file("../vendor/x/k"), object("outer/vendor/x", "gone"), file("../../away/k")},
			"1:sub/k 1:gone 2:k 2:gone " + base + "/away/k 1=" + base + "/outer/ 2=" + base + "/outer/vendor/x/",
		},
		{[]place{top("outer")}, []Finding{file("k"), file("../../away/k")}, "1:sub/k " + base + "/away/k 1=" + base + "/outer/"},
	} {
		r := &run{Searcher: New(Secrets{}), report: Report{Findings: c.findings, tops: c.tops}}
		r.names = r.buffer()
		for i := range r.report.Findings {
			f := &r.report.Findings[i]
			f.at = r.report.place(*f)
		}
		log := SARIF(r.report, "1.0", func(Finding) string { return "" }).(sarifLog)
		var got []string
		for _, res := range log.Runs[0].Results {
			at := res.Locations[0].Physical.Artifact
			if at.Base != "" {
				at.URI = strings.TrimPrefix(at.Base, "REPOSITORY") + ":" + at.URI
			}
			got = append(got, at.URI)
		}
		for _, id := range slices.Sorted(maps.Keys(log.Runs[0].Bases)) {
			got = append(got, strings.TrimPrefix(id, "REPOSITORY")+"="+log.Runs[0].Bases[id].URI)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
		}
	}
}

// A finding stays the same when its line moves and its key is replaced or goes to another
// profile; another secret in that file is another one.
func TestSARIFFingerprints(t *testing.T) {
	when := time.Now()
	base := Finding{Subject: Subject{Kind: KeyID, State: IsStored, KeyID: "AKIA...MPLE", Profiles: []string{"dev"}}, Path: "env", Line: 3}
	print := func(change func(f *Finding)) string {
		f := base
		change(&f)
		return result(f, bases{}.artifact(f), "").Fingerprints["fobLeak/v1"]
	}
	want := print(func(*Finding) {})
	for what, c := range map[string]struct {
		change func(f *Finding)
		same   bool
	}{
		"line":        {func(f *Finding) { f.Line = 4 }, true},
		"replaced":    {func(f *Finding) { f.State, f.Retired = IsRetired, &when }, true},
		"profile":     {func(f *Finding) { f.Profiles = []string{"prod"} }, true},
		"no store":    {func(f *Finding) { f.State, f.Profiles, f.Account = IsOther, nil, "111111111111" }, true},
		"with secret": {func(f *Finding) { f.WithSecret = true }, false},
		"kind":        {func(f *Finding) { f.Kind = SecretKey }, false},
		"key":         {func(f *Finding) { f.KeyID = "AKIA...LMKI" }, false},
		"Bedrock key": {func(f *Finding) { f.Fingerprint = "0a1b2c3d" }, false},
		"file":        {func(f *Finding) { f.Path = "env2" }, false},
		"spelling":    {func(f *Finding) { f.Spelling = "base64" }, false},
	} {
		if got := print(c.change); (got == want) != c.same {
			t.Errorf("%s: %s, before %s", what, got, want)
		}
	}
}

// A path becomes the URI that names it.
func TestPathURI(t *testing.T) {
	for path, want := range map[string]string{
		"a/b.env": "a/b.env", "a b/%/#?": "a%20b/%25/%23%3F", "c:d": "c:d", "ü": "%C3%BC", "/etc/x": "file:///etc/x",
	} {
		if path == "c:d" {
			want = "./c:d" // or c would be a scheme
		}
		if got := pathURI(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
