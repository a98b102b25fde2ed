package main

import (
	"errors"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

type removeCmd struct {
	Profile string `arg:"" help:"The profile."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

func (removeCmd) Help() string {
	return `Removes the key from the store, not from AWS: delete it there too if you no longer need
it. Its MFA secret, its sessions and the lines that fob wrote to the AWS config are
removed with it. An MFA secret stays if another profile needs it.

    fob remove dev`
}

func (c *removeCmd) Run(a *app) error {
	all, unread := a.profiles()
	if unread != nil {
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
	seed := secretOf(a, all, c.Profile, unread)
	if err := c.confirm(a, all, info, seed); err != nil {
		return err
	}
	if err := a.store().RemoveKey(a.ctx, c.Profile); err != nil {
		return err
	}
	a.out.Answer("Removed the key of %s and its sessions.", c.Profile)
	if err := seed.remove(a, c.Profile, info); err != nil {
		return err
	}
	a.out.Note("sessions already handed out stay valid until they expire")
	if info.KeyID != "" {
		a.out.Note("%s is still active in AWS: delete it there if you no longer need it", info.KeyID)
	}
	return unwire(a, c.Profile)
}

// confirm names all that goes, before it goes.
func (c *removeCmd) confirm(a *app, all *profiles.Profiles, info keyring.Info, seed deviceSecret) error {
	if c.Yes {
		return nil
	}
	goes, only := []string{info.KeyID + ", the key of " + c.Profile}, "fob has the only copy of its secret."
	if seed.goes() {
		goes = append(goes, "the MFA secret for "+plan.ShortSerial(seed.serial))
		only = "fob has the only copy of the key, and perhaps of the MFA secret."
		a.out.Say("To remove the MFA device from AWS too, first: fob mfa remove %s --device", cmdline.Quote(c.Profile))
	}
	goes = append(goes, "its sessions")
	if section, _ := all.Config.Profile(c.Profile); wire.Owned(section, a.args[0]) {
		goes = append(goes, "its lines in "+a.host.Tilde(a.files.Config))
	}
	last := len(goes) - 1
	return a.person.Confirm(a.ctx, "--yes", "Remove %s and %s? %s", strings.Join(goes[:last], ", "), goes[last], only)
}

// unwire removes what fob wrote.
func unwire(a *app, profile string) error {
	var forgotten bool
	_, changed, err := a.files.Wire(profile, func(text string, r wire.Record) (wire.Edit, error) {
		forgotten = r.IsZero()
		return wire.Remove(text, profile, a.args[0], r)
	})
	if err != nil || !changed {
		return err
	}
	a.out.Answer("Removed its lines from %s.", a.host.Tilde(a.files.Config))
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	if section, ok := all.Config.Profile(profile); ok && forgotten {
		a.out.Note("%s:%d: the rest of this section stays, because fob does not remember writing it", section.File, section.Line)
	}
	return nil
}
