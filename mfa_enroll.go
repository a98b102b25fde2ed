package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/wire"
)

type mfaEnrollCmd struct {
	Profile string `arg:"" help:"The profile."`
	Name    string `help:"The device's name; else the user's, or USER-fob if that is taken." placeholder:"NAME"`
	PNG     string `name:"png" help:"Write the QR code to a new file, too: it is the seed, as a picture." placeholder:"FILE"`
}

func (mfaEnrollCmd) Help() string {
	return `It makes a virtual MFA device for the profile's user at AWS, keeps its seed in the store,
shows it as a QR code so that a phone can give the same codes, enables it with two codes,
writes its ARN into the AWS config and signs in. What fails half-way is undone.

With the seed on this machine the second factor is no longer a second thing: whoever has
this store and what opens it has both.

    fob mfa enroll dev`
}

func (c *mfaEnrollCmd) Run(a *app) error {
	if c.Name != "" && plan.CheckSerial("arn:aws:iam::000000000000:mfa/"+c.Name, "") != "" {
		return &usageError{Command: "mfa", Problem: fmt.Sprintf("--name: %q is no name for a device: letters, digits and _+=,.@-", c.Name)}
	}
	source, key, err := a.ownKey(c.Profile)
	if err != nil {
		return err
	}
	u, err := a.iamUser(source, key)
	if err != nil {
		return err
	}
	var picture *os.File
	if c.PNG != "" {
		// Before anything is made, because it may be there already.
		if picture, err = os.OpenFile(c.PNG, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	a.say("An MFA device for %s: enabling it takes two codes and signing in a third, so up to 90 s.", term.Clean(u.title()))
	e := iam.Enrolment{
		Client: u.Client,
		Name:   c.Name,
		Keep:   a.store().SetSeed,
		Forget: a.store().RemoveSeed,
		Show:   func(ctx context.Context, d iam.Device) error { return u.show(ctx, a, d, picture) },
		Codes:  func(ctx context.Context, serial string) (string, string, error) { return u.codes(ctx, a, serial) },
		Log:    a.logf,
	}
	var serial string
	err = a.withIAM(source, &e.Client, func() (err error) { serial, err = e.Run(a.ctx); return err })
	if err != nil {
		if picture != nil {
			_ = os.Remove(c.PNG) // of a seed that is of no use any more
		}
		if serial != "" {
			a.say("Removed %s again: nothing is left of it.", term.Clean(serial))
		}
		return &planError{Plan: plan.Plan{Profile: source}, Err: err}
	}
	a.say("Enabled %s; its seed is in the store.", term.Clean(serial))
	next := "fob_mfa_serial = " + term.Clean(serial) + " in the profile names it"
	if err = a.writeSerial(source, serial); err == nil {
		a.notef("the second factor now lives on this machine, beside the key")
		next = "fob login " + word(source) + " signs in"
		err = a.firstSession(source, serial)
	}
	if err != nil {
		a.say("The device stays: %s, fob mfa remove %s --device --serial %s takes it away again.", next, word(source), term.Clean(serial))
	}
	return err
}

// iamUser is the user of a key, as IAM is called for it.
type iamUser struct {
	iam.Client
	awsapi.Identity
	profile string
	// skew is how far this computer's clock is ahead of AWS's.
	skew time.Duration
}

// ownKey is the stored key that a profile builds on, and whose profile it is.
func (a *app) ownKey(profile string) (source string, key creds.Session, err error) {
	// Without sessions, so that the MFA device of the profile does not matter:
	// enrolment is what helps against one that AWS takes no code from.
	p, err := a.resolve(profile, plan.Options{NoSession: true})
	var role *plan.UsageError
	if errors.As(err, &role) {
		p, err = a.resolve(profile, plan.Options{})
	}
	if err != nil {
		return "", key, err
	}
	if _, ok := p.Steps[0].(plan.StoredKey); !ok {
		return "", key, &usageError{Command: a.name, Problem: fmt.Sprintf("profile %q does not build on a stored key", profile)}
	}
	key, _, err = a.source(a.ctx, p.Steps[0], false)
	return p.Source(), key, err
}

// iamUser asks AWS whose the key is, and what time it is there.
func (a *app) iamUser(profile string, key creds.Session) (iamUser, error) {
	sts, err := a.dial(profile)
	if err != nil {
		return iamUser{}, err
	}
	id, err := sts.Identity(a.ctx, key)
	if err != nil {
		return iamUser{}, err
	}
	u, err := a.iamUserOf(profile, key, id)
	u.skew = sts.RawSkew()
	return u, err
}

func (a *app) iamUserOf(profile string, key creds.Session, id awsapi.Identity) (iamUser, error) {
	before, path, ok := strings.Cut(id.ARN, ":user/")
	if !ok {
		return iamUser{}, &usageError{Problem: term.Clean(id.ARN) + " is no IAM user: its MFA devices are managed in the console"}
	}
	facts, err := a.facts()
	if err != nil {
		return iamUser{}, err
	}
	e, err := plan.IAMEndpointOf(facts, profile, id.ARN)
	if err != nil {
		return iamUser{}, err
	}
	client, err := a.newClient(e)
	if err != nil {
		return iamUser{}, err
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	return iamUser{
		Client:   iam.Client{AWS: client, With: key, User: name, Prefix: before + ":mfa/", Period: a.devicePeriod},
		Identity: id, profile: profile,
	}, nil
}

func (u iamUser) title() string { return u.User + " in account " + u.Account }

// withIAM calls IAM with the key itself, because AWS takes no session without MFA
// there; and once more with an MFA session, where a policy demands that.
func (a *app) withIAM(profile string, c *iam.Client, call func() error) error {
	err := call()
	if !iam.Refused(err, iam.Denied) {
		return err
	}
	p, problem := a.resolve(profile, plan.Options{})
	if problem != nil || len(p.Steps) < 2 {
		return err
	}
	if session, ok := p.Steps[1].(plan.SessionToken); !ok || session.MFASerial == "" {
		return err
	}
	a.notef("AWS refuses it to the key alone; once more with a session of %s", p.MFASerial())
	p.Steps = p.Steps[:2] // the user's own session, and no role's
	if c.With, problem = a.credentials(a.ctx, p, credentialFlags{}, broker.RenewExec, func() string { return "fob mfa" }); problem != nil {
		return problem
	}
	return call()
}

// show offers the seed to a phone. Where nobody looks, the store's copy is the only one.
func (u iamUser) show(ctx context.Context, a *app, d iam.Device, picture *os.File) error {
	code, err := mfa.NewQR(d.Seed, "AWS", u.User+"@"+u.Account)
	if err != nil {
		return err
	}
	if picture != nil {
		_, err := picture.Write(code.PNG())
		if err = errors.Join(err, picture.Close()); err != nil {
			return err
		}
		a.say("Wrote the QR code to %s: whoever sees it has the seed.", tilde(picture.Name()))
	}
	t, err := a.person("")
	if err != nil || os.Getenv("TERM") == "dumb" {
		a.logf("the QR code is not shown: %v", err)
		return nil
	}
	err = t.Page(ctx, code.Text(), "Scan it, if a phone is to give these codes too. Enter: go on ")
	if errors.Is(err, term.ErrBackground) {
		return nil
	}
	return err
}

// codes makes two codes in a row, by AWS's clock.
func (u iamUser) codes(ctx context.Context, a *app, serial string) (first, second string, err error) {
	seed, err := a.store().Seed(ctx, serial)
	if err != nil {
		return "", "", err
	}
	b := a.seedBroker(seed, func() time.Time { return time.Now().Add(-u.skew) })
	for {
		one, err := b.SeedCode(ctx, u.profile, serial)
		if err != nil {
			return "", "", err
		}
		two, err := b.SeedCode(ctx, u.profile, serial)
		if err != nil {
			return "", "", err
		}
		if two.Step == one.Step+1 { // this computer may have slept
			return one.Code, two.Code, nil
		}
	}
}

// writeSerial names the device in the profile's section. Another one that was
// named there is said, because nothing else remembers it.
func (a *app) writeSerial(profile, serial string) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	section, _ := conf.Profile(profile)
	before, named := section.Get("mfa_serial")
	if _, err := a.editConfig(func(text string) (string, error) { return wire.SetSerial(text, profile, serial) }); err != nil {
		return err
	}
	a.showSection("Added", profile, wire.Lines{{"fob_mfa_serial", serial}})
	if named {
		a.notef("%s named %s before", plan.At(before), before.Text)
	}
	return nil
}

// newDevice is how long AWS may take to tell all of its parts about a device.
const newDevice = 3 // codes

// firstSession proves that the device works.
func (a *app) firstSession(profile, serial string) error {
	p, err := a.resolve(profile, plan.Options{})
	if err != nil {
		return err
	}
	if p.MFASerial() != serial {
		a.notef("%s does not use it: fob explain %s says why", profile, word(profile))
		return nil
	}
	for try := 1; ; try++ {
		s, err := a.credentials(a.ctx, p, credentialFlags{}, broker.RenewExec, func() string { return "fob mfa enroll" })
		var refused *awsapi.RefusedError
		if errors.As(err, &refused) && refused.UnknownDevice() && try < newDevice {
			a.logf("%v; once more, with the next code", err)
			continue
		}
		if err != nil {
			return err
		}
		a.say("%s works: signed in until %s.", term.Clean(profile), clock(s.Expires, time.Now()))
		return nil
	}
}
