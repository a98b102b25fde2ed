package main

import (
	"errors"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/keyring"
)

// deviceSecret is the stored MFA secret of a profile's device.
type deviceSecret struct {
	serial string // "" if there is none
	// stays says why it is not removed with the profile's key.
	stays string
}

func (s deviceSecret) goes() bool { return s.serial != "" && s.stays == "" }

// seedOf finds the MFA secret of a profile's device. unread is why the AWS files could
// not be read, if they could not: then nothing says whose the stored ones are.
func secretOf(a *app, all *profiles.Profiles, profile string, unread error) deviceSecret {
	if unread != nil {
		if seeds, err := a.store().Infos(keyring.KindSeed); err == nil && len(seeds) > 0 {
			return deviceSecret{stays: "the AWS config cannot be read"}
		}
		return deviceSecret{}
	}
	serial := all.MFASerial(profile)
	if serial == "" {
		return deviceSecret{}
	}
	if _, err := a.store().SeedInfo(serial); err != nil {
		if _, none := errors.AsType[*keyring.NotFoundError](err); none {
			return deviceSecret{}
		}
	}
	return deviceSecret{serial, all.NeedsDevice(serial, profile)}
}

// remove removes the secret, or says why it stays. The device outlives its secret.
func (s deviceSecret) remove(a *app, profile string, info keyring.Info) error {
	switch {
	case s.stays != "" && s.serial == "":
		a.out.Note("stored MFA secrets stay: %s", s.stays)
		return nil
	case s.stays != "":
		a.out.Note("the MFA secret for %s stays: %s; to remove it:", plan.ShortSerial(s.serial), s.stays)
		a.out.Say("    fob mfa remove %s --serial %s", cmdline.Quote(profile), cmdline.Quote(s.serial))
		return nil
	case s.serial == "":
		return nil
	}
	if err := a.store().RemoveSeed(s.serial); err != nil {
		return err
	}
	a.out.Answer("Removed the MFA secret for %s.", plan.ShortSerial(s.serial))
	device := plan.ShortSerial(s.serial)
	if user, ok := plan.ParseARN(info.ARN); ok && !user.IsRoot() && strings.HasPrefix(s.serial, "arn:") {
		a.out.Note("%s is still enabled in AWS; to disable it with another key:", device)
		a.out.Say("    aws iam deactivate-mfa-device --user-name %s --serial-number %s", cmdline.Quote(user.Name()), cmdline.Quote(s.serial))
		return nil
	}
	a.out.Note("%s is still enabled in AWS: remove it there if you no longer need it", device)
	return nil
}
