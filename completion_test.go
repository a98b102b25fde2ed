//go:build unix

package main

import (
	"strings"
	"testing"

	"fob/internal/completion"
)

func TestCandidates(t *testing.T) {
	root := grammar(t).Node
	profiles := func() []string { return []string{"dev", "prod", "a:b", "x y"} }
	for _, c := range []struct{ before, word, want string }{
		{"", "ex", "exec,export,explain"},
		{"", "--no", "--no-input"},
		{"--backend", "s", "secret-service"},
		{"--backend file -v", "lo", "login,lock"},
		{"exec", "", "dev,prod,a:b,x y"},
		{"exec", "a:", "a:b"},
		{"exec --fresh -d 1h", "p", "prod"},
		{"exec", "--mfa", "--mfa-code,--mfa-prompt"},
		{"exec --mfa-prompt", "pi", "pinentry"},
		{"exec --prompt", "pi", "pinentry"}, // aws-vault's spelling
		{"exec", "--mfa-prompt=t", "--mfa-prompt=tty"},
		{"exec dev", "", ""},      // a command: the shell completes it
		{"exec dev", "--fre", ""}, // the command's own
		{"exec dev ls", "", ""},
		{"exec --policy", "", ""}, // a file
		{"exec -t", "", ""},       // a secret
		{"export --profile", "p", "prod"},
		{"export --format", "e", "env,env-no-export"},
		{"export dev", "", ""},
		{"login dev", "p", "prod"},
		{"add new --source", "d", "dev"},
		{"ls", "--", "--json,--names,--backend,--no-input,--verbose,--quiet,--color,--version,--help"},
		{"mfa", "", "add,code,remove,enroll"},
		{"mfa code", "d", "dev"},
		{"store", "--js", "--json"},
		{"store", "", "add,remove,passphrase,trust"},
		{"completion", "", "bash,zsh,fish,powershell"},
		{"nonsense", "", ""},
	} {
		var got []string
		for _, g := range completion.Candidates(root, strings.Fields(c.before), c.word, values(profiles)) {
			got = append(got, g.Word)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("fob %s %s|: got %q", c.before, c.word, got)
		}
	}
}
