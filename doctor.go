package main

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/term"
	"fob/keyring"
)

type doctorCmd struct {
	Profile string `arg:"" optional:"" help:"Only what concerns this profile."`
	JSON    bool   `help:"For programs."`
	Fix     bool   `help:"Take back what others may read or write in the store."`
}

func (doctorCmd) Help() string {
	return `It opens the store, and may ask what opens it; it does not call AWS.
The exit code is 1 if something is wrong. Advice does not count.`
}

// Levels of a finding.
const (
	levelOK     = "ok"
	levelAdvice = "advice" // it works, and could bite
	levelWrong  = "wrong"
)

// finding is a row of what doctor says; the names are the JSON's.
type finding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do,omitempty"` // something to type
}

// doctor looks at everything once.
type doctor struct {
	*app
	about    keyring.Description // once the files are mended
	profile  string              // empty for all
	fix      bool
	check    string // the one that runs
	findings []finding
}

// check is a row of what doctor looks at. Its error is about doctor itself.
type check struct {
	name, fine string // fine is what there is to say if nothing is found
	run        func() error
}

func (c *doctorCmd) Run(a *app) error {
	d := &doctor{app: a, profile: c.Profile, fix: c.Fix, findings: []finding{}}
	for _, check := range d.checks() {
		d.check = check.name
		before := len(d.findings)
		if err := check.run(); err != nil {
			return err
		}
		if len(d.findings) == before {
			d.ok("%s", check.fine)
		}
	}
	if c.JSON {
		if err := a.printJSON(d.findings); err != nil {
			return err
		}
	} else {
		d.print()
	}
	if slices.ContainsFunc(d.findings, func(f finding) bool { return f.Level == levelWrong }) {
		return errNegative
	}
	return nil
}

// print puts first what matters most.
func (d *doctor) print() {
	order := []string{levelWrong, levelAdvice, levelOK}
	slices.SortStableFunc(d.findings, func(a, b finding) int {
		return slices.Index(order, a.Level) - slices.Index(order, b.Level)
	})
	for _, f := range d.findings {
		fmt.Fprintf(d.stdout, "%-6s  %-11s  %s\n", f.Level, f.Check, term.Clean(f.What))
		if f.Do != "" {
			fmt.Fprintf(d.stdout, "%21s> %s\n", "", term.Clean(f.Do))
		}
	}
}

func (d *doctor) add(level, what, do string) {
	d.findings = append(d.findings, finding{d.check, level, what, do})
}

func (d *doctor) ok(format string, args ...any) { d.add(levelOK, fmt.Sprintf(format, args...), "") }
func (d *doctor) advise(do, format string, a ...any) {
	d.add(levelAdvice, fmt.Sprintf(format, a...), do)
}
func (d *doctor) wrong(do, format string, a ...any) { d.add(levelWrong, fmt.Sprintf(format, a...), do) }

// blame puts an error among the findings, with the hint that it would have had.
// That nobody can be asked is no fault of the store's.
func (d *doctor) blame(err error) error {
	code, hints := d.judge(err)
	switch code {
	case exitInterrupted:
		return err
	case exitNoPerson:
		d.advise("fob doctor   in a terminal", "not looked at: %s", sentence(err))
		return nil
	}
	d.wrong(strings.Join(hints, "; "), "%s", sentence(err))
	return nil
}
