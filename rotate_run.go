package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/internal/ui"
)

// rotate takes one key from where it is to the end.
func (c *rotateCmd) rotate(a *app, k rotating, wish rotate.Wish) error {
	if now, err := a.store().KeyInfo(k.profile); err == nil && k.keyID != "" && now.KeyID != k.keyID && !isRotating(a, k.profile) {
		if c.Abort {
			return fmt.Errorf("too late to go back: another fob has finished replacing the key of %s (now %s)", k.profile, now.KeyID)
		}
		a.out.Answer("Another fob has just replaced the key of %s: it is %s now.", k.profile, now.KeyID)
		return nil
	}
	sts, err := a.dial(k.profile, "")
	if err != nil {
		return err
	}
	machine, err := a.store().Machine()
	if err != nil {
		a.out.Log("this computer cannot be told from others: %v", err)
		machine = "" // the next run would have another name
	}
	onward := false
	r := &rotate.Rotator{
		Store: a.store(), Profile: k.profile, Machine: machine, STS: sts,
		Dial:    func(id awsapi.Identity) (rotate.IAM, error) { return newKeyCalls(a, k.profile, id) },
		MayDrop: func(ctx context.Context, found rotate.KnownKey) (bool, error) { return c.mayDrop(ctx, a, found) },
		MayDropLost: func(ctx context.Context, found rotate.KnownKey) (bool, error) {
			return c.mayDropLost(ctx, a, k.profile, found)
		},
		Wait: func(ctx context.Context, d time.Duration) error { return waitForAWS(ctx, a, d) },
		Done: func(done rotate.Action, r creds.Rotation, other string) {
			if onward && done == rotate.Switch { // to a key that an earlier run has created
				a.out.Say("%s.", use("now ", r.Profiles, r.New.ID))
				return
			}
			onward = onward || done == rotate.Onward
			sayRotated(a, done, r, other)
		},
		Now: a.now,
		Log: a.out.Log,
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

// mayDrop asks whether an inactive key that is in the way may be deleted. --yes answers
// that, but not for a key that the store has: it may only be resting.
func (c *rotateCmd) mayDrop(ctx context.Context, a *app, k rotate.KnownKey) (bool, error) {
	if c.Yes && a.ownerOf(k.ID) == "" {
		return true, nil
	}
	return c.askToDelete(ctx, a, "AWS allows two keys, and this one is in the way:", k)
}

// mayDropLost asks about a key that another computer may be using, which --yes does not
// know of.
func (c *rotateCmd) mayDropLost(ctx context.Context, a *app, profile string, k rotate.KnownKey) (bool, error) {
	return c.askToDelete(ctx, a, "Another computer began to replace the key of "+profile+", and may be using this one:", k)
}

// askToDelete asks whether to delete a key of the user. A schedule's run deletes none that
// nobody has named.
func (c *rotateCmd) askToDelete(ctx context.Context, a *app, why string, k rotate.KnownKey) (bool, error) {
	if c.All {
		return false, nil
	}
	if _, err := a.person.Terminal("ask for confirmation"); err != nil {
		return false, nil // the error says what to type
	}
	a.out.Say("%s", why)
	state, used, _ := strings.Cut(describeKey(a, k), ", last used")
	if owner := a.ownerOf(k.ID); owner != "" {
		state += ", stored for " + owner
	}
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

// usedFor is for what and when a key was used: "for s3 in eu-west-1 2h ago".
func usedFor(a *app, service, region string, at time.Time) string {
	text := "for " + service
	if region != "" && region != "N/A" {
		text += " in " + region
	}
	return text + " " + ui.Ago(a.now().Sub(at))
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
