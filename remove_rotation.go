package main

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/creds"
	"fob/internal/rotate"
	"fob/internal/ui"
	"fob/keyring"
)

// keyRotation is a rotation that has not finished, and goes with the key. The zero value
// stands for no rotation.
type keyRotation struct {
	creds.Rotation
	rev string
	// stored: there is one. damaged: it cannot be read, but perhaps for the ID of its new
	// key.
	stored, damaged bool
}

// rotationOf is the rotation of a profile's key. It opens the store: a key may be nowhere
// but in there, and must be named before it is gone.
func rotationOf(a *app, profile string) (keyRotation, error) {
	r, read, err := a.store().Rotation(a.ctx, profile)
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	switch {
	case notStored(err):
		return keyRotation{}, nil
	case damaged:
		info, _ := a.store().RotationInfo(profile) // its header may be as it was
		return keyRotation{Rotation: creds.Rotation{New: creds.Key{ID: info.KeyID}}, rev: info.Rev, stored: true, damaged: true}, nil
	}
	return keyRotation{r, read.Rev, true, false}, err
}

// shared fails if another profile has a key of the rotation: without that, nothing would
// finish what has begun with the key that stays.
func (r keyRotation) shared(a *app, profile string) error {
	if !r.stored || r.damaged {
		return nil
	}
	stored, err := a.store().Infos(keyring.KindKey)
	if err != nil && !rotate.OnlyDamaged(err) {
		return err
	}
	for _, info := range stored {
		if info.Name != profile && info.KeyID != "" && (info.KeyID == r.Old.ID || info.KeyID == r.New.ID) {
			return &usageError{
				Problem: fmt.Sprintf("fob rotate has not finished with the key of %s, and %s has %s too", profile, info.Name, info.KeyID),
				NoHelp:  true, Way: ui.Type("fob", "rotate", profile).To("finishes"),
			}
		}
	}
	return nil
}

// same fails if the rotation is not the one that was announced: then it may have another
// key, which is nowhere else.
func (r keyRotation) same(a *app, profile string) error {
	info, err := a.store().RotationInfo(profile)
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	switch {
	case err != nil && !damaged && !notStored(err):
		return err
	case notStored(err) == r.stored, info.Rev != r.rev:
		return &keyring.ChangedError{Kind: keyring.KindRotation, Name: profile}
	}
	return nil
}

// others are its keys, but for the profile's own.
func (r keyRotation) others(own string) string {
	var ids []string
	for _, id := range []string{r.Old.ID, r.New.ID} {
		if id != "" && id != own {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, " and ")
}

// announce says what goes with a rotation, before it goes.
func (r keyRotation) announce(a *app, own string) {
	if others := r.others(own); others != "" {
		a.out.Say("    %s, which fob rotate has not finished with", others)
	}
	if r.damaged {
		a.out.Say("    a rotation that cannot be read, and the keys in it")
	}
}

// remove removes a rotation whose key is gone, and says which keys it leaves in AWS.
func (r keyRotation) remove(a *app, profile, own string) error {
	if !r.stored {
		return nil
	}
	if err := a.store().RemoveRotation(profile, r.rev); err != nil && !notStored(err) {
		return err
	}
	if others := r.others(own); others != "" {
		a.out.Note("%s may also be active in AWS: fob rotate had not finished", others)
	}
	switch {
	case r.damaged:
		a.out.Note("a rotation of %s was not finished and cannot be read: check the user's keys in AWS", profile)
	case r.Step == rotate.Began:
		a.out.Note("AWS may have created another key for %s: fob rotate had not finished", r.User)
	}
	return nil
}
