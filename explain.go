package main

import (
	"fmt"
	"strings"
	"time"

	"fob/internal/broker"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

type explainCmd struct {
	credentialFlags
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"Print JSON."`
}

func (explainCmd) Help() string {
	return `Shows the key it starts from, each session and role on the way, which line of which file
decided that, what is cached, and what fob would ask for now. It takes the flags of fob
exec, reads no secret and does not use the network.

    fob explain prod
    fob explain prod -d 8h           why that is possible, or not`
}

func (c *explainCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
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
	a.out.Print("%s\n", p.Profile)
	printSteps(a, all, p, c.Fresh)
	if p.Region != "" {
		a.out.Print("Region: %s\n", p.Region)
	}
	if p.STS.URL != "" {
		a.out.Print("STS is called at %s\n", p.STS.URL)
	}
	for _, n := range p.Notes {
		a.out.Print("Note: %s\n", n)
	}
	// exec and export renew at different times, and export makes no short sessions.
	o.Export = true
	forExport, err := a.plan(c.Profile, o)
	if err != nil {
		return err
	}
	exec := would(a, p, all.Outlook(p, broker.RenewExec, a.now(), c.Fresh))
	export := would(a, forExport, all.Outlook(forExport, broker.RenewExport, a.now(), c.Fresh))
	if exec == export {
		a.out.Print("fob would %s.\n", exec)
		return nil
	}
	a.out.Print("fob exec would %s.\nfob export would %s.\n", exec, export)
	return nil
}

// printSteps prints the steps and what is cached of them. With fresh cached sessions
// do not count.
func printSteps(a *app, all *profiles.Profiles, p plan.Plan, fresh bool) {
	now := a.now()
	at, cached := broker.At(now, p, a.store()), all.Cached(p)
	for i, s := range p.Steps {
		a.out.Print("  %d. %s\n", i+1, describe(s))
		a.out.Print("     from %s\n", s.Origin())
		if i+1 < p.FirstCached() || fresh {
			continue
		}
		info, err := cached(i + 1)
		if err != nil || info.Rev == "" {
			continue
		}
		but := ""
		switch left := info.Expires.Sub(now); {
		case p.TooOld(info.MFA, at.AWS()):
			but = ", with an MFA code too old for this profile"
		case i+1 == len(p.Steps) && left < broker.LeastOf(p.Demand):
			but = ", too short for " + plan.Duration(p.Demand)
		}
		a.out.Print("     cached until %s%s\n", ui.Clock(info.Expires, now), but)
	}
}

// would says what fob would do now, and ask for.
func would(a *app, p plan.Plan, o broker.Outlook) string {
	process, ok := p.Steps[0].(plan.Process)
	starts := ok && o.From == 0
	_, err := a.store().SeedInfo(o.Serial)
	seed := o.Serial != "" && err == nil
	switch {
	case o.Serve, o.Early && (starts || o.Serial != "" && !seed):
		return "neither ask for an MFA code nor call AWS"
	case starts:
		return fmt.Sprintf("run the credential_process of %q", process.Profile)
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

// describe is a step in words.
func describe(s plan.Step) string {
	switch s := s.(type) {
	case plan.StoredKey:
		return strings.TrimSpace(fmt.Sprintf("the stored key %s of profile %q", s.KeyID, s.Profile))
	case plan.PlaintextKey:
		return fmt.Sprintf("the key %s of profile %q, in plain text", s.KeyID, s.Profile)
	case plan.Environment:
		return "the credentials in the environment"
	case plan.Process:
		return fmt.Sprintf("the credentials that the credential_process of %q prints", s.Profile)
	case plan.SessionToken:
		if s.MFASerial == "" {
			return "GetSessionToken without MFA, for " + life(s.DurationSeconds) + " (the session cannot call IAM)"
		}
		return "GetSessionToken with an MFA code (" + s.MFASerial + "), for " + life(s.DurationSeconds)
	case plan.AssumeRole:
		return describeRole(s)
	}
	return s.Kind()
}

func describeRole(s plan.AssumeRole) string {
	text := "AssumeRole " + s.RoleARN + " as " + s.RoleSessionName + ", for " + life(s.DurationSeconds)
	if s.MFASerial != "" {
		text += ", with an MFA code (" + s.MFASerial + ")"
	}
	for _, extra := range []struct{ name, value string }{{"external ID", s.ExternalID}, {"source identity", s.SourceIdentity}} {
		if extra.value != "" {
			text += fmt.Sprintf(", %s %q", extra.name, extra.value)
		}
	}
	if len(s.Tags) > 0 {
		text += ", " + ui.Count(len(s.Tags), "tag")
	}
	if s.Policy != "" || len(s.PolicyARNs) > 0 {
		text += ", scoped down by a session policy"
	}
	return text
}

func life(seconds int) string { return plan.Duration(time.Duration(seconds) * time.Second) }
