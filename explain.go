package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"fob/internal/plan"
	"fob/internal/term"
)

type explainCmd struct {
	credentialFlags
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"For programs."`
}

func (explainCmd) Help() string {
	return `It reads the AWS files and the names in the store: no secret, and no network.

    fob explain prod`
}

func (c *explainCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	p, err := a.resolve(c.Profile, o)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(p)
	}
	return a.explain(p, c.Fresh)
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// explain says what is done without what is cached, if it is to be fresh.
func (a *app) explain(p plan.Plan, fresh bool) error {
	w := a.stdout
	fmt.Fprintf(w, "%s\n", term.Clean(p.Profile))
	newest := 0
	for i, s := range p.Steps {
		fmt.Fprintf(w, "  %d. %s\n", i+1, term.Clean(describe(s)))
		fmt.Fprintf(w, "     from %s\n", term.Clean(s.Origin()))
		if i == 0 || fresh {
			continue
		}
		info, err := a.store().SessionInfo(p.Source(), p.ID(i+1))
		switch now := time.Now(); {
		case err != nil:
		case p.TooOld(i+1, now.Sub(info.Created)):
			fmt.Fprintf(w, "     cached since %s, which is too long ago for this profile\n", clock(info.Created, now))
		default:
			fmt.Fprintf(w, "     cached until %s\n", clock(info.Expires, now))
			newest = i
		}
	}
	if p.Region != "" {
		fmt.Fprintf(w, "Region: %s\n", p.Region)
	}
	if p.STS.URL != "" {
		fmt.Fprintf(w, "STS is called at %s\n", term.Clean(p.STS.URL))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "Note: %s\n", term.Clean(n))
	}
	fmt.Fprintln(w, a.question(p, newest))
	return nil
}

// question says what a person would be asked for now.
func (a *app) question(p plan.Plan, newest int) string {
	serial := ""
	for _, s := range p.Steps[newest+1:] {
		if n := plan.MFASerial(s); n != "" {
			serial = n
		}
	}
	switch {
	case len(p.Steps) > 1 && newest == len(p.Steps)-1:
		return "Nothing would be asked, and AWS would not be called."
	case serial == "":
		return "No MFA code would be asked."
	}
	if _, err := a.store().SeedInfo(serial); err == nil {
		return "The MFA code comes from the seed in the store."
	}
	if c := p.MFAProcess; c.Line != "" {
		return "The MFA code comes from the mfa_process of " + term.Clean(c.From) + "."
	}
	return "An MFA code of " + term.Clean(serial) + " would be asked."
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
		return fmt.Sprintf("what the credential_process of %q prints", s.Profile)
	case plan.SessionToken:
		if s.MFASerial == "" {
			return "GetSessionToken without MFA, for " + life(s.DurationSeconds) + " (such a session cannot call IAM)"
		}
		return "GetSessionToken with a code of " + s.MFASerial + ", for " + life(s.DurationSeconds)
	case plan.AssumeRole:
		text := "AssumeRole " + s.RoleARN + " as " + s.RoleSessionName + ", for " + life(s.DurationSeconds)
		if s.MFASerial != "" {
			text += ", with a code of " + s.MFASerial
		}
		for _, extra := range []struct{ name, value string }{{"external ID", s.ExternalID}, {"source identity", s.SourceIdentity}} {
			if extra.value != "" {
				text += fmt.Sprintf(", %s %q", extra.name, extra.value)
			}
		}
		if len(s.Tags) > 0 {
			text += fmt.Sprintf(", %d %s", len(s.Tags), plural(len(s.Tags), "tag"))
		}
		if s.Policy != "" || len(s.PolicyARNs) > 0 {
			text += ", scoped down by a session policy"
		}
		return text
	}
	return s.Kind()
}

func life(seconds int) string { return plan.Duration(time.Duration(seconds) * time.Second) }
