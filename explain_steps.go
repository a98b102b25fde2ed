package main

import (
	"fmt"
	"strings"
	"time"

	"fob/internal/broker"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

// printSteps prints the profile, the steps and what is cached of them. With fresh cached sessions
// do not count.
func printSteps(a *app, all *profiles.Profiles, p plan.Plan, fresh bool) {
	a.out.Print("%s\n", p.Profile)
	at, cached := broker.At(a.now(), p, a.store()), all.Cached(p)
	for i, s := range p.Steps {
		title, details := describe(s)
		a.out.Hang(ui.Plain.Text(fmt.Sprintf("%3d. ", i+1)), title)
		for _, d := range append(details, ui.Dim.Text("from "+s.Origin())) {
			a.out.Hang(ui.Plain.Text("     "), d)
		}
		if i+1 < p.FirstCached() || fresh {
			continue
		}
		if info, err := cached(i + 1); err == nil && info.Rev != "" {
			a.out.Hang(ui.Plain.Text("     "), describeCached(p, i, info, a.now(), at.AWS()))
		}
	}
}

// describeCached says until when a step's session is cached, and why it does not count.
func describeCached(p plan.Plan, i int, info keyring.Info, now, aws time.Time) ui.Styled {
	text := "cached until " + ui.Clock(info.Expires, now)
	switch left := info.Expires.Sub(now); {
	case p.TooOld(info.MFA, aws):
		return ui.Dim.Text(text + ", with an MFA code too old for this profile")
	case i+1 == len(p.Steps) && left < broker.LeastOf(p.Demand):
		return ui.Dim.Text(text + ", too short for " + plan.Duration(p.Demand))
	}
	return ui.Good.Text(text)
}

// describe is a step in words: what happens, and with what.
func describe(s plan.Step) (title ui.Styled, details []ui.Styled) {
	switch s := s.(type) {
	case plan.StoredKey:
		return ui.Plain.Text(strings.TrimSpace(fmt.Sprintf("the stored key %s of profile %q", s.KeyID, s.Profile))), nil
	case plan.PlaintextKey:
		return ui.Caution.Text(fmt.Sprintf("the key %s of profile %q, in plain text", s.KeyID, s.Profile)), nil
	case plan.Environment:
		return ui.Plain.Text("the credentials in the environment"), nil
	case plan.Process:
		return ui.Plain.Text(fmt.Sprintf("the credentials that the credential_process of %q prints", s.Profile)), nil
	case plan.SSO:
		return ui.Plain.Text(fmt.Sprintf("Identity Center gives the role %s in account %s", s.RoleName, s.AccountID)), []ui.Styled{ui.Plain.Text(s.StartURL + ", " + s.Region)}
	case plan.ConsoleLogin:
		return ui.Plain.Text("the console sign-in of " + s.Session), nil
	case plan.WebIdentity:
		return describeWebIdentity(s)
	case plan.SessionToken:
		if s.MFASerial == "" {
			return ui.Plain.Text("GetSessionToken for " + life(s.DurationSeconds) + ", without MFA (the session cannot call IAM)"), nil
		}
		return ui.Plain.Text("GetSessionToken for " + life(s.DurationSeconds) + ", with an MFA code"), withDevice(s.MFASerial)
	case plan.AssumeRole:
		return describeRole(s)
	}
	return ui.Plain.Text(s.Kind()), nil
}

func describeRole(s plan.AssumeRole) (title ui.Styled, details []ui.Styled) {
	text := "AssumeRole for " + life(s.DurationSeconds)
	details = []ui.Styled{ui.Plain.Text("role " + s.RoleARN)}
	if s.MFASerial != "" {
		text += ", with an MFA code"
		details = append(details, withDevice(s.MFASerial)...)
	}
	with := []string{"session name " + s.RoleSessionName}
	for _, extra := range []struct{ name, value string }{{"external ID", s.ExternalID}, {"source identity", s.SourceIdentity}} {
		if extra.value != "" {
			with = append(with, fmt.Sprintf("%s %q", extra.name, extra.value))
		}
	}
	if len(s.Tags) > 0 {
		with = append(with, ui.Count(len(s.Tags), "tag"))
	}
	details = append(details, ui.Plain.Text(strings.Join(with, ", ")))
	return ui.Plain.Text(text), append(details, withPolicy(s.Policy, s.PolicyARNs)...)
}

func describeWebIdentity(s plan.WebIdentity) (title ui.Styled, details []ui.Styled) {
	token := "the token that web_identity_token_process prints"
	if s.TokenFile != "" {
		token = "the token in " + s.TokenFile
	}
	for _, text := range []string{"role " + s.RoleARN, token, "session name " + s.RoleSessionName} {
		details = append(details, ui.Plain.Text(text))
	}
	return ui.Plain.Text("AssumeRoleWithWebIdentity for " + life(s.DurationSeconds)), append(details, withPolicy(s.Policy, s.PolicyARNs)...)
}

func withPolicy(policy string, arns []string) (details []ui.Styled) {
	if policy != "" {
		details = append(details, ui.Plain.Text("scoped down by a session policy"))
	}
	for _, arn := range arns {
		details = append(details, ui.Plain.Text("scoped down by "+arn))
	}
	return details
}

func withDevice(serial string) []ui.Styled {
	return []ui.Styled{ui.Plain.Text("device " + serial)}
}

func life(seconds int) string { return plan.Duration(time.Duration(seconds) * time.Second) }
