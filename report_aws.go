package main

import (
	"errors"
	"fmt"
	"slices"

	"fob/internal/awsapi"
	"fob/internal/cmdline"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/internal/ui"
)

// leftDevice is an enrolment that left something in AWS.
func leftDevice(a *app, e *iam.LeftError, err error) verdict {
	v := a.judge(e.Err)
	if v.code == exitInterrupted {
		v.code = exitFailed // interrupted, but not without a word
	}
	hint := ui.Type("fob", "mfa", "remove", profileOf(err), "--device", "--serial", e.Serial)
	if e.Undo == nil {
		hint = hint.If("if it is there")
	}
	return exit(v.code, hint)
}

func awsFailures() []failure {
	return []failure{
		on(func(_ *app, e *awsapi.RefusedError, err error) verdict {
			return exit(exitRefused, refusedHints(err, e)...)
		}),
		on(func(a *app, _ *awsapi.UnreachableError, err error) verdict {
			if at, ok := errors.AsType[*planError](err); ok && at.Plan.STS.URL == "" && at.Plan.STS.Region != "" && !plan.LikeRegion(at.Plan.STS.Region) {
				return exit(exitUnreachable, ui.Advise("is %q a region? Their names are like eu-west-1", at.Plan.STS.Region))
			}
			if a.name == "add" {
				again := ui.Type(slices.Concat([]string{"fob"}, a.args[1:], []string{"--no-verify"})...)
				return exit(exitUnreachable, again.To("stores the key without asking AWS"))
			}
			return exit(exitUnreachable)
		}),
		on(func(_ *app, e *awsapi.AnswerError, err error) verdict {
			if e.Unsupported {
				return exit(exitUnreachable, unsupportedHints(err, e.Action)...)
			}
			return exit(exitUnreachable)
		}),
	}
}

// refusedHints say what a refusal of AWS's usually means.
func refusedHints(err error, e *awsapi.RefusedError) []ui.Hint {
	var hints []ui.Hint
	if e.Skew != 0 {
		hints = append(hints, ui.Advise("this computer's clock is %s: set it", awsapi.Ahead(e.Skew)))
	}
	if e.Action == iam.DeleteDevice {
		hints = append(hints, ui.Advise("the user no longer has the device: the same command deletes the rest of it later"))
	}
	if e.Unsupported {
		return append(hints, unsupportedHints(err, e.Action)...)
	}
	if e.Action == "AssumeRoleWithWebIdentity" {
		return append(hints, tokenHints(err, e)...)
	}
	switch e.Code {
	case "InvalidClientTokenId":
		if owner := storedOwner(err); owner != "" {
			hints = append(hints,
				ui.Advise("the key %s was deleted or deactivated in AWS", e.KeyID),
				ui.Type("fob", "add", owner).To("stores another key in its place"))
			break
		}
		hints = append(hints, ui.Advise("the key %s is mistyped, was deleted or deactivated in AWS, or is only seconds old", e.KeyID))
	case "SignatureDoesNotMatch":
		if e.Skew == 0 {
			hints = append(hints, ui.Advise("the secret does not belong to %s: it is mistyped, or of another key", e.KeyID))
		}
	case iam.AlreadyExists:
		profile := cmdline.Quote(profileOf(err))
		hints = append(hints,
			ui.TypeLine("fob mfa enroll "+profile+" --name NAME").To("creates it under another name"),
			ui.TypeLine("fob mfa remove "+profile+" --device --serial ARN").If("if it is left over from an earlier try"))
	case "ExpiredTokenException", "UnrecognizedClientException":
		if at, ok := errors.AsType[*planError](err); ok {
			return append(hints, ui.Type("fob", "login", at.Plan.Profile, "--fresh").If("if the session was revoked").To("makes a new one"))
		}
	case "ExpiredToken":
		hints = append(hints, ui.Advise("these session credentials have expired: get new ones where they come from"))
	case "AccessDenied":
		switch {
		case e.BadCode():
			return append(hints, ui.Advise("the code was wrong, expired or already used: take the next one"))
		case e.UnknownDevice():
			if at, ok := errors.AsType[*planError](err); ok && at.Plan.Doubt != "" {
				return append(hints, ui.Advise("%s: fob_mfa_serial in the profile names the device", at.Plan.Doubt))
			}
			return append(hints, ui.Advise("the device was removed in AWS, or belongs to another user than the key: fob_mfa_serial in the profile names it"))
		}
		hints = append(hints, keyPermissions(e)...)
		if at, ok := errors.AsType[*planError](err); ok && e.Role != "" {
			hints = append(hints, deniedRole(at.Plan, e.Role)...)
		}
	}
	return hints
}

// unsupportedHints are the ways around what a server other than AWS does not know.
func unsupportedHints(err error, action string) []ui.Hint {
	switch action {
	case "GetCallerIdentity":
		return []ui.Hint{ui.TypeLine("fob add PROFILE --no-verify").If("if this server does not know GetCallerIdentity").To("does not ask it")}
	case "GetSessionToken":
		return []ui.Hint{
			ui.Advise("this server may have no sessions for users; what it may have:"),
			ui.TypeLine("fob add NAME --source " + cmdline.Quote(profileOf(err)) + " --role ARN").To("uses a role"),
			ui.Type("fob", "exec", profileOf(err), "--no-session").To("hands out the key itself"),
		}
	}
	return nil
}

// whoAssumes is whom a role of the plan has to trust: the role before it, or the user or
// permission set that signed in.
func whoAssumes(p plan.Plan, role string) string {
	before := "the identity in the token"
	for _, s := range p.Steps {
		switch s := s.(type) {
		case plan.SSO:
			before = fmt.Sprintf("%s of account %s", s.RoleName, s.AccountID)
		case plan.ConsoleLogin:
			before = s.Session
		case plan.WebIdentity:
			if s.RoleARN == role {
				return before
			}
			before = s.RoleARN
		case plan.AssumeRole:
			if s.RoleARN == role {
				return before
			}
			before = s.RoleARN
		}
	}
	return before
}

// deniedRole says what a trust policy usually misses.
func deniedRole(p plan.Plan, role string) []ui.Hint {
	sent := ui.Type("fob", "explain", p.Profile).To("shows what was sent")
	switch p.Steps[0].(type) {
	case plan.SSO, plan.ConsoleLogin, plan.WebIdentity: // which have no MFA code of fob's
		return []ui.Hint{ui.Advise("the trust policy of the role has to allow %s", whoAssumes(p, role)), sent}
	}
	switch first := p.Roles()[0]; {
	case p.FirstCached() == 1:
		return []ui.Hint{sent} // only a key can be used with MFA
	case p.MFASerial() == "":
		return []ui.Hint{ui.Advise("if the role requires MFA, name the device in the profile: fob_mfa_serial = ARN"), sent}
	case role != first:
		return []ui.Hint{ui.Advise("if the role requires MFA: MFA reaches only the first role (%s) of a chain", first), sent}
	case plan.MFASerial(p.Steps[len(p.Steps)-1]) != "":
		return []ui.Hint{sent} // the code was made for this call
	case p.MaxMFAAge == 0:
		return []ui.Hint{
			ui.Type("fob", "login", p.Profile, "--fresh").If("if the role requires a recent MFA sign-in"),
			ui.Advise("for good: fob_mfa_max_age = 1h in the profile, or fob_session_duration = 1h where the key is"),
			sent,
		}
	}
	return []ui.Hint{
		ui.Type("fob", "login", p.Profile, "--fresh").If("if the role requires a more recent MFA sign-in"),
		ui.Advise("for good: a shorter fob_mfa_max_age in the profile"),
		sent,
	}
}

// tokenHints say what the refusal of a web identity token usually means.
func tokenHints(err error, e *awsapi.RefusedError) []ui.Hint {
	switch e.Code {
	case "ExpiredTokenException", "IDPRejectedClaim":
		if at, ok := errors.AsType[*planError](err); ok {
			if step, ok := at.Plan.Steps[0].(plan.WebIdentity); ok && step.TokenFile != "" {
				return []ui.Hint{ui.Advise("the token in %s is no longer valid: what writes that file has to write a new one", step.TokenFile)}
			}
		}
		return []ui.Hint{ui.Advise("the token is no longer valid, or not yet")}
	case "InvalidIdentityToken":
		return []ui.Hint{ui.Advise("the account of the role needs an identity provider in IAM for the token's issuer and audience")}
	case "AccessDenied":
		return []ui.Hint{
			ui.Advise("the trust policy of the role has to allow the token's issuer, audience and subject"),
			ui.Type("fob", "explain", profileOf(err)).To("shows what was sent"),
		}
	}
	return nil
}

// storedOwner is the profile whose stored key a plan starts from; "" if it starts from
// something else.
func storedOwner(err error) string {
	if at, ok := errors.AsType[*planError](err); ok && len(at.Plan.Steps) > 0 {
		if key, ok := at.Plan.Steps[0].(plan.StoredKey); ok {
			return key.Profile
		}
	}
	return ""
}
