package main

import (
	"errors"
	"strings"

	"fob/internal/creds"
	"fob/keyring"
)

// keyRotation is a rotation that has not finished, and goes with the key. The zero value
// stands for no rotation.
type keyRotation struct {
	creds.Rotation
	stored bool
}

// rotationOf is the rotation of a profile's key. It opens the store: a key may be nowhere
// but in there, and must be named before it is gone.
func rotationOf(a *app, profile string) (keyRotation, error) {
	r, _, err := a.store().Rotation(a.ctx, profile)
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	switch {
	case notStored(err):
		return keyRotation{}, nil
	case damaged:
		return keyRotation{stored: true}, nil
	}
	return keyRotation{r, true}, err
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

// remove removes a rotation whose key is gone, and says which keys it leaves in AWS.
func (r keyRotation) remove(a *app, profile, own string) error {
	if !r.stored {
		return nil
	}
	if err := a.store().RemoveRotation(profile); err != nil && !notStored(err) {
		return err
	}
	if others := r.others(own); others != "" {
		a.out.Note("%s may also be active in AWS: fob rotate had not finished", others)
	}
	return nil
}
