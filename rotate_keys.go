package main

import (
	"errors"
	"fmt"
	"slices"

	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/keyring"
)

// rotating is a key to rotate.
type rotating struct {
	// profile is the one that has it, or by which its rotation is named.
	profile string
	// sharers are other profiles that have the same key ID.
	sharers []string
	keyID   string // "" if it is not stored, or damaged
}

// besides is the same key, by another profile that has it, if an error says that this
// profile's item is damaged.
func (k rotating) besides(err error) []rotating {
	damaged, ok := errors.AsType[*keyring.DamagedError](err)
	if !ok || len(k.sharers) == 0 {
		return nil
	}
	if kind, _, _ := damaged.Item(); kind != keyring.KindKey {
		return nil
	}
	return []rotating{{profile: k.sharers[0], sharers: k.sharers[1:], keyID: k.keyID}}
}

// unread are the errors of profiles that had the same key ID and cannot be read: they have
// not got the new key. Which key such a profile really has, its header does not prove.
func (k rotating) unread(a *app) (errs []error) {
	for _, profile := range k.sharers {
		_, _, err := a.store().Key(a.ctx, profile)
		if _, damaged := errors.AsType[*keyring.DamagedError](err); damaged {
			errs = append(errs, fmt.Errorf("%s: %w", profile, err))
		}
	}
	return errs
}

// keys are the keys that the command line means.
func (c *rotateCmd) keys(a *app) ([]rotating, error) {
	stored, err := a.store().Infos(keyring.KindKey)
	if err != nil && (len(stored) == 0 || !rotate.OnlyDamaged(err)) {
		return nil, err // a key that cannot be read now may be the one that is replaced
	}
	if err != nil {
		a.out.Warn("%s", a.out.Sentence(err))
	}
	under, err := c.underWay(a, stored)
	if err != nil {
		return nil, err
	}
	if !c.All {
		owner, err := c.owner(a, under)
		if err != nil {
			return nil, err
		}
		return []rotating{keyOf(stored, owner)}, nil
	}
	var keys []rotating
	done := map[string]bool{}
	add := func(profile string) {
		if owner, busy := under[profile]; busy {
			profile = owner
		}
		if done[profile] {
			return
		}
		k := keyOf(stored, profile)
		keys = append(keys, k)
		for _, name := range append(k.sharers, profile) {
			done[name] = true
		}
	}
	for _, info := range stored {
		add(info.Name)
	}
	if len(keys) == 0 {
		return nil, noHelpf("the store has no keys")
	}
	return keys, nil
}

// keyOf is the key of a profile, and who else has it.
func keyOf(stored []keyring.Info, profile string) rotating {
	k := rotating{profile: profile}
	for _, info := range stored {
		if info.Name == profile {
			k.keyID = info.KeyID
		}
	}
	for _, info := range stored {
		if info.Name != profile && k.keyID != "" && info.KeyID == k.keyID {
			k.sharers = append(k.sharers, info.Name)
		}
	}
	return k
}

// underWay are the profiles whose key is being rotated, and by which profile that rotation
// is named. A profile that has got one of the two keys since then is one of them. A damaged
// rotation is an error of its own profile's, and must not keep the others from theirs.
func (c *rotateCmd) underWay(a *app, stored []keyring.Info) (map[string]string, error) {
	infos, err := a.store().Infos(keyring.KindRotation)
	if err != nil && !rotate.OnlyDamaged(err) {
		return nil, err
	}
	if err != nil {
		a.out.Warn("%s", a.out.Sentence(err))
	}
	under := map[string]string{}
	for _, info := range infos {
		r, _, err := a.store().Rotation(a.ctx, info.Name)
		switch {
		case notStored(err):
			continue // another fob has just finished it
		case err != nil && !rotate.OnlyDamaged(err):
			return nil, err
		case err != nil && !c.means(stored, info.Name):
			a.out.Warn("%s", a.out.Sentence(err))
		}
		under[info.Name] = info.Name
		for _, key := range stored {
			if key.KeyID != "" && (key.KeyID == r.Old.ID || key.KeyID == r.New.ID) {
				r.Profiles = append(r.Profiles, key.Name)
			}
		}
		for _, profile := range r.Profiles {
			if _, own := under[profile]; !own {
				under[profile] = info.Name
			}
		}
	}
	return under, nil
}

// means reports whether the command line means a profile, so that what is wrong with its
// rotation is said in any case.
func (c *rotateCmd) means(stored []keyring.Info, profile string) bool {
	return c.Profile == profile || c.All && slices.ContainsFunc(stored, func(k keyring.Info) bool { return k.Name == profile })
}

// owner is the profile by which the rotation is named, or would be: that whose key the
// given profile uses.
func (c *rotateCmd) owner(a *app, under map[string]string) (string, error) {
	if name, busy := under[c.Profile]; busy {
		return name, nil
	}
	if _, err := a.store().KeyInfo(c.Profile); err == nil {
		return c.Profile, nil
	}
	owner, _, err := a.ownKey(c.Profile)
	if err != nil {
		return "", err
	}
	if owner != c.Profile {
		a.out.Note("%s uses the key of %s", c.Profile, owner)
	}
	if name, busy := under[owner]; busy {
		owner = name
	}
	return owner, nil
}

// inPlainText are the places in the AWS files that have a key in plain text.
func inPlainText(a *app, keyID string) (places []string) {
	all, err := a.profiles()
	if err != nil {
		return nil // reported when it matters
	}
	for _, name := range all.Config.Names() {
		section, _ := all.Config.Profile(name)
		if id, ok := section.Own("aws_access_key_id"); ok && id.Text == keyID && !slices.Contains(places, plan.At(id)) {
			places = append(places, plan.At(id))
		}
	}
	return places
}
