package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/internal/term"
)

// device is what is known of a new key's MFA device.
type device struct {
	serial string // to be written; "" for nothing
	// none: AWS says that the user has none that gives codes; keys are the security
	// keys that it has.
	none bool
	keys []string
}

// device is the flag's, the profile's, the one that AWS knows of, or what a person
// says. The line that says whose the key is says the device, too.
func (c *addCmd) device(a *app, key creds.Key, id awsapi.Identity) (device, error) {
	who := term.Clean(id.ARN)
	if i := strings.LastIndexByte(id.ARN, '/'); i >= 0 {
		who = "User " + term.Clean(id.ARN[i+1:]) + " in account " + term.Clean(id.Account)
	}
	given, err := c.givenSerial(a, id)
	if err != nil || given != "" || c.NoVerify {
		if who != "" {
			a.say("%s", who)
		}
		if err == nil && given == "" {
			given, err = c.askSerial(a, id)
		}
		return device{serial: given}, err
	}
	codes, keys, known := c.devices(a, key, id)
	if len(codes) == 1 {
		who += ", MFA device " + term.Clean(codes[0])
	}
	a.say("%s", who)
	switch {
	case !known:
		serial, err := c.askSerial(a, id)
		return device{serial: serial}, err
	case len(codes) > 1:
		serial, err := c.choose(a, codes)
		return device{serial: serial}, err
	case len(codes) == 1:
		return device{serial: codes[0]}, nil
	}
	return device{none: true, keys: keys}, nil
}

// givenSerial is the flag's or the profile's; "" if neither says anything.
func (c *addCmd) givenSerial(a *app, id awsapi.Identity) (string, error) {
	if c.MFASerial != "" {
		if problem := plan.CheckSerial(c.MFASerial, id.Account); problem != "" && c.MFASerial != "none" {
			return "", &usageError{Command: "add", Problem: "--mfa-serial: " + problem}
		}
		return c.MFASerial, nil
	}
	conf, err := a.config()
	if err != nil {
		return "", nil // said when the profile is written
	}
	section, _ := conf.Profile(c.Profile)
	v, _ := section.Get("mfa_serial")
	return v.Text, nil
}

// devices asks AWS for the user's devices: those that give codes, and security
// keys. Many may not ask; that, and an IAM out of reach, is no reason not to go on.
func (c *addCmd) devices(a *app, key creds.Key, id awsapi.Identity) (codes, keys []string, known bool) {
	if strings.HasSuffix(id.ARN, ":root") {
		return nil, nil, false // its device has a name of AWS's, which is suggested
	}
	u, err := a.iamUserOf(c.Profile, creds.Session{Key: key}, id)
	var all []string
	if err == nil {
		ctx, cancel := context.WithTimeout(a.ctx, listTime)
		defer cancel()
		all, err = u.Devices(ctx)
	}
	if err != nil {
		a.logf("the MFA devices are not known: %v", err)
		return nil, nil, false
	}
	codes, keys = iam.Split(all)
	return codes, keys, true
}

// listTime bounds what can as well be asked.
const listTime = 15 * time.Second

// choose lets a person choose among several; where nobody is, they are named.
func (c *addCmd) choose(a *app, serials []string) (string, error) {
	if c.FromEnv || c.Stdin {
		a.notef("the user has %d MFA devices, and none is taken: --mfa-serial %s", len(serials), strings.Join(serials, " | "))
		return "", nil
	}
	t, err := a.person("the MFA device")
	if err != nil {
		return "", err
	}
	i, err := t.Choose(a.ctx, "MFA device: ", append(slices.Clone(serials), "none"))
	if err != nil || i == len(serials) {
		return "", err
	}
	return serials[i], nil
}

// askSerial asks for the device, and suggests what its ARN usually is.
func (c *addCmd) askSerial(a *app, id awsapi.Identity) (string, error) {
	if c.FromEnv || c.Stdin {
		return "", nil // nobody may be there; fob_mfa_serial can be added later
	}
	t, err := a.person("the MFA device")
	if err != nil {
		return "", err
	}
	likely := likelySerial(id)
	prompt := "MFA device, its ARN or serial number (Enter: none): "
	if likely != "" {
		prompt = "MFA device (- for none) [" + term.Clean(likely) + "]: "
	}
	for {
		answer, err := t.Ask(a.ctx, prompt)
		if err != nil {
			return "", err
		}
		switch answer = strings.TrimSpace(answer); {
		case answer == "-" || answer == "none":
			return "", nil
		case answer == "":
			return likely, nil
		}
		if problem := plan.CheckSerial(answer, id.Account); problem != "" {
			_ = t.Print(a.ctx, term.Clean(problem)+"\n") // the question is printed again in any case
			continue
		}
		return answer, nil
	}
}

// likelySerial is what the console calls a user's first virtual device.
func likelySerial(id awsapi.Identity) string {
	if strings.HasSuffix(id.ARN, ":root") {
		return strings.TrimSuffix(id.ARN, "root") + "mfa/root-account-mfa-device"
	}
	likely := strings.Replace(id.ARN, ":user/", ":mfa/", 1)
	if i := strings.LastIndexByte(likely, '/'); i >= 0 {
		likely = likely[:strings.IndexByte(likely, '/')+1] + likely[i+1:] // devices have no path
	}
	return likely
}

// withoutDevice says what a user without one cannot do, and offers to make one.
func (c *addCmd) withoutDevice(a *app, d device) error {
	for _, k := range d.keys {
		a.notef("%s is a FIDO security key: AWS takes it in the browser, but not for session credentials", k)
	}
	a.notef("without an MFA device that gives codes, sessions may not call IAM, and roles that demand MFA are out of reach")
	defer a.sayNext(c.Profile)
	if c.FromEnv || c.Stdin || a.NoInput {
		a.say("fob mfa enroll %s makes one, and keeps it.", word(c.Profile))
		return nil
	}
	t, err := a.person("a yes")
	if err != nil {
		return err
	}
	yes, err := t.Confirm(a.ctx, "Make a virtual MFA device now, and keep it in the store?", false)
	if err != nil || !yes {
		a.say("fob mfa enroll %s does it later.", word(c.Profile))
		return err
	}
	return (&mfaEnrollCmd{Profile: c.Profile}).Run(a)
}
