package broker

import (
	"context"
	"errors"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/keyring"
)

const (
	// codeTries is how many codes AWS may refuse before fob gives up.
	codeTries = 3
	// codeGrace is the default of Broker.Grace.
	codeGrace = 15 * time.Second
	// minSkew is how wrong the clock must be to matter for codes, which change every
	// 30 s. Dates have whole seconds and take time to arrive.
	minSkew = 15 * time.Second
	// shareTimeout is how long a refusal may wait for the device's lock.
	shareTimeout = 2 * time.Second
)

// withCode carries out steps[n], which needs a code of an MFA device, and tries until
// AWS accepts one. A person is asked before the device's lock is taken, so that those
// who have a code do not wait for them.
func (r *run) withCode(ctx context.Context, n int, serial string, with creds.Session) (creds.Session, error) {
	q := mfa.Request{Profile: r.plan.Profile, Serial: serial, Quiet: r.asking == nil && !r.quiet}
	if r.Program != nil {
		q.Program = r.Program()
	}
	var held *heldLock
	if r.asking == nil {
		// Nobody is asked, so the lock is held until it is clear how the tries end.
		lock, err := r.lock(ctx, deviceLock(serial))
		if err != nil {
			return creds.Session{}, err
		}
		defer lock.release()
		held = lock
	}
	var refusal error
	for try := 1; ; {
		s, answer, err := r.tryCode(ctx, held, n, &q, with)
		var refused *awsapi.RefusedError
		var asked *askError
		switch {
		case err == nil:
			return s, nil
		case err == errCodeUsed:
			continue
		case errors.As(err, &asked):
			if err = asked.error; q.Quiet && refusal == nil && needsPerson(err) {
				return creds.Session{}, err
			}
			if refusal != nil && !errors.Is(err, term.ErrCancelled) && !errors.Is(err, context.Canceled) {
				err = refusal // there is no other code, and AWS said best why
			}
			return creds.Session{}, r.shareRefusal(ctx, held, n, serial, err)
		case !errors.As(err, &refused):
			return creds.Session{}, err
		case !refused.BadCode() || try == codeTries || ctx.Err() != nil:
			return creds.Session{}, r.shareRefusal(ctx, held, n, serial, err)
		}
		try, refusal = try+1, err
		q.Last, q.Refused = answer, "wrong, expired or already used"
		if refused.Resent {
			q.Refused = awsapi.LostAnswer
		}
	}
}

// askError is an error of the source of codes.
type askError struct{ error }

func (e *askError) Unwrap() error { return e.error }

// errCodeUsed stays inside the package: another process used the code first.
var errCodeUsed = errors.New("the code was used in the meantime")

// tryCode gets a code and sends it. Before AWS sees it, it is on the disk as used:
// whatever happens, no process sends it again. The device's lock is held, or nil: then
// a person is asked first.
func (r *run) tryCode(ctx context.Context, held *heldLock, n int, q *mfa.Request, with creds.Session) (s creds.Session, answer mfa.Answer, err error) {
	name := deviceLock(q.Serial)
	if held == nil {
		if s, err := r.cachedByOther(ctx, n+1); err != nil || s.ID != "" {
			return s, answer, err
		}
		d := r.deviceState(name)
		if r.takesOver(d, n) {
			return s, answer, &keyring.SharedError{Refusal: d.Refusal, Serial: q.Serial}
		}
		q.Skew, q.UsedStep, q.Used = d.Skew, d.usedStep, d.usedAt(r.Now())
		r.asking.asks(device(q.Serial))
		watched, stop := r.untilMade(ctx, n+1)
		answer, err = r.code(watched, *q)
		stop()
		if err != nil && context.Cause(watched) == errMade {
			// Its header says so. If it cannot be used after all, ask again.
			r.Note("another fob has signed in with %s", plan.ShortSerial(q.Serial))
			if s, err = r.cachedByOther(ctx, n+1); err == nil && s.ID == "" {
				err = errCodeUsed
			}
			return s, answer, err
		}
		if err != nil {
			return s, answer, &askError{err}
		}
	}
	lock := held
	if held == nil {
		if lock, err = r.lock(ctx, name); err != nil {
			return s, answer, err
		}
		defer lock.release()
	}
	inside := keyring.WithoutAsking(ctx)
	if s, err := r.cachedByOther(inside, n+1); err != nil || s.ID != "" {
		return s, answer, err
	}
	d := r.deviceState(name)
	if held != nil {
		if r.takesOver(d, n) {
			return s, answer, &keyring.SharedError{Refusal: d.Refusal, Serial: q.Serial}
		}
		q.Skew, q.UsedStep, q.Used = d.Skew, d.usedStep, d.usedAt(r.Now())
		if answer, err = r.code(inside, *q); err != nil {
			if d.Since(r.seenRefusal, r.plan.ID(n+1)) && d.Outcome == keyring.Refused && errors.As(err, new(*mfa.CodeError)) {
				// It was the same code, and AWS has refused it.
				return s, answer, &keyring.SharedError{Refusal: d.Refusal, Serial: q.Serial}
			}
			return s, answer, &askError{err}
		}
	} else if d.uses(answer, r.Now()) {
		return s, answer, errCodeUsed
	}
	used := d.Used
	d = d.use(answer, r.Now())
	if err := lock.remember(d); err != nil {
		return s, answer, err
	}
	s, err = r.sendCode(inside, n, with, answer.Code)
	if _, unsent := errors.AsType[*awsapi.UnsentError](err); unsent {
		d.Used = used // the code is as good as before
		if werr := lock.remember(d); werr != nil {
			r.Log("could not give the code back: %v", werr)
		}
		return s, answer, err
	}
	if _, refused := errors.AsType[*awsapi.RefusedError](err); err == nil || refused {
		r.learnSkew(lock, d, refused && answer.Step != 0)
	}
	return s, answer, err
}

// learnSkew remembers how wrong the clock is, when AWS has just answered. If AWS has
// refused a code that was made by this clock, the user is told why.
func (r *run) learnSkew(lock *heldLock, d deviceState, refused bool) {
	skew := r.sts.RawSkew()
	if skew.Abs() < minSkew {
		skew = 0
	}
	if (skew - d.Skew).Abs() < minSkew {
		return
	}
	d.Skew = skew
	if err := lock.remember(d); err != nil {
		r.Log("could not remember that the clock is wrong: %v", err)
	}
	if refused && skew != 0 && r.Clock != nil {
		r.Clock(skew)
	}
}

// takesOver reports whether a refusal that came while this run waited is about it,
// too. A person's no is not about a run that needs no person, and what AWS said about
// one code not about another one that the user gave.
func (r *run) takesOver(d deviceState, n int) bool {
	switch {
	case !d.Since(r.seenRefusal, r.plan.ID(n+1)):
		return false
	case r.asking != nil:
		return true
	}
	return d.Outcome == keyring.Refused && (d.About != "" || !r.Given)
}

func (r *run) code(ctx context.Context, q mfa.Request) (mfa.Answer, error) {
	if !r.quiet {
		return r.Codes.Code(ctx, q)
	}
	if r.QuietCodes == nil {
		return mfa.Answer{}, &prompt.NoPersonError{Profile: q.Profile, Serial: q.Serial, Why: []error{prompt.ErrNoInput}}
	}
	return r.QuietCodes.Code(ctx, q)
}

// SeedCode makes a code of a device whose MFA secret is stored, in order to show it,
// and remembers it as used. skew is how far the clock is ahead of AWS's.
func (b *Broker) SeedCode(ctx context.Context, profile, serial string, skew time.Duration) (mfa.Answer, error) {
	r := &run{Broker: b}
	lock, err := r.lock(ctx, deviceLock(serial))
	if err != nil {
		return mfa.Answer{}, err
	}
	defer lock.release()
	d := r.deviceState(deviceLock(serial))
	answer, err := b.Codes.Code(ctx, mfa.Request{Profile: profile, Serial: serial, Shown: true, Skew: skew, UsedStep: d.usedStep, Used: d.usedAt(b.Now())})
	if err != nil {
		return mfa.Answer{}, err
	}
	return answer, lock.remember(d.use(answer, b.Now()))
}

// sendCode sends a code and caches its session. If ctx is cancelled, it continues for
// Grace: the code is spent, and without its session it would be wasted.
func (r *run) sendCode(ctx context.Context, n int, with creds.Session, code string) (creds.Session, error) {
	grace := r.Grace
	if grace == 0 {
		grace = codeGrace
	}
	limit, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	defer stop()
	return r.callSTS(limit, n, with, code)
}

// shareRefusal tells those who wait for the same device that AWS or a person
// refused, and returns err.
func (r *run) shareRefusal(ctx context.Context, held *heldLock, n int, serial string, err error) error {
	var refused *awsapi.RefusedError
	outcome, message, about := keyring.Refused, "", ""
	switch {
	case errors.As(err, &refused):
		message = refused.Message
		if !refused.BadCode() {
			about = r.plan.ID(n + 1) // it is about this key or role, not about the device
		}
	case errors.Is(err, term.ErrCancelled):
		outcome, message = keyring.Cancelled, "cancelled"
	case ctx.Err() == context.DeadlineExceeded && r.asking != nil:
		outcome, message = keyring.Unanswered, "nobody answered in time"
	default:
		return err
	}
	if werr := r.remember(ctx, held, serial, func(d deviceState) deviceState {
		d.Refusal = d.Next(outcome, message, about)
		return d
	}); werr != nil {
		r.Log("could not share the refusal: %v", werr)
	}
	return err
}

// remember changes what is remembered of a device, even if ctx has ended.
func (r *run) remember(ctx context.Context, held *heldLock, serial string, change func(deviceState) deviceState) error {
	if held == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
		defer cancel()
		lock, err := r.lock(ctx, deviceLock(serial))
		if err != nil {
			return err
		}
		defer lock.release()
		held = lock
	}
	return held.remember(change(r.deviceState(deviceLock(serial))))
}
