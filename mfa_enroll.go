package main

import (
	"context"
	"errors"
	"os"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/iam"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/internal/wire"
	"fob/keyring"
)

type mfaEnrollCmd struct {
	Profile string `arg:"" help:"The profile."`
	Name    string `help:"The device's name; else the user's, or USER-fob if that is taken." placeholder:"NAME"`
	PNG     string `name:"png" help:"Also write the QR code to a new file: it is the MFA secret, as a picture." placeholder:"FILE"`
}

func (mfaEnrollCmd) Help() string {
	return `Creates a virtual MFA device for the profile's user in AWS, stores its MFA secret, shows
it as a QR code so that your phone can make the same codes, enables it with two codes,
writes its ARN to the AWS config and signs in. If a step fails, fob undoes the ones before.

With the MFA secret on this machine, the second factor is no longer separate: anyone who
has this store and can open it has both.

    fob mfa enroll dev`
}

func (c *mfaEnrollCmd) Run(a *app) error {
	if c.Name != "" && plan.CheckSerial("arn:aws:iam::000000000000:mfa/"+c.Name, plan.ARN{}) != "" {
		return usagef("--name: invalid device name %q; use letters, digits and _+=,.@-", c.Name)
	}
	source, key, err := a.ownKey(c.Profile)
	if err != nil {
		return err
	}
	u, err := a.iamUser(source, key)
	if err != nil {
		return err
	}
	serial, err := c.enroll(a, u)
	if err != nil {
		return err
	}
	a.out.Say("Enabled %s; its MFA secret is in the store.", serial)
	next := "fob_mfa_serial = " + serial + " in the profile names it"
	all, err := writeSerial(a, source, serial)
	if err == nil {
		a.out.Note("the second factor is now on this machine, next to the key")
		next = "fob login " + cmdline.Quote(source) + " signs in"
		err = firstSession(a, all, source, serial)
	}
	if err != nil {
		a.out.Say("The device stays: %s, fob mfa remove %s --device --serial %s removes it again.", next, cmdline.Quote(source), serial)
	}
	return err
}

// enroll creates and enables the device, or leaves nothing of it.
func (c *mfaEnrollCmd) enroll(a *app, u iam.User) (serial string, err error) {
	if err := a.store().Unlock(a.ctx, keyring.KindSeed); err != nil {
		return "", &planError{Plan: plan.Plan{Profile: u.Profile}, Err: err} // before AWS has a device that would have to go
	}
	var picture *os.File
	if c.PNG != "" {
		// Before anything is created, because the file may exist already.
		if picture, err = os.OpenFile(c.PNG, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return "", err
		}
	}
	a.out.Say("An MFA device for %s.", u.Title())
	a.out.Say("Enabling it takes two codes, and signing in a third: up to 90 s.")
	e := iam.Enrolment{
		Client: u.Client,
		Name:   c.Name,
		Keep:   a.store().SetSeed,
		Forget: func(serial string) error {
			err := a.store().RemoveSeed(serial)
			if _, ok := errors.AsType[*keyring.NotFoundError](err); ok {
				return nil // it could not be stored
			}
			return err
		},
		Show:  func(ctx context.Context, d iam.Device) error { return showSecret(ctx, a, u, d, picture) },
		Codes: func(ctx context.Context, serial string) (string, string, error) { return codePair(ctx, a, u, serial) },
		Log:   a.out.Log,
	}
	err = a.withIAM(u.Profile, &e.Client, func() (err error) {
		serial, err = e.Run(a.ctx)
		return err
	})
	if err == nil {
		return serial, nil
	}
	if picture != nil {
		_ = os.Remove(c.PNG) // its MFA secret is of no use any more
	}
	if serial != "" {
		a.out.Say("Removed %s: nothing is left of it.", serial)
	}
	return "", &planError{Plan: plan.Plan{Profile: u.Profile}, Err: err}
}

// showSecret shows the MFA secret to a phone. Where nobody looks, the store has
// the only copy.
func showSecret(ctx context.Context, a *app, u iam.User, d iam.Device, picture *os.File) error {
	code, err := mfa.NewQR(d.Seed, "AWS", u.User+"@"+u.Account)
	if err != nil {
		return err
	}
	if picture != nil {
		_, err := picture.Write(code.PNG())
		if err = errors.Join(err, picture.Close()); err != nil {
			return err
		}
		a.out.Say("Wrote the QR code to %s: anyone who sees it has the MFA secret.", a.host.Tilde(picture.Name()))
	}
	t, err := a.person.Terminal("show the QR code")
	if err != nil || a.getenv("TERM") == "dumb" {
		a.out.Log("the QR code is not shown: %v", err)
		return nil
	}
	err = t.Page(ctx, code.Text(), "Scan this to get the same codes on your phone. Press Enter to continue. ")
	if errors.Is(err, term.ErrBackground) {
		return nil
	}
	return err
}

// codePair makes two codes in a row, by AWS's clock.
func codePair(ctx context.Context, a *app, u iam.User, serial string) (first, second string, err error) {
	seed, err := a.store().Seed(ctx, serial)
	if err != nil {
		return "", "", err
	}
	b := a.seedBroker(seed)
	return mfa.Pair(func() (mfa.Answer, error) { return b.SeedCode(ctx, u.Profile, serial, u.Skew) })
}

// writeSerial names the device in the profile's section, and returns the profiles
// as they are then. It says which device the section named before, because nothing
// else remembers that.
func writeSerial(a *app, profile, serial string) (*profiles.Profiles, error) {
	all, err := a.readProfiles()
	if err != nil {
		return nil, err
	}
	section, _ := all.Config.Profile(profile)
	before, replaced := section.Get("mfa_serial")
	edit := func(text string, r wire.Record) (wire.Edit, error) { return wire.SetSerial(text, profile, serial, r) }
	if _, _, err := a.files.Wire(profile, edit); err != nil {
		return nil, a.showUnwritten(profile, err)
	}
	a.showLines("Added to", profile, wire.Lines{{"fob_mfa_serial", serial}}.Text())
	if replaced {
		a.out.Note("%s named %s before", plan.At(before), before.Text)
	}
	return a.readProfiles()
}

// firstSessionTries is how often a first session is tried: a new device takes a
// code or two to reach all of AWS.
const firstSessionTries = 3

// firstSession proves that the device works.
func firstSession(a *app, all *profiles.Profiles, profile, serial string) error {
	p, err := all.Plan(profile, plan.Options{Export: true})
	if err != nil {
		return err
	}
	if p.MFASerial() != serial {
		a.out.Note("%s does not use it: fob explain %s says why", profile, cmdline.Quote(profile))
		return nil
	}
	for try := 1; ; try++ {
		s, err := a.credentials(a.ctx, p, request{renew: broker.RenewExec, program: named("fob mfa enroll")})
		refused, ok := errors.AsType[*awsapi.RefusedError](err)
		if ok && refused.UnknownDevice() && try < firstSessionTries {
			a.out.Log("%v; trying again with the next code", err)
			continue
		}
		if err != nil {
			return err
		}
		a.out.Say("%s: signed in until %s.", ui.Good.Text(profile+" works"), ui.Clock(s.Expires, a.now()))
		return nil
	}
}
