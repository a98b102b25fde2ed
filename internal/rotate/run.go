package rotate

import (
	"context"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/keyring"
)

// run is one run of a Rotator.
type run struct {
	*Rotator
	wish    Wish
	iam     IAM
	id      awsapi.Identity
	user    string
	journal creds.Rotation
	info    keyring.Info // the journal's
	state   State
	keys    []iam.AccessKey
	// The IDs of the lost key, of one that may be it, and of the last key that was deleted
	// and is neither of the two.
	lost, perhaps, dropped string
	// unseen: there may be a lost key, and AWS did not list the user's keys.
	unseen bool
	// unanswered is how often AWS was asked for a key in this run and did not answer,
	// tooMany, how often it answered that there are two, although it listed one.
	unanswered, tooMany int
	signedIn            map[string]bool // by key ID
	// answered: no key can be lost, because AWS has answered whenever this rotation asked for
	// one. Then a new key is somebody else's.
	answered bool
	// What this run did: it began the rotation, or activated the old key.
	began, reactivated bool
	// onward: there was no way back.
	onward bool
	// gave is the key that this run has stored for a profile.
	gave map[string]creds.Key

	age time.Duration // of the profile's key; 0 if that is unknown
}

// Run takes a rotation from where it is to its end. Where that fails and a journal is
// left, which the next run continues, the error is a *StoppedError.
//
// If the context ends, Run finishes the call that it is making, because only then does it
// know what AWS has done.
func (r *Rotator) Run(ctx context.Context, w Wish) (Result, error) {
	x := &run{Rotator: r, wish: w, signedIn: map[string]bool{}, gave: map[string]creds.Key{}}
	result, err := x.run(ctx)
	if err == nil || x.journal.Step == "" {
		return result, err
	}
	return result, &StoppedError{Profile: r.Profile, Rotation: x.journal, Back: x.state.Back || x.onward || x.journal.Step == Returning, Err: err}
}

func (x *run) run(ctx context.Context) (Result, error) {
	if err := x.look(ctx); err != nil {
		return Result{}, err
	}
	for {
		a, was := Decide(x.state), x.journal
		if err := context.Cause(ctx); err != nil && a != Leave { // which only says how it ended
			return Result{}, err
		}
		if a == Deactivate || a == Delete || a == DeleteNew {
			before := x.state
			if err := x.unchanged(ctx); err != nil {
				return Result{}, err
			}
			if err := x.lookAtProfiles(ctx); err != nil {
				return Result{}, err
			}
			if x.state != before {
				continue // fob add, say, has given a profile the key that is about to go
			}
		}
		x.Log("%s: rotation: %s", x.Profile, a)
		if err := x.perform(ctx, a); err != nil {
			return Result{}, err
		}
		if a == Leave || a == NotDue {
			return Result{Last: a, Rotation: was, Age: x.age}, nil
		}
		done := x.journal
		if done.Step == "" {
			done = was
		}
		x.Done(a, done, x.dropped)
		x.dropped = ""
		if a == Forget || a == Finish && !x.state.Due {
			return Result{Last: a, Rotation: was, Age: x.age, Left: x.left(was), PerhapsLost: x.perhaps, Unseen: x.unseen}, nil
		}
		if a == Finish {
			// That was a rotation of long ago, and its new key is old by now.
			if err := x.look(ctx); err != nil {
				return Result{}, err
			}
		}
	}
}

// left are the keys of a rotation that is over, if its profiles have others.
func (x *run) left(r creds.Rotation) (ids []string) {
	if !x.state.Replaced {
		return nil
	}
	ids = []string{r.Old.ID}
	if r.New.ID != "" {
		ids = append(ids, r.New.ID)
	}
	return ids
}

// perform carries an action out, and brings the state up to date.
func (x *run) perform(ctx context.Context, a Action) error {
	switch a {
	case Begin:
		return x.begin(ctx)
	case Create:
		return x.create(ctx)
	case Await:
		if err := x.Wait(ctx, answerTime); err != nil {
			return err
		}
		err := x.look(ctx)
		x.state.Young = false
		return err
	case DropLost:
		return x.dropLost(ctx)
	case Prove:
		return x.prove(ctx)
	case Switch:
		if err := x.give(ctx, x.journal.New, x.info.KeyCreated); err != nil {
			return err
		}
		x.state.ToSwitch, x.state.ToReturn = false, true
		return x.reach(ctx, Switched)
	case Deactivate:
		return x.deactivate(ctx)
	case Delete:
		if err := x.delete(ctx, x.journal.New, x.journal.Old.ID); err != nil {
			return err
		}
		x.state.Old, x.state.Young = Absent, false
		return nil
	case Finish:
		if err := x.Store.Retire(ctx, x.Profile, x.journal.Old, retiredAs); err != nil {
			return err
		}
		return x.forget()
	}
	return x.performBack(ctx, a)
}

// performBack is perform for the way back, and for what ends a run.
func (x *run) performBack(ctx context.Context, a Action) error {
	switch a {
	case Return:
		return x.reach(ctx, Returning)
	case Reactivate:
		if err := x.setActive(ctx, x.journal.New, true); err != nil {
			return err
		}
		x.state.Old, x.reactivated = Active, true
		return nil
	case SwitchBack:
		if err := x.give(ctx, x.journal.Old, x.created(x.journal.Old.ID)); err != nil {
			return err
		}
		x.state.ToSwitch, x.state.ToReturn = true, false
		return nil
	case DeleteNew:
		if err := x.give(ctx, x.journal.Old, x.created(x.journal.Old.ID)); err != nil {
			return err
		}
		if err := x.delete(ctx, x.journal.Old, x.journal.New.ID); err != nil {
			return err
		}
		x.state.New, x.state.Young = Absent, false
		return nil
	case Onward:
		x.wish.Back, x.onward = false, true
		x.state.Back, x.state.Proved = false, false
		x.state.Due = false // that was asked to go back, and not for another key
		return x.reach(ctx, Created)
	case Forget:
		if x.state.Step == Returning && !x.state.Replaced {
			if err := x.give(ctx, x.journal.Old, x.created(x.journal.Old.ID)); err != nil {
				return err
			}
		}
		return x.forget()
	case Leave:
		if keep := x.journal.KeepOld || x.wish.KeepOld; !x.journal.Left || keep != x.journal.KeepOld {
			x.journal.Left, x.journal.KeepOld = true, keep
			return x.save(ctx)
		}
		return nil
	case NotDue:
		return nil
	case Full:
		err := x.full(ctx)
		if err != nil && x.answered {
			return x.refused(err)
		}
		return err
	}
	return &StateError{Action: a, Profile: x.Profile, Rotation: x.journal}
}

// begin writes the journal. When something else has used the old key tells later whether
// it is deleted at once, and the calls of this rotation are not in the answer yet.
func (x *run) begin(ctx context.Context) error {
	if err := x.noteUse(ctx, x.journal.Old); err != nil {
		return err
	}
	x.began, x.journal.Machine = true, x.Machine
	x.journal.KeepOld = x.wish.KeepOld
	x.journal.User, x.journal.Account = x.user, x.id.Account
	x.journal.Began = x.iam.Now()
	x.state.Due, x.state.Proved = false, false
	x.answered, x.unanswered, x.tooMany = true, 0, 0
	return x.reach(ctx, Began)
}

// create has AWS create the new key, and stores it before anything else happens.
func (x *run) create(ctx context.Context) error {
	key, listed, err := x.ask(ctx)
	switch {
	case err == nil:
		return x.keep(ctx, key, listed)
	case iam.Refused(err, iam.TooMany):
		if err := x.look(ctx); err != nil {
			return err
		}
		if x.state.Young = false; x.state.Lost || x.state.Strange {
			return nil // which says what to do
		}
		// There is a key that AWS does not list yet.
		if x.tooMany++; x.tooMany == createTries {
			return err
		}
		x.state.Young = true
		return nil
	case !iam.MaybeDone(err):
		if !x.answered {
			return err // there may be a lost key that AWS does not list yet
		}
		return x.refused(err)
	}
	x.answered = false
	if x.unanswered++; x.unanswered == createTries {
		return err
	}
	x.Log("AWS may have created a key; looking: %v", err)
	if err := x.Wait(ctx, lostSlack); err != nil {
		return err
	}
	if problem := x.look(ctx); problem != nil {
		return err
	}
	x.state.Young = false
	return nil
}

// ask asks AWS for a key. The journal says when, because a code may have been asked for
// since it was begun. While there may be a lost key, it says when AWS was asked for that.
func (x *run) ask(ctx context.Context) (key creds.Key, listed iam.AccessKey, err error) {
	before := x.journal
	err = x.call(ctx, x.journal.Old, func(ctx context.Context) (err error) {
		if x.wish.Scheduled && x.signedIn[x.journal.Old.ID] {
			// A session of before lets a schedule begin what it could not finish.
			if err := x.iam.CanSignIn(); err != nil {
				return &CodesError{Profile: x.Profile, Err: err}
			}
		}
		if now := x.iam.Now(); (x.answered || x.unanswered == 0) && (x.journal.Machine != x.Machine || now.Sub(x.journal.Began).Abs() >= lostSlack) {
			x.journal.Began, x.journal.Machine = now, x.Machine
			if err := x.save(ctx); err != nil {
				return err
			}
		}
		key, listed, err = x.iam.CreateAccessKey(ctx, x.journal.Old)
		return err
	})
	if err == nil || iam.MaybeDone(err) || x.answered || x.journal.Began.Equal(before.Began) {
		return key, listed, err
	}
	// AWS has not created one now: what is lost, an earlier run has asked for.
	x.journal = before
	if problem := x.save(ctx); problem != nil {
		return key, listed, problem
	}
	return key, listed, err
}

// keep stores a new key in the journal. One that cannot be stored is deleted again, while
// its ID is known.
func (x *run) keep(ctx context.Context, key creds.Key, listed iam.AccessKey) error {
	ctx = context.WithoutCancel(ctx)
	before := x.journal
	x.journal.New, x.journal.Created, x.info.KeyCreated = key, x.iam.Now(), listed.Created
	err := x.reach(ctx, Created)
	if err == nil {
		x.state.New = Active
		return nil
	}
	x.journal = before
	if now, info, problem := x.Store.Rotation(ctx, x.Profile); problem == nil && now.New.ID == key.ID {
		x.info = info // it was written all the same
	}
	if undo := x.delete(ctx, x.journal.Old, key.ID); undo != nil {
		return &LeftError{KeyID: key.ID, Err: err, Undo: undo}
	}
	x.Log("deleted %s again, because it could not be stored", key.ID)
	return x.refused(err)
}

// refused removes a journal of which nothing came.
func (x *run) refused(err error) error {
	if problem := x.forget(); problem != nil {
		x.Log("the journal stays: %v", problem)
	}
	return err
}

// prove waits until AWS knows the key that the profiles are to get.
func (x *run) prove(ctx context.Context) error {
	key := x.journal.New
	if x.state.Back || x.journal.Step == Returning {
		key = x.journal.Old
	}
	var id awsapi.Identity
	err := x.patiently(ctx, func() (err error) {
		id, err = x.STS.Identity(ctx, creds.Session{Key: key})
		return err
	})
	if err != nil {
		return err
	}
	if id != x.id {
		return &OtherUserError{KeyID: key.ID, Is: id.ARN, Want: x.id.ARN}
	}
	x.state.Proved = true
	if key.ID == x.journal.New.ID {
		x.state.New = Active
	} else {
		x.state.Old = Active
	}
	return nil
}

// give stores a key for all profiles that have one of the two, and reads it back. The old
// one is stored again where it is already, unless this run has done that: another machine
// may have given the profile the new one, in a file that has yet to arrive here, and only a
// newer file outlives that.
func (x *run) give(ctx context.Context, key creds.Key, created time.Time) error {
	again := key.ID == x.journal.Old.ID
	for _, profile := range x.journal.Profiles {
		now, read, err := x.Store.Key(ctx, profile)
		switch {
		case isMissing(err), err == nil && !x.known(now):
			continue
		case err == nil && same(now, key) && (!again || same(x.gave[profile], key)):
			continue
		case isDamaged(err):
			read, _ = x.Store.KeyInfo(profile) // its header may be as it was
		case err != nil:
			return err
		}
		info := keyring.Info{Account: x.id.Account, ARN: x.id.ARN, KeyCreated: created, Rev: read.Rev}
		if _, err := x.Store.SetKey(ctx, profile, key, info); err != nil {
			return err
		}
		if now, _, err = x.Store.Key(ctx, profile); err != nil {
			return err
		}
		if !same(now, key) {
			return &keyring.ChangedError{Kind: keyring.KindKey, Name: profile}
		}
		x.gave[profile] = key
	}
	return nil
}

// unchanged fails if another process has changed the journal since it was read: what is
// deleted next may be what that one builds on.
func (x *run) unchanged(ctx context.Context) error {
	_, info, err := x.Store.Rotation(ctx, x.Profile)
	if isMissing(err) || err == nil && info.Rev != x.info.Rev {
		return &keyring.ChangedError{Kind: keyring.KindRotation, Name: x.Profile}
	}
	return err
}

// deactivate deactivates the old key. Where the rotation has waited for that since an
// earlier run, something may have used the key in the meantime; and what AWS told nobody
// when it began, it may tell a session with MFA, which there may be by now.
func (x *run) deactivate(ctx context.Context) error {
	if x.journal.UseUnknown || !x.began && x.journal.Used.At.IsZero() {
		signer := x.journal.New
		if x.signedIn[x.journal.Old.ID] {
			signer = x.journal.Old
		}
		if err := x.noteUse(ctx, signer); err != nil {
			return err
		}
	}
	err := x.setActive(ctx, x.journal.New, false)
	if iam.Refused(err, iam.Gone) {
		x.state.Old, x.state.Young = Absent, false
		return nil
	}
	if err != nil {
		return err
	}
	x.journal.Deactivated, x.journal.Left = x.iam.Now(), false
	x.state.Old, x.state.Rest = Inactive, x.rest()
	return x.reach(ctx, Deactivated)
}

// noteUse notes in the journal when something other than fob has used the old key lately.
func (x *run) noteUse(ctx context.Context, signer creds.Key) error {
	var use creds.KeyUse
	ask := func() (err error) {
		use, err = x.lastUse(ctx, signer, x.journal.Old.ID)
		return err
	}
	isNew := signer.ID == x.journal.New.ID
	err := x.patiently(ctx, ask) // STS knows a new key, and IAM perhaps not yet
	x.journal.UseUnknown = iam.Refused(err, iam.Denied) || isNew && iam.Refused(err, iam.UnknownKey)
	switch {
	case x.journal.UseUnknown:
		x.Log("AWS does not tell when %s was last used: %v", x.journal.Old.ID, err)
	case err != nil:
		return err
	case usedElsewhere(use, x.iam.Now()):
		x.journal.Used = use
	}
	return nil
}

// rest reports whether the old key is left inactive for now. There is always one run that
// ends there and says so, if that was asked for or something else uses the key: those who
// need it must be able to notice, and there is no way back from the next one.
func (x *run) rest() bool {
	keep := x.journal.KeepOld || x.wish.KeepOld
	switch {
	case !x.journal.Left:
		return keep || x.journal.UseUnknown || !x.journal.Used.At.IsZero()
	case x.state.Due && x.soaked(): // or it would be in the way of the next one
		return false
	case x.wish.KeepOld:
		return true
	}
	return x.wish.Scheduled && (keep || !x.soaked())
}

// clock is AWS's, once AWS has been called.
func (x *run) clock() time.Time {
	if x.iam == nil {
		return x.Now()
	}
	return x.iam.Now()
}

// usedElsewhere reports whether something else than fob has used a key lately. What fob
// itself does with a key is STS and IAM, and AWS does not tell whether another program did
// the same.
func usedElsewhere(use creds.KeyUse, now time.Time) bool {
	return !use.At.IsZero() && now.Sub(use.At) < inUse && use.Service != "sts" && use.Service != "iam"
}

// reach writes a step into the journal.
func (x *run) reach(ctx context.Context, step string) error {
	before := x.journal
	x.journal.Step = step
	if step == Switched {
		x.journal.Switched = x.iam.Now()
	}
	if err := x.save(ctx); err != nil {
		x.journal = before
		return err
	}
	x.state.Step = step
	return nil
}

// save writes the journal. It cannot be interrupted.
func (x *run) save(ctx context.Context) error {
	info, err := x.Store.SetRotation(context.WithoutCancel(ctx), x.Profile, x.journal, x.info)
	if err != nil {
		return err
	}
	x.info = info
	return nil
}

// forget removes the journal, if it is the one that this run has read or written: another
// one may have the only copy of a key.
func (x *run) forget() error {
	if err := x.Store.RemoveRotation(x.Profile, x.info.Rev); err != nil && !isMissing(err) {
		return err
	}
	x.journal, x.info, x.state.Step = creds.Rotation{}, keyring.Info{}, ""
	return nil
}
