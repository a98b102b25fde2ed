package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fob/internal/host"
	"fob/internal/ui"
)

// hintsFor are the hints of a command line that fails, in a home with two profiles.
func hintsFor(t *testing.T, argv ...string) (hints []ui.Hint) {
	t.Helper()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte("[profile dev]\n[profile my prod]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	p := start{args: append([]string{"fob"}, argv...), environ: []string{"HOME=" + home, "USERPROFILE=" + home, "LOCALAPPDATA=" + home}, stdout: &out, stderr: &errs}
	p.getenv = host.Lookup(p.environ)
	l, problemErr := parse(p, argv)
	a, err := newApp(context.Background(), program{}, p, l)
	if problemErr == nil && err != nil {
		problemErr = err
	}
	if problemErr == nil {
		problemErr = l.run(a)
	}
	if problemErr == nil {
		t.Fatalf("fob %q: no error", argv)
	}
	return a.judge(problemErr).hints
}

// Each habit leads to its way.
func TestHelpHabits(t *testing.T) {
	check := func(h habit, argv ...string) {
		t.Helper()
		profile := "PROFILE"
		if slices.Contains(argv, "dev") {
			profile = "dev"
		}
		typed := strings.NewReplacer("WORDS", strings.Join(argv, " "), "PROFILE", profile)
		way := h.way
		way.Command, way.Words = typed.Replace(way.Command), typed.Replace(way.Words)
		if hints := hintsFor(t, argv...); !slices.Equal(hints, []ui.Hint{way}) {
			t.Errorf("fob %s: %q", strings.Join(argv, " "), hints)
		}
	}
	for _, h := range wordHabits() {
		for _, word := range strings.Fields(h.typed) {
			check(h, word, "x")
		}
	}
	for _, h := range flagHabits() {
		for _, flag := range strings.Fields(h.typed) {
			switch h.command {
			case "":
				check(h, flag)
			case "*":
				if !strings.Contains(flag, "=") {
					check(h, flag)
				}
				check(h, "exec", flag, "dev")
			default:
				check(h, h.command, "dev", flag)
			}
		}
	}
}

// A habit is not something that fob takes, and its way is.
func TestHelpHabitsAreTrue(t *testing.T) {
	model := grammar(t)
	for _, h := range wordHabits() {
		for _, word := range strings.Fields(h.typed) {
			for _, c := range commands() {
				if c.is(word) {
					t.Errorf("fob %s exists", word)
				}
			}
		}
		checkWay(t, h.way)
	}
	for _, h := range flagHabits() {
		for _, c := range model.Children {
			if h.command != c.Name && h.command != "*" {
				continue
			}
			for _, f := range slices.Concat(c.Flags, model.Flags) {
				for _, name := range flagNames(f) {
					if slices.Contains(strings.Fields(h.typed), name) {
						t.Errorf("fob %s %s exists", c.Name, name)
					}
				}
			}
		}
		checkWay(t, h.way)
	}
}

// checkWay parses the command of a way, if it has one of fob's.
func checkWay(t *testing.T, way ui.Hint) {
	t.Helper()
	rest, ok := strings.CutPrefix(way.Command, "fob ")
	if !ok {
		return
	}
	p := start{args: []string{"fob"}, getenv: host.Lookup([]string{"HOME=" + t.TempDir()})}
	if _, err := parse(p, strings.Fields(rest)); err != nil {
		t.Errorf("%s: %v", way, err)
	}
}

// What people bring along, and fob takes or answers.
func TestHelpHabitLines(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"terraform", "terraform.exe"} { // as Unix and Windows find it
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"dev", "fob exec dev"},
		{"terraform plan", "fob exec PROFILE -- terraform plan"},
		{"--profile dev s3 ls", "fob exec dev -- aws s3 ls"},
		{"logout dev", "fob clear dev   clears its sessions; fob lock locks the store"},
		{"--debug --pass-dir x exec dev", "PASSWORD_STORE_DIR names the directory of pass"},
		{"exce dev", "did you mean fob exec?"},
		{"exec --regoin x dev", "did you mean --region?"},
		{"exec dev -x", "fob exec --help"},
		{"mfa add", "fob mfa add --help"},
		{"store remov file", "did you mean fob store remove?"},
		{"mfa cod dev", "did you mean fob mfa code?"},
		{"mfa nonsense", "fob mfa --help"},
		{"exec dev --profile prod", "fob exec prod"},
		{"exec --json dev", "fob export --profile dev   prints credentials as JSON"},
		{"exec dev --server -- ls", "fob doctor dev   shows which programs ask fob themselves, and so renew; fob has no server"},
		{"exec --assume-role-ttl=8h dev", "fob exec -d 8h dev"},
		{"exec --assume-role-ttl 90m dev", "fob exec -d 90m dev"},
		{"exec --assume-role-ttl long dev", "fob exec -d 2h dev"},
		{"exec --session-ttl 8h dev", "fob_session_duration = 8h in the profile, or FOB_SESSION_DURATION, sets how long a sign-in lasts"},
		{"--profile dev", "fob exec dev"},
		{"exec --profile", "fob exec PROFILE"},
		{"--verison", "did you mean --version?"},
		{"-x", "fob --help"},
		{"-- list", "fob --help"},
		{"exec -d -5m dev", "fob exec --help"},
		{"nonsense-of-nobody", "fob --help"},
	} {
		t.Setenv("PATH", bin)
		if hints := hintsFor(t, strings.Fields(c.line)...); len(hints) != 1 || hints[0].String() != c.want {
			t.Errorf("fob %s: %v", c.line, hints)
		}
	}
}

// Flags may stand where aws-vault and the AWS CLI have them.
func TestHelpHabitualOrder(t *testing.T) {
	model := grammar(t)
	for _, c := range []struct{ line, want string }{
		{"list --json", "list --json"},
		{"-v", "-v"},
		{"--prompt ykman exec dev", "exec --prompt ykman dev"},
		{"--backend file --prompt=zenity exec dev ls", "exec --backend file --prompt=zenity dev ls"},
		{"--pass-dir x --debug exec dev", "exec --pass-dir x --debug dev"},
		{"--profile dev exec", "exec dev"},
		{"--profile dev exec ls -l", "exec dev ls -l"},
		{"exec --profile dev ls --profile prod", "exec dev ls --profile prod"},
		{"exec --profile=dev -d 1h", "exec dev -d 1h"},
		{"exec -d 1h --mfa-token 123456 -v --profile dev ls -l", "exec -d 1h --mfa-token 123456 -v dev ls -l"},
		{"exec dev aws --profile prod", "exec dev aws --profile prod"},
		{"exec --profile", "exec --profile"},
		{"login --profile dev --fresh", "login dev --fresh"},
		{"login dev --profile prod", "login dev prod"},
		{"explain --json --profile dev", "explain --json dev"},
		{"mfa -v code --profile dev", "mfa -v code dev"},
		{"export --profile dev", "export --profile dev"},
		{"list --profile dev", "list --profile dev"},
		{"store add --profile dev", "store add --profile dev"},
	} {
		args, name := commandFirst(strings.Fields(c.line))
		for _, n := range model.Children {
			if n.Name == name {
				args = profileArgument(n, args)
			}
		}
		if got := strings.Join(args, " "); got != c.want {
			t.Errorf("fob %s: %s", c.line, got)
		}
	}
}
