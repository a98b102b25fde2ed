package main

import (
	"fmt"

	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/ui"
)

type explainCmd struct {
	credentialFlags
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"Print JSON."`
}

func (explainCmd) Help() string {
	return `Shows the key it starts from, each session and role on the way, which line of which file
decided that, the guards, what is cached, and what fob would ask for now. It takes the flags of fob
exec, reads no secret and does not use the network.

    fob explain prod
    fob explain prod -d 8h           why that is possible, or not`
}

func (c *explainCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	o.Shown, o.Variables, o.Child = true, true, true
	p, err := a.plan(c.Profile, o)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.out.JSON(p)
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	printSteps(a, all, p, c.Fresh)
	printSettings(a, p)
	if p.Agent.Gets == plan.AgentRefused {
		return nil
	}
	// exec and export renew at different times, and export makes no short sessions.
	exec := would(a, p, all.Outlook(p, broker.RenewExec, a.now(), c.Fresh))
	o.Export, o.Variables, o.Child = true, false, false
	forExport, err := a.plan(c.Profile, o)
	switch {
	case err != nil && len(p.Variables) > 0: // fob export gets nothing from them
		a.out.Print("fob exec would %s.\nfob export would fail: %s.\n", exec, a.out.Sentence(err))
		return nil
	case err != nil:
		return err
	}
	export := wouldExport(a, forExport, all.Outlook(forExport, broker.RenewExport, a.now(), c.Fresh))
	if exec == export {
		a.out.Print("fob would %s.\n", exec)
		return nil
	}
	a.out.Print("fob exec would %s.\nfob export would %s.\n", exec, export)
	return nil
}

// wouldExport is would for fob export, which programs run: it opens no browser.
func wouldExport(a *app, p plan.Plan, o broker.Outlook) string {
	if o.From == 0 && !o.Serve && signsIn(a, p) {
		if by := awsSignsIn(p); by != "" {
			return "fail until " + by
		}
		return "fail until fob login " + cmdline.Quote(p.Profile)
	}
	return would(a, p, o)
}

// awsSignsIn is how AWS's tools sign in to what a plan starts from; "" if it is fob that
// does.
func awsSignsIn(p plan.Plan) string {
	if step, ok := p.Steps[0].(plan.ConsoleLogin); ok && step.AWSLogin {
		return "aws login --profile " + cmdline.Quote(step.Profile)
	}
	return ""
}

// printSettings prints what counts for the plan as a whole.
func printSettings(a *app, p plan.Plan) {
	if p.Region != "" {
		a.out.Print("Region: %s\n", p.Region)
	}
	if p.STS.URL != "" {
		a.out.Print("STS is called at %s\n", p.STS.URL)
	}
	printGuards(a, p)
	printVariables(a, p)
	for _, n := range p.Notes {
		a.out.Hang(ui.Caution.Text("Note: "), ui.Plain.Text(n))
	}
}

// would says what fob would do now, and ask for.
func would(a *app, p plan.Plan, o broker.Outlook) string {
	process, ok := p.Steps[0].(plan.Process)
	starts := ok && o.From == 0
	_, err := a.store().SeedInfo(o.Serial)
	seed := o.Serial != "" && err == nil
	reads := len(plan.References(p.Env))
	switch {
	case reads > 0 && o.Serve:
		return "not ask for an MFA code, and read " + ui.Count(reads, "value") + " from AWS"
	case o.Serve, o.Early && (starts || o.Serial != "" && !seed):
		return "neither ask for an MFA code nor call AWS"
	case starts:
		return fmt.Sprintf("run the credential_process of %q", process.Profile)
	case o.From == 0 && signsIn(a, p):
		if by := awsSignsIn(p); by != "" {
			return "fail until " + by
		}
		return "have you sign in with a browser"
	case o.Early && !seed:
		return "renew the session, and not ask for an MFA code"
	case o.Serial == "":
		return "not ask for an MFA code"
	case seed:
		return "make the MFA code from the stored MFA secret"
	case p.MFAProcess.Line != "":
		return "get the MFA code from the mfa_process in " + p.MFAProcess.From
	}
	return "ask for an MFA code (" + o.Serial + ")"
}

// signsIn reports whether a person has to sign in to what a plan starts from.
func signsIn(a *app, p plan.Plan) bool {
	_, _, signIn := p.Token()
	all, err := a.profiles()
	return signIn && err == nil && !all.SignIn(p, a.now()).Live()
}
