package main

import (
	"errors"

	"fob/internal/plan"
	"fob/internal/wire"
	"fob/keyring"
)

type removeCmd struct {
	Profile string `arg:"" help:"The profile."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

func (removeCmd) Help() string {
	return `Removes the key from the store, not from AWS: delete it there too if you no longer need
it. Its MFA secret, its sessions and the lines that fob add wrote to the AWS config are
removed with it.

    fob remove dev`
}

func (c *removeCmd) Run(a *app) error {
	all, err := a.profiles()
	if err != nil {
		all = a.storedProfiles() // a config with a mistake must not keep a key in the store
	}
	info, err := a.store().KeyInfo(c.Profile)
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	_, missing := errors.AsType[*keyring.NotFoundError](err)
	switch {
	case damaged: // a damaged key can be removed as well
	case missing:
		names, _ := all.Stored()
		return &plan.NoProfileError{Profile: c.Profile, Nearest: plan.Nearest(c.Profile, names), Stored: true}
	case err != nil:
		return err
	}
	serial := all.MFASerial(c.Profile)
	shared := all.SharesDevice(c.Profile, serial)
	if !c.Yes {
		err := a.person.Confirm(a.ctx, "--yes", "Remove %s, the key of %s? fob has the only copy of its secret.", info.KeyID, c.Profile)
		if err != nil {
			return err
		}
	}
	if err := a.store().RemoveKey(a.ctx, c.Profile); err != nil {
		return err
	}
	a.out.Answer("Removed the key of %s and its sessions.", c.Profile)
	if serial != "" && shared == "" {
		if err := removeSeed(a, serial); err != nil {
			return err
		}
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	if info.KeyID != "" {
		a.out.Note("%s is still active in AWS: delete it there if you no longer need it", info.KeyID)
	}
	return unwire(a, c.Profile)
}

// removeSeed removes the MFA secret of a device, if there is one.
func removeSeed(a *app, serial string) error {
	err := a.store().RemoveSeed(serial)
	if _, none := errors.AsType[*keyring.NotFoundError](err); none {
		return nil
	}
	if err == nil {
		a.out.Answer("Removed the MFA secret for %s.", plan.ShortSerial(serial))
	}
	return err
}

// unwire removes what fob add wrote.
func unwire(a *app, profile string) error {
	_, changed, err := a.files.Wire(profile, func(text string, r wire.Record) (wire.Edit, error) {
		return wire.Remove(text, profile, a.args[0], r)
	})
	if err == nil && changed {
		a.out.Answer("Removed its lines from %s.", a.host.Tilde(a.files.Config))
	}
	return err
}
