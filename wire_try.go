package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"fob/internal/doctor"
	"fob/internal/helper"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/ui"
	"fob/internal/wire"
)

// announce says what has been done, and what still keeps tools from using these profiles.
func (c *wireCmd) announce(a *app, names []string) error {
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	found := doctor.Rewritten(doctor.Moving{Profiles: all, Files: a.files, Program: a.args[0], Getenv: a.getenv}, names)
	rejected := slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Level == doctor.Wrong })
	every := ": every tool now asks fob"
	if rejected {
		every = ""
	}
	a.out.Answer("Rewrote %s in %s%s.", c.count(names), a.host.Tilde(a.files.Config), every)
	a.out.Say("To undo: %s", c.undoing(names))
	for _, f := range found {
		a.out.Warn("%s", f.What)
		c.hint(a, f.Do)
	}
	return nil
}

// hint says what helps against something that is not an error: with --quiet it is not said,
// and neither is what helps.
func (c *wireCmd) hint(a *app, hints []ui.Hint) {
	if !a.Quiet {
		a.out.Hints(hints)
	}
}

// try sees whether programs can run the new line of each profile, and signs in to them
// all. A line that does not work is taken back. A refusal of AWS or of a person is not the
// section's fault, because the plan is the one of before, so the section stays.
func (c *wireCmd) try(a *app, names []string) error {
	var broken []string
	var wrong []error
	done := a.out.Waiting("starting fob as programs do ...") // a moment for each profile
	for _, name := range names {
		if err := c.tryLine(a, name); err != nil {
			broken = append(broken, name)
			wrong = append(wrong, err)
		}
	}
	done()
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if len(wrong) > 0 {
		for _, err := range wrong[1:] {
			a.out.Warn("%s", a.out.Sentence(err))
		}
		return cmp.Or(c.takeBack(a, broken), wrong[0])
	}
	err := a.runLine(slices.Concat([]string{"login"}, c.loginFlags(), []string{"--"}, names)...)
	if err == nil {
		return nil
	}
	if v := a.judge(err); v.code == exitNoPerson {
		a.out.Note("not tried: %s", a.out.Sentence(err))
		c.hint(a, v.hints)
		return nil
	}
	return err
}

// tryLine runs the program of a profile's credential_process as SDKs do, with a command
// that needs neither the store nor AWS, and that knows the profile if export does.
func (c *wireCmd) tryLine(a *app, name string) error {
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	section, _ := all.Config.Profile(name)
	line, _ := section.Own("credential_process")
	if written, err := wire.Process(a.args[0], name); err != nil || line.Text != written {
		return err // it was there before, perhaps with flags of export's
	}
	environ := a.helperEnviron("")
	if made, err := all.Plan(name, plan.Options{Shown: true}); err == nil && made.Source() == plan.EnvironmentSource {
		environ = a.environ // without these credentials there is no plan
	}
	explain := strings.Replace(strings.TrimSuffix(line.Text, " --format process"), " export --profile ", " explain --json --profile ", 1)
	if _, err := helper.Output(a.ctx, explain, environ, nil); err != nil {
		return &lineError{name, line.Text, err}
	}
	return nil
}

// takeBack brings sections back whose lines do not work.
func (c *wireCmd) takeBack(a *app, names []string) error {
	r, err := a.files.Restore(names, a.args[0])
	if err != nil {
		return err
	}
	if err := a.files.Apply(r); err != nil {
		return err
	}
	a.out.Say("Restored %s in %s.", c.count(names), a.host.Tilde(a.files.Config))
	return nil
}

// loginFlags are the flags of fob login that were typed here.
func (c *wireCmd) loginFlags() []string {
	var flags []string
	if c.MFAPrompt != prompt.Auto {
		flags = append(flags, "--mfa-prompt="+c.MFAPrompt)
	}
	if c.MFACode != "" {
		flags = append(flags, "--mfa-code="+c.MFACode)
	}
	if c.Fresh {
		flags = append(flags, "--fresh")
	}
	return flags
}
