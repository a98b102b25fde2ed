package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestUnderstood: fob's form of every key that this package reads is known, so that
// none is taken for a typo, and the lists are sorted.
func TestUnderstood(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`\b(?:get|setting|boolean)\(.*"([a-z_]+)"\)`)
	var source strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	matches := read.FindAllStringSubmatch(source.String(), -1)
	if len(matches) < 20 {
		t.Fatalf("found only %d", len(matches))
	}
	for _, m := range matches {
		if !slices.Contains(understood[:], m[1]) {
			t.Errorf("%s is read, and %s%s would be called unknown", m[1], prefix, m[1])
		}
	}
	for _, list := range [][]string{understood[:], guards[:]} {
		if !slices.IsSorted(list) {
			t.Errorf("not sorted: %q", list)
		}
	}
}

// TestEmptyPrefixed: an empty fob_ key takes the SDKs' key away, whichever key it is.
func TestEmptyPrefixed(t *testing.T) {
	const role = "source_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\n"
	values := map[string][2]string{ // the rest of the section, and a value that changes the plan
		"ca_bundle":                       {role, "/ca.pem"},
		"credential_process":              {"source_profile = base\n", "/opt/other"},
		"credential_source":               {role, "Environment"},
		"duration_seconds":                {role, "1800"},
		"endpoint_url":                    {role, "https://sts.example.com"},
		"external_id":                     {role, "x1"},
		"ignore_configured_endpoint_urls": {role + "endpoint_url = https://sts.example.com\n", "true"},
		"include_profile":                 {role, "extra"},
		"login_session":                   {"source_profile = base\n", "x"},
		"mfa_process":                     {role + "mfa_serial = arn:aws:iam::111111111111:mfa/jo\n", "echo"},
		"mfa_serial":                      {role, "arn:aws:iam::111111111111:mfa/jo"},
		"region":                          {role, "eu-west-1"},
		"role_arn":                        {"source_profile = base\n", "arn:aws:iam::222222222222:role/r"},
		"role_session_name":               {role, "somebody"},
		"services":                        {role, "lab"},
		"session_tags":                    {role, "a=b"},
		"source_identity":                 {role, "somebody"},
		"source_profile":                  {"role_arn = arn:aws:iam::222222222222:role/r\n", "base"},
		"sso_session":                     {"source_profile = base\n", "corp"},
		"sso_start_url":                   {"source_profile = base\n", "https://example.com"},
		"sts_regional_endpoints":          {role, "legacy"},
		"transitive_session_tags":         {role + "session_tags = a=b\n", "a"},
		"use_dualstack_endpoint":          {role, "true"},
		"use_fips_endpoint":               {role, "true"},
		"web_identity_token_process":      {"role_arn = arn:aws:iam::222222222222:role/r\n", "echo token"},
		"web_identity_token_file":         {"role_arn = arn:aws:iam::222222222222:role/r\n", "/token"},
	}
	for _, key := range understood {
		v, ok := values[key]
		if !ok && !strings.HasPrefix(key, "sso_") { // of an SSO profile, which fob does not support yet
			t.Errorf("say here how %s changes a plan", key)
		}
		if !ok {
			continue
		}
		answer := func(lines string) string {
			w := world{
				config: parse(t, "[profile a]\n"+v[0]+lines+"[profile extra]\nregion = eu-west-3\n[services lab]\nsts =\n  endpoint_url = https://lab.example.com\n", ""),
				keys:   map[string]Key{"base": {ID: "AKIAIOSFODNN7EXAMPLE", ARN: "arn:aws:iam::111111111111:user/jo", Account: "111111111111"}},
			}
			return w.answer(t, "a")
		}
		without, with := answer(""), answer(key+" = "+v[1]+"\n")
		if without == with {
			t.Errorf("%s = %s changes nothing:\n%s", key, v[1], with)
		}
		if got := answer(key + " = " + v[1] + "\n" + prefix + key + " =\n"); got != without {
			t.Errorf("%s with an empty %s%s:\n%s\nwant:\n%s", key, prefix, key, got, without)
		}
	}
}

// TestTagLimit: AWS takes 50 session tags.
func TestTagLimit(t *testing.T) {
	for n, want := range map[int]string{50: "", 51: "ConfigError: config:4: 51 session tags, but AWS allows only 50"} {
		var tags []string
		for i := range n {
			tags = append(tags, fmt.Sprintf("k%d=v", i))
		}
		w := world{
			config: parse(t, "[profile a]\nsource_profile = base\nrole_arn = arn:aws:iam::222222222222:role/r\nsession_tags = "+strings.Join(tags, ",")+"\n", ""),
			keys:   map[string]Key{"base": {ID: "AKIAIOSFODNN7EXAMPLE"}},
		}
		got := w.answer(t, "a")
		if want != "" && got != want || want == "" && strings.Count(got, "tag:") != n {
			t.Errorf("%d tags: %s", n, got)
		}
	}
}
