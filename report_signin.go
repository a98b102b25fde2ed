package main

import (
	"errors"

	"fob/internal/awsapi"
	"fob/internal/input"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/ui"
	"fob/keyring"
)

// signInFailures are those of a sign-in with a browser.
func signInFailures() []failure {
	return []failure{
		on(func(a *app, e *signin.NeededError, err error) verdict {
			return exit(exitNoPerson, consoleHints(a, err, e.Profile, e.AWSLogin)...)
		}),
		on(func(a *app, e *signin.LostError, err error) verdict {
			return exit(exitFailed, consoleHints(a, err, e.Profile, e.AWSLogin)...)
		}),
		on(func(a *app, e *signin.CacheError, err error) verdict {
			if errors.Is(err, input.ErrShared) {
				return exit(exitFailed, ui.Type("chmod", "go-w", e.File).If("if only you have written it"))
			}
			return exit(exitFailed, consoleHints(a, err, e.Profile, e.AWSLogin)...)
		}),
		on(func(_ *app, e *signin.PermissionError, _ error) verdict {
			return exit(exitRefused, ui.Advise("an administrator of the account can attach the managed policy %s", signin.ConsolePolicy))
		}),
		on(func(_ *app, e *signin.IdentityError, _ error) verdict {
			got, _ := plan.ParseARN(e.Got)
			return exit(exitFailed, ui.Advise("choose %s on the sign-in page, or sign out there first", e.Want),
				ui.Type("fob", "add", got.Name(), "--console").To("sets up a profile for the other one"))
		}),
		on(func(a *app, e *signin.SharedError, err error) verdict {
			switch e.Outcome {
			case keyring.Refused:
				return exit(exitRefused)
			case keyring.Cancelled:
				return exit(exitFailed, a.loginHint(err)...)
			}
			return exit(exitNoPerson, a.loginHint(err)...)
		}),
		on(func(a *app, e *signin.LateError, err error) verdict {
			if a.name == "login" && e.Browser {
				return exit(exitNoPerson, ui.Type("fob", "login", profileOf(err), "--device").To("signs in with a code, in a browser on any device"))
			}
			return exit(exitNoPerson, a.loginHint(err)...)
		}),
		always[*signin.DeniedError](exitRefused),
		on(func(a *app, e *signin.SetupError, _ error) verdict {
			return exit(exitRefused, ui.Advise("check sso_start_url and sso_region in %s: AWS shows both in the access portal, under Access keys", e.Where))
		}),
		on(func(_ *app, e *signin.AssignmentError, _ error) verdict {
			return exit(exitRefused, ui.Type("fob", "sso", "accounts", e.SignIn).To("lists the roles there are"))
		}),
		on(func(_ *app, e *awsapi.RefusedError, _ error) verdict {
			if e.Reason == signin.KeyDenied {
				return exit(exitRefused, ui.Advise("the KMS key of your Identity Center refuses this: its administrator can change that"))
			}
			return otherwise
		}),
		on(func(_ *app, e *awsapi.UnreachableError, err error) verdict {
			if at, ok := errors.AsType[*planError](err); ok {
				if s, ok := at.Plan.Steps[0].(plan.SSO); ok && !plan.LikeRegion(s.Region) {
					return exit(exitUnreachable, ui.Advise("is the sso_region %q a region? Their names are like eu-west-1", s.Region))
				}
			}
			return otherwise
		}),
		on(func(_ *app, e *plan.NoSignInError, _ error) verdict {
			return exit(exitNoProfile, didYouMean(e.Nearest, ui.Type("fob", "sso").To("shows the sign-ins")))
		}),
	}
}

// consoleHints are the ways to sign in again; with awsLogin, also that of the AWS CLI,
// which all other tools share.
func consoleHints(a *app, err error, profile string, awsLogin bool) []ui.Hint {
	login := a.loginHint(err)
	if !awsLogin {
		return login
	}
	all := []ui.Hint{ui.Type("aws", "login", "--profile", profile).To("signs in for all AWS tools")}
	for _, h := range login {
		all = append(all, h.To("signs in for fob alone, and keeps that in its store"))
	}
	return all
}
