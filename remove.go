package main

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

type removeCmd struct {
	Profile string `arg:"" help:"The profile."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

func (removeCmd) Help() string {
	return `Removes the key from the store, not from AWS: delete it there too if you no longer need
it. Its MFA secret, its sessions and the lines that fob wrote to the AWS config are
removed with it. An MFA secret stays if another profile needs it. Of a profile without a
key of its own, such as a role that fob add set up, the lines and the sessions are removed.

    fob remove dev`
}

func (c *removeCmd) Run(a *app) error {
	all, unread := a.profiles()
	if unread != nil {
		all = a.storedProfiles() // a config with a mistake must not keep a key in the store
	}
	info, err := a.store().KeyInfo(c.Profile)
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	switch {
	case damaged: // a damaged key can be removed as well
	case notStored(err):
		return c.removeLines(a, all, unread)
	case err != nil:
		return err
	}
	seed := secretOf(a, all, c.Profile, unread)
	users := usedBy(all, c.Profile, "this key")
	if err := c.removeKey(a, info, seed, users); err != nil {
		return err
	}
	if err := seed.remove(a, c.Profile, info); err != nil {
		return err
	}
	err = c.unwire(a)
	c.noteConflicts(a)
	a.out.Note("sessions already handed out stay valid until they expire")
	noteLeft(a, info.KeyID)
	if c.Yes && users != "" {
		a.out.Note("%s, which is gone now", users)
	}
	return err
}

// removeKey asks, and removes the key and its rotation: the ones that the question names.
func (c *removeCmd) removeKey(a *app, info keyring.Info, seed deviceSecret, users string) error {
	rotation, err := rotationOf(a, c.Profile)
	if err != nil {
		return err
	}
	if err := rotation.shared(a, c.Profile); err != nil {
		return err
	}
	if err := c.confirm(a, info, rotation, seed, users); err != nil {
		return err
	}
	if err := rotation.same(a, c.Profile); err != nil {
		return err
	}
	if err := a.store().RemoveKey(a.ctx, c.Profile, info.Rev); err != nil {
		return err
	}
	a.out.Answer("Removed the key of %s and its sessions.", c.Profile)
	a.forgetImport(info.KeyID)
	return rotation.remove(a, c.Profile, info.KeyID)
}

// noteLeft says what is left of a key that has been removed.
func noteLeft(a *app, keyID string) {
	switch owner := a.ownerOf(keyID); {
	case keyID == "":
	case owner != "":
		a.out.Note("%s also has %s", owner, keyID)
	default:
		a.out.Note("%s is still active in AWS until you delete it there", keyID)
	}
}

// usedBy says which other profiles get their credentials through a profile: "prod and 3
// other profiles use this key"; "" if none does. what is the profile, or its key.
func usedBy(all *profiles.Profiles, profile, what string) string {
	users := all.Users(profile)
	switch n := len(users); {
	case n == 0:
		return ""
	case n == 1:
		return users[0] + " uses " + what
	case n <= 3:
		return strings.Join(users[:n-1], ", ") + " and " + users[n-1] + " use " + what
	default:
		return fmt.Sprintf("%s and %d other profiles use %s", users[0], n-1, what)
	}
}

// confirm names all that goes, before it goes.
func (c *removeCmd) confirm(a *app, info keyring.Info, rotation keyRotation, seed deviceSecret, users string) error {
	if c.Yes {
		return nil
	}
	if _, err := a.person.Terminal("ask for confirmation"); err == nil { // else the question says why not
		c.announce(a, info, rotation, seed, users)
	}
	return a.person.Confirm(a.ctx, "--yes", "Remove %s?", c.Profile)
}

func (c *removeCmd) announce(a *app, info keyring.Info, rotation keyRotation, seed deviceSecret, users string) {
	a.out.Say("This removes:")
	a.out.Say("    %s of %s, and its sessions", strings.TrimSpace("the access key "+info.KeyID), c.Profile)
	rotation.announce(a, info.KeyID)
	found, _ := a.store().Conflicts() // those that stay are named when the key is gone
	for _, f := range found {
		if f.Info.Kind == keyring.KindKey && f.Info.Name == c.Profile && f.Info.KeyID == info.KeyID {
			a.out.Say("    the same key in the file %q", f.File)
		}
	}
	if seed.goes() {
		a.out.Say("    the MFA secret for %s", plan.ShortSerial(seed.serial))
	}
	if gone, added, err := a.files.Preview(c.Profile, c.edit(a)); err == nil && len(added) > 0 {
		a.out.Say("    what fob wire changed in %s", a.host.Tilde(a.files.Config))
	} else if err == nil && len(gone) > 0 {
		a.out.Say("    %s in %s", ui.Count(len(gone), "line"), a.host.Tilde(a.files.Config))
	}
	if users != "" {
		a.out.Say("%s.", users)
	}
	if !seed.goes() {
		a.out.Say("AWS does not show the key's secret again.")
		return
	}
	a.out.Say("AWS shows neither the key's secret nor the MFA secret again.")
	a.out.Say("To remove the MFA device from AWS too, first: fob mfa remove %s --device", cmdline.Quote(c.Profile))
}
