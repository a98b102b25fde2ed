package rotate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/keyring"
)

// look finds out what the journal, the profiles and AWS say.
func (x *run) look(ctx context.Context) error {
	x.state = State{Back: x.wish.Back, Proved: x.state.Proved}
	journal, info, err := x.Store.Rotation(ctx, x.Profile)
	if err != nil && !isMissing(err) {
		return err
	}
	x.journal, x.info, x.user = journal, info, journal.User
	x.state.Step, x.perhaps, x.unseen = journal.Step, "", false
	if journal.Step == "" {
		if x.wish.Back {
			return nil // there is nothing to look for
		}
		if young, err := x.lookFirst(ctx); young || err != nil {
			return err
		}
	} else {
		x.id = awsapi.Identity{Account: journal.Account, ARN: info.ARN}
	}
	if err := x.lookAtProfiles(ctx); err != nil {
		return err
	}
	if x.state.Replaced && !x.state.Back && journal.Step != "" && journal.Step != Returning {
		return nil // whatever AWS says about the two keys, no profile has one of them
	}
	if x.resting() {
		x.state.Old, x.state.New, x.state.Rest = Inactive, Active, true
		return nil
	}
	if x.iam == nil {
		if x.iam, err = x.Dial(x.id); err != nil {
			return err
		}
	}
	return x.lookAtAWS(ctx)
}

// tooYoung reports whether a key that was created then is not due. AWS is not asked: a
// schedule's runs would need a code for that each time. A clock by which the key does not
// exist yet is wrong, so that AWS is asked.
func (x *run) tooYoung(created time.Time) bool {
	x.age = x.clock().Sub(created)
	return x.wish.MaxAge > 0 && !created.IsZero() && x.age >= 0 && x.age < x.wish.MaxAge
}

// resting reports whether this run leaves an old key alone, without asking AWS.
func (x *run) resting() bool {
	s := x.state
	x.age = x.clock().Sub(x.info.KeyCreated)
	if x.age < 0 || x.clock().Before(x.journal.Deactivated) {
		return false // this computer's clock is wrong
	}
	return s.Step == Deactivated && !s.Back && !s.ToSwitch && !s.Replaced && x.rest() && !x.dueAgain()
}

// dueAgain reports whether the new key of a rotation is due as soon as that is over. A person who names the profile only has it finished, unless the key is old; and
// --all replaces every key, but not one of which it has just done so.
func (x *run) dueAgain() bool {
	switch {
	case x.wish.MaxAge > 0:
		return x.age >= x.wish.MaxAge
	case x.wish.Scheduled:
		return x.journal.Step == Deactivated && x.soaked()
	}
	return x.age >= OldAge
}

// soaked reports whether the old key was deactivated long ago.
func (x *run) soaked() bool { return x.clock().Sub(x.journal.Deactivated) >= soak }

// lookFirst is look where there is no journal: whose key it is; young, if the key is not
// due.
func (x *run) lookFirst(ctx context.Context) (young bool, err error) {
	key, info, err := x.Store.Key(ctx, x.Profile)
	if err != nil {
		return false, err
	}
	if x.tooYoung(info.KeyCreated) {
		return true, nil
	}
	if x.id, err = x.STS.Identity(ctx, creds.Session{Key: key}); err != nil {
		return false, err
	}
	if info.Account != "" && info.Account != x.id.Account {
		// A key's account never changes: this is a test server, which takes any key, and
		// would give another one for it that is of no use to AWS.
		return false, &OtherUserError{KeyID: key.ID, Is: x.id.ARN, Want: cmp.Or(info.ARN, "account "+info.Account)}
	}
	arn, _ := plan.ParseARN(x.id.ARN)
	if arn.UserName() == "" {
		return false, &OwnerError{KeyID: key.ID, ARN: x.id.ARN, Root: arn.IsRoot()}
	}
	x.user = arn.UserName()
	x.info.ARN, x.info.Account = x.id.ARN, x.id.Account
	x.journal.Old, x.journal.Profiles = key, []string{x.Profile}
	return false, nil
}

// addProfiles adds those that have one of the two keys and are not in the journal, also if
// they got it since the rotation began: each would be left with a key that is gone.
func (x *run) addProfiles(ctx context.Context) error {
	infos, err := x.Store.Infos(keyring.KindKey)
	if err != nil && !OnlyDamaged(err) {
		return err
	}
	for _, info := range infos {
		if info.KeyID == "" || !x.known(creds.Key{ID: info.KeyID}) || slices.Contains(x.journal.Profiles, info.Name) {
			continue
		}
		key, _, err := x.Store.Key(ctx, info.Name)
		switch {
		case isMissing(err), isDamaged(err):
		case err != nil:
			return err
		case x.known(key):
			x.journal.Profiles = append(x.journal.Profiles, info.Name)
		}
	}
	return nil
}

// lookAtProfiles finds out which of the two keys the profiles have.
func (x *run) lookAtProfiles(ctx context.Context) error {
	if err := x.addProfiles(ctx); err != nil {
		return err
	}
	x.state.Replaced, x.state.ToSwitch, x.state.ToReturn = true, false, false
	for _, profile := range x.journal.Profiles {
		key, _, err := x.Store.Key(ctx, profile)
		switch {
		case isMissing(err), err == nil && !x.known(key):
			continue
		case isDamaged(err): // either key repairs it
			x.state.ToSwitch, x.state.ToReturn = true, true
		case err != nil:
			return err
		case key.ID == x.journal.New.ID:
			x.state.ToReturn = true
		default:
			x.state.ToSwitch = true
		}
		x.state.Replaced = false
	}
	return nil
}

// lookAtAWS lists the user's keys, with the key of the profiles or else the other one.
func (x *run) lookAtAWS(ctx context.Context) error {
	signers := []creds.Key{x.journal.Old}
	switch {
	case x.journal.New.ID == "":
	case x.state.ToReturn:
		signers = []creds.Key{x.journal.New, x.journal.Old}
	default:
		signers = append(signers, x.journal.New)
	}
	var first error
	for _, signer := range signers {
		err := x.call(ctx, signer, func(ctx context.Context) (err error) {
			x.keys, err = x.iam.AccessKeys(ctx, signer)
			return err
		})
		if err == nil {
			err = x.sort(ctx, signer)
			x.accepted(ctx, signer)
			return err
		}
		if first == nil {
			first = err
		}
		if !iam.Refused(err, iam.UnknownKey) {
			return err
		}
	}
	if x.state.Back && (x.state.Replaced || x.journal.Step == Began) {
		x.unseen = x.journal.Step == Began && !x.answered
		return nil // neither key works any more, and neither is needed
	}
	if len(signers) == 2 {
		return &BothRefusedError{Old: x.journal.Old.ID, New: x.journal.New.ID, Err: first}
	}
	return first
}

// accepted takes a key for active that AWS has just accepted, though its list may be
// behind. A session may outlive its key, and proves nothing: if the list does not have its
// key, AWS is asked whether it accepts the key alone.
func (x *run) accepted(ctx context.Context, signer creds.Key) {
	status := &x.state.Old
	if signer.ID == x.journal.New.ID {
		status = &x.state.New
	}
	if x.signedIn[signer.ID] {
		if *status != Absent {
			return
		}
		if _, err := x.STS.Identity(context.WithoutCancel(ctx), creds.Session{Key: signer}); err != nil {
			return
		}
	}
	*status = Active
}

// sort tells what the listed keys are; signer is a key that works.
func (x *run) sort(ctx context.Context, signer creds.Key) error {
	now := x.iam.Now()
	x.age = 0
	current := x.journal.Old.ID
	if x.journal.Step != "" {
		current = x.journal.New.ID
	}
	for _, k := range x.keys {
		status := Inactive
		if k.Active() {
			status = Active
		}
		if k.ID == current && !k.Created.IsZero() {
			x.age = now.Sub(k.Created)
		}
		switch k.ID {
		case x.journal.Old.ID:
			x.state.Old = status
		case x.journal.New.ID:
			x.state.New = status
		default:
			lost, err := x.isLost(ctx, signer, k)
			if err != nil {
				return err
			}
			if lost {
				x.state.Lost, x.lost = true, k.ID
			} else {
				x.state.Strange = true
			}
		}
	}
	switch x.journal.Step {
	case "":
		// AWS leaves out of the list only a key that is new.
		x.state.Due = x.wish.MaxAge == 0 || x.listed(current) && (x.age == 0 || x.age >= x.wish.MaxAge)
	case Began:
		x.state.Young = now.Sub(x.journal.Began) < answerTime
	default:
		x.state.Due = x.dueAgain()
		x.state.Young = now.Sub(x.journal.Created) < answerTime
	}
	x.state.Rest = x.rest()
	return nil
}

// isLost reports whether a key is one that AWS created for this rotation although the
// answer was lost: it was created when fob asked for one, nothing has ever used it, and the
// store does not have it. If the user may not know whether it was used, or something in the
// store cannot be read, it is perhaps lost. So it is if the profiles have another key by
// now: then nothing is created any more for which it would have to go.
func (x *run) isLost(ctx context.Context, signer creds.Key, k iam.AccessKey) (lost bool, err error) {
	from, to := x.journal.Began.Add(-lostSlack), x.journal.Began.Add(lostWindow)
	if x.journal.Step != Began || x.answered || k.Created.Before(from) || k.Created.After(to) {
		return false, nil
	}
	if has, err := x.storeHas(k.ID); has || err != nil {
		if has || !OnlyDamaged(err) {
			return false, err
		}
		x.perhaps = k.ID
		return false, nil
	}
	var use creds.KeyUse
	err = x.call(ctx, signer, func(ctx context.Context) (err error) {
		use, err = x.lastUse(ctx, signer, k.ID)
		return err
	})
	if iam.Refused(err, iam.Denied) {
		x.perhaps = k.ID
		return false, nil
	}
	if err == nil && use.At.IsZero() && x.state.Replaced {
		x.perhaps = k.ID
		return false, nil
	}
	return err == nil && use.At.IsZero(), err
}

// storeHas reports whether the store has a key for any profile, in any rotation, or in a
// file that a program for synchronization has put beside those.
func (x *run) storeHas(id string) (bool, error) {
	keys, err := x.Store.Infos(keyring.KindKey)
	rotations, err2 := x.Store.Infos(keyring.KindRotation)
	conflicts, err3 := x.Store.Conflicts()
	for _, c := range conflicts {
		keys = append(keys, c.Info)
	}
	has := slices.ContainsFunc(append(keys, rotations...), func(i keyring.Info) bool { return i.KeyID == id })
	return has, errors.Join(err, err2, err3)
}

// lastUse asks when a key was last used. Unless that decides whether a key is lost, nobody
// is asked for a code to learn it.
func (x *run) lastUse(ctx context.Context, signer creds.Key, id string) (creds.KeyUse, error) {
	return x.iam.AccessKeyUse(context.WithoutCancel(ctx), signer, id)
}

// listed reports whether AWS lists a key.
func (x *run) listed(id string) bool {
	return slices.ContainsFunc(x.keys, func(k iam.AccessKey) bool { return k.ID == id })
}

// created is when AWS created a key; zero if that is unknown.
func (x *run) created(id string) time.Time {
	for _, k := range x.keys {
		if k.ID == id {
			return k.Created
		}
	}
	return time.Time{}
}

// known reports whether a key is one of the two.
func (x *run) known(key creds.Key) bool {
	return key.ID == x.journal.Old.ID || key.ID == x.journal.New.ID
}

func same(a, b creds.Key) bool { return a.ID == b.ID && a.Secret.Equal(b.Secret) }

func isMissing(err error) bool {
	_, missing := errors.AsType[*keyring.NotFoundError](err)
	return missing
}

func isDamaged(err error) bool {
	_, damaged := errors.AsType[*keyring.DamagedError](err)
	return damaged
}

// OnlyDamaged reports whether all that went wrong is damaged items.
func OnlyDamaged(err error) bool {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(all.Unwrap(), func(err error) bool { return !OnlyDamaged(err) })
	}
	return isDamaged(err)
}

// full asks whether a key that is in the way may be deleted: an inactive one that is
// neither of the two.
func (x *run) full(ctx context.Context) error {
	var all []KnownKey
	for _, k := range x.keys {
		all = append(all, x.about(ctx, k))
	}
	full := &FullError{Profile: x.Profile, KeyID: x.journal.Old.ID, User: x.user, Keys: all}
	i := slices.IndexFunc(all, func(k KnownKey) bool { return !k.Active() && k.ID != x.journal.Old.ID })
	if i < 0 {
		return full
	}
	ok, err := x.MayDrop(ctx, all[i])
	if err != nil {
		return err
	}
	if !ok {
		return full
	}
	if x.journal.Step != "" {
		if err := x.unchanged(ctx); err != nil {
			return err // it may have got that key while the question was open
		}
	}
	if err := x.delete(ctx, x.journal.Old, all[i].ID); err != nil {
		return err
	}
	x.state.Strange, x.dropped = false, all[i].ID
	return nil
}

// about asks what helps to decide about a key of the user.
func (x *run) about(ctx context.Context, k iam.AccessKey) KnownKey {
	use, err := x.lastUse(ctx, x.journal.Old, k.ID)
	known := KnownKey{AccessKey: k, KeyUse: use, UseUnknown: err != nil, PerhapsLost: k.ID == x.perhaps}
	if !k.Created.IsZero() {
		known.Age = x.iam.Now().Sub(k.Created)
	}
	return known
}

// dropLost deletes a lost key. Where another machine has asked for it, a person is asked.
func (x *run) dropLost(ctx context.Context) error {
	if x.Machine == "" || x.journal.Machine != x.Machine {
		i := slices.IndexFunc(x.keys, func(k iam.AccessKey) bool { return k.ID == x.lost })
		ok, err := x.MayDropLost(ctx, x.about(ctx, x.keys[i]))
		if err != nil {
			return err
		}
		if !ok {
			return &ElsewhereError{Profile: x.Profile, KeyID: x.lost}
		}
		// That computer's copy may have arrived while the question was open.
		if err := x.unchanged(ctx); err != nil {
			return err
		}
		if has, err := x.storeHas(x.lost); has || err != nil {
			return cmp.Or[error](err, &ElsewhereError{Profile: x.Profile, KeyID: x.lost})
		}
	}
	if err := x.delete(ctx, x.journal.Old, x.lost); err != nil {
		return err
	}
	x.dropped, x.lost = x.lost, ""
	x.state.Lost, x.state.Young, x.answered = false, false, true // there is one answer to a question
	return nil
}
