package doctor

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

// What fob wire does to generated AWS files: every profile that it rewrites comes from
// fob alone in both SDKs, every plan stays as it was, also of profiles that use or include
// those; and the undo gives every byte back, with fob's memory and without.
func TestRewriting(t *testing.T) {
	n := 250 // fob syncs what it writes
	if os.Getenv("TORTURE") != "" {
		n *= 10
	}
	program, files, store := emptyHome(t)
	env := map[string]string{"AWS_ACCESS_KEY_ID": envKey, "AWS_SECRET_ACCESS_KEY": envSecret}
	world := profiles.World{
		Getenv: func(name string) string { return env[name] }, User: func() string { return "jo" },
		Program: "fob", Log: func(string, ...any) {},
	}
	count := map[string]int{}
	for i := range n {
		s := sampleOf(i)
		write(t, files.Config, s.files[0])
		write(t, files.Credentials, s.files[1])
		wrong := func(format string, args ...any) {
			t.Helper()
			t.Errorf("sample %d: "+format+"\n%s-- credentials\n%s", slices.Concat([]any{i}, args, []any{s.files[0], s.files[1]})...)
		}
		before, err := profiles.Read(files, store, world)
		if err != nil {
			count["unreadable"]++
			continue
		}
		names := before.Rewritable()
		if i%2 == 0 {
			names = s.profiles // as if each had been named
		}
		r, err := before.Rewrite(files, names, program)
		if err != nil {
			wrong("%v", err)
			continue
		}
		count["refused"] += len(r.Refused)
		count["rewritten"] += len(r.Done)
		for _, refused := range r.Refused {
			if _, ok := errors.AsType[*profiles.ChangeError](refused.Err); ok {
				count["would change another plan"]++
			}
		}
		if err := files.Apply(r); err != nil {
			wrong("%v", err)
			continue
		}
		after, err := profiles.Read(files, store, world)
		if err != nil {
			wrong("not readable any more: %v\n%s", err, r.After)
			continue
		}
		for _, name := range s.profiles {
			a, errBefore := before.Plan(name, plan.Options{Export: true})
			b, errAfter := after.Plan(name, plan.Options{Export: true})
			if errBefore == nil && (errAfter != nil || shape(t, a) != shape(t, b)) {
				wrong("the plan of %q changes: %s\n%s, %v\n%s", name, shape(t, a), shape(t, b), errAfter, r.After)
			}
		}
		for _, name := range r.Done {
			section, _ := after.Config.Profile(name)
			unusable := read(section).unusable().Key != "" // for the Go SDK, whatever else is in it
			if !unusable && !reaches(section, program, awsCLI{after.Config}.chain(name), goSDK{after.Config}.chain(name)) || !wire.Asks(section, program) {
				wrong("%q does not come from fob:\n%s", name, r.After)
			}
			again, err := after.Rewrite(files, []string{name}, program)
			if err != nil || !slices.Equal(again.Already, []string{name}) || again.After != r.After {
				wrong("%q again: %+v, %v", name, again, err)
			}
		}
		undo, err := files.Restore(nil, program)
		if err != nil || undo.After != s.files[0] || len(undo.Refused) > 0 {
			wrong("not given back: %v, %v\n%s\n%s", err, undo.Refused, r.After, undo.After)
			continue
		}
		forgotten := files
		forgotten.State = files.State + "-none"
		if undo, err := forgotten.Restore(r.Done, program); err != nil || undo.After != s.files[0] && !strings.Contains(s.files[0], "fob_") && bare(r.Before, undo.After) != r.Before {
			wrong("not given back from its own text: %v, %v\n%s\n%s", err, undo.Refused, r.After, undo.After)
		}
		if err := files.Apply(undo); err != nil {
			wrong("%v", err)
		}
		if notes, err := filepath.Glob(filepath.Join(files.State, "wired-*")); err != nil || len(notes) > 0 {
			wrong("still remembered: %q, %v", notes, err)
		}
	}
	t.Logf("%v", count)
	if count["rewritten"] < n/3 || count["would change another plan"] == 0 && n > 250 {
		t.Errorf("too few: %v", count)
	}
}

// bare is a text without the lines that a rewriting adds and that nothing but a memory
// tells from the user's: a credential_process in a section that had no key to move.
func bare(before, after string) string {
	if before == after {
		return after
	}
	return regexp.MustCompile(`(?m)^\s*credential_process = \S*/fob export .*\n`).ReplaceAllString(after, "")
}

// shape is a plan without the lines it was made from, and without who signs in to the
// console: aws login refuses a section that asks fob.
func shape(t *testing.T, p plan.Plan) string {
	t.Helper()
	if console, ok := p.Steps[0].(plan.ConsoleLogin); ok {
		console.AWSLogin = false
		p.Steps = append([]plan.Step{console}, p.Steps[1:]...)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`,"from":"[^"]*"`).ReplaceAll(text, nil)
	return regexp.MustCompile(`,"notes":\[.*\]`).ReplaceAllString(string(text), "") + p.ID(len(p.Steps))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// emptyHome is a program that only exists, and where AWS files and a store would be.
func emptyHome(t *testing.T) (program string, files profiles.Files, store *keyring.Store) {
	t.Helper()
	dir := t.TempDir()
	program = filepath.Join(dir, "fob")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	files = profiles.Files{
		Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials"),
		State: filepath.Join(dir, "state"), Tilde: filepath.Base,
	}
	store = keyring.New(keyring.Options{Dir: filepath.Join(dir, "store"), StateDir: files.State})
	return program, files, store
}
