package doctor

import (
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/rotate"
	"fob/internal/ui"
	"fob/keyring"
)

const (
	oldKey = rotate.OldAge
	// soaked is how long an old key is left inactive before somebody is reminded of it.
	soaked = 24 * time.Hour
)

// keyAges names keys that are old. AWS said when they were created, or else they are at
// least as old as their items.
func (e *exam) keyAges() {
	keys, _ := e.Store.Infos(keyring.KindKey) // the damaged ones have been named
	for _, k := range keys {
		created := k.Created
		if !k.KeyCreated.IsZero() {
			created = k.KeyCreated
		}
		age := e.Now().Sub(created)
		if age < oldKey || e.Profile != "" && !e.uses(k.Name) {
			continue
		}
		e.advise(ui.Type("fob", "rotate", k.Name).To("replaces it"), "the key of %s, %s, is %s", k.Name, profiles.ShortKey(k.KeyID), ui.Old(age))
		e.alike("old key", k.Name)
	}
}

// uses reports whether the profile that was named uses the key of another one.
func (e *exam) uses(owner string) bool {
	if e.Profile == owner {
		return true
	}
	all, err := e.Profiles()
	if err != nil {
		return false // it has been said what is wrong with the files
	}
	p, err := all.Plan(e.Profile, plan.Options{Shown: true})
	return err == nil && p.Source() == owner
}

// rotation says what has become of a rotation that is not over.
func (e *exam) rotation(profile string, r creds.Rotation) {
	since := e.Now().Sub(later(r.Began, r.Created, r.Switched, r.Deactivated))
	switch {
	case r.Step == rotate.Deactivated && since >= soaked:
		e.advise(ui.Type("fob", "rotate", profile).To("%s", deletes(e.Now().Sub(r.Created))), "the old key of %s, %s, has been inactive in AWS for %s", profile, profiles.ShortKey(r.Old.ID), ui.Age(since))
	case r.Step != rotate.Deactivated && !e.rotating():
		e.wrong(ui.Type("fob", "rotate", profile).To("finishes it"), "fob rotate did not finish for %s: %s may still be active in AWS%s", profile, r.Old.ID, andNew(r))
	}
}

// deletes says what fob rotate does when an old key has been left, and the new one is of
// this age.
func deletes(age time.Duration) string {
	if age >= oldKey {
		return "deletes it, and replaces the new key"
	}
	return "deletes it"
}

// rotating reports whether another fob is rotating a key right now.
func (e *exam) rotating() bool {
	lock, ok, err := e.Store.TryLock(rotate.Lock)
	if ok {
		_ = lock.Unlock() // closing the file releases it in any case
	}
	return err == nil && !ok
}

// andNew names the new key of a rotation, if it has one.
func andNew(r creds.Rotation) string {
	if r.New.ID == "" {
		return ", and there may be a new key"
	}
	return ", as is the new key " + r.New.ID
}

// later is the latest of some times.
func later(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
