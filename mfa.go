package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
)

type mfaCmd struct {
	Add    mfaAddCmd    `cmd:"" help:"Store the MFA secret of a profile's device."`
	Code   mfaCodeCmd   `cmd:"" help:"Print a code made from the stored MFA secret."`
	Remove mfaRemoveCmd `cmd:"" help:"Remove the stored MFA secret."`
	Enroll mfaEnrollCmd `cmd:"" help:"Create an MFA device in AWS and store its secret."`
}

func (mfaCmd) Help() string {
	return `fob can keep the secret of a virtual MFA device in the store and make its codes, for
machines where nobody can type one. Then the second factor is on this machine, next to the
key: anyone who can open the store has both.

    fob mfa enroll dev               a new device, made in AWS
    fob mfa add dev                  a device that you have the secret of
    fob mfa code dev`
}

type mfaAddCmd struct {
	Profile string `arg:"" help:"The profile."`
	Serial  string `help:"The device's ARN, if the profile does not name it." placeholder:"ARN"`
	Stdin   bool   `help:"Read the MFA secret from standard input."`
	Yes     bool   `short:"y" help:"Replace a stored MFA secret without asking."`
}

func (mfaAddCmd) Help() string {
	return `The MFA secret is what AWS shows next to the QR code of a new virtual device ("secret
key"), or the otpauth:// address in it. With the MFA secret on this machine, the second
factor is no longer separate: anyone who has this store and can open it has both. Use it
on machines where nobody can type a code.

    fob mfa add dev`
}

func (c *mfaAddCmd) Run(a *app) error {
	serial, err := a.mfaDevice(c.Profile, c.Serial, serialFlag)
	if err != nil {
		return err
	}
	if _, err := a.store().SeedInfo(serial); err == nil && !c.Yes {
		err := a.person.Confirm(a.ctx, "--yes", "The MFA secret for %s is already stored. Replace it?", plan.ShortSerial(serial))
		if _, nobody := errors.AsType[*ui.NobodyError](err); nobody {
			return noHelpf("the MFA secret for %s is already stored; --yes replaces it", plan.ShortSerial(serial))
		}
		if err != nil {
			return err
		}
	}
	text, err := c.read(a)
	if err != nil {
		return err
	}
	seed, err := mfa.ParseSeed(text.Reveal())
	if err != nil {
		return noHelpf("%v", err)
	}
	if exists, err := a.store().Exists(); err != nil {
		return err
	} else if !exists {
		return &keyring.MissingError{Dir: a.host.StorePath()}
	}
	if err := a.store().SetSeed(a.ctx, serial, seed); err != nil {
		return err
	}
	a.out.Say("Stored the MFA secret for %s: fob makes the codes from now on.", plan.ShortSerial(serial))
	if seed.Digits != mfa.CodeLength {
		a.out.Warn("its codes have %d digits, but AWS takes %d: only fob mfa code can use it", seed.Digits, mfa.CodeLength)
	}
	a.out.Note("the second factor is now on this machine, next to the key")
	return nil
}

func (c *mfaAddCmd) read(a *app) (creds.Secret, error) {
	if c.Stdin {
		text, err := host.ReadAll(os.Stdin)
		if errors.Is(err, host.ErrTooLong) {
			return creds.Secret{}, noHelpf("the MFA secret is %v", err)
		}
		if err != nil {
			return creds.Secret{}, fmt.Errorf("standard input: %w", err)
		}
		return creds.NewSecret(strings.TrimSpace(creds.Typed(text))), nil
	}
	return a.person.AskSecret(a.ctx, "ask for the MFA secret", "MFA secret (base32, or an otpauth:// address): ", func(text string) error {
		_, err := mfa.ParseSeed(text)
		return err
	})
}

type mfaCodeCmd struct {
	Profile string `arg:"" help:"The profile."`
	JSON    bool   `help:"Print JSON."`
}

func (mfaCodeCmd) Help() string {
	return `Prints the code for use elsewhere, such as the AWS console, and on a terminal how long it
lasts. The code counts as used: AWS takes each code once, so fob will not send it again.

    fob mfa code dev
    fob mfa code dev --json`
}

func (c *mfaCodeCmd) Run(a *app) error {
	serial, err := a.mfaDevice(c.Profile, "", "")
	if err != nil {
		return err
	}
	seed, err := a.store().Seed(a.ctx, serial)
	if err != nil {
		return &planError{Plan: plan.Plan{Profile: c.Profile}, Err: err}
	}
	skew := broker.Skew(serial, a.store())
	answer, err := a.seedBroker(seed).SeedCode(a.ctx, c.Profile, serial, skew)
	if err != nil {
		return err
	}
	left := int(mfa.StepEnd(seed, answer.Step).Sub(a.now().Add(-skew)).Round(time.Second).Seconds())
	if c.JSON {
		return a.out.JSON(struct {
			Code    string `json:"code"`
			Seconds int    `json:"seconds"`
			Serial  string `json:"mfa_serial"`
		}{answer.Code, left, serial})
	}
	a.out.Print("%s\n", answer.Code)
	if term.IsTerminal(os.Stderr) {
		a.out.Say("%d s left", left)
	}
	return nil
}
