package main

import (
	"slices"
	"time"

	"fob/internal/doctor"
	"fob/internal/ui"
)

type doctorCmd struct {
	Profile string `arg:"" optional:"" help:"Check only what concerns this profile."`
	JSON    bool   `help:"Print JSON."`
	Fix     bool   `help:"Fix file permissions."`
}

func (doctorCmd) Help() string {
	return `Opens the store, and may ask for what opens it; does not call AWS. The exit code is 1 if
something is wrong. Advice does not count.

    fob doctor
    fob doctor dev`
}

func (c *doctorCmd) Run(a *app) error {
	findings, err := doctor.Examine(a.ctx, doctor.Setup{
		Profiles:   a.profiles,
		Files:      a.files,
		Store:      a.store(),
		StateDir:   a.host.StatePath(),
		Program:    a.args[0],
		Getenv:     a.getenv,
		Passphrase: a.secrets.passphrase != "",
		Judge:      func(err error) doctor.Verdict { return verdictOf(a, err) },
		Tilde:      a.host.Tilde,
		Clock:      func(t time.Time) string { return ui.Clock(t, a.now()) },
		Now:        a.now,
		Profile:    c.Profile,
		Fix:        c.Fix,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := a.out.JSON(findings); err != nil {
			return err
		}
	} else {
		printFindings(a, findings)
	}
	if slices.ContainsFunc(findings, func(f doctor.Finding) bool { return f.Level == doctor.Wrong }) {
		return errNegative
	}
	return nil
}

func verdictOf(a *app, err error) doctor.Verdict {
	v := a.judge(err)
	return doctor.Verdict{
		Sentence: a.out.Sentence(err), Hints: v.hints,
		Interrupted: v.code == exitInterrupted, NoPerson: v.code == exitNoPerson,
	}
}

// printFindings puts first what matters most.
func printFindings(a *app, findings []doctor.Finding) {
	order := []doctor.Level{doctor.Wrong, doctor.Advice, doctor.OK}
	slices.SortStableFunc(findings, func(a, b doctor.Finding) int {
		return slices.Index(order, a.Level) - slices.Index(order, b.Level)
	})
	for _, f := range findings {
		a.out.Print("%-6s  %-11s  %s\n", f.Level, f.Check, f.What)
		if f.Do != "" {
			a.out.Print("%21s> %s\n", "", f.Do)
		}
	}
}
