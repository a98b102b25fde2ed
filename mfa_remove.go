package main

import (
	"errors"

	"fob/internal/cmdline"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/internal/wire"
	"fob/keyring"
)

type mfaRemoveCmd struct {
	Profile string `arg:"" help:"The profile."`
	Serial  string `help:"The device's ARN, if the profile does not name it." placeholder:"ARN"`
	Device  bool   `help:"Remove the device in AWS, too, and its line in the AWS config."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

func (mfaRemoveCmd) Help() string {
	return `From then on fob asks for codes of the device again. With --device the device is removed
from your user in AWS, too, and its line from the AWS config.

    fob mfa remove dev
    fob mfa remove dev --device`
}

func (c *mfaRemoveCmd) Run(a *app) error {
	serial, err := a.mfaDevice(c.Profile, c.Serial, serialFlag)
	if err != nil {
		return err
	}
	if c.Device {
		return c.removeDevice(a, serial)
	}
	if err := c.confirmShared(a, serial); err != nil {
		return err
	}
	if err := a.store().RemoveSeed(serial); err != nil {
		if _, none := errors.AsType[*keyring.NotFoundError](err); none {
			return &noSecretError{Profile: c.Profile, Serial: serial}
		}
		return err
	}
	a.out.Say("Removed the MFA secret for %s. The device in AWS has not changed.", plan.ShortSerial(serial))
	return nil
}

// confirmShared asks if another profile needs the device: its programs would have to
// ask for codes.
func (c *mfaRemoveCmd) confirmShared(a *app, serial string) error {
	if c.Yes {
		return nil
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	if why := all.NeedsDevice(serial, c.Profile); why != "" {
		return a.person.Confirm(a.ctx, "--yes", "Remove the MFA secret for %s? %s.", plan.ShortSerial(serial), why)
	}
	return nil
}

// removeDevice removes the device from AWS, then what points to it, and its secret
// last: until then the command can be tried again.
func (c *mfaRemoveCmd) removeDevice(a *app, serial string) error {
	source, key, err := a.ownKey(c.Profile)
	if err != nil {
		return err
	}
	u, err := a.iamUser(source, key)
	if err != nil {
		return err
	}
	if !c.Yes {
		if _, err := a.person.Terminal("ask for confirmation"); err == nil { // else the question says why not
			a.out.Say("Codes from a phone that has %s will stop working.", serial)
		}
		if err := a.person.Confirm(a.ctx, "--yes", "Remove it from %s?", u.Title()); err != nil {
			return err
		}
	}
	if err := removeFromUser(a, u, serial); err != nil {
		return err
	}
	if err := dropSerial(a, source, serial); err != nil {
		return err
	}
	err = a.store().RemoveSeed(serial)
	if _, none := errors.AsType[*keyring.NotFoundError](err); err != nil && !none {
		return err
	}
	if err == nil {
		a.out.Say("Removed its MFA secret.")
	}
	a.out.Note("sessions made with it stay valid until they expire; fob clear %s clears fob's", cmdline.Quote(source))
	return nil
}

func removeFromUser(a *app, u iam.User, serial string) error {
	var found bool
	err := a.withIAM(u.Profile, &u.Client, func() (err error) {
		found, err = u.Remove(a.ctx, serial)
		return err
	})
	switch {
	case err != nil:
		return err
	case found:
		a.out.Say("Removed %s from %s.", serial, u.Title())
	default:
		a.out.Say("%s no longer has %s.", u.Title(), serial)
	}
	return nil
}

// dropSerial removes the line that names the device from a profile's section, and
// says where other profiles name it.
func dropSerial(a *app, profile, serial string) error {
	_, changed, err := a.files.Wire(profile, func(text string, r wire.Record) (wire.Edit, error) {
		return wire.DropSerial(text, profile, serial, r)
	})
	if err != nil {
		return a.showUnwritten(profile, err)
	}
	if changed {
		a.out.Say("Removed its line from %s.", a.host.Tilde(a.files.Config))
	}
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	for _, name := range all.Config.Names() {
		section, _ := all.Config.Profile(name)
		if v, ok := section.Get("mfa_serial"); ok && v.Text == serial {
			a.out.Note("%s still names it, for profile %s", plan.At(v), name)
		}
	}
	return nil
}
