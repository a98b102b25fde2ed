package main

import (
	"errors"

	"fob/internal/plan"
	"fob/internal/ui"
)

type clearCmd struct {
	Profile string `arg:"" optional:"" help:"The profile; all of them if none is named."`
}

func (clearCmd) Help() string {
	return `Only fob's copies are cleared. AWS cannot end a session, so one that a program
already has stays valid until it expires.

    fob clear prod`
}

func (c *clearCmd) Run(a *app) error {
	source := c.Profile
	if source != "" {
		// A role's sessions are filed under the profile whose key they are made from.
		var err error
		if source, err = sourceOf(a, c.Profile); err != nil {
			return err
		}
	}
	n, err := a.store().RemoveSessions(source)
	switch {
	case err != nil:
		return err
	case n == 0:
		a.out.Answer("No cached sessions.")
		return nil
	case source != c.Profile:
		a.out.Answer("Cleared %s made from the key of %s.", ui.Count(n, "session"), source)
	default:
		a.out.Answer("Cleared %s.", ui.Count(n, "session"))
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	return nil
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
