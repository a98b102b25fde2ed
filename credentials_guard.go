package main

import (
	"errors"
	"fmt"

	"fob/internal/plan"
	"fob/internal/ui"
)

// confirmTries is how often the name of a guarded profile may be mistyped.
const confirmTries = 3

// confirm makes sure that a person means a profile with fob_confirm: they type its name
// at a terminal. No flag or variable answers in their place, since it would do so every
// time; that is also why the shell of a fob exec is asked again.
func (a *app) confirm(p plan.Plan) error {
	if p.RegionDenied != "" {
		a.out.Warn("%s: AWS will refuse almost everything there", p.RegionDenied)
	}
	if p.Confirm == "" {
		return nil
	}
	prompt := fmt.Sprintf("Type %s to confirm: ", p.Profile)
	if p.Account != "" {
		prompt = fmt.Sprintf("Type %s to confirm (account %s): ", p.Profile, p.Account)
	}
	tries := 0
	what := fmt.Sprintf("ask for confirmation (fob_confirm, %s)", a.host.Tilde(p.Confirm))
	_, err := a.person.Ask(a.ctx, what, prompt, func(name string) error {
		tries++
		switch {
		case name == p.Profile:
			return nil
		case tries == confirmTries:
			return &ui.FatalError{Err: &unconfirmedError{Profile: p.Profile, From: p.Confirm}}
		}
		return errors.New("That is not " + p.Profile + ". Try again.")
	})
	return err
}

// unconfirmedError: the name of a profile with fob_confirm was not typed.
type unconfirmedError struct{ Profile, From string }

func (e *unconfirmedError) Error() string {
	return fmt.Sprintf("%s was not confirmed (fob_confirm, %s)", e.Profile, e.From)
}
