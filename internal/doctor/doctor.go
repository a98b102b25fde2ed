// Package doctor checks a setup: the store and what opens it, the environment, the
// AWS files, and what programs get from fob.
//
// It opens the store, and so may ask for the passphrase; it does not call AWS. It
// changes nothing without Fix, but removes the session that it writes to see whether the
// store can be written. With Fix it makes files private, and repairs lines of the AWS
// files where that changes for no profile which credentials fob gives.
package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	Fixed  Level = "fixed"  // by this examination
	OK     Level = "ok"
)

// Finding is one thing that doctor says; the names are those of doctor --json.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	What  string `json:"what"`
	Do    Remedy `json:"do,omitempty"`

	// kind is the same for findings that say the same of several things; of is the thing
	// that this one says it of.
	kind, of string
}

// Remedy is what helps, the best first.
type Remedy []ui.Hint

// MarshalJSON is the remedy as a text, with a line for each hint.
func (r Remedy) MarshalJSON() ([]byte, error) {
	lines := make([]string, len(r))
	for i, h := range r {
		lines[i] = h.String()
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // people read commands there
	err := enc.Encode(strings.Join(lines, "\n"))
	return text.Bytes(), err
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
	// Passphrase is set if FOB_PASSPHRASE is: main has removed it from the environment.
	Passphrase bool
	// Unasked: a variable says where the passphrase is.
	Unasked bool
	// AsksIn is where fob runs, if it asks for the passphrase each time because of that.
	AsksIn string
	// Unattended means that nobody will ever answer a question here, as in a CI job.
	Unattended bool
	// Judge says what fob makes of a failure.
	Judge func(error) Verdict
	// Tilde shortens a path for a person, Clock words a time of day.
	Tilde func(path string) string
	Clock func(t time.Time) string
	Now   func() time.Time
	// Profile limits the checks of profiles to one; "" for all.
	Profile string
	// Home is the user's home directory; "" if nobody knows it.
	Home string
	// Vault are the profiles whose keys aws-vault has, as far as that can be told.
	Vault []string
	// Fix repairs what is safe to repair.
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

// Tools is the check that answers what tools do with the profile that was named: its
// findings are an answer even if all is well.
const Tools = "tools"

// Report is what an examination found.
type Report struct {
	Findings []Finding
	// Fine is how many checks found nothing to do.
	Fine int
	// Slot is what opened the store; "" if it did not open.
	Slot string
	// Keys are stored, Profiles are in the AWS files or in the store.
	Keys, Profiles int
}

// Grouped are the findings for a person: those that say the same of several things are
// one, which names the others, and what made several checks fail is said once.
func (r Report) Grouped() Report {
	first := map[string]int{} // in all
	also := map[int][]string{}
	var all []Finding
	for _, f := range r.Findings {
		id := f.Check + "\x00" + f.kind
		if i, ok := first[id]; ok && f.kind != "" {
			also[i] = append(also[i], f.of)
			continue
		}
		if slices.ContainsFunc(all, func(o Finding) bool { return f.Level == Wrong && o.Level == Wrong && o.What == f.What }) {
			continue
		}
		first[id] = len(all)
		all = append(all, f)
	}
	for i, others := range also {
		all[i].What += "; also " + someOf(others)
	}
	for i := range len(all) - 1 { // what helps against what several tools do is said once
		next := all[i+1]
		if all[i].Check == Tools && next.Check == Tools && all[i].Level == next.Level && slices.Equal(all[i].Do, next.Do) {
			all[i].Do = nil
		}
	}
	r.Findings = all
	return r
}

// Count is the number of findings of a level.
func (r Report) Count(level Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Examine makes every check. An error means that the examination was interrupted.
func Examine(ctx context.Context, s Setup) (Report, error) {
	e := &exam{Setup: s, findings: []Finding{}} // not null in JSON
	if e.check = "fixes"; e.Fix {
		if err := e.fixes(ctx); err != nil {
			return Report{}, err
		}
	}
	for _, check := range checks() {
		e.check = check.name
		before := len(e.findings)
		if err := check.run(e, ctx); err != nil {
			return Report{}, err
		}
		if len(e.findings) == before && check.fine != "" {
			e.ok("%s", check.fine)
		}
		if !slices.ContainsFunc(e.findings[before:], func(f Finding) bool { return f.Level == Wrong || f.Level == Advice }) {
			e.report.Fine++
		}
	}
	e.report.Findings = e.findings
	return e.report, nil
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
		{"clock", "nothing says that the clock is wrong", (*exam).clock},
		{"config", "the AWS files are fine", (*exam).config},
		{"profiles", "no profile can be used with fob yet", (*exam).profiles},
		{Tools, "", (*exam).tools},
		{"moving-in", "nothing is left to move into fob", (*exam).left},
		{"exports", "no failed exports", (*exam).exports},
	}
}

// exam is one examination.
type exam struct {
	Setup
	check    string // the one that runs
	findings []Finding
	report   Report
	about    keyring.Description // after the files were fixed
}

func (e *exam) add(level Level, what string, do ...ui.Hint) {
	if (level == Wrong || level == Advice) && len(do) == 0 {
		do = []ui.Hint{lastResort(what)}
	}
	e.findings = append(e.findings, Finding{Check: e.check, Level: level, What: what, Do: do})
}

// lastResort is what helps where nothing more can be said.
func lastResort(what string) ui.Hint {
	for _, rest := range strings.Split(what, ":")[1:] {
		if rest != "" && '0' <= rest[0] && rest[0] <= '9' { // the number of a line
			return ui.Advise("correct that line in an editor")
		}
	}
	return ui.Advise("correct that, and check again")
}

// alike says what the last finding has in common with others of its check.
func (e *exam) alike(kind, of string) {
	last := &e.findings[len(e.findings)-1]
	last.kind, last.of = kind, of
}

func (e *exam) ok(format string, args ...any) { e.add(OK, fmt.Sprintf(format, args...)) }

func (e *exam) advise(do ui.Hint, format string, args ...any) {
	e.add(Advice, fmt.Sprintf(format, args...), do)
}

func (e *exam) wrong(do ui.Hint, format string, args ...any) {
	e.add(Wrong, fmt.Sprintf(format, args...), do)
}

// blame adds an error to the findings, with the hints that it would have had
// anywhere else. A missing terminal is not a store problem.
func (e *exam) blame(err error) error {
	switch v := e.Judge(err); {
	case v.Interrupted:
		return err
	case v.NoPerson && e.Unattended:
		e.add(Advice, "not checked: "+v.Sentence, v.Hints...)
	case v.NoPerson:
		e.advise(ui.Advise("do it in a terminal, or set FOB_PASSPHRASE_FILE"), "not checked: %s", v.Sentence)
	default:
		e.add(Wrong, v.Sentence, v.Hints...)
	}
	return nil
}
