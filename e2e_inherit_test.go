//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// inheritable are variables with secrets, or that name AWS credentials. Each has a
// value that occurs nowhere else.
var inheritable = []string{
	"AWS_ACCESS_KEY_ID=" + ststest.DemoKeyID, "AWS_SECRET_ACCESS_KEY=" + ststest.DemoSecret, "AWS_SESSION_TOKEN=leak-token",
	"AWS_SECURITY_TOKEN=leak-security", "AWS_PROFILE=leak-profile", "AWS_BEARER_TOKEN_BEDROCK=leak-bearer",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN=leak-container", "AWS_WEB_IDENTITY_TOKEN_FILE=/leak-web", "AWS_VAULT_FILE_PASSPHRASE=leak-vault",
	"FOB_PASSPHRASE=" + testPassphrase, "FOB_MFA_CODE=leak-code", "FOB_PASSPHRASE_FILE=/leak-file",
}

// Keys of age-plugin-fobtest.
const (
	pluginRecipient = "age1fobtest1v9nk2vtywq68x7rgwp6rq6rj8p6ku6mvd35xzutcd3nrgm3k09mx5wrywuuks7fhddn8sum6dcuhze35wqu85e3jw96xxe3jvseslpmtrg"
	pluginIdentity  = "AGE-PLUGIN-FOBTEST-1G9R52T2NG4P4Y32594952KFDX9XNG3FE25U4ZWZ2F5MYKNZJ89P5U5JRGA24XNZS2DF9G4FCFSU4QSENG4GRVW2P2UE95DJGGDY9SDJKGEV4ZWZP2PXRQ5SPN0SQ7"
)

// Whatever program fob starts for itself, it inherits no secret and no AWS
// credentials: each is played by a spy that writes down its environment and fails.
func TestNothingIsInherited(t *testing.T) {
	const spy = "#!/bin/sh\nenv >>\"$HOME/inherited\"\nexit 1\n"
	for _, tt := range []struct {
		name, program string // the spy's name
		config        string
		env           []string
		args          []string
	}{
		{"age plugin", "age-plugin-fobtest", "", nil, []string{"store", "add", pluginRecipient}},
		{"age plugin of add", "age-plugin-fobtest", "", []string{"AWS_SESSION_TOKEN=", "AWS_SECURITY_TOKEN=", "FOB_AGE_IDENTITY=identity"}, []string{"--backend", "age", "add", "other", "--from-env", "--no-verify"}},
		{"credential_process", "spy", "[profile p]\ncredential_process = spy\n", nil, []string{"export", "p"}},
		{"mfa_process", "spy", "[profile dev]\nmfa_process = spy\n", []string{"FOB_MFA_CODE="}, []string{"export", "dev", "--fresh"}},
		{"askpass", "spy", "", []string{"SSH_ASKPASS=spy", "DISPLAY=:9", "FOB_MFA_PROMPT=askpass", "FOB_MFA_CODE="}, []string{"export", "dev", "--fresh"}},
		{"pinentry", "pinentry", "", []string{"DISPLAY=:9", "FOB_MFA_PROMPT=pinentry", "FOB_MFA_CODE="}, []string{"export", "dev", "--fresh"}},
		{"ykman", "ykman", "", []string{"FOB_MFA_PROMPT=ykman", "FOB_MFA_CODE="}, []string{"export", "dev", "--fresh"}},
		{"pass", "pass", "", nil, []string{"store", "add", "pass"}},
		{"pass of aws-vault", "pass", "[profile p]\n", []string{"AWS_VAULT_BACKEND=pass"}, []string{"import", "--all"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := signedUp(t, false)
			if slices.Contains(tt.env, "FOB_AGE_IDENTITY=identity") {
				w.do(t, "", "store", "add", pluginRecipient)
			}
			w.config(t, tt.config)
			if err := os.MkdirAll(filepath.Join(w.Home, ".password-store"), 0o700); err != nil {
				t.Fatal(err)
			}
			bin := t.TempDir()
			for path, text := range map[string]string{filepath.Join(bin, tt.program): spy, filepath.Join(w.Home, ".password-store", ".gpg-id"): "jo\n", filepath.Join(w.Home, ".password-store", "p.gpg"): "", filepath.Join(w.Home, "identity"): pluginIdentity + "\n"} {
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(w.Fob, tt.args...)
			cmd.Dir = w.Home
			cmd.Env = append(append(w.with(inheritable...).Env, "PATH="+bin+":"+os.Getenv("PATH"), "FOB_PASSPHRASE_FILE="), tt.env...)
			out, _ := cmd.CombinedOutput() // it fails, or does without the spy
			text, err := os.ReadFile(filepath.Join(w.Home, "inherited"))
			if err != nil {
				t.Fatalf("the spy was not run: %s", out)
			}
			for _, entry := range inheritable {
				name, value, _ := strings.Cut(entry, "=")
				if strings.Contains(string(text), value) || strings.Contains(string(text), name+"=") {
					t.Errorf("it inherits %s", name)
				}
			}
		})
	}
}
