package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

// confirmReplace asks before a stored key is replaced, and returns the revision of that
// one: no other key is meant.
func (c *addCmd) confirmReplace(a *app) (rev string, err error) {
	info, err := a.store().KeyInfo(c.Profile)
	if _, missing := errors.AsType[*keyring.NotFoundError](err); missing {
		return "", nil
	}
	key := "the key " + info.KeyID
	if _, damaged := errors.AsType[*keyring.DamagedError](err); damaged {
		key = "a key that is damaged" // the new one repairs it
	} else if err != nil {
		return "", err
	}
	if c.Yes {
		return info.Rev, nil
	}
	err = a.person.Confirm(a.ctx, "--yes", "%s already has %s. Replace it?", c.Profile, key)
	if _, nobody := errors.AsType[*ui.NobodyError](err); nobody {
		return "", noHelpf("%q already has %s; --yes replaces it", c.Profile, key)
	}
	return info.Rev, err
}

// readKey gets the key from where the flags say. by is who made it; try counts from 1.
func (c *addCmd) readKey(a *app, by creds.Issuer, try int) (creds.Key, error) {
	switch {
	case c.FromEnv:
		if plan.EnvironmentToken(a.getenv) != "" {
			return creds.Key{}, c.sessionError(a)
		}
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
			if a.getenv(name) == "" {
				return creds.Key{}, noHelpf("%s is not set", name)
			}
		}
		return creds.NewKey(by, a.getenv("AWS_ACCESS_KEY_ID"), a.getenv("AWS_SECRET_ACCESS_KEY"))
	case c.Stdin:
		key, err := creds.ReadKey(by, os.Stdin)
		if err != nil {
			err = fmt.Errorf("standard input: %w", err)
		}
		return key, err
	}
	if try == 1 {
		if key, ok, err := c.plainKey(a, by); ok || err != nil {
			return key, err
		}
	}
	return askKey(a, by)
}

// sessionError refuses a session in the environment. aws-vault puts one there, unless it
// is told not to.
func (c *addCmd) sessionError(a *app) error {
	e := &usageError{Problem: "the environment holds a session, which expires: fob stores long-lived keys", NoHelp: true}
	if vault := a.getenv("AWS_VAULT"); vault != "" && a.getenv("FOB_PROFILE") == "" {
		e.Way = ui.Type("aws-vault", "exec", "--no-session", vault, "--", "fob", "add", c.Profile, "--from-env").To("gives fob the key itself")
	}
	return e
}

// askKey asks again for what cannot be an ID, most often the secret, and for what
// cannot be a secret.
func askKey(a *app, by creds.Issuer) (creds.Key, error) {
	const what = "ask for the key"
	id, err := a.person.Ask(a.ctx, what, "Access key ID: ", func(id string) error {
		err := creds.CheckKeyID(by, id)
		if errors.Is(err, creds.ErrSessionKey) {
			return &ui.FatalError{Err: err}
		}
		return err
	})
	if nobody, ok := errors.AsType[*ui.NobodyError](err); ok {
		nobody.Flag = "--stdin or --from-env"
	}
	if err != nil {
		return creds.Key{}, err
	}
	secret, err := a.person.AskSecret(a.ctx, what, "Secret access key: ", creds.CheckSecret)
	if err != nil {
		return creds.Key{}, err
	}
	return creds.NewKey(by, id, secret.Reveal())
}

// issuer is who made the profile's key: not AWS, if the profile has an endpoint that
// is not AWS's.
func (c *addCmd) issuer(a *app) creds.Issuer {
	all, err := a.profiles()
	if err != nil {
		return creds.AWS // reported when it matters
	}
	if e, err := all.STS(c.Profile, c.Region); err == nil && !e.IsAWS() {
		return creds.Other
	}
	return creds.AWS
}

// newKeyDelay is how long AWS may not know a key that was just created.
const newKeyDelay = 6 * time.Second

// verify asks AWS whose the key is.
func (c *addCmd) verify(a *app, k creds.Key) (awsapi.Identity, error) {
	if c.NoVerify {
		return awsapi.Identity{}, nil
	}
	client, err := a.dial(c.Profile, c.Region)
	if err != nil {
		return awsapi.Identity{}, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
	defer cancel()
	defer a.out.Waiting("waiting for AWS ...")() // also between two calls
	for began := time.Now(); ; {
		id, err := client.Identity(ctx, creds.Session{Key: k})
		refused, ok := errors.AsType[*awsapi.RefusedError](err)
		if !ok || refused.Code != "InvalidClientTokenId" || time.Since(began) >= newKeyDelay {
			return id, err
		}
		a.out.Log("AWS does not know %s (yet?); asking again", k.ID)
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return id, context.Cause(ctx)
		}
	}
}
