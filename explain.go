package main

import (
	"fmt"
	"strings"
	"time"

	"fob/internal/plan"
	"fob/internal/ui"
)

type explainCmd struct {
	credentialFlags
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"Print JSON."`
}

func (explainCmd) Help() string {
	return `Reads the AWS files and the names in the store, but no secrets; it does not use the
network.

    fob explain prod`
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
	a.out.Print("%s\n", p.Profile)
	cached := printSteps(a, p, c.Fresh)
	if p.Region != "" {
		a.out.Print("Region: %s\n", p.Region)
	}
	if p.STS.URL != "" {
		a.out.Print("STS is called at %s\n", p.STS.URL)
	}
	for _, n := range p.Notes {
		a.out.Print("Note: %s\n", n)
	}
	a.out.Print("%s\n", question(a, p, cached))
	return nil
}

// printSteps prints the steps and what is cached of them, and returns the index of
// the last step whose session is cached; 0 if there is none. With fresh cached
// sessions do not count.
func printSteps(a *app, p plan.Plan, fresh bool) (cached int) {
	for i, s := range p.Steps {
		a.out.Print("  %d. %s\n", i+1, describe(s))
		a.out.Print("     from %s\n", s.Origin())
		if i == 0 || fresh {
			continue
		}
		info, err := a.store().SessionInfo(p.Source(), p.ID(i+1))
		switch now := a.now(); {
		case err != nil:
		case p.TooOld(i+1, now.Sub(info.Created)):
			a.out.Print("     cached since %s, too old for this profile\n", ui.Clock(info.Created, now))
		default:
			a.out.Print("     cached until %s\n", ui.Clock(info.Expires, now))
			cached = i
		}
	}
	return cached
}

// question says what fob would ask for now.
func question(a *app, p plan.Plan, cached int) string {
	serial := ""
	for _, s := range p.Steps[cached+1:] {
		if n := plan.MFASerial(s); n != "" {
			serial = n
		}
	}
	switch {
	case len(p.Steps) > 1 && cached == len(p.Steps)-1:
		return "fob would neither ask for anything nor call AWS."
	case serial == "":
		return "fob would not ask for an MFA code."
	}
	if _, err := a.store().SeedInfo(serial); err == nil {
		return "fob would make the MFA code from the stored MFA secret."
	}
	if c := p.MFAProcess; c.Line != "" {
		return "fob would get the MFA code from the mfa_process in " + c.From + "."
	}
	return "fob would ask for an MFA code (" + serial + ")."
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
