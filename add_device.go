package main

import (
	"context"
	"errors"
	"path"
	"time"

	"fob/internal/awsapi"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// device is what is known about a new key's MFA device.
type device struct {
	serial string // to be written; "" for nothing
	guess  bool   // nobody knows whether the user has that device
	// none: AWS says that the user has no device that makes codes; keys are the
	// security keys that the user has.
	none bool
	keys []string
}

// device is the flag's, the profile's, the one that AWS knows, or the user's answer.
// One line says both whose the key is and which device it is.
func (c *addCmd) device(a *app, key creds.Key, id awsapi.Identity) (device, error) {
	given, stale, err := c.givenSerial(a, id)
	if err != nil {
		return device{}, err
	}
	d, err := c.findDevice(a, key, id, given)
	if err == nil && d.serial == "" && stale != "" {
		a.out.Note("%s named %s, the MFA device of another user: set this user's with fob add %s --mfa-serial ARN", c.Profile, stale, cmdline.Quote(c.Profile))
		d.serial = "none" // or AWS would refuse every code
	}
	return d, err
}

// findDevice finds the user's device, unless it is given.
func (c *addCmd) findDevice(a *app, key creds.Key, id awsapi.Identity, given string) (device, error) {
	who := keyOwner(id)
	if given != "" || c.NoVerify {
		if who != "" {
			a.out.Say("%s", who)
		}
		if given != "" {
			return device{serial: given}, nil
		}
		return c.askDevice(a, id)
	}
	codes, keys, known := c.devices(a, key, id)
	if len(codes) == 1 {
		who += ", MFA device " + codes[0]
	}
	a.out.Say("%s", who)
	switch {
	case !known:
		return c.askDevice(a, id)
	case len(codes) > 1:
		serial, err := c.choose(a, codes)
		return device{serial: serial}, err
	case len(codes) == 1:
		return device{serial: codes[0]}, nil
	}
	return device{none: true, keys: keys}, nil
}

func (c *addCmd) askDevice(a *app, id awsapi.Identity) (device, error) {
	serial, guess, err := c.askSerial(a, id)
	return device{serial: serial, guess: guess}, err
}

// keyOwner says whose a key is.
func keyOwner(id awsapi.Identity) string {
	if a, ok := plan.ParseARN(id.ARN); ok && !a.IsRoot() {
		return "User " + a.Name() + " in account " + id.Account
	}
	return id.ARN
}

// userARN is the ARN of an identity; zero if nobody was asked.
func userARN(id awsapi.Identity) plan.ARN {
	a, _ := plan.ParseARN(id.ARN)
	return a
}

// givenSerial is the flag's or the profile's; "" if neither has one. stale is the
// profile's if it is another user's: of another account, or of the user whose key is
// being replaced.
func (c *addCmd) givenSerial(a *app, id awsapi.Identity) (given, stale string, err error) {
	if c.MFASerial != "" {
		if problem := plan.CheckSerial(c.MFASerial, userARN(id)); problem != "" && c.MFASerial != "none" {
			return "", "", usagef("--mfa-serial: %s", problem)
		}
		return c.MFASerial, "", nil
	}
	all, err := a.profiles()
	if err != nil {
		return "", "", nil // reported when the profile is written
	}
	section, _ := all.Config.Profile(c.Profile)
	v, _ := section.Get("mfa_serial")
	if v.Text == "" || v.Text == "none" || id.ARN == "" {
		return v.Text, "", nil
	}
	old, err := a.store().KeyInfo(c.Profile)
	if plan.CheckSerial(v.Text, userARN(id)) != "" || err == nil && old.ARN != "" && old.ARN != id.ARN {
		return "", v.Text, nil
	}
	return v.Text, "", nil
}

// devices asks AWS for the user's devices: those that make codes, and security
// keys. Many users may not ask, and IAM may be out of reach; add works without.
func (c *addCmd) devices(a *app, key creds.Key, id awsapi.Identity) (codes, keys []string, known bool) {
	if arn, _ := plan.ParseARN(id.ARN); arn.IsRoot() {
		return nil, nil, false // AWS names its device, and fob suggests that name
	}
	codes, keys, others, err := c.listDevices(a, key, id)
	if err != nil {
		a.out.Log("the MFA devices are not known: %v", err)
		return nil, nil, false
	}
	if len(others) > 0 {
		a.out.Note("AWS also lists %s, which cannot be an MFA device of this user", ui.List(others))
	}
	return codes, keys, true
}

func (c *addCmd) listDevices(a *app, key creds.Key, id awsapi.Identity) (codes, keys, others []string, err error) {
	all, err := a.profiles()
	if err != nil {
		return nil, nil, nil, err
	}
	u, err := a.iamUserOf(all, c.Profile, creds.Session{Key: key}, id)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, listTime)
	defer cancel()
	serials, err := u.Devices(ctx)
	codes, keys, others = u.Split(serials)
	return codes, keys, others, err
}

// listTime bounds a call whose answer the user can type instead.
const listTime = 15 * time.Second

// withoutDevice says what a user without one cannot do, and offers to create one.
func (c *addCmd) withoutDevice(a *app, all *profiles.Profiles, d device) error {
	for _, k := range d.keys {
		a.out.Note("%s is a FIDO key, which AWS takes in the browser only", path.Base(k))
	}
	a.out.Note("without MFA, sessions cannot call IAM or assume roles that require it")
	defer c.sayNext(a, all)
	enroll := "fob mfa enroll " + cmdline.Quote(c.Profile)
	if c.FromEnv || c.Stdin || a.NoInput {
		a.out.Say("%s creates one and stores its MFA secret.", enroll)
		return nil
	}
	err := a.person.Confirm(a.ctx, "", "Create a virtual MFA device now, and store its MFA secret?")
	if err == nil {
		return a.runLine("mfa", "enroll", c.Profile)
	}
	a.out.Say("To do it later: %s", enroll)
	if errors.Is(err, ui.ErrDeclined) {
		return nil
	}
	return err
}
