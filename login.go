package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/term"
	"fob/internal/ui"
)

type loginCmd struct {
	codeFlags
	Device   bool     `help:"Sign in with a code on any device instead of in the browser here."`
	Profiles []string `arg:"" optional:"" name:"profile" help:"The profiles; else AWS_PROFILE, FOB_PROFILE, or your choice."`
}

func (loginCmd) Help() string {
	return `Unlocks the store, asks for an MFA code where one is needed (once for each device) and
makes every session that the profiles need, so that IDEs, cron jobs and Terraform get
credentials without asking. It prints until when that lasts. Without PROFILE, AWS_PROFILE or
FOB_PROFILE counts; without those, you choose. If fob would have to ask and there is no
terminal or window to ask in, the exit code is 4. If one profile fails, fob signs in to the
others, and the exit code is that of the first failure.

Profiles of IAM Identity Center and of the AWS console sign in with your browser, once for
all that share a sign-in. Over SSH and in containers, or with --device, it is a browser on
any device.

    fob login dev
    fob login dev prod
    fob login ops --device`
}

func (c *loginCmd) Run(a *app) error {
	names, err := c.names(a)
	if err != nil {
		return err
	}
	// Report every mistake in the configuration before the first question.
	var plans []plan.Plan
	for _, name := range names {
		if err := a.checkChain(name); err != nil {
			return err
		}
		made, err := plansOf(a, name)
		if err != nil {
			return err
		}
		plans = append(plans, made...)
	}
	r := request{
		codeFlags: c.codeFlags, renew: broker.RenewLogin, program: named("fob login"),
		given: givenFor(a, c.codeFlags, plans), seen: &broker.Seen{}, signer: c.signer(a),
	}
	var failed []error
	var done []plan.Plan
	for len(plans) > 0 {
		p := plans[0]
		plans = plans[1:]
		again := c.Fresh && !slices.ContainsFunc(done, func(q plan.Plan) bool { return signin.Same(p, q) })
		done = append(done, p)
		if err := signIn(a, p, r, names, again); err != nil {
			failed = append(failed, err)
			plans = slices.DeleteFunc(plans, func(q plan.Plan) bool { return failsToo(a, err, p, q) })
		}
	}
	if len(failed) > 0 {
		if last := len(failed) - 1; a.judge(failed[last]).code == exitInterrupted { // nothing was tried after that
			failed = append(failed[last:], failed[:last]...)
		}
		for _, err := range failed[1:] {
			a.out.Warn("%s", a.out.Sentence(err))
		}
		return failed[0]
	}
	a.used(names...)
	return nil
}

// signer also offers the sign-in of the AWS CLI.
func (c *loginCmd) signer(a *app) *signin.Signer {
	s := a.browserSigner(c.Device)
	if home, err := a.host.Home(); err == nil {
		s.CLICache = filepath.Join(home, ".aws", "sso", "cache")
	}
	s.Offer = func(ctx context.Context, until time.Time) (bool, error) {
		if ok, _ := a.maySignIn(); !ok {
			return false, nil
		}
		err := a.person.Confirm(ctx, "", "The AWS CLI is signed in until %s. Use that?", ui.Clock(until, a.now()))
		if errors.Is(err, ui.ErrDeclined) {
			return false, nil
		}
		return err == nil, err
	}
	return s
}

// signIn signs in to one profile, and says until when; again, even if it is signed in.
func signIn(a *app, p plan.Plan, r request, names []string, again bool) error {
	if signin.Starts(p) {
		if err := r.signer.Ahead(a.ctx, p, again); err != nil {
			return &planError{Plan: p, Fresh: r.Fresh, Err: err}
		}
	}
	s, err := a.credentials(a.ctx, p, r)
	if err != nil {
		return err
	}
	return sayUntil(a, p, s.Expires, names)
}

// sayUntil says until when a profile needs nobody, in a column with the other names.
// expires is the end of its session.
func sayUntil(a *app, p plan.Plan, expires time.Time, names []string) error {
	all, err := a.profiles()
	if err != nil {
		return err
	}
	until, renews, said := all.SignedInUntil(p, a.now()), all.SignIn(p, a.now()).Renews, "ready"
	switch {
	case !until.IsZero() && renews:
		said = "signed in until " + ui.Clock(until, a.now()) + ", then renewed without asking"
	case !until.IsZero():
		said = "signed in until " + ui.Clock(until, a.now())
	case renews: // AWS's tools keep the sign-in
		said = "signed in, renewed without asking"
	case !expires.IsZero(): // no store is open, or a program printed what ends at once
		said = "works; its session is not kept"
	}
	label := p.Profile
	if len(p.Variables) > 0 {
		label += " with " + strings.Join(p.Variables, ", ")
	}
	width := 0
	for _, name := range names {
		width = max(width, term.Width(name))
	}
	a.out.Answer("%-*s %s", width+len(":"), label+":", ui.Good.Text(said))
	return nil
}

// failsToo reports whether what went wrong with p makes it useless to try q: it is the
// same key or device, or nothing works any more.
func failsToo(a *app, err error, p, q plan.Plan) bool {
	switch a.judge(err).code {
	case exitInterrupted, exitStore, exitUnreachable:
		return true
	}
	if refused, ok := errors.AsType[*awsapi.RefusedError](err); ok && refused.Role != "" && !refused.BadCode() && !refused.BadKey() {
		return false
	}
	if signin.Same(p, q) {
		_, denied := errors.AsType[*signin.AssignmentError](err) // another role may do
		return !denied
	}
	return p.Source() == q.Source() || p.MFASerial() != "" && p.MFASerial() == q.MFASerial()
}

// names are the profiles named, each once, or the one that exec would take.
func (c *loginCmd) names(a *app) (names []string, err error) {
	for _, name := range c.Profiles {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	name, err := a.chooseProfile("")
	return []string{name}, err
}
