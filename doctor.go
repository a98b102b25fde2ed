package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"fob/internal/doctor"
	"fob/internal/ui"
)

type doctorCmd struct {
	Profile string `arg:"" optional:"" help:"Check only what concerns this profile."`
	JSON    bool   `help:"Print JSON."`
	Fix     bool   `help:"Fix what is safe to fix, and say what was done."`
}

func (doctorCmd) Help() string {
	return `Looks at the AWS files, the environment, the store and how programs start fob, and says
for each problem what to do. It opens the store, and may ask for what opens it; it does
not call AWS. The exit code is 1 if something is wrong; advice does not count.

    fob doctor
    fob doctor dev                   one profile, and what AWS tools do with it
    fob doctor -v                    what is fine, too
    fob doctor --fix                 repairs what is safe to repair`
}

func (c *doctorCmd) Run(a *app) error {
	home, _ := a.host.Home() // "" if nobody knows
	report, err := doctor.Examine(a.ctx, doctor.Setup{
		Profiles:   sync.OnceValues(a.readProfiles), // as they are after the fixes
		Files:      a.files,
		Store:      a.store(),
		StateDir:   a.host.StatePath(),
		Program:    a.args[0],
		Getenv:     a.getenv,
		Passphrase: a.secrets.passphrase != "",
		Unasked:    a.secrets.hasPassphrase(),
		AsksIn:     asksIn(a),
		Unattended: a.unattended(),
		Judge:      func(err error) doctor.Verdict { return verdictOf(a, err) },
		Tilde:      a.host.Tilde,
		Clock:      func(t time.Time) string { return ui.Clock(t, a.now()) },
		Now:        a.now,
		Profile:    c.Profile,
		Home:       home,
		Vault:      a.inVault(false),
		Fix:        c.Fix,
	})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if a.judged != nil {
			a.judged(a.args[1:], f.Do)
		}
	}
	if c.JSON {
		if err := a.out.JSON(report.Findings); err != nil {
			return err
		}
	} else {
		c.print(a, report.Grouped())
	}
	if report.Count(doctor.Wrong) > 0 {
		return errNegative
	}
	return nil
}

// asksIn is where fob runs, if it asks for the passphrase each time because of that.
// Where nobody can be asked, the store's own check says what to set.
func asksIn(a *app) string {
	if a.secrets.hasPassphrase() || a.unattended() {
		return ""
	}
	return a.asksEachTime()
}

func verdictOf(a *app, err error) doctor.Verdict {
	v := a.judge(err)
	return doctor.Verdict{
		Sentence: a.out.Sentence(err), Hints: v.hints,
		Interrupted: v.code == exitInterrupted, NoPerson: v.code == exitNoPerson,
	}
}

// print puts first what matters most, and last what it comes to. What is fine is only
// counted, unless the user wants to see it.
func (c *doctorCmd) print(a *app, r doctor.Report) {
	for _, level := range []struct {
		doctor.Level
		ui.Style
	}{{doctor.Wrong, ui.Bad}, {doctor.Advice, ui.Caution}, {doctor.Fixed, ui.Good}, {doctor.OK, ui.Good}} {
		for _, f := range r.Findings {
			if f.Level == level.Level && (f.Level != doctor.OK || a.Verbose || f.Check == doctor.Tools) {
				a.out.Item(level.Text(fmt.Sprintf("%-6s", f.Level)), f.What, f.Do)
			}
		}
	}
	a.out.Item(ui.Styled{}, summary(r, a.Verbose), nil)
}

// summary is the last line.
func summary(r doctor.Report, all bool) string {
	wrong, advice := r.Count(doctor.Wrong), r.Count(doctor.Advice)
	if wrong+advice == 0 {
		return fmt.Sprintf("Everything is fine: %s, %s, %s store, AWS files read the same by the AWS CLI and the Go SDK.",
			ui.Count(r.Profiles, "profile"), ui.Count(r.Keys, "key"), r.Slot)
	}
	var parts []string
	switch {
	case wrong == 1:
		parts = append(parts, "1 thing is wrong")
	case wrong > 1:
		parts = append(parts, fmt.Sprintf("%d things are wrong", wrong))
	}
	if advice > 0 {
		parts = append(parts, ui.Count(advice, "suggestion"))
	}
	text := strings.Join(parts, ", ") + "."
	switch {
	case all:
	case r.Fine == 1:
		text += " 1 check is fine: fob doctor -v"
	case r.Fine > 1:
		text += fmt.Sprintf(" %d checks are fine: fob doctor -v", r.Fine)
	}
	return text
}
