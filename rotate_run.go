package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/internal/ui"
)

// rotate takes one key from where it is to the end.
func (c *rotateCmd) rotate(a *app, k rotating, wish rotate.Wish) error {
	if now, err := a.store().KeyInfo(k.profile); err == nil && k.keyID != "" && now.KeyID != k.keyID && !isRotating(a, k.profile) {
		a.out.Answer("Another fob has just replaced the key of %s: it is %s now.", k.profile, now.KeyID)
		return nil
	}
	sts, err := a.dial(k.profile, "")
	if err != nil {
		return err
	}
	r := &rotate.Rotator{
		Store: a.store(), Profile: k.profile, Sharers: k.sharers, STS: sts,
		Dial:    func(id awsapi.Identity) (rotate.IAM, error) { return newKeyCalls(a, k.profile, id) },
		MayDrop: func(ctx context.Context, found rotate.KnownKey) (bool, error) { return c.mayDrop(ctx, a, found) },
		Wait:    func(ctx context.Context, d time.Duration) error { return waitForAWS(ctx, a, d) },
		Done:    func(done rotate.Action, r creds.Rotation) { sayRotated(a, done, r) },
		Log:     a.out.Log,
	}
	result, err := r.Run(a.ctx, wish)
	if err != nil {
		return of(plan.Plan{Profile: k.profile, Steps: []plan.Step{plan.StoredKey{Profile: k.profile}}}, err)
	}
	return sayResult(a, k, result)
}

// isRotating reports whether a rotation named by a profile is in progress.
func isRotating(a *app, profile string) bool {
	_, err := a.store().RotationInfo(profile)
	return err == nil
}

// mayDrop asks whether an inactive key that is in the way may be deleted. A schedule's run
// deletes none that nobody has named.
func (c *rotateCmd) mayDrop(ctx context.Context, a *app, k rotate.KnownKey) (bool, error) {
	if c.Yes || c.All {
		return c.Yes, nil
	}
	if _, err := a.person.Terminal("ask for confirmation"); err != nil {
		return false, nil // the error says what to type
	}
	a.out.Say("AWS allows two keys, and this one is in the way:")
	state, used, _ := strings.Cut(describeKey(a, k), ", last used")
	a.out.Say("    %s, %s", k.ID, state)
	if used != "" {
		a.out.Say("    last used%s", used)
	}
	err := a.person.Confirm(ctx, "--yes", "Delete %s?", k.ID)
	if errors.Is(err, ui.ErrDeclined) {
		return false, nil
	}
	return err == nil, err
}

// describeKey says what helps to decide about a key of the user: "inactive, 132 days old,
// last used for s3 in eu-west-1 on 2 Jan 2026".
func describeKey(a *app, k rotate.KnownKey) string {
	facts := []string{strings.ToLower(k.Status)}
	if k.Age > 0 {
		facts = append(facts, ui.Old(k.Age))
	}
	switch {
	case k.UseUnknown:
	case k.At.IsZero():
		facts = append(facts, "never used")
	default:
		facts = append(facts, "last used "+usedFor(a, k.Service, k.Region, k.At))
	}
	return strings.Join(facts, ", ")
}

// usedFor is for what and when a key was used.
func usedFor(a *app, service, region string, at time.Time) string {
	text := "for " + service
	if region != "" && region != "N/A" {
		text += " in " + region
	}
	return text + ", " + ui.Ago(a.now().Sub(at))
}

// waitForAWS waits until AWS may know more.
func waitForAWS(ctx context.Context, a *app, d time.Duration) error {
	if a.pause != nil {
		return a.pause(ctx, d)
	}
	defer a.out.Waiting("waiting until all of AWS knows about the key ...")()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

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
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	return sayLogin(a, k.profile)
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
