package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/profiles"
)

// Whatever is wrong with generated AWS files, there is a line that says what helps, and what
// names fob doctor --fix is what that repairs.
func TestRemedies(t *testing.T) {
	program, files, store := emptyHome(t)
	nothing := func(string) string { return "" }
	world := profiles.World{Getenv: nothing, User: func() string { return "jo" }, Program: program, Log: func(string, ...any) {}}
	look := func(profile string, fix bool) (promised, fixed int) {
		e := &exam{Setup: Setup{
			Profiles: sync.OnceValues(func() (*profiles.Profiles, error) { return profiles.Read(files, store, world) }),
			Files:    files, Store: store, Program: program, Getenv: nothing, Profile: profile, Fix: fix, Tilde: filepath.Base,
			Judge: func(err error) Verdict { return Verdict{Sentence: err.Error()} }, // no hints
			Clock: time.Time.String, Now: time.Now,
		}}
		checks := []func(*exam, context.Context) error{(*exam).config, (*exam).profiles, (*exam).tools, (*exam).left}
		if fix {
			checks = slices.Insert(checks, 0, (*exam).fixes)
		}
		for _, check := range checks {
			if err := check(e, t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range e.findings {
			if (f.Level == Wrong || f.Level == Advice) && len(f.Do) == 0 {
				t.Errorf("nothing helps against %q", f.What)
			}
			if f.Level == Fixed {
				fixed++
			} else if strings.Contains(text(f.Do), "--fix") {
				promised++
			}
		}
		return promised, fixed
	}
	seen := 0
	for i := range 300 {
		s := sampleOf(i)
		for _, profile := range []string{"", s.profiles[0], "moved"} {
			write(t, files.Config, s.files[0]+"\n[profile moved]\nregion = \"eu-west-1\"\ncredential_process = /gone/fob export --profile moved\n")
			write(t, files.Credentials, s.files[1])
			promised, _ := look(profile, false)
			left, fixed := look(profile, true)
			if promised != fixed || left != 0 {
				t.Errorf("sample %d, profile %q: %d promised, %d fixed, %d left\n%s-- credentials\n%s", i, profile, promised, fixed, left, s.files[0], s.files[1])
			}
			seen += fixed
		}
	}
	if seen < 300 {
		t.Errorf("only %d were fixed", seen)
	}
}
