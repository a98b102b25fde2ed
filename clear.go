package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

type clearCmd struct {
	Profile *string `arg:"" optional:"" help:"The profile; all of them if none is named."`
	SSO     string  `help:"Sign out of Identity Center, in AWS too: an [sso-session], or a start URL." placeholder:"SESSION"`
}

func (clearCmd) Help() string {
	return `Without PROFILE it clears all of them. The next use of the profile signs in again, with a
new MFA code if it needs one. Only fob's copies are cleared: AWS cannot end a session, so
one that a program already has stays valid until it expires.

A sign-in to Identity Center is cleared with the sessions of its profiles. With --sso, fob
also signs out in AWS.

    fob clear prod
    fob clear --sso corp
    fob clear`
}

func (c *clearCmd) Run(a *app) error {
	if c.SSO != "" {
		if c.Profile != nil {
			return noHelpf("--sso signs out of all profiles of a sign-in; leave out %q", *c.Profile)
		}
		return signOut(a, c.SSO)
	}
	var n int
	from, out := "", forgottenSignIn{}
	var err, kept error
	if c.Profile == nil {
		a.disused()
		n, from, err = clearAll(a)
		out, kept = forgetAll(a)
	} else {
		a.disused(*c.Profile)
		n, from, err = clearProfile(a, *c.Profile)
		out, kept = forgetProfile(a, *c.Profile)
	}
	if err == nil {
		err = kept
	}
	switch {
	case n > 0 && out.what != "":
		a.out.Answer("Cleared %s%s, and %s.", ui.Count(n, "session"), from, out.what)
	case n > 0:
		a.out.Answer("Cleared %s%s.", ui.Count(n, "session"), from)
	case out.what != "":
		a.out.Answer("Cleared %s.", out.what)
	case err == nil:
		a.out.Answer("No cached sessions.")
	}
	out.say(a)
	if n > 0 {
		a.out.Note("sessions already handed out stay valid until they expire")
	}
	return err
}

// clearAll clears all sessions; from says how many were made from whose credentials.
func clearAll(a *app) (n int, from string, err error) {
	infos, unread := a.store().Infos(keyring.KindSession) // before they are gone
	if unread != nil {
		a.out.Log("%v", unread) // a damaged one goes all the same
	}
	made := map[string]int{}
	for _, i := range infos {
		made[i.Name]++
	}
	var each []string
	for _, source := range slices.Sorted(maps.Keys(made)) {
		whose := source
		if source == plan.EnvironmentSource {
			whose = "the environment"
		}
		each = append(each, fmt.Sprintf("%d of %s", made[source], whose))
	}
	n, err = a.store().RemoveAllSessions()
	switch len(each) {
	case 0:
	case 1:
		_, whose, _ := strings.Cut(each[0], " ")
		from = " " + whose
	default:
		from = ": " + ui.List(each)
	}
	return n, from, err
}

// clearProfile clears the sessions of a profile. A role's sessions are filed under
// the profile whose key they are made from; from says so.
func clearProfile(a *app, profile string) (n int, from string, err error) {
	source, problem := sourceOf(a, profile)
	switch {
	case problem != nil:
		// Some may be filed under its own name.
		n, err = a.store().RemoveSessions(profile)
		_, gone := errors.AsType[*plan.NoProfileError](problem)
		switch {
		case gone && n == 0:
			err = problem
		case !gone && err == nil:
			err = &clearError{Profile: profile, Problem: problem}
		}
		return n, "", err
	case source == profile:
	case source == plan.EnvironmentSource:
		from = " made from the credentials in the environment"
	default:
		from = " made from the credentials of " + source
	}
	n, err = a.store().RemoveSessions(source)
	return n, from, err
}

func sourceOf(a *app, profile string) (string, error) {
	all, err := a.profiles()
	if err != nil {
		return "", err
	}
	return all.Source(profile)
}
