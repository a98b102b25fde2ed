package main

import (
	"errors"
	"fmt"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

type addCmd struct {
	Profile    string `arg:"" help:"A name that you choose, such as dev; tools find the key by it."`
	FromEnv    bool   `aliases:"env" xor:"from" help:"Take the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."`
	Stdin      bool   `xor:"from" help:"Read the key from standard input: two lines, the console's CSV file, or JSON with AccessKeyId and SecretAccessKey."`
	Source     string `xor:"from" help:"Do not store a key: assume a role with the key of this profile." placeholder:"PROFILE"`
	Role       string `help:"The role's ARN, with --source." placeholder:"ARN"`
	SSOSession string `name:"sso-session" xor:"from" help:"Do not store a key: use this sign-in to Identity Center." placeholder:"NAME"`
	Account    string `help:"The account, with --sso-session." placeholder:"ID"`
	RoleName   string `name:"role-name" help:"The role in that account, with --sso-session." placeholder:"NAME"`
	Console    bool   `xor:"from" help:"Do not store a key: sign in to the AWS console in the browser, as aws login does."`
	Device     bool   `help:"With --console: sign in with the browser of any device, which shows a code to paste."`
	MFASerial  string `name:"mfa-serial" help:"The MFA device's ARN or serial number, or none." placeholder:"ARN"`
	Region     string `help:"The default region of the profile." placeholder:"REGION"`
	NoVerify   bool   `help:"Do not check the key with AWS."`
	NoConfig   bool   `help:"Do not change the AWS config."`
	Yes        bool   `short:"y" help:"Replace an existing key without asking."`
	Root       bool   `help:"Accept a root user's key. Prefer an IAM user: root cannot be limited."`
}

func (addCmd) Help() string {
	return `Asks for the access key ID and the secret, which it does not show and never takes from the
command line. Then fob checks the key with AWS, finds your MFA device, stores the key
encrypted and adds the profile to ~/.aws/config, so that the AWS CLI and SDKs get sessions
from fob. The first key creates the store: in the system's keyring, or with a passphrase
that you choose.

With --source and --role it stores no key: it adds a profile that assumes the role with
the key of another one. Nor with --sso-session: such a profile gets its credentials from
Identity Center. With --console you sign in to the AWS console, in the browser, with a
passkey if you have one; fob renews that for up to 12 hours, and keeps it encrypted.

    fob add dev
    fob add dev --from-env           the key that this shell has
    fob add dev --stdin < key.csv    the CSV file of the AWS console
    fob add prod --source dev --role arn:aws:iam::222222222222:role/deploy
    fob add ops --sso-session corp --account 111111111111 --role-name Admin
    fob add ops --console`
}

func (c *addCmd) Run(a *app) error {
	if _, err := awsconfig.Header("profile", c.Profile); err != nil {
		return usagef("%v", err)
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.SSOSession != "" {
		return c.addSSO(a)
	}
	if c.Console {
		return c.addConsole(a)
	}
	if c.Source != "" {
		return c.addRole(a)
	}
	return c.addKey(a)
}

func (c *addCmd) addKey(a *app) error {
	if !c.NoConfig {
		// Before the key is asked for: it would be stored, and no program could use it.
		if _, err := wire.Process(a.args[0], c.Profile); err != nil {
			return err
		}
	}
	old, err := c.confirmReplace(a)
	if err != nil {
		return err
	}
	key, id, err := c.verifiedKey(a)
	if err != nil {
		return err
	}
	if arn, _ := plan.ParseARN(id.ARN); arn.IsRoot() && !c.Root {
		return noHelpf("this is a root user's key, which nothing can limit: create a key for an IAM user and delete this one; --root stores it anyway")
	}
	device, err := c.device(a, key, id)
	if err != nil {
		return err
	}
	if c.NoVerify {
		c.sayGuess(a, key)
		if device.serial != c.MFASerial {
			c.doubt(a, key, device.serial)
		}
	}
	region, err := c.askRegion(a)
	if err != nil {
		return err
	}
	if err := c.store(a, key, keyring.Info{Account: id.Account, ARN: id.ARN, KeyCreated: c.created(a, key, id), Rev: old}); err != nil {
		return err
	}
	all, err := c.write(a, device.serial, region)
	if err != nil {
		return err
	}
	if device.guess {
		a.out.Note("fob_mfa_serial is a guess; correct it there if AWS refuses the codes")
	}
	c.warnPlain(a)
	if device.none {
		return c.withoutDevice(a, all, device)
	}
	return c.signIn(a, all, id, device.serial)
}

// store creates the store if there is none, and stores the key.
func (c *addCmd) store(a *app, k creds.Key, info keyring.Info) error {
	if err := a.makeStore(a.ctx); err != nil {
		return err
	}
	_, err := a.store().SetKey(a.ctx, c.Profile, k, info)
	if _, none := a.store().RotationInfo(c.Profile); err == nil && none == nil {
		a.out.Note("fob rotate had not finished with the key before: fob rotate %s --abort ends that", cmdline.Quote(c.Profile))
	}
	return err
}

// write adds the profile to the AWS config, says what is stored and where, and
// returns the profiles as they are then.
func (c *addCmd) write(a *app, serial, region string) (*profiles.Profiles, error) {
	stored := fmt.Sprintf("Stored, encrypted, in %s.", a.host.Tilde(a.host.StorePath()))
	added, err := c.writeLines(a, serial, region)
	if len(added) > 0 {
		a.showLines(stored+" Added to", c.Profile, added.Text())
	} else {
		a.out.Say("%s", stored)
	}
	if taken, ok := errors.AsType[*wire.TakenError](err); ok {
		a.out.Note("%s is not changed: %s has %s there (line %d)", a.host.Tilde(a.files.Config), c.Profile, taken.By.Key, taken.By.Line)
		a.out.Note("fob exec %s works; other programs follow that line", cmdline.Quote(c.Profile))
	} else if err != nil {
		return nil, a.showUnwritten(c.Profile, err)
	}
	return a.readProfiles()
}

func (c *addCmd) writeLines(a *app, serial, region string) (added wire.Lines, err error) {
	if c.NoConfig {
		return nil, nil
	}
	process, err := wire.Process(a.args[0], c.Profile)
	if err != nil {
		return nil, err
	}
	all, err := a.profiles()
	if err != nil {
		return nil, err
	}
	section, _ := all.Config.Profile(c.Profile)
	lines := append(regionLines(region), [2]string{"credential_process", process})
	if serial != "" {
		lines = append(lines, [2]string{"fob_mfa_serial", serial})
	}
	edit, _, err := a.files.Wire(c.Profile, func(text string, r wire.Record) (wire.Edit, error) {
		return wire.Add(text, c.Profile, a.args[0], lines, r)
	})
	if err != nil {
		return nil, err
	}
	for _, l := range edit.Set {
		if old, ok := section.Own(l[0]); ok {
			a.out.Note("%s: %s was %s", plan.At(old), l[0], old.Text)
		}
	}
	return edit.Set, nil
}
