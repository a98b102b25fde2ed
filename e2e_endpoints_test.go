//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/plan"
)

// Each service is called where botocore calls it, whatever is configured for it, for
// others and for all. TestHosts is about AWS's own hosts.
func TestEndpointsAsBotocore(t *testing.T) {
	t.Parallel()
	python := need(t, "python3", "-c", "import botocore")
	const text = `
[profile plain]
region = eu-west-1
[profile all]
endpoint_url = https://profile.example.com
[profile some]
services = mine
[profile both]
endpoint_url = https://profile.example.com
services = mine
[services mine]
sts =
  endpoint_url = https://sts.example.com
iam =
  endpoint_url = https://iam.example.com
sso_oidc =
  endpoint_url = https://oidc.example.com
signin =
  endpoint_url = https://signin.example.com
secrets_manager =
  endpoint_url = https://secrets.example.com
secretsmanager =
  endpoint_url = https://wrong.example.com
`
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/consumers/endpoints.py", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(out)) {
		var row struct {
			Profile, Service, URL string
			Environ               map[string]string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows++
		facts := plan.Facts{Config: config, Getenv: func(name string) string { return row.Environ[name] }}
		e, err := plan.ServiceEndpoint(facts, row.Profile, row.Service, "eu-west-1")
		if row.URL == "" && e.IsAWS() {
			e.URL = ""
		}
		if err != nil || e.URL != row.URL {
			t.Errorf("%s for %s with %v: %q, %v; botocore has %q", row.Service, row.Profile, row.Environ, e.URL, err, row.URL)
		}
	}
	if rows != 4*7*5 {
		t.Errorf("%d rows", rows)
	}
}
