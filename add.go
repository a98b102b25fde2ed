package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/internal/wire"
	"fob/keyring"
)

type addCmd struct {
	Profile   string `arg:"" help:"The profile's name."`
	FromEnv   bool   `aliases:"env" xor:"from" help:"Take the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."`
	Stdin     bool   `xor:"from" help:"Read the key from standard input: JSON with AccessKeyId and SecretAccessKey, or two lines."`
	Source    string `xor:"from" help:"No key: a role on the key of this profile." placeholder:"PROFILE"`
	Role      string `help:"The role's ARN, with --source." placeholder:"ARN"`
	MFASerial string `name:"mfa-serial" help:"The MFA device's ARN or serial number; none for none." placeholder:"ARN"`
	Region    string `help:"The region of the new profile." placeholder:"REGION"`
	NoVerify  bool   `help:"Do not ask AWS whether the key works."`
	NoConfig  bool   `help:"Do not touch the AWS config."`
	Yes       bool   `short:"y" help:"Replace an existing key without asking."`
	Root      bool   `help:"Accept a root user's key. Prefer an IAM user: root cannot be limited."`
}

func (addCmd) Help() string {
	return `The secret is asked for without being shown; it is never taken from the command line.

    fob add dev
    fob add prod --source dev --role arn:aws:iam::222222222222:role/deploy`
}

func (c *addCmd) Run(a *app) error {
	if _, err := awsconfig.Header("profile", c.Profile); err != nil {
		return &usageError{Command: "add", Problem: err.Error()}
	}
	switch {
	case (c.Source == "") != (c.Role == ""):
		return &usageError{Command: "add", Problem: "--source and --role go together"}
	case c.Region != "" && !plan.IsRegion(c.Region):
		return &usageError{Problem: fmt.Sprintf("--region: %q is no region", c.Region)}
	case c.MFASerial != "" && c.MFASerial != "none":
		if problem := plan.CheckSerial(c.MFASerial, ""); problem != "" {
			return &usageError{Problem: "--mfa-serial: " + problem}
		}
	}
	if c.Source != "" {
		return c.addRole(a)
	}
	return c.addKey(a)
}

// addRole writes a profile that assumes a role on another profile's key.
func (c *addCmd) addRole(a *app) error {
	if c.NoConfig {
		return &usageError{Command: "add", Problem: "a role is nothing but a profile in the AWS config, and --no-config leaves that alone"}
	}
	conf, err := a.config()
	if err != nil {
		return err
	}
	if _, ok := conf.Profile(c.Profile); ok {
		return &usageError{Problem: fmt.Sprintf("profile %q exists already in %s", c.Profile, tilde(a.configPath()))}
	}
	if _, err := a.resolve(c.Source, plan.Options{}); err != nil {
		return err
	}
	var lines wire.Lines
	if region := c.region(a, conf); region != "" {
		lines = append(lines, [2]string{"region", region})
	}
	lines = append(lines, wire.Lines{{"credential_process", wire.Process(a.args[0], c.Profile)}, {"fob_source_profile", c.Source}, {"fob_role_arn", c.Role}}...)
	if c.MFASerial != "" {
		lines = append(lines, [2]string{"fob_mfa_serial", c.MFASerial})
	}
	_, err = a.editConfig(func(text string) (string, error) {
		text, _, err := wire.Add(text, c.Profile, a.args[0], lines)
		if err != nil {
			return "", err
		}
		// The plan is made before anything is written. What is wrong now is in the
		// new lines, which are nowhere yet.
		if a.aws, err = awsconfig.Parse(awsconfig.File{Path: tilde(a.configPath()), Text: text}, a.credentialsText()); err != nil {
			return "", err
		}
		_, err = a.resolve(c.Profile, plan.Options{})
		var wrong *plan.ConfigError
		if errors.As(err, &wrong) {
			err = &usageError{Problem: wrong.Problem}
		}
		return text, err
	})
	if err != nil {
		return err
	}
	a.showSection("Added", c.Profile, lines)
	a.say("Next:  aws --profile %s sts get-caller-identity", word(c.Profile))
	return nil
}

func (c *addCmd) addKey(a *app) error {
	if err := c.mayReplace(a); err != nil {
		return err
	}
	key, err := c.read(a)
	if err != nil {
		return err
	}
	id, err := c.verify(a, key)
	if err != nil {
		return err
	}
	if strings.HasSuffix(id.ARN, ":root") && !c.Root {
		return &usageError{Problem: "this is a root user's key, which nothing can limit: make an IAM user's, and delete this one; --root stores it all the same"}
	}
	device, err := c.device(a, key, id)
	if err != nil {
		return err
	}
	region, err := c.askRegion(a)
	if err != nil {
		return err
	}
	if err := c.store(a, key, id); err != nil {
		return err
	}
	added, err := c.write(a, device.serial, region)
	stored := fmt.Sprintf("Stored, encrypted, in %s.", tilde(a.storePath()))
	if err == nil && len(added) > 0 {
		a.showSection(stored+" Added", c.Profile, added)
	} else {
		a.say("%s", stored)
	}
	if err != nil {
		return err
	}
	a.warnShadow(c.Profile)
	if device.none {
		return c.withoutDevice(a, device)
	}
	return c.signIn(a, id, device.serial)
}

// mayReplace asks before a stored key is replaced.
func (c *addCmd) mayReplace(a *app) error {
	info, err := a.store().KeyInfo(c.Profile)
	var missing *keyring.NotFoundError
	var damaged *keyring.DamagedError
	switch {
	case errors.As(err, &missing):
		return nil
	case errors.As(err, &damaged):
		info.KeyID = "a damaged key" // which this mends
	case err != nil:
		return err
	}
	if c.Yes {
		return nil
	}
	t, err := a.person("a yes")
	if err != nil {
		return &usageError{Problem: fmt.Sprintf("%s of %q is stored already; --yes replaces it", info.KeyID, c.Profile)}
	}
	yes, err := t.Confirm(a.ctx, fmt.Sprintf("%s of %s is stored already. Replace it?", term.Clean(info.KeyID), term.Clean(c.Profile)), false)
	if err == nil && !yes {
		return errDeclined
	}
	return err
}

// read gets the key from where the flags say.
func (c *addCmd) read(a *app) (creds.Key, error) {
	switch {
	case c.FromEnv:
		if os.Getenv("AWS_SESSION_TOKEN") != "" {
			return creds.Key{}, &usageError{Problem: "the environment holds a session, which ends: fob stores long-lived keys"}
		}
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
			if os.Getenv(name) == "" {
				return creds.Key{}, &usageError{Problem: name + " is not set"}
			}
		}
		return creds.NewKey(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"))
	case c.Stdin:
		key, err := creds.ReadKey(os.Stdin)
		if err != nil {
			err = fmt.Errorf("standard input: %w", err)
		}
		return key, err
	}
	return askKey(a)
}

// askKey asks again for what cannot be an ID: most often it is the secret.
func askKey(a *app) (creds.Key, error) {
	t, err := a.person("the key")
	if err != nil {
		return creds.Key{}, err
	}
	for {
		id, err := t.Ask(a.ctx, "Access key ID: ")
		if err != nil {
			return creds.Key{}, err
		}
		switch problem := creds.CheckKeyID(id); {
		case errors.Is(problem, creds.ErrSessionKey):
			return creds.Key{}, problem
		case problem != nil:
			if err := t.Print(a.ctx, problem.Error()+"\n"); err != nil {
				return creds.Key{}, err
			}
			continue
		}
		secret, err := t.AskSecret(a.ctx, "Secret access key: ")
		if err != nil {
			return creds.Key{}, err
		}
		return creds.NewKey(id, secret.Reveal())
	}
}

// settleIn is how long a key that was just made may be unknown to AWS.
const settleIn = 6 * time.Second

// verify asks AWS whose the key is.
func (c *addCmd) verify(a *app, k creds.Key) (awsapi.Identity, error) {
	if c.NoVerify {
		return awsapi.Identity{}, nil
	}
	client, err := a.dial(c.Profile)
	if err != nil {
		return awsapi.Identity{}, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
	defer cancel()
	for began := time.Now(); ; {
		id, err := client.Identity(ctx, creds.Session{Key: k})
		var refused *awsapi.RefusedError
		if errors.As(err, &refused) && refused.Code == "InvalidClientTokenId" && time.Since(began) < settleIn {
			a.logf("AWS does not know %s (yet?); asking again", k.ID)
			time.Sleep(2 * time.Second)
			continue
		}
		if err != nil {
			return id, err
		}
		return id, nil
	}
}

// region is the flag's, else that of the profile that a role builds on, else
// the environment's, else [default]'s: a suggestion.
func (c *addCmd) region(a *app, conf *awsconfig.Config) string {
	of := func(profile string) string {
		p, _ := conf.Profile(profile)
		v, _ := p.Get("region")
		return v.Text
	}
	return cmp.Or(c.Region, of(c.Source), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), of("default"))
}

func (c *addCmd) askRegion(a *app) (string, error) {
	conf, err := a.config()
	if err != nil {
		return "", err
	}
	if p, ok := conf.Profile(c.Profile); ok {
		if _, ok := p.Get("region"); ok && c.Region == "" {
			return "", nil // it has one
		}
	}
	suggestion := c.region(a, conf)
	if c.Region != "" || c.NoConfig || c.FromEnv || c.Stdin {
		return suggestion, nil
	}
	t, err := a.person("the region")
	if err != nil {
		return "", err
	}
	prompt := "Region (Enter: none): "
	if suggestion != "" {
		prompt = "Region [" + term.Clean(suggestion) + "]: "
	}
	for {
		answer, err := t.Ask(a.ctx, prompt)
		if err != nil {
			return "", err
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			return suggestion, nil
		}
		if plan.IsRegion(answer) {
			return answer, nil
		}
		_ = t.Print(a.ctx, term.Clean(answer)+" is no region: eu-west-1, us-east-1, ...\n")
	}
}

// store makes the store if there is none, and puts the key in.
func (c *addCmd) store(a *app, k creds.Key, id awsapi.Identity) error {
	exists, err := a.store().Exists()
	if err != nil {
		return err
	}
	if !exists {
		made, err := a.store().Create(a.ctx)
		if err != nil {
			return err
		}
		for _, w := range made.Warnings {
			a.warnf("%s", w)
		}
		a.logf("the store in %s is opened by: %s", tilde(made.Dir), made.Slot)
	}
	_, err = a.store().SetKey(a.ctx, c.Profile, k, keyring.Info{Account: id.Account, ARN: id.ARN})
	return err
}

// write adds the profile to the AWS config, and returns what it added.
func (c *addCmd) write(a *app, serial, region string) (added wire.Lines, err error) {
	if c.NoConfig {
		return nil, nil
	}
	var lines wire.Lines
	if region != "" {
		lines = append(lines, [2]string{"region", region})
	}
	lines = append(lines, [2]string{"credential_process", wire.Process(a.args[0], c.Profile)})
	if serial != "" {
		lines = append(lines, [2]string{"fob_mfa_serial", serial})
	}
	_, err = a.editConfig(func(text string) (out string, err error) {
		out, added, err = wire.Add(text, c.Profile, a.args[0], lines)
		return out, err
	})
	var taken *wire.TakenError
	if errors.As(err, &taken) {
		a.notef("%s stays as it is, because it has %s (line %d); fob exec %s works, other programs follow that line",
			tilde(a.configPath()), taken.By.Key, taken.By.Line, word(c.Profile))
		return nil, nil
	}
	return added, err
}

func (a *app) showSection(what, profile string, lines wire.Lines) {
	header, _ := awsconfig.Header("profile", profile) // it has just been written
	a.say("%s to %s:\n    %s", what, tilde(a.configPath()), header)
	for _, l := range lines {
		a.say("    %s = %s", l[0], term.Clean(l[1]))
	}
}

// credentialsText is the credentials file for a plan that is made before the
// config is written.
func (a *app) credentialsText() awsconfig.File {
	f, err := awsconfig.Read(a.credentialsPath())
	if err != nil {
		return awsconfig.File{}
	}
	f.Path = tilde(f.Path)
	return f
}

// warnShadow: a plain-text key of the same name hides fob from every SDK.
func (a *app) warnShadow(profile string) {
	c, err := awsconfig.Parse(awsconfig.File{}, a.credentialsText())
	if err != nil {
		return
	}
	if p, ok := c.Profile(profile); ok {
		if v, ok := p.Plain("aws_access_key_id"); ok {
			a.warnf("%s:%d has a key of the same name in plain text, which every SDK takes before fob's: take it out there", v.File, v.Line)
		}
	}
}

// signIn offers a first session, and says what to do next.
func (c *addCmd) signIn(a *app, id awsapi.Identity, serial string) error {
	defer a.sayNext(c.Profile)
	if serial == "" || serial == "none" || c.NoVerify || c.FromEnv || c.Stdin || a.NoInput {
		return nil
	}
	p, err := a.resolve(c.Profile, plan.Options{})
	if err != nil || p.MFASerial() == "" {
		return err
	}
	a.codePrompters = []prompt.Prompter{{Name: "tty", Ready: func() error { return nil }, Ask: a.askOrLater}}
	s, err := a.credentials(a.ctx, p, credentialFlags{}, broker.RenewExec, func() string { return "fob add" })
	switch {
	case errors.Is(err, errLater):
		return nil
	case err != nil:
		// The key is stored and the profile written: what failed is only the sign-in.
		a.report(err)
		return nil
	}
	user := id.ARN[strings.LastIndexByte(id.ARN, '/')+1:]
	a.say("%s works: %s, %s, signed in until %s.", term.Clean(c.Profile), term.Clean(user), id.Account, clock(s.Expires, time.Now()))
	return nil
}

// askOrLater asks for a code that need not be given.
func (a *app) askOrLater(ctx context.Context, q prompt.Question) (creds.Secret, error) {
	t, err := a.person("an MFA code")
	if err != nil {
		return creds.Secret{}, err
	}
	if q.Problem != "" {
		if err := t.Print(ctx, q.Problem+"\n"); err != nil {
			return creds.Secret{}, err
		}
	}
	answer, err := t.Ask(ctx, "MFA code, to sign in now (Enter: later): ")
	if err == nil && strings.TrimSpace(answer) == "" {
		err = errLater
	}
	return creds.NewSecret(answer), err
}

func (a *app) sayNext(profile string) {
	lines := []string{
		"fob exec " + word(profile) + " -- terraform plan",
		"fob add prod --source " + word(profile) + " --role ARN     a role on top of this key",
	}
	if a.isWired(profile) {
		lines = append([]string{"aws --profile " + word(profile) + " sts get-caller-identity"}, lines...)
	}
	for i, line := range lines {
		a.say("%-6s %s", []string{"Next:", ""}[min(i, 1)], line)
	}
}

// isWired reports whether SDKs get the profile's credentials from fob.
func (a *app) isWired(profile string) bool {
	conf, err := a.config()
	if err != nil {
		return false
	}
	section, _ := conf.Profile(profile)
	return wire.Owned(section, a.args[0])
}

// errLater: Enter at the sign-in that fob add offers.
var errLater = errors.New("signing in later")
