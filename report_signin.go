package main

import (
	"errors"
	"strings"

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
		on(func(a *app, e *awsapi.RefusedError, err error) verdict {
			if e.Reason == signin.KeyDenied {
				return exit(exitRefused, ui.Advise("the KMS key of your Identity Center refuses this: its administrator can change that"))
			}
			if at, ok := errors.AsType[*planError](err); ok && e.Code == "UnauthorizedException" && !at.Fresh && !a.unattended() {
				return exit(exitRefused, ui.Type("fob", "login", "--fresh", at.Plan.Profile).To("signs in again"))
			}
			return otherwise
		}),
		on(func(_ *app, e *awsapi.UnreachableError, err error) verdict {
			if at, ok := errors.AsType[*planError](err); ok {
				s, ok := at.Plan.Steps[0].(plan.SSO)
				if ok && e.Unknown && strings.Contains(e.Host, "."+s.Region+".") && plan.LikeRegion(s.Region) {
					return exit(exitUnreachable, ui.Advise("check that the sso_region %q is right, and that this computer is online", s.Region))
				}
				if ok && !plan.LikeRegion(s.Region) {
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

// signInHints are for the name of a sign-in to Identity Center where a profile belongs;
// nil if no sign-in has it.
func (a *app) signInHints(name string) []ui.Hint {
	all, err := a.profiles()
	if err != nil {
		return nil
	}
	in, err := all.SignInNamed(name)
	switch {
	case err != nil || name == "":
		return nil
	case a.name == "clear":
		return []ui.Hint{ui.Type("fob", "clear", "--sso", name).To("signs out of Identity Center")}
	case in.Session != "" && len(in.Profiles) == 0:
		return []ui.Hint{ui.Type("fob", "sso", "profiles", name).To("signs in, and adds the profiles for this sign-in")}
	case a.name == "login":
		return []ui.Hint{ui.Type("fob", "login", in.Profiles[0]).To("signs in for all profiles of that sign-in")}
	}
	return []ui.Hint{ui.Advise("that is a sign-in to Identity Center; its profiles are %s", ui.List(in.Profiles))}
}
