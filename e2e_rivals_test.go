//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/wire"
)

// rivals are sections that say where credentials come from, without the
// credential_process that they also have; and sections that do not.
var rivals = map[string][]string{
	"role":            {"role_arn"},
	"role-source":     {"role_arn", "source_profile"},
	"role-credential": {"role_arn", "credential_source"},
	"role-mfa":        {"role_arn", "source_profile", "mfa_serial"},
	"web":             {"web_identity_token_file"},
	"web-role":        {"web_identity_token_file", "role_arn"},
	"sso":             {"sso_start_url", "sso_region", "sso_account_id", "sso_role_name"},
	"sso-session":     {"sso_session", "sso_account_id", "sso_role_name"},
	"sso-half":        {"sso_session"},
	"sso-url":         {"sso_start_url"},
	"sso-region":      {"sso_region"},
	"sso-account":     {"sso_account_id"},
	"sso-role":        {"sso_role_name"},
	"login":           {"login_session"},
	"static":          {"aws_access_key_id", "aws_secret_access_key"},
	"static-session":  {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"},
	"static-id":       {"aws_access_key_id"},
	"static-secret":   {"aws_secret_access_key"},
	"static-token":    {"aws_session_token"},
	"source":          {"source_profile"},
	"credential":      {"credential_source"},

	"none":     {},
	"mfa":      {"mfa_serial"},
	"region":   {"region", "output", "endpoint_url"},
	"settings": {"role_session_name", "duration_seconds", "external_id", "services", "ca_bundle", "sso_registration_scopes", "aws_account_id"},
	"fob":      {"fob_role_arn", "fob_source_profile", "fob_mfa_serial", "fob_sso_session", "fob_login_session", "include_profile"},
}

var rivalValues = map[string]string{
	"role_arn":       "arn:aws:iam::222222222222:role/deploy",
	"source_profile": "other", "include_profile": "other",
	"credential_source":       "Environment",
	"mfa_serial":              "arn:aws:iam::111111111111:mfa/jo",
	"web_identity_token_file": "/dev/null",
	"sso_session":             "work",
	"sso_start_url":           "https://example.awsapps.com/start",
	"sso_account_id":          "222222222222",
	"login_session":           "arn:aws:iam::222222222222:user/jo",
	"aws_access_key_id":       "AKIAI44QH8DHBEXAMPLE",
	"aws_secret_access_key":   "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
	"aws_session_token":       "token",
	"endpoint_url":            "http://127.0.0.1:1",
	"duration_seconds":        "3600",
	"ca_bundle":               "",
}

// fob add leaves a section alone if an AWS SDK would not ask a credential_process in it,
// and only then: what the SDKs do is seen by running them.
func TestRivals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const served = "AKIAIOSFODNN7EXAMPLE"
	program := filepath.Join(dir, "other")
	script := "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"" + served + "\",\"SecretAccessKey\":\"x\"}'\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	config := "[profile other]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\n" +
		"[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n[services x]\n"
	var names []string
	without := map[string]string{} // the text of each section
	for name, keys := range rivals {
		text := fmt.Sprintf("[profile %s]\n", name)
		for _, key := range keys {
			value, ok := rivalValues[strings.TrimPrefix(key, "fob_")]
			if !ok {
				value = "x"
			}
			text += key + " = " + value + "\n"
		}
		names, without[name] = append(names, name), text
		config += text + "credential_process = " + program + "\n"
	}
	slices.Sort(names)
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]string{}
	for sdk, find := range map[string]func(*testing.T) []string{"botocore": boto3, "go": goSDK, "js": jsSDK} {
		argv := append(append(find(t), "keys"), names...)
		c := exec.Command(argv[0], argv[1:]...)
		c.Env = append(os.Environ(), "HOME="+dir, "AWS_CONFIG_FILE="+path, "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"),
			"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1", "AWS_REGION=eu-west-1", "AWS_PROFILE=", "AWS_ACCESS_KEY_ID=")
		out, err := c.Output()
		if err != nil {
			t.Fatal(sdk, err)
		}
		var keys map[string]string
		if err := json.Unmarshal(out, &keys); err != nil {
			t.Fatal(sdk, err, string(out))
		}
		found[sdk] = keys
	}
	for _, name := range names {
		preferred := false
		for _, keys := range found {
			preferred = preferred || keys[name] != served
		}
		parsed, err := awsconfig.Parse(awsconfig.File{Text: without[name]}, awsconfig.File{})
		if err != nil {
			t.Fatal(err)
		}
		section, _ := parsed.Profile(name)
		found := wire.Rivals(section)
		if preferred && len(found) == 0 {
			t.Errorf("%s: SDKs do not ask a credential_process next to %q", name, rivals[name])
		}
		if !preferred && len(found) > 0 {
			t.Errorf("%s: every SDK asks a credential_process next to %s", name, found[0].Key)
		}
	}
}
