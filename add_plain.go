package main

import (
	"errors"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
)

// plainKey offers the long-lived key that the profile has in plain text already, so that
// nobody has to copy it out of the file. ok is false if there is none, or another is wanted.
func (c *addCmd) plainKey(a *app, by creds.Issuer) (key creds.Key, ok bool, err error) {
	all, err := a.profiles()
	if err != nil {
		return creds.Key{}, false, nil // reported when it matters
	}
	section, _ := all.Config.Profile(c.Profile)
	static, err := plan.Static(section)
	if err != nil || static.ID.Text == "" || static.Token.Text != "" {
		return creds.Key{}, false, nil
	}
	key, err = creds.NewKey(by, static.ID.Text, static.Secret.Text)
	if err != nil {
		return creds.Key{}, false, nil // it would be refused, so the right one is asked for
	}
	if _, err := a.person.Terminal("ask for the key"); err == nil { // else the question says why not
		a.out.Say("%s has the key %s in plain text.", plan.At(static.ID), key.ID)
	}
	err = a.person.Confirm(a.ctx, "--stdin or --from-env", "Store that one?")
	if errors.Is(err, ui.ErrDeclined) {
		return creds.Key{}, false, nil
	}
	return key, err == nil, err
}

// warnPlain says that a plain-text key of the profile's name hides fob.
func (c *addCmd) warnPlain(a *app) {
	if shadow, ok := a.files.Shadow(c.Profile); ok {
		a.out.Warn("SDKs use the key at %s: fob import removes it", plan.At(shadow))
		return
	}
	config, err := a.files.Parse()
	if err != nil {
		return // reported when it matters
	}
	section, _ := config.Profile(c.Profile)
	if hidden, ok := section.Hidden(); ok {
		a.out.Warn("the Go and JavaScript SDKs use the key at %s: start its lines in the first column, and fob import removes it", plan.At(hidden))
	}
}
