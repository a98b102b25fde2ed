// Package broker carries out a plan: it starts from the newest cached session and
// does the remaining steps.
//
// A cached session costs no code, no call and no prompt. If many processes or
// goroutines want the same session, one makes it and the others use it. An MFA
// code is sent once, and its session is saved even if the user gives up in the
// meantime. A Broker is safe for several goroutines if its fields are. It knows
// AWS and the store only by interfaces, and knows no terminal; plans are made by
// package plan.
package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/term"
	"fob/keyring"
)

// Sessions stores sessions, and the locks that go with them: a *keyring.Store.
type Sessions interface {
	// Session returns the session stored under an ID, or a keyring.NotFoundError;
	// other errors mean that the store cannot be used.
	Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error)
	SaveSession(ctx context.Context, source, id, sourceRev string, s creds.Session) error
	TryLock(name string) (*keyring.Lock, bool, error)
	Lock(ctx context.Context, name string, waiting func()) (*keyring.Lock, error)
	AskLock(ctx context.Context, name, asking string, waiting func()) (*keyring.Lock, error)
	LockState(name string) ([]byte, error)
	// WatchRefusals returns a context in which the store takes over what other
	// processes were refused from now on, instead of asking again.
	WatchRefusals(ctx context.Context) context.Context
}

// STS is the part of AWS that the broker needs: an *awsapi.Client.
type STS interface {
	SessionToken(ctx context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error)
	AssumeRole(ctx context.Context, with creds.Session, step plan.AssumeRole, code string) (creds.Session, error)
	Identity(ctx context.Context, with creds.Session) (awsapi.Identity, error)
	// Skew is how far this computer's clock is ahead of AWS's; 0 if that does not
	// matter for signatures. RawSkew is the same, however small.
	Skew() time.Duration
	RawSkew() time.Duration
}

// Codes provides MFA codes: a *mfa.Ladder.
type Codes interface {
	Code(ctx context.Context, r mfa.Request) (mfa.Answer, error)
}

// Renewal says when to replace a cached session.
type Renewal struct {
	// Due: with less time left, renew it even if a person has to be asked.
	Due time.Duration
	// Half: renew it after half of its life, too, if that needs no person, and count a
	// duration that was asked for from now on. It is for what goes to a program that
	// cannot ask again.
	Half bool
	// Ahead: renew it after half of its life, and the MFA session behind it, too,
	// even if a person has to be asked.
	Ahead bool
}

// The renewal of each command. botocore asks export again when 15 minutes are
// left, so export's sessions have 16; exec only starts a command, and five minutes
// are enough for that.
var (
	RenewExec   = Renewal{Due: 5 * time.Minute, Half: true}
	RenewExport = Renewal{Due: 16 * time.Minute}
	RenewShell  = Renewal{Due: 16 * time.Minute, Half: true}
	RenewLogin  = Renewal{Due: 16 * time.Minute, Ahead: true}
)

const (
	// leastLife is the time left with which a session is still handed out if it cannot
	// be renewed.
	leastLife = 2 * time.Minute
	// earlyTimeout limits a renewal that is not due yet.
	earlyTimeout = 5 * time.Second
)

// Broker carries out plans. All fields are needed unless they are said to be
// optional.
type Broker struct {
	// Source returns the credentials that a plan starts from, and the revision of the
	// stored key, "" if they are not stored. quiet: without asking a person. Where a plan
	// starts with a sign-in, Source signs nobody in: then the error is a
	// *signin.NeededError, or says that the store is locked.
	Source func(ctx context.Context, p plan.Plan, quiet bool) (s creds.Session, rev string, err error)
	// Ask has a person sign in where a plan starts with that, unless it finds in the store
	// what has to be tried first. It opens the store, and is called without locks:
	// optional.
	Ask func(ctx context.Context, p plan.Plan) error
	// Sessions is the cache; nil for none.
	Sessions Sessions
	Codes    Codes
	// QuietCodes provides the codes that need no person: optional.
	QuietCodes Codes
	// Given: the user gave a code, so that what another process was refused is not
	// about this one. Nobody reports that there is nobody here to ask, so that it makes
	// no sense to wait for a person: optional.
	Given  bool
	Nobody func(context.Context) bool
	// Dial returns the client, when AWS is needed.
	Dial  func(plan.Endpoint) (STS, error)
	Renew Renewal
	// Fresh ignores the sessions that were cached when Credentials first looked; with
	// Seen, when any call that shares it did.
	Fresh bool
	Seen  *Seen
	// Program names the program that the credentials are for, to show it when asking
	// for a code: optional.
	Program func() string
	// Grace is how long AWS may still take to answer a code after the user gave up:
	// the code is spent, so its session should be saved. 0 is 15 s.
	Grace time.Duration
	Now   func() time.Time
	// Clock is called if this computer's clock is wrong, with how far it is ahead of
	// AWS's: optional.
	Clock func(skew time.Duration)
	// Log is for --verbose, Note for things that the user should know.
	Log  func(format string, args ...any)
	Note func(format string, args ...any)
}

// Credentials returns the credentials of a plan. Errors are those of Source, Codes,
// Sessions and STS, and this package's.
func (b *Broker) Credentials(ctx context.Context, p plan.Plan) (creds.Session, error) {
	r := &run{Broker: b, plan: p, ignoreCache: b.Fresh, seen: b.Seen}
	if r.seen == nil {
		r.seen = &Seen{}
	}
	last := len(p.Steps)
	if last < p.FirstCached() {
		return r.source(ctx)
	}
	var kept creds.Session
	j := r.judge()
	v, err := j.final(func(n int) (info keyring.Info, err error) {
		s, info, err := r.cached(ctx, n)
		if n == last {
			kept = s
		}
		return info, err
	})
	if err != nil {
		return creds.Session{}, err
	}
	left := kept.Expires.Sub(j.at.Now)
	switch v {
	case serve:
		b.Log("%s: cached, %s left", p.Profile, plan.Duration(left))
		return kept, nil
	case renewEarly:
		return r.renewEarly(ctx, kept), nil
	case renewAll:
		r.ignoreCache = true
	}
	made, err := r.renew(ctx)
	if err != nil && kept.ID != "" && left >= max(leastLife, j.demand()) && !isRefusal(ctx, err) {
		if b.Renew.Ahead { // login says until when
			b.Note("the session of %s could not be renewed", p.Profile)
		} else {
			b.Note("the session of %s expires in %s and could not be renewed", p.Profile, plan.Duration(left.Truncate(time.Minute)))
		}
		b.Log("%s: could not renew the session: %v", p.Profile, err)
		return kept, nil
	}
	return made, err
}

// isRefusal reports whether AWS or a person refused. After any other failure, a
// cached session that is still valid may be used.
func isRefusal(ctx context.Context, err error) bool {
	var (
		refused *awsapi.RefusedError
		denied  *signin.DeniedError
		shared  *keyring.SharedError
		signIn  *signin.SharedError
	)
	return ctx.Err() == context.Canceled || errors.Is(err, term.ErrCancelled) ||
		errors.As(err, &refused) || errors.As(err, &denied) ||
		errors.As(err, &shared) && shared.Outcome != keyring.Unanswered ||
		errors.As(err, &signIn) && signIn.Outcome != keyring.Unanswered
}

// Seen remembers which sessions were cached when a command first looked, so that one
// that the command has made for one profile is fresh enough for the next. The zero
// value has seen nothing.
type Seen struct {
	mu   sync.Mutex
	revs map[string]string // by ID
}

// first is the revision of a session when it was first looked at, which is now if it
// was not looked at before.
func (s *Seen) first(id, rev string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, again := s.revs[id]; again {
		return first
	}
	if s.revs == nil {
		s.revs = map[string]string{}
	}
	s.revs[id] = rev
	return rev
}

// run is one plan that is being carried out.
type run struct {
	*Broker
	plan plan.Plan
	// quiet: do not ask or wait for anybody.
	quiet bool
	// asking holds the lock around questions; nil: only what needs no person is done.
	asking *heldLock
	// ignoreCache: ignore the sessions that were cached when this run first looked.
	ignoreCache bool
	// start is what the plan starts from, and the revision of its key; zero before it
	// is read. A second pass needs no second look.
	start    creds.Session
	startRev string
	// noticed is the revision of a session that ended a question, so that it ends only one.
	noticed string
	seen    *Seen
	// seenRefusal is the MFA device's last refusal when this run began: later ones
	// count for this run, too.
	seenRefusal keyring.Refusal
	sts         STS
	// rev is the revision of the key that this run's sessions are made with.
	rev string
}

// judge applies the rules now.
func (r *run) judge() judge {
	j := judge{plan: r.plan, renew: r.Renew, at: Moment{Now: r.Now()}}
	if r.Sessions != nil {
		j.at = At(j.at.Now, r.plan, r.Sessions)
	}
	return j
}

// cached returns the stored session of the first n steps, if it may be used, or a
// zero session.
func (r *run) cached(ctx context.Context, n int) (creds.Session, keyring.Info, error) {
	if r.Sessions == nil {
		return creds.Session{}, keyring.Info{}, nil
	}
	s, info, err := r.Sessions.Session(ctx, r.plan.Source(), r.plan.ID(n))
	var missing *keyring.NotFoundError
	if errors.As(err, &missing) {
		err = nil
	}
	if first := r.seen.first(r.plan.ID(n), info.Rev); r.ignoreCache && info.Rev == first || !r.judge().valid(info) {
		return creds.Session{}, keyring.Info{}, err
	}
	return s, info, err
}

// cachedBase returns the newest cached session that the next step can be done with,
// and how many steps it saves; 0 if there is none. From now on, r.rev is its key's
// revision.
func (r *run) cachedBase(ctx context.Context) (s creds.Session, n int, err error) {
	n, err = r.judge().newest(func(n int) (info keyring.Info, err error) {
		s, info, err = r.cached(ctx, n)
		r.rev = info.SourceRev
		return info, err
	})
	return s, n, err
}

// cachedByOther returns the session that somebody else made since this run first
// looked, another process or goroutine.
func (r *run) cachedByOther(ctx context.Context, n int) (creds.Session, error) {
	s, info, err := r.cached(ctx, n)
	j := r.judge()
	least := minBaseLife
	if n == len(r.plan.Steps) {
		least = j.due(info)
	}
	if err != nil || info.Rev == r.seen.first(r.plan.ID(n), info.Rev) || j.left(info) < least {
		return creds.Session{}, err
	}
	r.rev = info.SourceRev
	return s, nil
}

// renewEarly renews a session that could still be used, without a person; if that
// fails, it returns the cached one.
func (r *run) renewEarly(ctx context.Context, cached creds.Session) creds.Session {
	ctx, cancel := context.WithTimeout(ctx, earlyTimeout)
	defer cancel()
	r.quiet = true
	made, err := r.renew(ctx)
	if err != nil {
		r.Log("%s: could not renew the session early: %v", r.plan.Profile, err)
		return cached
	}
	return made
}

// renew carries out the steps that are missing. One process at a time makes the same
// session; the others wait and use it. First it does what needs no person, and waits
// for nobody who asks one; only if that is not enough, it takes its turn to ask.
func (r *run) renew(ctx context.Context) (creds.Session, error) {
	r.seenRefusal = r.deviceState(deviceLock(r.plan.MFASerial())).Refusal
	if r.Sessions != nil {
		ctx = r.Sessions.WatchRefusals(ctx)
	}
	s, err := r.make(keyring.WithoutAsking(ctx))
	if err != nil && !r.quiet && needsPerson(err) {
		s, err = r.makeAsking(ctx, err)
	}
	if err == nil && r.sts != nil && r.sts.Skew() != 0 && r.Clock != nil {
		r.Clock(r.sts.Skew())
	}
	return s, err
}

// make is one pass over the missing steps.
func (r *run) make(ctx context.Context) (creds.Session, error) {
	if s, err := r.cachedByOther(ctx, len(r.plan.Steps)); err != nil || s.ID != "" {
		return s, err
	}
	s, from, err := r.runSteps(ctx)
	var refused *awsapi.RefusedError
	if from > 0 && errors.As(err, &refused) && refused.Code == "ExpiredToken" {
		// It was revoked, or our clock was wrong when it was cached.
		r.Log("%s: AWS no longer accepts the cached session", r.plan.Profile)
		r.ignoreCache = true
		s, _, err = r.runSteps(ctx)
	}
	return s, err
}

// runSteps carries out the steps that follow the newest cached session, or else the
// plan's source. from is how many steps were cached already.
func (r *run) runSteps(ctx context.Context) (s creds.Session, from int, err error) {
	if s, from, err = r.cachedBase(ctx); err != nil {
		return creds.Session{}, from, err
	}
	done := from
	if from > 0 {
		r.Log("%s: step %d is cached", r.plan.Profile, from)
	} else if s, err = r.source(ctx); err != nil {
		return creds.Session{}, 0, err
	} else {
		done = 1
	}
	for ; done < len(r.plan.Steps) && err == nil; done++ {
		s, err = r.step(ctx, done, s)
	}
	return s, from, err
}

// source returns what the plan starts from. Of several processes that want what the
// same program prints, one runs it and the others use what it kept.
func (r *run) source(ctx context.Context) (s creds.Session, err error) {
	if r.quiet && mayAsk(r.plan) {
		return s, errMayAsk
	}
	if r.plan.FirstCached() > 1 {
		if r.start.ID == "" {
			start, rev, err := r.Source(ctx, r.plan, r.quiet)
			if err != nil {
				return s, err
			}
			if start, err = r.guarded(ctx, 1, start); err != nil {
				return s, err
			}
			r.start, r.startRev = start, rev
		}
		r.rev = r.startRev
		return r.start, nil
	}
	lock, waited, err := r.lockOrWait(ctx, r.stepLock(1))
	if err != nil {
		return s, err
	}
	defer func() { lock.release() }()
	if s, err := r.cachedByOther(ctx, 1); err != nil || s.ID != "" {
		return s, err
	}
	if waited {
		// The other one kept nothing. Do not make a queue of those who wait.
		lock.release()
		lock = &heldLock{}
	}
	if s, r.rev, err = r.Source(ctx, r.plan, false); err != nil {
		return s, err
	}
	if s, err = r.guarded(ctx, 1, s); err != nil {
		return s, err
	}
	if !s.Token.IsZero() && s.Expires.Sub(r.Now()) > shortDue {
		r.save(ctx, 1, s)
	}
	return s, nil
}

// mayAsk reports whether a plan starts with a program that is not fob's. It may ask
// somebody; any other source says so before it needs a person.
func mayAsk(p plan.Plan) bool {
	switch step := p.Steps[0].(type) {
	case plan.Process:
		return true
	case plan.WebIdentity:
		return step.TokenProcess != ""
	}
	return false
}

// errMayAsk keeps a renewal that is not due from starting a program.
var errMayAsk = errors.New("the program may ask somebody")

// stepLock names the lock around making the session of the first n steps. Its holder
// waits for no other lock of the broker's, so there is no deadlock. There are 256 for
// each n, so the directory of locks stays small.
func (r *run) stepLock(n int) string { return fmt.Sprintf("session-%d-%s", n, r.plan.ID(n)[:2]) }

// step carries out steps[n] with the credentials of the step before.
func (r *run) step(ctx context.Context, n int, with creds.Session) (creds.Session, error) {
	if serial := plan.MFASerial(r.plan.Steps[n]); serial != "" {
		// What is wrong with the client's configuration comes before a question.
		if err := r.dial(); err != nil {
			return creds.Session{}, err
		}
		return r.withCode(ctx, n, serial, with)
	}
	lock, err := r.lock(ctx, r.stepLock(n+1))
	if err != nil {
		return creds.Session{}, err
	}
	defer lock.release()
	if s, err := r.cachedByOther(ctx, n+1); err != nil || s.ID != "" {
		return s, err
	}
	if err := r.dial(); err != nil {
		return creds.Session{}, err
	}
	return r.callSTS(ctx, n, with, "")
}

func (r *run) dial() (err error) {
	if r.sts == nil {
		r.sts, err = r.Dial(r.plan.STS)
	}
	return err
}

// guarded makes sure that the credentials that the first n steps have made are of the
// account that the plan demands. AWS says which they are of, if nobody else has.
func (r *run) guarded(ctx context.Context, n int, s creds.Session) (creds.Session, error) {
	for _, g := range r.plan.Guards {
		if g.Steps != n {
			continue
		}
		if s.AccountID == "" {
			if err := r.dial(); err != nil {
				return creds.Session{}, err
			}
			id, err := r.sts.Identity(ctx, s)
			if err != nil {
				return creds.Session{}, err
			}
			s.AccountID = id.Account
		}
		if s.AccountID != g.Account {
			return creds.Session{}, g.WrongAccount(s.AccountID)
		}
	}
	return s, nil
}

// callSTS calls STS for steps[n] and caches the session. A session that cannot be
// cached is used nevertheless.
func (r *run) callSTS(ctx context.Context, n int, with creds.Session, code string) (s creds.Session, err error) {
	switch step := r.plan.Steps[n].(type) {
	case plan.SessionToken:
		s, err = r.sts.SessionToken(ctx, with, step, code)
	case plan.AssumeRole:
		s, err = r.sts.AssumeRole(ctx, with, step, code)
	default:
		panic(fmt.Sprintf("a plan with %s in the middle", step.Kind()))
	}
	if err != nil {
		return creds.Session{}, err
	}
	if s, err = r.guarded(ctx, n+1, s); err != nil {
		return creds.Session{}, err
	}
	s.MFA = with.MFA
	if plan.MFASerial(r.plan.Steps[n]) != "" {
		s.MFA = r.Now().Add(-r.sts.RawSkew())
	}
	r.save(ctx, n+1, s)
	return s, nil
}

// save caches the session of the first n steps.
func (r *run) save(ctx context.Context, n int, s creds.Session) {
	if r.Sessions == nil {
		return
	}
	if err := r.Sessions.SaveSession(ctx, r.plan.Source(), r.plan.ID(n), r.rev, s); err != nil {
		r.Note("could not save the session: %v", err)
	}
}
