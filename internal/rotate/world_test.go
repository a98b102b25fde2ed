package rotate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/keyring"
)

const arn = "arn:aws:iam::111111111111:user/jo"

// awsKey is a key in AWS.
type awsKey struct {
	secret  string
	active  bool
	created time.Time
	use     creds.KeyUse
	// unknown is how many calls AWS still refuses because it has not heard of the key.
	unknown int
	// hidden is how many lists still leave the key out.
	hidden int
}

// world is AWS and a store, in memory. Each call of either is an operation, which can
// fail before or after it is carried out, or end the process there.
type world struct {
	now      time.Time
	keys     map[string]*awsKey
	made     int
	delay    int             // of new keys
	hide     int             // lists that leave out a new key
	lag      bool            // AWS does not say when keys are used
	needMFA  []string        // actions that need SignIn
	deny     []string        // actions that are denied
	sessions map[string]bool // keys that have been signed in with
	noDevice bool
	nobody   error // to sign in once more
	machine  string
	asked    []string // about lost keys
	agrees   bool     // that they are deleted

	stored  map[string]creds.Key // by profile
	created map[string]time.Time // of those keys, as the store has it
	account string               // of those keys, as the store has it
	journal *creds.Rotation
	info    keyring.Info
	revs    int
	retired map[string]string // why, by key ID

	conflicts []keyring.Conflict
	wrote     []string // profiles whose keys were stored
	unread    error    // of an item whose header cannot be read
	notInIAM  int      // calls of AccessKeyUse that do not know the new key

	ops     int
	trouble map[int]string // by number of operation
	names   []string       // of the operations
	waited  time.Duration
	// watch is called after each operation.
	watch func(op string)
}

// What can happen to an operation.
const (
	killBefore = "kill before"
	killAfter  = "kill after"
	fails      = "fails"  // it is not carried out
	lostAnswer = "lost"   // it is carried out, and the answer is lost
	refuses    = "denied" // AWS only
)

// killed is what the process panics with where it is killed.
type killed struct{ op string }

func newWorld() *world {
	w := &world{
		machine: "here", now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), keys: map[string]*awsKey{}, sessions: map[string]bool{},
		stored: map[string]creds.Key{}, created: map[string]time.Time{}, retired: map[string]string{}, trouble: map[int]string{},
	}
	w.keys["AKIAOLD"] = &awsKey{secret: "old", active: true, created: w.now.AddDate(0, 0, -132)}
	w.stored["dev"] = creds.Key{ID: "AKIAOLD", Secret: creds.NewSecret("old")}
	w.stored["copy"], w.stored["other"] = w.stored["dev"], creds.Key{ID: "AKIAOTHER", Secret: creds.NewSecret("other")}
	return w
}

// clone is a copy of the store with the same AWS.
func (w *world) clone() *world {
	c := *w
	c.stored, c.created, c.retired = maps.Clone(w.stored), maps.Clone(w.created), maps.Clone(w.retired)
	c.trouble, c.names, c.ops, c.watch = map[int]string{}, nil, 0, nil
	c.sessions = map[string]bool{}
	return &c
}

// do is one operation.
func (w *world) do(name string, atAWS bool, f func() error) error {
	w.ops++
	w.names = append(w.names, name)
	if w.ops > 200 {
		panic(fmt.Sprintf("no end: %q", w.names[w.ops-40:]))
	}
	if w.watch != nil {
		defer w.watch(name)
	}
	unreachable := func(sent bool) error {
		if atAWS {
			return &awsapi.UnreachableError{Host: "iam.amazonaws.com", Problem: "no answer in time", Sent: sent}
		}
		return errors.New("no space left on device")
	}
	switch w.trouble[w.ops] {
	case killBefore:
		panic(killed{name})
	case killAfter:
		_ = f() // and nobody hears of it
		panic(killed{name})
	case fails:
		return unreachable(false)
	case lostAnswer:
		_ = f() // and nobody hears of it
		return unreachable(true)
	case refuses:
		if atAWS {
			return &awsapi.RefusedError{Action: name, Code: iam.Denied}
		}
		return unreachable(false)
	}
	return f()
}

func (w *world) Key(_ context.Context, profile string) (k creds.Key, i keyring.Info, err error) {
	err = w.do("read "+profile, false, func() error {
		var ok bool
		if k, ok = w.stored[profile]; !ok {
			return &keyring.NotFoundError{Kind: keyring.KindKey, Name: profile}
		}
		i.KeyCreated, i.Account, i.Rev = w.created[profile], w.account, w.rev(profile)
		if k.ID == "damaged" {
			return &keyring.DamagedError{}
		}
		return nil
	})
	return k, i, err
}

// rev is the revision of a stored key: what it holds.
func (w *world) rev(profile string) string {
	k := w.stored[profile]
	return k.ID + k.Secret.Reveal()
}

func (w *world) KeyInfo(profile string) (keyring.Info, error) {
	return keyring.Info{Rev: w.rev(profile)}, nil
}

func (w *world) Conflicts() ([]keyring.Conflict, error) { return w.conflicts, nil }

func (w *world) Infos(kind keyring.Kind) (infos []keyring.Info, err error) {
	if kind == keyring.KindRotation {
		if w.journal != nil {
			infos = []keyring.Info{{Name: "dev", KeyID: w.journal.New.ID}}
		}
		return infos, nil
	}
	err = w.do("read keys", false, func() error {
		for _, profile := range slices.Sorted(maps.Keys(w.stored)) {
			infos = append(infos, keyring.Info{Name: profile, KeyID: w.stored[profile].ID})
		}
		return w.unread
	})
	return infos, err
}

func (w *world) SetKey(_ context.Context, profile string, k creds.Key, i keyring.Info) (keyring.Info, error) {
	return i, w.do("store "+profile, false, func() error {
		if i.Rev != w.rev(profile) {
			return &keyring.ChangedError{Kind: keyring.KindKey, Name: profile}
		}
		w.stored[profile], w.created[profile] = k, i.KeyCreated
		w.wrote = append(w.wrote, profile)
		return nil
	})
}

func (w *world) Retire(_ context.Context, _ string, k creds.Key, why string) error {
	return w.do("retire", false, func() error { w.retired[k.ID] = why; return nil })
}

func (w *world) Rotation(context.Context, string) (r creds.Rotation, i keyring.Info, err error) {
	err = w.do("read journal", false, func() error {
		if w.journal == nil {
			return &keyring.NotFoundError{Kind: keyring.KindRotation, Name: "dev"}
		}
		r, i = *w.journal, w.info
		r.Profiles = slices.Clone(r.Profiles)
		return nil
	})
	return r, i, err
}

func (w *world) SetRotation(_ context.Context, _ string, r creds.Rotation, i keyring.Info) (keyring.Info, error) {
	err := w.do("journal "+r.Step, false, func() error {
		if i.Rev != w.info.Rev {
			return &keyring.ChangedError{Kind: keyring.KindRotation, Name: "dev"}
		}
		w.revs++
		i.Rev = fmt.Sprint(w.revs)
		r.Profiles = slices.Clone(r.Profiles)
		w.journal, w.info = &r, i
		return nil
	})
	return i, err
}

func (w *world) RemoveRotation(_, rev string) error {
	return w.do("forget", false, func() error {
		if w.journal == nil {
			return &keyring.NotFoundError{Kind: keyring.KindRotation, Name: "dev"}
		}
		if rev != w.info.Rev {
			return &keyring.ChangedError{Kind: keyring.KindRotation, Name: "dev"}
		}
		w.journal, w.info = nil, keyring.Info{}
		return nil
	})
}

// call is an operation of AWS's, signed with a key.
func (w *world) call(action string, with creds.Key, f func() error) error {
	return w.do(action, true, func() error {
		w.now = w.now.Add(time.Second)
		k := w.keys[with.ID]
		switch {
		case k == nil || !k.active || k.secret != with.Secret.Reveal():
			return &awsapi.RefusedError{Action: action, KeyID: with.ID, Code: iam.UnknownKey}
		case k.unknown > 0:
			k.unknown--
			return &awsapi.RefusedError{Action: action, KeyID: with.ID, Code: iam.UnknownKey}
		case slices.Contains(w.deny, action), slices.Contains(w.needMFA, action) && !w.sessions[with.ID]:
			return &awsapi.RefusedError{Action: action, KeyID: with.ID, Code: iam.Denied}
		}
		if !w.lag {
			k.use = creds.KeyUse{At: w.now, Service: "iam", Region: "us-east-1"}
		}
		return f()
	})
}

func (w *world) Identity(_ context.Context, with creds.Session) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111111111111", ARN: arn}, w.call("identity of "+with.ID, with.Key, func() error { return nil })
}

func (w *world) SignIn(_ context.Context, with creds.Key) (bool, error) {
	if w.noDevice {
		return false, nil
	}
	err := w.call("sign in", with, func() error { w.sessions[with.ID] = true; return nil })
	return err == nil, err
}

func (w *world) CanSignIn() error { return w.nobody }

func (w *world) AccessKeys(_ context.Context, with creds.Key) (keys []iam.AccessKey, err error) {
	err = w.call("list", with, func() error {
		for _, id := range slices.Sorted(maps.Keys(w.keys)) {
			if w.keys[id].hidden > 0 {
				w.keys[id].hidden--
				continue
			}
			status := map[bool]string{true: "Active", false: "Inactive"}[w.keys[id].active]
			keys = append(keys, iam.AccessKey{ID: id, Status: status, Created: w.keys[id].created.Truncate(time.Second)})
		}
		return nil
	})
	return keys, err
}

func (w *world) CreateAccessKey(_ context.Context, with creds.Key) (k creds.Key, listed iam.AccessKey, err error) {
	err = w.call("create", with, func() error {
		if len(w.keys) >= iam.MaxKeys {
			return &awsapi.RefusedError{Action: "CreateAccessKey", Code: iam.TooMany}
		}
		w.made++
		id, secret := fmt.Sprintf("AKIANEW%d", w.made), fmt.Sprintf("new%d", w.made)
		w.keys[id] = &awsKey{secret: secret, active: true, created: w.now, unknown: w.delay, hidden: w.hide}
		k, listed = creds.Key{ID: id, Secret: creds.NewSecret(secret)}, iam.AccessKey{ID: id, Status: "Active", Created: w.now}
		return nil
	})
	if err != nil {
		k = creds.Key{} // nobody has seen it
	}
	return k, listed, err
}

func (w *world) SetAccessKey(_ context.Context, with creds.Key, id string, active bool) error {
	action := map[bool]string{true: "activate", false: "deactivate"}[active]
	return w.call(action, with, func() error {
		if w.keys[id] == nil {
			return &awsapi.RefusedError{Action: "UpdateAccessKey", Code: iam.Gone}
		}
		w.keys[id].active = active
		return nil
	})
}

func (w *world) DeleteAccessKey(_ context.Context, with creds.Key, id string) error {
	return w.call("delete", with, func() error { delete(w.keys, id); return nil })
}

func (w *world) AccessKeyUse(_ context.Context, with creds.Key, id string) (use creds.KeyUse, err error) {
	err = w.call("last use", with, func() error {
		if with.ID != "AKIAOLD" && w.notInIAM > 0 {
			w.notInIAM--
			return &awsapi.RefusedError{Action: "GetAccessKeyLastUsed", KeyID: with.ID, Code: iam.UnknownKey}
		}
		if w.keys[id] != nil {
			use = w.keys[id].use
		}
		return nil
	})
	return use, err
}

func (w *world) Now() time.Time { return w.now }

// rotator is fob rotate dev.
func (w *world) rotator() *Rotator {
	return &Rotator{
		Store: w, STS: w, Profile: "dev", Machine: w.machine,
		Dial:    func(awsapi.Identity) (IAM, error) { return w, nil },
		MayDrop: func(context.Context, KnownKey) (bool, error) { return false, nil },
		MayDropLost: func(_ context.Context, k KnownKey) (bool, error) {
			w.asked = append(w.asked, k.ID)
			return w.agrees, nil
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			w.now, w.waited = w.now.Add(d), w.waited+d
			return context.Cause(ctx)
		},
		Done: func(Action, creds.Rotation, string) {},
		Now:  w.Now,
		Log:  func(string, ...any) {},
	}
}

// errKilled is the outcome of a process that was killed.
var errKilled = errors.New("killed")

// run is one process, which meets trouble at its nth operation.
func (w *world) run(ctx context.Context, wish Wish, n int, trouble string) (result Result, err error) {
	w.ops, w.names, w.trouble, w.sessions = 0, nil, map[int]string{n: trouble}, map[string]bool{}
	defer func() {
		w.trouble = map[int]string{}
		if caught := recover(); caught != nil {
			if _, ok := caught.(killed); !ok {
				panic(caught)
			}
			err = errKilled
		}
	}()
	return w.rotator().Run(ctx, wish)
}

// check fails unless both profiles have a key that AWS accepts, and each key in AWS is
// one that a profile has, that the journal has, that the journal says may have been made,
// or that the error names.
func (w *world) check(t *testing.T, where string, said error) {
	t.Helper()
	for _, profile := range []string{"dev", "copy"} {
		k := w.keys[w.stored[profile].ID]
		if k == nil || !k.active || k.secret != w.stored[profile].Secret.Reveal() {
			t.Errorf("%s: AWS does not accept the key of %s", where, profile)
		}
	}
	for id, k := range w.keys {
		inJournal := w.journal != nil && (w.journal.Old.ID == id || w.journal.New.ID == id || w.journal.Step == Began && !k.created.Before(w.journal.Began.Add(-lostSlack)))
		stored := w.stored["dev"].ID == id || w.stored["copy"].ID == id
		if !inJournal && !stored && (said == nil || !contains(said, id)) {
			t.Errorf("%s: nobody knows of %s", where, id)
		}
	}
	if w.stored["other"].ID != "AKIAOTHER" {
		t.Errorf("%s: another profile has %s now", where, w.stored["other"].ID)
	}
}

// owned says that every key is somebody's.
type owned struct {
	*world
	arn string
}

func (o owned) Identity(context.Context, creds.Session) (awsapi.Identity, error) {
	return awsapi.Identity{Account: "111111111111", ARN: o.arn}, nil
}
