package main

import (
	"cmp"
	"slices"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/internal/ui"
)

// sayRotated says what was done; other is the key that was deleted, if it is neither of the
// two.
func sayRotated(a *app, done rotate.Action, r creds.Rotation, other string) {
	switch done {
	case rotate.Begin:
		a.out.Say("Replacing %s of %s in account %s.", r.Old.ID, r.User, r.Account)
		for _, at := range inPlainText(a, r.Old.ID) {
			a.out.Warn("this key is also in plain text (%s); programs that read it there will stop working", a.host.Tilde(at))
		}
	case rotate.DropLost:
		a.out.Say("Deleted %s: AWS had created it, and the answer was lost.", other)
	case rotate.Switch:
		a.out.Say("Created %s; %s.", r.New.ID, use("now ", r.Profiles, "it"))
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
		a.out.Say("%s again.", use("", r.Profiles, r.Old.ID))
	case rotate.DeleteNew:
		a.out.Say("Deleted %s.", r.New.ID)
	case rotate.Onward:
		a.out.Say("AWS no longer has %s: continuing with %s.", r.Old.ID, r.New.ID)
	case rotate.Full:
		stored := ""
		if owner := a.ownerOf(other); owner != "" {
			stored = " (stored for " + owner + ")"
		}
		a.out.Say("Deleted %s, which was inactive%s.", other, stored)
	}
}

// use says that profiles use a key: "dev and copy now use it".
func use(now string, profiles []string, key string) string {
	switch n := len(profiles); {
	case n == 1:
		return profiles[0] + " " + now + "uses " + key
	case n <= 12:
		return ui.List(profiles[:n-1]) + " and " + profiles[n-1] + " " + now + "use " + key
	}
	return ui.List(profiles) + " " + now + "use " + key // "... and 3 more"
}

// sayResult says how it ended.
func sayResult(a *app, k rotating, result rotate.Result) error {
	r := result.Rotation
	switch result.Last {
	case rotate.NotDue:
		a.out.Answer("%s has %s, %s: not due yet.", k.profile, k.keyID, ui.Old(result.Age))
		return nil
	case rotate.Forget:
		sayForgotten(a, k, result)
		return nil
	}
	k.profile = userOf(a, k.profile, r.New.ID)
	switch result.Last {
	case rotate.Leave:
		if r.Left {
			a.out.Answer("%s has %s; the old key, %s, stays, inactive.", k.profile, r.New.ID, r.Old.ID)
			return nil
		}
		sayVault(a, r)
		name := cmdline.Quote(k.profile)
		a.out.Answer("%s has a new key, %s.", k.profile, r.New.ID)
		a.out.Say("Kept the old key, %s, inactive.", r.Old.ID)
		switch {
		case !r.Used.At.IsZero():
			a.out.Say("It was used %s.", usedFor(a, r.Used.Service, r.Used.Region, r.Used.At))
		case r.UseUnknown:
			a.out.Say("AWS does not tell %s when it was last used.", r.User)
		}
		a.out.Say("    fob rotate %-*s   deletes it", len(name)+len(" --abort"), name)
		a.out.Say("    fob rotate %s --abort   goes back to it", name)
	default:
		if r.Left { // an earlier run has said that the key is new
			a.out.Answer("%s keeps %s, %s.", k.profile, r.New.ID, ui.Old(result.Age))
			a.out.Say("    fob rotate %s   replaces it", cmdline.Quote(k.profile))
			return nil
		}
		a.out.Answer("%s has a new key, %s.", k.profile, r.New.ID)
		a.forgetImport(r.Old.ID)
		sayVault(a, r)
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	return sayLogin(a, k.profile)
}

// userOf is a profile that has a key: the one by which its rotation is named, unless that one
// has got another key in the meantime.
func userOf(a *app, profile, keyID string) string {
	if info, err := a.store().KeyInfo(profile); err == nil && info.KeyID == keyID {
		return profile
	}
	return cmp.Or(a.ownerOf(keyID), profile)
}

// sayForgotten says how a rotation ended that leads nowhere, and names each key that is left
// in AWS, or may be.
func sayForgotten(a *app, k rotating, result rotate.Result) {
	r := result.Rotation
	if len(result.Left) > 0 {
		a.out.Answer("Ended the rotation of %s; %s has another key.", r.Old.ID, k.profile)
		it := "it"
		if len(result.Left) > 1 {
			it = "them"
		}
		a.out.Note("%s may still be in AWS until you delete %s there", strings.Join(result.Left, " and "), it)
	} else {
		a.out.Answer("%s keeps %s.", userOf(a, k.profile, r.Old.ID), r.Old.ID)
	}
	if result.PerhapsLost != "" {
		a.out.Note("AWS may have created %s for fob: if nothing uses it, delete it in AWS", result.PerhapsLost)
	}
	if result.Unseen {
		a.out.Note("AWS may have created another key for %s, and does not list the keys to fob: check them in AWS", r.User)
	}
}

// sayUntried names the profiles that are left out because the others could not be done.
func sayUntried(a *app, keys []rotating) {
	var names []string
	for _, k := range keys {
		names = append(names, k.profile)
	}
	if len(names) > 0 {
		a.out.Note("not tried: %s", ui.List(names))
	}
}

// sayVault says where aws-vault may still have the old key: it shows names, and which keys
// they stand for is encrypted.
func sayVault(a *app, r creds.Rotation) {
	kept := a.inVault(true)
	for _, profile := range r.Profiles {
		if slices.Contains(kept, profile) {
			a.out.Note("aws-vault also has a key for %s; if it is %s, it no longer works: %s", profile, r.Old.ID, ui.Type("aws-vault", "remove", profile).Command)
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
