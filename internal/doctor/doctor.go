// Package doctor checks a setup: the store and what opens it, the environment, the
// AWS files, and what programs get from fob.
//
// It opens the store, and so may ask for the passphrase; it does not call AWS. It
// changes nothing but, with Fix, the permissions of the store's files, and removes
// the session that it writes to see whether the store can be written.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

// Level says how bad a finding is.
type Level string

// The levels, worst first.
const (
	Wrong  Level = "wrong"
	Advice Level = "advice" // it works, and may cause trouble
	OK     Level = "ok"
)

// Finding is one thing that doctor says; the names are those of doctor --json.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do,omitempty"` // something to type
}

// Setup is what is checked.
type Setup struct {
	// Profiles reads the AWS files; its error is a finding.
	Profiles func() (*profiles.Profiles, error)
	Files    profiles.Files
	Store    *keyring.Store
	StateDir string
	// Program is this program as it was called.
	Program string
	Getenv  func(name string) string
	// Passphrase is set if FOB_PASSPHRASE is: main has taken it out of the environment.
	Passphrase bool
	// Judge says what fob makes of a failure.
	Judge func(error) Verdict
	// Tilde shortens a path for a person, Clock words a time of day.
	Tilde func(path string) string
	Clock func(t time.Time) string
	Now   func() time.Time
	// Profile limits the checks of profiles to one; "" for all.
	Profile string
	// Fix repairs the permissions of files.
	Fix bool
}

// Verdict is what fob makes of a failure.
type Verdict struct {
	Sentence string
	Hints    []ui.Hint
	// Interrupted ends the examination; NoPerson means that someone would have to
	// be asked, and nobody can be.
	Interrupted, NoPerson bool
}

// hints are a verdict's hints as what to do about a finding.
func hints(v Verdict) string {
	var all []string
	for _, h := range v.Hints {
		all = append(all, h.String())
	}
	return strings.Join(all, "; ")
}

// Examine makes every check. An error means that the examination was interrupted.
func Examine(ctx context.Context, s Setup) ([]Finding, error) {
	e := &exam{Setup: s, findings: []Finding{}}
	for _, check := range checks() {
		e.check = check.name
		before := len(e.findings)
		if err := check.run(e, ctx); err != nil {
			return nil, err
		}
		if len(e.findings) == before {
			e.ok("%s", check.fine)
		}
	}
	return e.findings, nil
}

// check is a row of what doctor looks at. Its error ends the examination.
type check struct {
	name, fine string // fine is what to say when nothing is found
	run        func(*exam, context.Context) error
}

// checks are in the order in which one depends on another.
func checks() []check {
	return []check{
		// Before the store, which refuses files that others can read.
		{"files", "only you can read and write fob's files", (*exam).files},
		{"store", "", (*exam).store},
		{"ways", "", (*exam).ways},
		{"unlocked", "the kernel keeps nothing of the store unlocked", (*exam).unlocked},
		{"environment", "no AWS key is set", (*exam).environment},
		{"config", "the AWS files are fine", (*exam).config},
		{"profiles", "no profile goes through fob", (*exam).profiles},
		{"exports", "no failed exports", (*exam).exports},
	}
}

// exam is one examination.
type exam struct {
	Setup
	check    string // the one that runs
	findings []Finding
	about    keyring.Description // after the files were fixed
}

func (e *exam) add(level Level, what, do string) {
	e.findings = append(e.findings, Finding{e.check, level, what, do})
}

func (e *exam) ok(format string, args ...any) { e.add(OK, fmt.Sprintf(format, args...), "") }

func (e *exam) advise(do, format string, args ...any) {
	e.add(Advice, fmt.Sprintf(format, args...), do)
}

func (e *exam) wrong(do, format string, args ...any) { e.add(Wrong, fmt.Sprintf(format, args...), do) }

// blame adds an error to the findings, with the hints that it would have had
// anywhere else. A missing terminal is not a store problem.
func (e *exam) blame(err error) error {
	switch v := e.Judge(err); {
	case v.Interrupted:
		return err
	case v.NoPerson:
		e.advise("fob doctor   in a terminal", "not checked: %s", v.Sentence)
	default:
		e.wrong(hints(v), "%s", v.Sentence)
	}
	return nil
}
