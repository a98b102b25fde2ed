package main

import (
	"context"
	"errors"
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
		Now:     a.now,
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
