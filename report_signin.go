package main

import (
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/ui"
	"fob/keyring"
)

// signInFailures are those of a sign-in with a browser.
func signInFailures() []failure {
	return []failure{
		on(func(a *app, _ *signin.NeededError, err error) verdict {
			return exit(exitNoPerson, a.loginHint(err)...)
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
		on(func(a *app, _ *signin.LateError, err error) verdict {
			return exit(exitNoPerson, a.loginHint(err)...)
		}),
		always[*signin.DeniedError](exitRefused),
		on(func(a *app, e *signin.SetupError, _ error) verdict {
			return exit(exitRefused, ui.Advise("check sso_start_url and sso_region in %s: AWS shows both in the access portal, under Access keys", e.Where))
		}),
		always[*signin.AssignmentError](exitRefused),
		on(func(_ *app, e *plan.NoSignInError, _ error) verdict {
			return exit(exitNoProfile, didYouMean(e.Nearest, ui.Type("fob", "sso").To("shows the sign-ins")))
		}),
	}
}
