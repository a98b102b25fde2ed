package main

import (
	"context"
	"errors"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// keyTries is how often a person may type a key that AWS refuses.
const keyTries = 3

// verifiedKey is the key, and whose it is. What a person mistyped they may type again.
func (c *addCmd) verifiedKey(a *app) (key creds.Key, id awsapi.Identity, err error) {
	for try := 1; ; try++ {
		if key, err = c.readKey(a, c.issuer(a), try); err != nil {
			return key, id, err
		}
		if creds.CheckKeyID(creds.AWS, key.ID) != nil {
			// Not the ID: it may be a secret in the wrong place.
			a.out.Warn("this access key ID is not in AWS's form; fob takes it because the profile's endpoint is not AWS's")
		}
		c.doubt(a, key, c.MFASerial)
		id, err = c.verify(a, key)
		refused, ok := errors.AsType[*awsapi.RefusedError](err)
		if !ok || c.FromEnv || c.Stdin || try == keyTries || refused.Skew != 0 || !refused.BadKey() {
			return key, id, err
		}
		a.out.Say("%s", refusal(key.ID, refused.Code))
		a.out.Say("Mistyped? Enter both again, or press Ctrl-C.")
	}
}

// created is when AWS created the key; zero if AWS does not tell. Many users may not ask
// IAM, and then fob counts the age of the key from today.
func (c *addCmd) created(a *app, key creds.Key, id awsapi.Identity) time.Time {
	if arn, _ := plan.ParseARN(id.ARN); arn.UserName() == "" || c.NoVerify {
		return time.Time{}
	}
	all, err := a.profiles()
	if err != nil {
		return time.Time{} // reported when the profile is written
	}
	u, err := a.iamUserOf(all, c.Profile, creds.Session{Key: key}, id)
	if err != nil {
		a.out.Log("the age of %s is not known: %v", key.ID, err)
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(a.ctx, ageTime)
	defer cancel()
	keys, err := u.AccessKeys(ctx)
	for _, k := range keys {
		if k.ID == key.ID {
			return k.Created
		}
	}
	a.out.Log("the age of %s is not known: %v", key.ID, err)
	return time.Time{}
}

// ageTime bounds a call that is only good to know.
const ageTime = 5 * time.Second

// doubt warns about an MFA device that is hardly the key's, before AWS is asked about it
// or where AWS is not asked.
func (c *addCmd) doubt(a *app, key creds.Key, serial string) {
	if c.issuer(a) != creds.AWS {
		return
	}
	if doubt := plan.DoubtSerial(serial, key.ID); doubt != "" {
		a.out.Warn("%s", doubt)
	}
}

// sayGuess says whose a key is that AWS is not asked about, if its ID tells.
func (c *addCmd) sayGuess(a *app, key creds.Key) {
	if guess := creds.GuessAccount(key.ID); guess != "" && c.issuer(a) == creds.AWS {
		a.out.Note("not checked with AWS; by its ID, the key is of account %s", guess)
	}
}

// refusal says what AWS has against a key, without the page of its own words.
func refusal(id, code string) string {
	if code == "SignatureDoesNotMatch" {
		return "AWS refused the secret of " + id + " (" + code + ")."
	}
	return "AWS does not know the access key " + id + " (" + code + ")."
}
