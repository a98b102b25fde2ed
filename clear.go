package main

import (
	"errors"

	"fob/internal/plan"
)

type clearCmd struct {
	Profile string `arg:"" optional:"" help:"The profile; without it the sessions of all."`
}

func (clearCmd) Help() string {
	return `Only fob's copies go: AWS has no way to end a session, so one that a program already
has stays valid until its end.`
}

func (c *clearCmd) Run(a *app) error {
	source := c.Profile
	if source != "" {
		// A role's sessions are filed under the profile whose key they are made from.
		var err error
		if source, err = a.sourceOf(c.Profile); err != nil {
			return err
		}
	}
	n, err := a.store().RemoveSessions(source)
	if err != nil {
		return err
	}
	switch {
	case n == 0:
		a.answer("There were no cached sessions.")
	case source != c.Profile:
		a.answer("Dropped %d %s made from the key of %s.", n, plural(n, "session"), source)
	default:
		a.answer("Dropped %d %s.", n, plural(n, "session"))
	}
	if n > 0 {
		a.notef("sessions that programs already have stay valid until their end")
	}
	return nil
}

// sourceOf is the profile that a profile's sessions are filed under. One that
// is in no file any more may still have some.
func (a *app) sourceOf(profile string) (string, error) {
	p, err := a.resolve(profile, plan.Options{})
	var missing *plan.NoProfileError
	switch {
	case errors.As(err, &missing):
		return "", err
	case err != nil:
		a.logf("%v", err)
		return profile, nil
	}
	return p.Source(), nil
}
