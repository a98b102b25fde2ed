package main

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
)

type wireCmd struct {
	codeFlags
	Profiles []string `arg:"" optional:"" name:"profile" help:"The profiles."`
	All      bool     `help:"All profiles that can be rewritten."`
	DryRun   bool     `help:"Print the changes as a diff, and make none."`
	Undo     bool     `help:"Bring the sections back; without PROFILE, all that fob has rewritten."`
}

func (wireCmd) Help() string {
	return `Rewrites profiles of ~/.aws/config that get their credentials from a role, a sign-in, a
token or another program, so that the AWS CLI, Terraform and every SDK ask fob for them,
and you are asked for one MFA code for all of them. A section gets the credential_process
of fob, and fob_ in front of what fob reads there: role_arn, source_profile, mfa_serial,
the sso_ keys and so on. What the profile gets does not change, nor does any other line.

A profile that fob exec cannot use is not rewritten, and one with an access key in plain
text must be added to fob first. Afterwards fob signs in to each profile, and runs its
credential_process as programs do. If that cannot work, the section is as before.

    fob wire prod
    fob wire --all --dry-run
    fob wire --undo prod`
}

func (c *wireCmd) Run(a *app) error {
	switch {
	case len(c.Profiles) > 0 && c.All:
		return usagef("--all is for all profiles; leave out %s", ui.List(c.Profiles))
	case len(c.Profiles) == 0 && !c.All && !c.Undo:
		return &usageError{Problem: "which profiles?", Way: ui.TypeLine("fob wire --all --dry-run").To("shows what fob would rewrite")}
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	names := c.names()
	if c.Undo {
		return c.restore(a, all, names)
	}
	if c.All {
		names = all.Rewritable()
	}
	r, err := all.Rewrite(a.files, names, a.args[0])
	if err != nil {
		return err
	}
	if err := c.refused(a, r); err != nil {
		return err
	}
	if c.DryRun {
		return c.show(a, r)
	}
	if len(r.Done) > 0 {
		if err := c.apply(a, r); err != nil {
			return err
		}
		if err := c.announce(a, r.Done); err != nil {
			return err
		}
		return c.try(a, r.Done)
	}
	if len(r.Already) > 0 {
		a.out.Answer("%s: every tool asks fob already.", c.count(r.Already))
	} else {
		a.out.Answer("No profile to rewrite.")
	}
	return nil
}

// names are the profiles named, each once.
func (c *wireCmd) names() (names []string) {
	for _, name := range c.Profiles {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// refused says which profiles stay as they are. Of those that were named each must go.
func (c *wireCmd) refused(a *app, r *profiles.Rewriting) error {
	if len(c.Profiles) > 0 && len(r.Refused) > 0 {
		for _, f := range r.Refused[1:] {
			a.out.Warn("%s", a.out.Sentence(f.Err))
		}
		return r.Refused[0].Err
	}
	for _, f := range r.Refused {
		a.out.Note("%s stays as it is: %s", f.Profile, a.out.Sentence(f.Err))
	}
	return nil
}

// show prints a diff. Its paths are whole, for patch.
func (c *wireCmd) show(a *app, r *profiles.Rewriting) error {
	return a.out.Lines(creds.Hide(wire.Unified(a.files.Config, r.Before, r.After)))
}

// apply writes the config. Lines that somebody else has to write are shown.
func (c *wireCmd) apply(a *app, r *profiles.Rewriting) error {
	err := a.files.Apply(r)
	if _, unwritten := errors.AsType[*profiles.WriteError](err); unwritten && len(r.Done) > 1 {
		words := append([]string{"fob", "wire", "--dry-run"}, c.Profiles...)
		if c.Undo {
			words = append(words, "--undo")
		}
		if c.All {
			words = append(words, "--all")
		}
		a.out.Say("The changes as a diff: %s", ui.Type(words...).Command)
		return err
	}
	return a.showUnwritten(r.Done[0], err)
}

// count names a few profiles, and counts more.
func (c *wireCmd) count(names []string) string {
	switch n := len(names); {
	case n > 4:
		return ui.Count(n, "profile")
	case n > 1:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return names[0]
}

// undoing is the command that brings these profiles back.
func (c *wireCmd) undoing(names []string) string {
	if c.All {
		return "fob wire --undo"
	}
	return ui.Type(append(strings.Fields("fob wire --undo"), names...)...).Command
}

func (c *wireCmd) restore(a *app, all *profiles.Profiles, names []string) error {
	for _, name := range names {
		if _, exists := all.Config.Profile(name); !exists {
			return &plan.NoProfileError{Profile: name, Nearest: plan.Nearest(name, all.Config.Names())}
		}
	}
	r, err := a.files.Restore(names, a.args[0])
	if err != nil {
		return err
	}
	if err := c.refused(a, r); err != nil {
		return err
	}
	if c.DryRun {
		return c.show(a, r)
	}
	if len(r.Done) > 0 {
		err = c.apply(a, r)
	} else {
		err = a.files.Apply(r) // forgets what is no longer there
	}
	switch {
	case err != nil:
		return err
	case len(r.Done) > 0:
		a.out.Answer("Restored %s in %s.", c.count(r.Done), a.host.Tilde(a.files.Config))
	case len(names) > 0:
		a.out.Answer("fob wire has not rewritten %s.", c.count(names))
	default:
		a.out.Answer("fob wire has rewritten no profile of %s.", a.host.Tilde(a.files.Config))
	}
	return nil
}
