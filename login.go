package main

import (
	"time"

	"fob/internal/broker"
	"fob/internal/plan"
)

type loginCmd struct {
	Profiles  []string `arg:"" name:"profile" help:"The profiles to sign in to."`
	MFACode   string   `short:"t" name:"mfa-code" aliases:"mfa-token" help:"The MFA code, if one is needed; also $FOB_MFA_CODE." placeholder:"CODE"`
	MFAPrompt string   `name:"mfa-prompt" aliases:"prompt" help:"How a code is asked: ${enum}." enum:"${prompts}" env:"FOB_MFA_PROMPT" default:"auto" placeholder:"NAME"`
	Fresh     bool     `help:"Ignore cached sessions."`
}

func (loginCmd) Help() string {
	return `It unlocks the store, asks for a code where one is needed (once for each device),
and makes every session on the way to the profiles, so that IDEs, cron and
Terraform get their credentials without a question.

    fob login dev prod`
}

func (c *loginCmd) Run(a *app) error {
	// Every mistake in the configuration comes before the first question.
	var plans []plan.Plan
	for _, name := range c.Profiles {
		if err := a.checkChain(name); err != nil {
			return err
		}
		p, err := a.resolve(name, plan.Options{})
		if err != nil {
			return err
		}
		plans = append(plans, p)
	}
	flags := credentialFlags{MFACode: c.MFACode, MFAPrompt: c.MFAPrompt, Fresh: c.Fresh}
	for _, p := range plans {
		s, err := a.credentials(a.ctx, p, flags, broker.RenewLogin, func() string { return "fob login" })
		if err != nil {
			return err
		}
		until := a.signedInUntil(p)
		if until.IsZero() {
			until = s.Expires // there is no store to keep it in
		}
		if until.IsZero() {
			a.answer("%s: ready", p.Profile)
			continue
		}
		a.answer("%s: signed in until %s", p.Profile, clock(until, time.Now()))
	}
	return nil
}

// signedInUntil is when the last of a plan's sessions in the store ends; zero if
// there is none. A role's own session is renewed in silence while the MFA session
// lives that it is made from.
func (a *app) signedInUntil(p plan.Plan) (until time.Time) {
	for n := 2; n <= len(p.Steps); n++ {
		if info, err := a.store().SessionInfo(p.Source(), p.ID(n)); err == nil && info.Expires.After(until) {
			until = info.Expires
		}
	}
	return until
}
