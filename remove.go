package main

import (
	"errors"
	"fmt"

	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/wire"
	"fob/keyring"
)

type removeCmd struct {
	Profile string `arg:"" help:"The profile."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

func (removeCmd) Help() string {
	return `The key goes from the store, not from AWS: if nobody needs it any more, delete it there
too. With it go its seed, its sessions and the lines that fob add wrote into the AWS config.`
}

func (c *removeCmd) Run(a *app) error {
	info, err := a.store().KeyInfo(c.Profile)
	var damaged *keyring.DamagedError
	var missing *keyring.NotFoundError
	switch {
	case errors.As(err, &damaged): // it may go, too
	case errors.As(err, &missing):
		names, _ := a.storedNames()
		return &plan.NoProfileError{Profile: c.Profile, Nearest: plan.Nearest(c.Profile, names), Stored: true}
	case err != nil:
		return err
	}
	serial, shared := a.deviceOf(c.Profile)
	if !c.Yes {
		if err := a.confirmRemove(c.Profile, info); err != nil {
			return err
		}
	}
	if err := a.store().RemoveKey(a.ctx, c.Profile); err != nil {
		return err
	}
	a.answer("Removed the key of %s and its sessions.", term.Clean(c.Profile))
	if serial != "" && shared == "" {
		if err := a.store().RemoveSeed(serial); err == nil {
			a.answer("Removed the seed of %s.", term.Clean(serial))
		} else if !errors.As(err, &missing) {
			return err
		}
	}
	a.notef("sessions that programs already have stay valid until their end")
	if info.KeyID != "" {
		a.notef("%s still works at AWS: delete it there if nobody needs it", info.KeyID)
	}
	return a.unwrite(c.Profile)
}

func (a *app) confirmRemove(profile string, info keyring.Info) error {
	return a.confirm(fmt.Sprintf("Remove %s, the key of %s? There is no copy of its secret elsewhere.", term.Clean(info.KeyID), term.Clean(profile)))
}

// deviceOf is the MFA device of a stored key, and another stored profile that
// uses it too.
func (a *app) deviceOf(profile string) (serial, shared string) {
	serial = a.planSerial(profile)
	names, _ := a.storedNames()
	for _, n := range names {
		if n != profile && serial != "" && a.planSerial(n) == serial {
			return serial, n
		}
	}
	return serial, ""
}

func (a *app) planSerial(profile string) string {
	p, err := a.resolve(profile, plan.Options{})
	if err != nil {
		return "" // a profile that cannot be used has no device to look after
	}
	return p.MFASerial()
}

// unwrite takes back what fob add wrote.
func (a *app) unwrite(profile string) error {
	changed, err := a.editConfig(func(text string) (string, error) { return wire.Remove(text, profile, a.args[0]) })
	if err == nil && changed {
		a.answer("Took its lines out of %s.", tilde(a.configPath()))
	}
	return err
}
