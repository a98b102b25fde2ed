// Package broker carries out a plan: from the newest credentials at hand, step
// by step, to the ones asked for.
//
// It promises that what exists is not asked for again (no code, no call, no
// prompt), that of many processes that want the same thing one gets it and the
// others take it over, that an MFA code is used once and its session is saved
// even when the user gives up in the middle, and that nothing wrong is kept. It
// decides nothing about profiles; it knows AWS and the store by interfaces only,
// and no terminal.
package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/keyring"
)

// Sessions keeps sessions and the locks that go with them; *keyring.Store does.
type Sessions interface {
	// Session returns a session kept under an ID, or a keyring.NotFoundError;
	// other errors mean that the store cannot be used.
	Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error)
	SaveSession(ctx context.Context, source, id, sourceRev string, s creds.Session) error
	TryLock(name string) (*keyring.Lock, bool, error)
	Lock(ctx context.Context, name string) (*keyring.Lock, error)
	LockState(name string) ([]byte, error)
}

// STS is what the broker asks of AWS; *awsapi.Client does.
type STS interface {
	SessionToken(ctx context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error)
	AssumeRole(ctx context.Context, with creds.Session, step plan.AssumeRole, code string) (creds.Session, error)
	Skew() time.Duration
}

// Codes gives MFA codes; *mfa.Ladder does.
type Codes interface {
	Code(ctx context.Context, r mfa.Request) (mfa.Answer, error)
}

// Renewal says when kept credentials are too old. Every field is a time left.
type Renewal struct {
	// Due: below it they are renewed, whatever it takes.
	Due time.Duration
	// Half: they are also renewed below half of their life, if nobody need be asked.
	Half bool
	// Ahead: they are renewed below half of their life, and so is what they are
	// built upon, though somebody be asked.
	Ahead bool
	// Least is what is still handed out when they cannot be renewed.
	Least time.Duration
}

// What renewal means to whom. Export: botocore asks again at 15 minutes, so what
// is handed out has 16; exec starts a command, and five minutes are a start.
var (
	RenewExec   = Renewal{Due: 5 * time.Minute, Half: true, Least: 2 * time.Minute}
	RenewExport = Renewal{Due: 16 * time.Minute, Least: 2 * time.Minute}
	RenewShell  = Renewal{Due: 16 * time.Minute, Half: true, Least: 2 * time.Minute}
	RenewLogin  = Renewal{Due: 16 * time.Minute, Ahead: true, Least: 2 * time.Minute}
)

const (
	// minBaseLife is the life that a session needs to be built upon.
	minBaseLife = 60 * time.Second
	// earlyTimeout bounds a renewal that could as well wait.
	earlyTimeout = 5 * time.Second
)

// Broker carries out plans. The zero value of a field that is not said to be
// optional is a bug.
type Broker struct {
	// Source reads what a plan starts from, and the revision of the stored key, ""
	// if it is not stored. quiet: without asking a person.
	Source func(ctx context.Context, step plan.Step, quiet bool) (s creds.Session, rev string, err error)
	// Sessions is where sessions are kept; nil keeps none.
	Sessions Sessions
	Codes    Codes
	// QuietCodes are those that need no person: optional.
	QuietCodes Codes
	// Dial makes the client, when AWS must be asked.
	Dial  func(plan.Endpoint) (STS, error)
	Renew Renewal
	// Fresh ignores what is kept.
	Fresh bool
	// Program is what the credentials are for, shown when a code is asked: optional.
	Program func() string
	// Grace is how long a code that is on its way may still take after the user
	// gave up: it is burnt, so its session is to be saved. 0 is 15 s.
	Grace time.Duration
	Now   func() time.Time
	// Clock is told how far this computer's clock is ahead of AWS's, where it is
	// wrong; nil to tell nobody.
	Clock func(skew time.Duration)
	// Log is for --verbose, Note for what a person should know.
	Log  func(format string, args ...any)
	Note func(format string, args ...any)
}

// Credentials gives the credentials of a plan. Errors are those of Source,
// Codes and Sessions, and this package's.
func (b *Broker) Credentials(ctx context.Context, p plan.Plan) (creds.Session, error) {
	r := &run{Broker: b, plan: p, ignoreCache: b.Fresh, seenRevs: map[int]string{}}
	last := len(p.Steps)
	if last == 1 {
		s, _, err := b.Source(ctx, p.Steps[0], false)
		return s, err
	}
	kept, info, err := r.cached(ctx, last)
	if err != nil {
		return creds.Session{}, err
	}
	left := kept.Expires.Sub(b.Now())
	half := left < kept.Expires.Sub(info.Created)/2
	if b.Renew.Ahead && last > 2 {
		// Whoever signs in ahead means the session that a person is asked for.
		s, err := r.cachedBase(ctx, 2)
		if err != nil {
			return creds.Session{}, err
		}
		r.ignoreCache = r.ignoreCache || s.ID == ""
	}
	switch {
	case kept.ID == "" || left < b.Renew.Due || b.Renew.Ahead && (half || r.ignoreCache):
	case half && b.Renew.Half:
		return r.renewEarly(ctx, kept), nil
	default:
		b.Log("%s: cached, %s left", p.Profile, plan.Duration(left))
		return kept, nil
	}
	made, err := r.renew(ctx)
	if err != nil && kept.ID != "" && left >= b.Renew.Least && !isRefusal(ctx, err) {
		b.Note("%s ends in %s", p.Profile, plan.Duration(left.Truncate(time.Minute)))
		b.Log("%s: not renewed: %v", p.Profile, err)
		return kept, nil
	}
	return made, err
}

// isRefusal: AWS or a person refused. Whatever else keeps credentials from being
// renewed says nothing against those that are still valid.
func isRefusal(ctx context.Context, err error) bool {
	var (
		refused *awsapi.RefusedError
		shared  *SharedError
		closed  *keyring.SharedError
	)
	return ctx.Err() == context.Canceled || errors.Is(err, term.ErrCancelled) || errors.As(err, &closed) ||
		errors.As(err, &refused) || errors.As(err, &shared) && shared.Outcome != Unanswered
}

// run is one plan on its way.
type run struct {
	*Broker
	plan plan.Plan
	// quiet: nobody is asked or waited for.
	quiet bool
	// ignoreCache: what was kept when this run first looked does not count.
	ignoreCache bool
	// seenRevs is the revision of what was kept for the first n steps at that time.
	seenRevs map[int]string
	// seqBefore is how many outcomes the MFA device had when this run began: those
	// that come later are for it too.
	seqBefore int
	sts       STS
	// rev is the revision of the key that everything is made from.
	rev string
}

// cached is what is stored for the first n steps and may be used; a zero session
// when there is none.
func (r *run) cached(ctx context.Context, n int) (creds.Session, keyring.Info, error) {
	if r.Sessions == nil {
		return creds.Session{}, keyring.Info{}, nil
	}
	s, info, err := r.Sessions.Session(ctx, r.plan.Source(), r.plan.ID(n))
	var missing *keyring.NotFoundError
	if errors.As(err, &missing) {
		err = nil
	}
	if _, again := r.seenRevs[n]; !again {
		r.seenRevs[n] = info.Rev
	}
	if r.plan.TooOld(n, r.Now().Sub(info.Created)) || r.ignoreCache && info.Rev == r.seenRevs[n] {
		return creds.Session{}, keyring.Info{}, err
	}
	return s, info, err
}

// cachedBase is a kept session that others can be built upon. It is of the
// key that r.rev names from now on.
func (r *run) cachedBase(ctx context.Context, n int) (creds.Session, error) {
	s, info, err := r.cached(ctx, n)
	left := s.Expires.Sub(r.Now())
	if err != nil || left < minBaseLife || r.Renew.Ahead && left < s.Expires.Sub(info.Created)/2 {
		return creds.Session{}, err
	}
	r.rev = info.SourceRev
	return s, nil
}

// cachedByOther is what another process made since this run first looked.
func (r *run) cachedByOther(ctx context.Context, n int) (creds.Session, error) {
	s, info, err := r.cached(ctx, n)
	least := minBaseLife
	if n == len(r.plan.Steps) {
		least = r.Renew.Due
	}
	if err != nil || info.Rev == r.seenRevs[n] || s.Expires.Sub(r.Now()) < least {
		return creds.Session{}, err
	}
	r.rev = info.SourceRev
	return s, nil
}

// renewEarly renews what could as well be handed out. Nobody is asked, and no
// failure is one.
func (r *run) renewEarly(ctx context.Context, kept creds.Session) creds.Session {
	ctx, cancel := context.WithTimeout(ctx, earlyTimeout)
	defer cancel()
	r.quiet = true
	made, err := r.renew(ctx)
	if err != nil {
		r.Log("%s: past half of its life, not renewed: %v", r.plan.Profile, err)
		return kept
	}
	return made
}

// renew carries out what is missing. One process at a time makes the same thing;
// the others take over what it made.
func (r *run) renew(ctx context.Context) (creds.Session, error) {
	last := len(r.plan.Steps)
	r.seqBefore = r.deviceState(deviceLock(r.plan.MFASerial())).Seq
	lock, err := r.lock(ctx, r.stepLock(last))
	if err != nil {
		return creds.Session{}, err
	}
	defer lock.release()
	if s, err := r.cachedByOther(ctx, last); err != nil || s.ID != "" {
		return s, err
	}
	s, from, err := r.runSteps(ctx)
	var refused *awsapi.RefusedError
	if from > 1 && errors.As(err, &refused) && refused.Code == "ExpiredToken" {
		// Revoked, or kept by a clock that was wrong.
		r.Log("%s: AWS does not take the cached session any more", r.plan.Profile)
		r.ignoreCache = true
		s, _, err = r.runSteps(ctx)
	}
	if err == nil && r.sts != nil && r.sts.Skew() != 0 && r.Clock != nil {
		r.Clock(r.sts.Skew())
	}
	return s, err
}

// runSteps carries out the steps after the newest session at hand, which stands for
// so many of them; without one, after the plan's source.
func (r *run) runSteps(ctx context.Context) (s creds.Session, from int, err error) {
	last := len(r.plan.Steps)
	for from = last - 1; from > 1; from-- {
		if s, err = r.cachedBase(ctx, from); err != nil {
			return s, from, err
		}
		if s.ID != "" {
			r.Log("%s: step %d is cached", r.plan.Profile, from)
			break
		}
	}
	if from == 1 {
		if s, r.rev, err = r.Source(ctx, r.plan.Steps[0], r.quiet); err != nil {
			return creds.Session{}, from, err
		}
	}
	for n := from; n < last && err == nil; n++ {
		s, err = r.step(ctx, n, s)
	}
	return s, from, err
}

// stepLock is the name of the lock of what the first n steps give. Who holds it waits
// only for locks of fewer steps, and for MFA devices, so no two wait for each other.
// It is one of 256, so that the directory of locks does not grow for ever.
func (r *run) stepLock(n int) string { return fmt.Sprintf("session-%d-%s", n, r.plan.ID(n)[:2]) }

// step carries out steps[n] with what the steps before it gave.
func (r *run) step(ctx context.Context, n int, with creds.Session) (creds.Session, error) {
	if r.sts == nil {
		var err error
		if r.sts, err = r.Dial(r.plan.STS); err != nil {
			return creds.Session{}, err
		}
	}
	if serial := plan.MFASerial(r.plan.Steps[n]); serial != "" {
		return r.withCode(ctx, n, serial, with)
	}
	if n+1 == len(r.plan.Steps) {
		return r.callSTS(ctx, n, with, "") // renew holds its lock
	}
	lock, err := r.lock(ctx, r.stepLock(n+1))
	if err != nil {
		return creds.Session{}, err
	}
	defer lock.release()
	if s, err := r.cachedByOther(ctx, n+1); err != nil || s.ID != "" {
		return s, err
	}
	return r.callSTS(ctx, n, with, "")
}

// callSTS calls STS for steps[n] and keeps the answer. That it could not be kept is
// no reason not to use it.
func (r *run) callSTS(ctx context.Context, n int, with creds.Session, code string) (s creds.Session, err error) {
	switch step := r.plan.Steps[n].(type) {
	case plan.SessionToken:
		s, err = r.sts.SessionToken(ctx, with, step, code)
	case plan.AssumeRole:
		s, err = r.sts.AssumeRole(ctx, with, step, code)
	default:
		panic(fmt.Sprintf("a plan with %s in the middle", step.Kind()))
	}
	if err != nil || r.Sessions == nil {
		return s, err
	}
	if err := r.Sessions.SaveSession(ctx, r.plan.Source(), r.plan.ID(n+1), r.rev, s); err != nil {
		r.Note("the session is not kept for the next time: %v", err)
	}
	return s, nil
}
