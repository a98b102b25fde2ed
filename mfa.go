package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/wire"
	"fob/keyring"
)

type mfaCmd struct {
	Add    mfaAddCmd    `cmd:"" help:"Store the seed of a profile's MFA device."`
	Code   mfaCodeCmd   `cmd:"" help:"Print a code made from the stored seed."`
	Remove mfaRemoveCmd `cmd:"" help:"Forget the seed."`
	Enroll mfaEnrollCmd `cmd:"" help:"Make an MFA device at AWS, and keep its seed."`
}

type mfaAddCmd struct {
	Profile string `arg:"" help:"The profile."`
	Serial  string `help:"The device's ARN, if the profile does not name it." placeholder:"ARN"`
	Stdin   bool   `help:"Read the seed from standard input."`
	Yes     bool   `short:"y" help:"Replace a stored seed without asking."`
}

func (mfaAddCmd) Help() string {
	return `The seed is what AWS shows beside the QR code of a new virtual device ("secret key"),
or the otpauth:// address in it. With it on this machine the second factor is no longer
a second thing: whoever has this store and what opens it has both. It is for machines
where nobody can type a code.`
}

func (c *mfaAddCmd) Run(a *app) error {
	serial, err := a.device(c.Profile, c.Serial)
	if err != nil {
		return err
	}
	if _, err := a.store().SeedInfo(serial); err == nil && !c.Yes {
		t, err := a.person("a yes")
		if err != nil {
			return &usageError{Problem: fmt.Sprintf("a seed of %q is stored already; --yes replaces it", serial)}
		}
		yes, err := t.Confirm(a.ctx, "A seed of "+term.Clean(serial)+" is stored already. Replace it?", false)
		if err != nil {
			return err
		}
		if !yes {
			return errDeclined
		}
	}
	text, err := c.read(a)
	if err != nil {
		return err
	}
	seed, err := mfa.ParseSeed(text.Reveal())
	if err != nil {
		return &usageError{Command: "mfa add", Problem: err.Error()}
	}
	if exists, err := a.store().Exists(); err != nil {
		return err
	} else if !exists {
		return &keyring.MissingError{Dir: a.storePath()}
	}
	if err := a.store().SetSeed(a.ctx, serial, seed); err != nil {
		return err
	}
	a.say("Stored the seed of %s: codes for it need nobody from now on.", term.Clean(serial))
	if seed.Digits != mfa.CodeLength {
		a.warnf("its codes have %d digits, and AWS takes %d: fob mfa code shows them, but makes no session with them", seed.Digits, mfa.CodeLength)
	}
	a.notef("the second factor now lives on this machine, beside the key")
	return nil
}

func (c *mfaAddCmd) read(a *app) (creds.Secret, error) {
	if c.Stdin {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, 16<<10))
		return creds.NewSecret(strings.TrimSpace(string(text))), err
	}
	t, err := a.person("the seed")
	if err != nil {
		return creds.Secret{}, err
	}
	return t.AskSecret(a.ctx, "Seed (base32, or an otpauth:// address): ")
}

type mfaCodeCmd struct {
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"For programs."`
}

func (mfaCodeCmd) Help() string {
	return `The code counts as used: AWS takes each one once, so fob will not send it again.`
}

func (c *mfaCodeCmd) Run(a *app) error {
	serial, err := a.device(c.Profile, "")
	if err != nil {
		return err
	}
	seed, err := a.store().Seed(a.ctx, serial)
	if err != nil {
		return err
	}
	answer, err := a.seedBroker(seed, time.Now).SeedCode(a.ctx, c.Profile, serial)
	if err != nil {
		return err
	}
	left := int(time.Until(mfa.StepEnd(seed, answer.Step)).Round(time.Second).Seconds())
	if c.JSON {
		return a.printJSON(struct {
			Code    string `json:"code"`
			Seconds int    `json:"seconds"`
			Serial  string `json:"mfa_serial"`
		}{answer.Code, left, serial})
	}
	fmt.Fprintln(a.stdout, answer.Code)
	if term.IsTerminal(os.Stderr) {
		a.say("%d s left", left)
	}
	return nil
}

// seedBroker makes codes of a seed, and takes none from elsewhere.
func (a *app) seedBroker(seed creds.Seed, now func() time.Time) *broker.Broker {
	b := a.broker(plan.Plan{Steps: []plan.Step{plan.StoredKey{}}}, credentialFlags{}, broker.Renewal{}, nil)
	stored := func(context.Context, string) (creds.Seed, bool, error) { return seed, true, nil }
	b.Codes = &mfa.Ladder{Seed: stored, Wait: a.wait, Now: now}
	return b
}

type mfaRemoveCmd struct {
	Profile string `arg:"" help:"The profile."`
	Serial  string `help:"The device's ARN, if the profile does not name it." placeholder:"ARN"`
	Device  bool   `help:"Remove the device at AWS, too, and its line in the AWS config."`
	Yes     bool   `short:"y" help:"Remove the device without asking."`
}

func (c *mfaRemoveCmd) Run(a *app) error {
	serial, err := a.device(c.Profile, c.Serial)
	if err != nil {
		return err
	}
	if c.Device {
		return c.removeDevice(a, serial)
	}
	if err := a.store().RemoveSeed(serial); err != nil {
		return err
	}
	a.say("Forgot the seed of %s. The device at AWS is as it was.", term.Clean(serial))
	return nil
}

// removeDevice takes the device from AWS, then what points to it, and the seed
// last: until then it can be tried again.
func (c *mfaRemoveCmd) removeDevice(a *app, serial string) error {
	source, key, err := a.ownKey(c.Profile)
	if err != nil {
		return err
	}
	u, err := a.iamUser(source, key)
	if err != nil {
		return err
	}
	if err := c.confirm(a, u, serial); err != nil {
		return err
	}
	var found bool
	err = a.withIAM(source, &u.Client, func() (err error) { found, err = u.Remove(a.ctx, serial); return err })
	if err != nil {
		return err
	}
	if found {
		a.say("Removed %s from %s.", term.Clean(serial), term.Clean(u.title()))
	} else {
		a.say("%s has no %s any more.", term.Clean(u.title()), term.Clean(serial))
	}
	if err := a.dropSerial(source, serial); err != nil {
		return err
	}
	var none *keyring.NotFoundError
	if err := a.store().RemoveSeed(serial); err == nil {
		a.say("Forgot its seed.")
	} else if !errors.As(err, &none) {
		return err
	}
	a.notef("sessions made with it stay valid until their end; fob clear %s forgets fob's", word(source))
	return nil
}

func (c *mfaRemoveCmd) confirm(a *app, u iamUser, serial string) error {
	if c.Yes {
		return nil
	}
	return a.confirm(fmt.Sprintf("Remove %s from %s? A phone that holds it is of no use then.", term.Clean(serial), term.Clean(u.title())))
}

// dropSerial takes the line that names the device out of a profile's section, and
// names the lines that others have.
func (a *app) dropSerial(profile, serial string) error {
	changed, err := a.editConfig(func(text string) (string, error) { return wire.DropSerial(text, profile, serial) })
	if err != nil {
		return err
	}
	if changed {
		a.say("Took its line out of %s.", tilde(a.configPath()))
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	for _, name := range conf.Names() {
		section, _ := conf.Profile(name)
		if v, ok := section.Get("mfa_serial"); ok && v.Text == serial {
			a.notef("%s still names it, for profile %s", plan.At(v), name)
		}
	}
	return nil
}

// device is the MFA device of a profile, or the one given.
func (a *app) device(profile, serial string) (string, error) {
	if serial != "" {
		if problem := plan.CheckSerial(serial, ""); problem != "" {
			return "", &usageError{Command: "mfa", Problem: problem}
		}
		return serial, nil
	}
	p, err := a.resolve(profile, plan.Options{})
	if err != nil {
		return "", err
	}
	if serial = p.MFASerial(); serial == "" {
		return "", &usageError{Command: "mfa", Problem: fmt.Sprintf("profile %q names no MFA device: --serial ARN, or fob_mfa_serial in its section", profile)}
	}
	return serial, nil
}
