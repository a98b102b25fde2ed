package main

import (
	"errors"

	"fob/internal/plan"
	"fob/internal/ui"
)

type clearCmd struct {
	Profile *string `arg:"" optional:"" help:"The profile; all of them if none is named."`
}

func (clearCmd) Help() string {
	return `Only fob's copies are cleared. AWS cannot end a session, so one that a program
already has stays valid until it expires.

    fob clear prod`
}

func (c *clearCmd) Run(a *app) error {
	var n int
	from := ""
	var err error
	if c.Profile == nil {
		n, err = a.store().RemoveAllSessions()
	} else {
		n, from, err = clearProfile(a, *c.Profile)
	}
	switch {
	case err != nil:
		return err
	case n == 0:
		a.out.Answer("No cached sessions.")
		return nil
	}
	a.out.Answer("Cleared %s%s.", ui.Count(n, "session"), from)
	a.out.Note("sessions already handed out stay valid until they expire")
	return nil
}

// clearProfile clears the sessions of a profile. A role's sessions are filed under
// the profile whose key they are made from; from says so.
func clearProfile(a *app, profile string) (n int, from string, err error) {
	source, err := sourceOf(a, profile)
	if err != nil {
		return 0, "", err
	}
	switch source {
	case profile:
	case plan.EnvironmentSource:
		from = " made from the credentials in the environment"
	default:
		from = " made from the credentials of " + source
	}
	n, err = a.store().RemoveSessions(source)
	return n, from, err
}

// sourceOf is the profile that a profile's sessions are filed under. One that is
// no longer in any file may still have some.
func sourceOf(a *app, profile string) (string, error) {
	p, err := a.plan(profile, plan.Options{})
	_, missing := errors.AsType[*plan.NoProfileError](err)
	switch {
	case missing:
		return "", err
	case err != nil:
		a.out.Log("%v", err)
		return profile, nil
	}
	return p.Source(), nil
}
