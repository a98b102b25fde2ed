package broker

import (
	"context"
	"errors"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
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
)

// withCode carries out steps[n], which needs a code of an MFA device. One process at
// a time asks for a device's codes, for whatever profile.
func (r *run) withCode(ctx context.Context, n int, serial string, with creds.Session) (creds.Session, error) {
	lock, err := r.lock(ctx, deviceLock(serial))
	if err != nil {
		return creds.Session{}, err
	}
	defer lock.release()
	if s, err := r.cachedByOther(ctx, n+1); err != nil || s.ID != "" {
		return s, err
	}
	d := r.deviceState(deviceLock(serial))
	if d.Since(r.seenRefusal, r.plan.ID(n+1)) {
		return creds.Session{}, &keyring.SharedError{Refusal: d.Refusal, Serial: serial}
	}
	return r.tryCodes(ctx, lock, d, n, serial, with)
}

// tryCodes asks for codes until AWS accepts one. The caller holds the device's lock.
func (r *run) tryCodes(ctx context.Context, lock *heldLock, d deviceState, n int, serial string, with creds.Session) (creds.Session, error) {
	q := mfa.Request{Profile: r.plan.Profile, Serial: serial}
	if r.Program != nil {
		q.Program = r.Program()
	}
	var refusal error
	for try := 1; ; try++ {
		q.After, q.Used = d.lastStep(r.Now()), d.usedAt(r.Now())
		answer, err := r.code(ctx, q)
		if err != nil {
			if refusal != nil && !errors.Is(err, term.ErrCancelled) && !errors.Is(err, context.Canceled) {
				err = refusal // there is no other code, and AWS said best why
			}
			return creds.Session{}, r.shareRefusal(ctx, lock, d, n, err)
		}
		used := d.Used
		d = d.use(answer, r.Now())
		// The code must be on the disk as used before AWS sees it: whatever happens, no
		// process sends it again.
		if err := lock.remember(d); err != nil {
			return creds.Session{}, err
		}
		s, err := r.sendCode(ctx, n, with, answer.Code)
		if _, unsent := errors.AsType[*awsapi.UnsentError](err); unsent {
			d.Used = used // the code is as good as before
			if werr := lock.remember(d); werr != nil {
				r.Log("could not give the code back: %v", werr)
			}
			return s, err
		}
		var refused *awsapi.RefusedError
		if err != nil && !errors.As(err, &refused) {
			return s, err
		}
		d = r.learnSkew(lock, d)
		if err == nil {
			return s, nil
		}
		if !refused.BadCode() || try == codeTries || ctx.Err() != nil {
			return creds.Session{}, r.shareRefusal(ctx, lock, d, n, err)
		}
		refusal = err
		q.Last, q.Refused = answer, "wrong, expired or already used"
		if refused.Resent {
			q.Refused = awsapi.LostAnswer
		}
	}
}

// learnSkew remembers how wrong the clock is, when AWS has just answered.
func (r *run) learnSkew(lock *heldLock, d deviceState) deviceState {
	skew := r.sts.RawSkew()
	if skew.Abs() < minSkew {
		skew = 0
	}
	if (skew - d.Skew).Abs() < minSkew {
		return d
	}
	d.Skew = skew
	if err := lock.remember(d); err != nil {
		r.Log("could not remember that the clock is wrong: %v", err)
	}
	return d
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
// and remembers it as used.
func (b *Broker) SeedCode(ctx context.Context, profile, serial string) (mfa.Answer, error) {
	r := &run{Broker: b}
	lock, err := r.lock(ctx, deviceLock(serial))
	if err != nil {
		return mfa.Answer{}, err
	}
	defer lock.release()
	d := r.deviceState(deviceLock(serial))
	answer, err := b.Codes.Code(ctx, mfa.Request{Profile: profile, Serial: serial, Shown: true, After: d.lastStep(b.Now()), Used: d.usedAt(b.Now())})
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
func (r *run) shareRefusal(ctx context.Context, lock *heldLock, d deviceState, n int, err error) error {
	var refused *awsapi.RefusedError
	switch {
	case errors.As(err, &refused):
		about := ""
		if !refused.BadCode() {
			about = r.plan.ID(n + 1) // it is about this key or role, not about the device
		}
		d.Refusal = d.Next(keyring.Refused, refused.Message, about)
	case errors.Is(err, term.ErrCancelled):
		d.Refusal = d.Next(keyring.Cancelled, "cancelled", "")
	case ctx.Err() == context.DeadlineExceeded && !r.quiet:
		d.Refusal = d.Next(keyring.Unanswered, "nobody answered in time", "")
	default:
		return err
	}
	if werr := lock.remember(d); werr != nil {
		r.Log("could not share the refusal: %v", werr)
	}
	return err
}
