package main

import (
	"slices"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/internal/ui"
)

// sayRotated says what was done.
func sayRotated(a *app, done rotate.Action, r creds.Rotation) {
	switch done {
	case rotate.Begin:
		a.out.Say("Replacing %s of %s in account %s.", r.Old.ID, r.User, r.Account)
		for _, at := range inPlainText(a, r.Old.ID) {
			a.out.Warn("this key is in plain text, too (%s): what reads it there will stop working", a.host.Tilde(at))
		}
	case rotate.DropLost:
		a.out.Say("Deleted a key that AWS had created although its answer was lost.")
	case rotate.Switch:
		a.out.Say("Created %s; %s now.", r.New.ID, use(r.Profiles, "it"))
	case rotate.Deactivate:
		a.out.Say("Deactivated %s.", r.Old.ID)
	case rotate.Delete:
		a.out.Say("Deleted %s.", r.Old.ID)
		a.forgetImport(r.Old.ID)
	case rotate.Return:
		a.out.Say("Going back to %s of %s in account %s.", r.Old.ID, r.User, r.Account)
	case rotate.Reactivate:
		a.out.Say("Activated %s again.", r.Old.ID)
	case rotate.SwitchBack:
		a.out.Say("%s again.", use(r.Profiles, r.Old.ID))
	case rotate.DeleteNew:
		a.out.Say("Deleted %s.", r.New.ID)
	case rotate.Onward:
		a.out.Say("AWS no longer has %s: continuing with %s.", r.Old.ID, r.New.ID)
	case rotate.Full:
		a.out.Say("Deleted the inactive key.")
	}
}

// use says that profiles use a key.
func use(profiles []string, key string) string {
	if len(profiles) == 1 {
		return profiles[0] + " uses " + key
	}
	return ui.List(profiles) + " use " + key
}

// sayResult says how it ended.
func sayResult(a *app, k rotating, result rotate.Result) error {
	r := result.Rotation
	switch result.Last {
	case rotate.NotDue:
		a.out.Answer("%s has %s, %s: not due yet.", k.profile, k.keyID, ui.Old(result.Age))
		return nil
	case rotate.Forget:
		if len(result.Left) > 0 {
			a.out.Answer("Ended the rotation of %s; %s has another key.", r.Old.ID, k.profile)
			a.out.Note("%s may still be in AWS until you delete it there", strings.Join(result.Left, " and "))
			return nil
		}
		a.out.Answer("%s keeps %s.", k.profile, r.Old.ID)
		return nil
	case rotate.Leave:
		if result.Idle {
			a.out.Answer("%s has %s; the old key, %s, stays, inactive.", k.profile, r.New.ID, r.Old.ID)
			return nil
		}
		sayVault(a, r)
		name, why := cmdline.Quote(k.profile), ""
		if !result.Use.At.IsZero() {
			why = ": it was used " + usedFor(a, result.Use.Service, result.Use.Region, result.Use.At)
		}
		a.out.Answer("%s has a new key, %s.", k.profile, r.New.ID)
		a.out.Say("The old one, %s, stays, inactive%s.", r.Old.ID, why)
		a.out.Say("    fob rotate %-*s   deletes it", len(name)+len(" --abort"), name)
		a.out.Say("    fob rotate %s --abort   goes back to it", name)
	default:
		a.out.Answer("%s has a new key, %s.", k.profile, r.New.ID)
		a.forgetImport(r.Old.ID)
		sayVault(a, r)
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	return sayLogin(a, k.profile)
}

// sayVault says where aws-vault may still have the old key: it shows names, and which keys
// they stand for is encrypted.
func sayVault(a *app, r creds.Rotation) {
	kept := a.inVault(true)
	for _, profile := range r.Profiles {
		if slices.Contains(kept, profile) {
			a.out.Note("aws-vault has a key of %s, too; if it is %s, it no longer works: %s", profile, r.Old.ID, ui.Type("aws-vault", "remove", profile).Command)
		}
	}
}

// sayLogin says how to sign in with the new key, if that takes a person.
func sayLogin(a *app, profile string) error {
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	p, err := all.Plan(profile, plan.Options{Export: true, Unguarded: true})
	if err != nil || p.MFASerial() == "" || !all.SignedInUntil(p, a.now()).IsZero() {
		return nil // the key itself is fine; explain says what is not
	}
	if _, err := a.store().SeedInfo(p.MFASerial()); err != nil {
		sayNext(a, []string{"fob login " + cmdline.Quote(profile)})
	}
	return nil
}
