package main

import (
	"errors"

	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/ui"
	"fob/keyring"
)

// forgottenSignIn is what fob clear did to sign-ins.
type forgottenSignIn struct {
	what string // "the sign-in to Identity Center (corp)"; "" for nothing
	// users are the other profiles that used it.
	users int
}

// say says what follows from it.
func (f forgottenSignIn) say(a *app) {
	if f.what == "" {
		return
	}
	if f.users > 0 {
		verb := "use"
		if f.users == 1 {
			verb = "uses"
		}
		a.out.Note("%s %s that sign-in, too", ui.Count(f.users, "other profile"), verb)
	}
	a.out.Note("your browser is still signed in to AWS")
}

// forgetProfile forgets the sign-in that a profile starts from.
func forgetProfile(a *app, profile string) (forgottenSignIn, error) {
	all, err := a.profiles()
	if err != nil {
		return forgottenSignIn{}, nil // said where its sessions are cleared
	}
	p, err := all.Plan(profile, plan.Options{})
	if err != nil {
		return forgottenSignIn{}, nil
	}
	to, err := a.signer(a.maySignIn).Forget(a.ctx, p)
	if to == "" || err != nil {
		return forgottenSignIn{}, err
	}
	f := forgottenSignIn{what: "the sign-in to " + to}
	names, _ := all.Names() // a profile with a damaged key uses none
	for name, made := range all.Plans(names) {
		if name != profile && made.Err == nil && signin.Same(p, made.Plan) {
			f.users++
		}
	}
	return f, nil
}

// forgetAll forgets all sign-ins.
func forgetAll(a *app) (forgottenSignIn, error) {
	infos, err := a.store().Infos(keyring.KindToken)
	if err != nil {
		a.out.Log("%v", err) // signing in repairs a damaged one
	}
	n := 0
	for _, i := range infos {
		if i.Expires.IsZero() {
			continue // how AWS knows fob, which is of use for the next sign-in
		}
		if err := a.store().RemoveToken(i.Name, i.ID); err != nil {
			return forgottenSignIn{}, err
		}
		n++
	}
	if n == 0 {
		return forgottenSignIn{}, nil
	}
	return forgottenSignIn{what: ui.Count(n, "sign-in")}, nil
}

// signOut ends a sign-in to Identity Center, in AWS too.
func signOut(a *app, name string) error {
	all, err := a.profiles()
	if err != nil {
		return err
	}
	s, err := all.SignInNamed(name)
	if err != nil {
		return err
	}
	out, err := a.signer(a.maySignIn).SignOut(a.ctx, s.SSO)
	if err != nil {
		return err
	}
	n := 0
	for _, profile := range s.Profiles {
		cleared, failed := a.store().RemoveSessions(profile)
		n += cleared
		if missing := (*keyring.MissingError)(nil); failed != nil && !errors.As(failed, &missing) {
			return failed
		}
	}
	a.disused(s.Profiles...)
	switch {
	case !out && n == 0:
		a.out.Answer("Not signed in to %s.", s.Name())
	case !out:
		a.out.Answer("Not signed in to %s. Cleared %s.", s.Name(), ui.Count(n, "session"))
	default:
		a.out.Answer("Signed out of %s. Cleared %s.", s.Name(), ui.Count(n, "session"))
	}
	if out || n > 0 {
		a.out.Note("sessions already handed out stay valid until they expire")
	}
	return nil
}
