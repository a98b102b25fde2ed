package leaks

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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
	for name, r := range map[string]Report{"full": full, "empty": {}} {
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
