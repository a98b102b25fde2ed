package main

import (
	"context"
	"errors"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/prompt"
	"fob/internal/ui"
	"fob/internal/wire"
)

// errLater: the user pressed Enter when fob add offered to sign in.
var errLater = errors.New("signing in later")

// signIn offers a first session, and says what to do next.
func (c *addCmd) signIn(a *app, all *profiles.Profiles, id awsapi.Identity, serial string) error {
	defer c.sayNext(a, all)
	if serial == "" || serial == "none" || c.NoVerify || c.FromEnv || c.Stdin || a.NoInput {
		return nil
	}
	p, err := all.Plan(c.Profile, plan.Options{Export: true})
	if err != nil || p.MFASerial() == "" {
		return err
	}
	s, err := a.credentials(a.ctx, p, request{
		renew: broker.RenewExec, program: named("fob add"),
		prompters: []prompt.Prompter{{
			Name: "tty", Ready: func() error { return nil },
			Ask: func(ctx context.Context, q prompt.Question) (creds.Secret, error) { return askOrLater(ctx, a, q) },
		}},
	})
	if errors.Is(err, errLater) {
		return nil
	}
	if err != nil {
		// The key is stored and the profile written: only the sign-in failed.
		a.report(err)
		return nil
	}
	arn, _ := plan.ParseARN(id.ARN)
	a.out.Say("%s: %s, %s, signed in until %s.", ui.Good.Text(c.Profile+" works"), arn.Name(), id.Account, ui.Clock(s.Expires, a.now()))
	return nil
}

// askOrLater asks for a code that the user need not give.
func askOrLater(ctx context.Context, a *app, q prompt.Question) (creds.Secret, error) {
	t, err := a.person.Terminal("ask for an MFA code")
	if err != nil {
		return creds.Secret{}, err
	}
	if q.Problem != "" {
		if err := t.Print(ctx, q.Problem+"\n"); err != nil {
			return creds.Secret{}, err
		}
	}
	answer, err := t.AskText(ctx, "MFA code to sign in now (or Enter to skip): ")
	if err == nil && strings.TrimSpace(answer) == "" {
		err = errLater
	}
	return creds.NewSecret(answer), err
}

// sayNext says what the user may want to type next.
func (c *addCmd) sayNext(a *app, all *profiles.Profiles) {
	profile := cmdline.Quote(c.Profile)
	lines := []string{
		"fob exec " + profile + " -- terraform plan",
		"fob add prod --source " + profile + " --role ARN     a role on top of this key",
	}
	// Only if the SDKs get the profile's credentials from fob.
	section, _ := all.Config.Profile(c.Profile)
	if len(wire.Rivals(section)) == 0 && wire.Owned(section, a.args[0]) {
		lines = append(firstCalls(all, c.Profile), lines...)
	}
	sayNext(a, lines)
}
