package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	// codeTries is how often a person may mistype.
	codeTries = 3
	// codeGrace is Broker.Grace where that is 0.
	codeGrace = 15 * time.Second
	// lockPoll is how often a waiting process looks again.
	lockPoll = 20 * time.Millisecond
	// reuse is how long a code could be taken for a fresh one: AWS takes those of
	// the step before and after the current 30 s.
	reuse = 2 * time.Minute
	// ahead is how far in the future a use may be: two of AWS's 30 s steps.
	ahead = time.Minute
	// memory is how many used codes are remembered of a device.
	memory = 8
)

// deviceLock is the name of an MFA device's lock, whose state is the device's memory.
func deviceLock(serial string) string { return "mfa-" + serial }

// withCode carries out steps[n], which needs a code of the device serial. One
// process at a time asks for it, over all profiles.
func (r *run) withCode(ctx context.Context, n int, serial string, with creds.Session) (creds.Session, error) {
	lock, err := r.claim(ctx, deviceLock(serial))
	if err != nil {
		return creds.Session{}, err
	}
	defer lock.release()
	if s, err := r.meanwhile(ctx, n+1); err != nil || s.ID != "" {
		return s, err
	}
	d := r.device(deviceLock(serial))
	if d.Seq != r.before && d.Outcome != "" && (d.Plan == "" || d.Plan == r.plan.ID(n+1)) {
		return creds.Session{}, &SharedError{Serial: serial, Outcome: d.Outcome, Message: d.Message}
	}
	return r.tryCodes(ctx, lock, d, n, serial, with)
}

// tryCodes asks for codes until AWS takes one. The caller holds the device's lock.
func (r *run) tryCodes(ctx context.Context, lock *claim, d device, n int, serial string, with creds.Session) (creds.Session, error) {
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
				err = refusal // there is no other code, and AWS's words say it best
			}
			return creds.Session{}, r.share(ctx, lock, d, n, err)
		}
		d = d.use(answer, r.Now())
		// Remembered and on the disk before AWS sees it: whatever happens, no
		// process sends this code again.
		if err := lock.set(d); err != nil {
			return creds.Session{}, err
		}
		s, err := r.spend(ctx, n, with, answer.Code)
		var refused *awsapi.RefusedError
		if err == nil || !errors.As(err, &refused) {
			return s, err
		}
		if !refused.BadCode() || try == codeTries || ctx.Err() != nil {
			return creds.Session{}, r.share(ctx, lock, d, n, err)
		}
		refusal = err
		q.Last, q.Refused = answer, "it is wrong, late or used up"
		if refused.Resent {
			q.Refused = awsapi.LostAnswer
		}
	}
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

// SeedCode makes a code of a device whose seed is stored, to be shown, and counts
// it as used.
func (b *Broker) SeedCode(ctx context.Context, profile, serial string) (mfa.Answer, error) {
	r := &run{Broker: b}
	lock, err := r.claim(ctx, deviceLock(serial))
	if err != nil {
		return mfa.Answer{}, err
	}
	defer lock.release()
	d := r.device(deviceLock(serial))
	answer, err := b.Codes.Code(ctx, mfa.Request{Profile: profile, Serial: serial, Shown: true, After: d.lastStep(b.Now()), Used: d.usedAt(b.Now())})
	if err != nil {
		return mfa.Answer{}, err
	}
	return answer, lock.set(d.use(answer, b.Now()))
}

// spend sends a code and keeps its session. From here on only SIGKILL stops it:
// a cancelled context would waste the code.
func (r *run) spend(ctx context.Context, n int, with creds.Session, code string) (creds.Session, error) {
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
	return r.ask(limit, n, with, code)
}

// share writes how asking ended, for those who wait for the same device, and
// returns err.
func (r *run) share(ctx context.Context, lock *claim, d device, n int, err error) error {
	var refused *awsapi.RefusedError
	d.Plan = ""
	switch {
	case errors.As(err, &refused):
		d.Outcome, d.Message = Refused, refused.Message
		if !refused.BadCode() {
			d.Plan = r.plan.ID(n + 1) // of this key or role, rather than of the device
		}
	case errors.Is(err, term.ErrCancelled):
		d.Outcome, d.Message = Cancelled, "cancelled"
	case ctx.Err() == context.DeadlineExceeded && !r.quiet:
		d.Outcome, d.Message = Unanswered, "nobody answered in time"
	default:
		return err
	}
	d.Seq++
	if werr := lock.set(d); werr != nil {
		r.Log("the outcome is not shared: %v", werr)
	}
	return err
}

// device is what the lock file of an MFA device remembers.
type device struct {
	Used []used `json:"used,omitempty"`
	// Seq counts outcomes: a waiter takes over only what came while it waited.
	Seq     int     `json:"seq,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	Message string  `json:"message,omitempty"`
	// Plan is the ID that the outcome is about; empty if it is the device.
	Plan string `json:"plan,omitempty"`
}

// used is a code that was sent, or was about to be.
type used struct {
	At time.Time `json:"at"`
	// Mark is 16 bits of the code's hash: enough to notice a code that is typed
	// twice, too little to find one that AWS may still take.
	Mark string `json:"mark"`
	// Step is the code's time step if it was made from a seed, in the seed's periods.
	Step int64 `json:"step,omitempty"`
}

func (r *run) device(name string) device {
	var d device
	if r.Sessions == nil {
		return d
	}
	state, err := r.Sessions.LockState(name)
	if err == nil && len(state) > 0 {
		err = json.Unmarshal(state, &d)
	}
	if err != nil {
		r.Log("the memory of %s is not readable and begins anew: %v", name, err)
		return device{}
	}
	return d
}

// lastStep is the last step whose code was used, 0 if none is known. Entries
// from the future are ignored: the clock went back.
func (d device) lastStep(now time.Time) int64 {
	var last int64
	for _, u := range d.Used {
		if u.At.Sub(now) < ahead {
			last = max(last, u.Step)
		}
	}
	return last
}

// usedAt recognises the codes that AWS may remember now.
func (d device) usedAt(now time.Time) func(code string) bool {
	return func(code string) bool {
		for _, u := range d.Used {
			if u.Mark == mark(code) && now.Sub(u.At).Abs() < reuse {
				return true
			}
		}
		return false
	}
}

// use adds a code; old ones are dropped.
func (d device) use(a mfa.Answer, now time.Time) device {
	u := used{At: now.UTC(), Mark: mark(a.Code), Step: a.Step}
	d.Used = append(append([]used{}, d.Used[max(0, len(d.Used)-memory+1):]...), u)
	d.Outcome, d.Message, d.Plan = "", "", ""
	return d
}

func mark(code string) string {
	sum := sha256.Sum256([]byte("fob used code " + code))
	return hex.EncodeToString(sum[:2])
}

// claim is a lock over all processes that use the same store; without a store
// it holds nothing.
type claim struct{ lock *keyring.Lock }

var errBusy = errors.New("another fob is at it")

// claim waits for the lock; who is quiet does not.
func (r *run) claim(ctx context.Context, name string) (*claim, error) {
	if r.Sessions == nil {
		return &claim{}, nil
	}
	for try := 1; ; try++ {
		lock, ok, err := r.Sessions.TryLock(name)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return &claim{lock}, nil
		case r.quiet:
			return nil, errBusy
		case try == 1:
			r.Log("waiting for another fob")
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

func (c *claim) release() {
	if c.lock != nil {
		_ = c.lock.Unlock() // closing the file releases it in any case
	}
}

func (c *claim) set(d device) error {
	if c.lock == nil {
		return nil
	}
	state, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return c.lock.SetState(state)
}
