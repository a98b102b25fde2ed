package main

import (
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/signin"
)

// lonelySignIn is the plan of a profile with a console sign-in that no other profile
// uses: without the profile, nothing would show that it is there. ok is whether there is
// one.
func lonelySignIn(all *profiles.Profiles, profile string) (p plan.Plan, ok bool) {
	p, err := all.Plan(profile, plan.Options{})
	if err != nil || p.Source() != profile {
		return p, false
	}
	if _, console := p.Steps[0].(plan.ConsoleLogin); !console {
		return p, false
	}
	names, _ := all.Names() // a profile with a damaged key uses none
	for name, made := range all.Plans(names) {
		if name != profile && made.Err == nil && made.Plan.Source() != profile && signin.Same(p, made.Plan) {
			return p, false
		}
	}
	return p, true
}

// forget removes a sign-in and the sessions made from it, and reports whether there was
// anything.
func (c *removeCmd) forget(a *app, p plan.Plan) (gone bool, err error) {
	n, err := a.store().RemoveSessions(c.Profile)
	if err != nil && !notStored(err) {
		return n > 0, err
	}
	to, err := a.signer(a.maySignIn).Forget(a.ctx, p)
	if to != "" && err == nil {
		a.out.Answer("Removed the sign-in to %s.", to)
	}
	return n > 0 || to != "", err
}
