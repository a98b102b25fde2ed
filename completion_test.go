//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/cmdline"
)

// completed are the answers to a word after others, in a home with five profiles.
func completed(t *testing.T, home, before, word string) string {
	t.Helper()
	argv := append([]string{"__complete", "=" + word}, cmdline.Words(before)...)
	var words []string
	for line := range strings.Lines(printedIn(t, home, argv...)) {
		candidate, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		words = append(words, candidate)
	}
	return strings.Join(words, ",")
}

func TestCandidates(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	const config = "[profile dev]\nregion = eu-west-1\n[profile prod]\nregion = eu-west-1\n[profile a:b]\nfob_env_DB_PASSWORD = ssm:/db\n[profile \"x y\"]\nregion = us-east-2\n[profile ops]\ncredential_process = other\n"
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ before, word, want string }{
		{"", "ex", "exec,export,explain"},
		{"", "h", "help"},
		{"", "--no", "--no-input"},
		{"--backend", "s", "secret-service"},
		{"--backend file -v", "lo", "login,lock"},
		{"--color", "", "auto,always,never"},
		{"--profile", "d", "dev"}, // the AWS CLI's habit
		{"--profile dev", "exe", "exec"},
		{"--profile dev exec", "", ":command 3"},
		{"--prompt tty", "exe", "exec"}, // aws-vault's
		{"--prompt tty exec", "d", "dev"},
		{"exec", "", "a:b,dev,ops,prod,x y"},
		{"exec", "a:", "a:b"},
		{"exec --fresh -d 1h", "p", "prod"},
		{"exec --profile", "p", "prod"},
		{"exec --profile dev", "", ":command 3"},
		{"exec", "--mfa", "--mfa-code,--mfa-prompt"},
		{"exec --mfa-prompt", "pi", "pinentry"},
		{"exec --prompt", "pi", "pinentry"},
		{"exec", "--mfa-prompt=t", "--mfa-prompt=tty"},
		{"exec dev", "", ":command 2"},
		{"exec dev", "terr", ":command 2"},
		{"exec dev", "--fre", "--fresh"},
		{"exec dev ls", "", ":command 2"},
		{"exec dev ls", "--fre", ":command 2"},
		{"exec dev --region eu-west-1", "", ":command 4"},
		{"exec dev --", "", ":command 3"},
		{"exec --", "", ":command 2"},
		{"exec -d 1h -- ls", "", ":command 4"},
		{"exec --policy", "", ":files"},
		{"import", "", ":files"},
		{"leaks a", "b", ":files"},
		{"exec", "--policy=a", ":files"},
		{"leaks", "", ":files"},
		{"exec --policy-arn", "", ""},
		{"exec -t", "", ""},
		{"exec -d", "", ""},
		{"exec --region", "eu-", "eu-isoe-west-1,eu-west-1"},
		{"exec --region", "us-east", "us-east-1,us-east-2"},
		{"export --profile", "p", "prod"},
		{"export --format", "e", "env,env-no-export"},
		{"export dev", "", ""},
		{"login dev", "p", "prod"},
		{"wire", "", "ops"}, // the others have no credentials to come from
		{"wire ops", "", ""},
		{"login dev", "d", ""},
		{"login --", "p", "prod"},
		{"login --", "--f", ""},
		{"add new --source", "d", "dev"},
		{"add new", "", ""},
		{"explain", "d", "dev"},
		{"doctor", "d", "dev"},
		{"ls", "--", "--json,--names,--backend,--no-input,--verbose,--quiet,--color,--version,--help"},
		{"list", "", ""},
		{"status --format", "", ""},
		{"mfa", "", "add,code,remove,enroll"},
		{"mfa code", "d", ""}, // there is no MFA secret
		{"mfa add", "d", "dev"},
		{"mfa enroll dev --png", "", ":files"},
		{"remove", "", ""}, // nothing of it is fob's
		{"store", "--js", "--json"},
		{"store", "", "add,remove,passphrase,trust"},
		{"store add", "", ""}, // there is no store
		{"store remove", "", ""},
		{"config get", "fob_env", "fob_env_DB_PASSWORD"}, // a variable keeps its capitals
		{"completion", "", "bash,zsh,fish,powershell"},
		{"help", "ex", "exec,export,explain"},
		{"-v help", "ver", "version"},
		{"help mfa", "", "add,code,remove,enroll"},
		{"help exec", "", ""},
		{"help nonsense", "", ""},
		{"nonsense", "", ""},
		{"list nonsense", "", ""},
	} {
		if got := completed(t, home, c.before, c.word); got != c.want {
			t.Errorf("fob %s %s|: got %q, want %q", c.before, c.word, got, c.want)
		}
	}
}
