// Package mfa knows where a code of an MFA device comes from.
//
// A code works once, for half a minute, and a wrong one costs an attempt at
// AWS. So the package promises that a code has the right form, is asked for by
// name (profile, device and the program that wants it) and is not one that the
// caller knows to be used, and that neither a seed nor a code is in an error.
// How a person is asked is up to package prompt.
//
// It remembers nothing between processes and locks nothing: which steps and
// codes are used, and that only one process asks, is up to its caller.
package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"fob/internal/creds"
	"fob/internal/prompt"
	"fob/internal/term"
)

const (
	// maxMachine bounds how often a program is run for a code that is not used
	// yet: after the wait its clock may still be in the last step.
	maxMachine = 3
	// minSkew is what the clock must be off by to be the reason of a refusal: AWS
	// takes the codes before and after its current one. It is in seconds because
	// AWS says its time in seconds.
	minSkew = 15 * time.Second
	// maxAhead is how many steps ahead of now the last used step may be. More
	// means that the clock went back, and the memory is ignored.
	maxAhead = 2
)

// ProcessError is an mfa_process that gives no code.
type ProcessError struct {
	Profile string
	Err     error // reads on from there: "ended with exit status 1"
}

func (e *ProcessError) Error() string {
	return fmt.Sprintf("the mfa_process of %q %v", e.Profile, e.Err)
}

// RefusedError means that the code given beforehand was refused. It works once,
// so there is nothing to try again.
type RefusedError struct {
	Serial string
	Why    string // as in Request.Refused
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("AWS refused the MFA code for %q: %s", e.Serial, term.Clean(e.Why))
}

// Request is one code that is needed.
type Request struct {
	Profile string // the profile the code is for
	Serial  string // the device's ARN, or a hardware device's serial number
	Program string // the program that wants the credentials; may be empty
	Refused string // why Last was refused, to be shown; empty at first
	Last    Answer // the last code of this request, which was refused
	// Shown: the code is for a person and not for AWS, whose codes have 6 digits.
	Shown bool
	// After is the last step used of this device, by any process; 0 if none is
	// known. It counts for seeds only.
	After int64
	// Used reports whether a code was used before, by any process. It counts
	// for codes from elsewhere; nil if none is known.
	Used func(code string) bool
}

// Answer is a code and where it comes from.
type Answer struct {
	Code string
	Step int64  // the step it belongs to; 0 if not known, as for every code that is typed
	From string // given, "seed", "mfa_process" or a prompter's name
}

const given = "given"

// Ladder is where codes come from, in order: given beforehand, made from a
// stored seed, printed by the profile's mfa_process, asked of a person. Its zero
// value has no source at all.
//
// It is safe for several goroutines, which may then call the functions in its
// fields at the same time.
type Ladder struct {
	// Given is a code from a flag or a variable. It is used once.
	Given creds.Secret
	// Seed returns the seed of a device, and whether there is one; nil if none
	// is stored.
	Seed func(ctx context.Context, serial string) (creds.Seed, bool, error)
	// Process runs the profile's mfa_process and returns what it printed; nil if
	// there is none.
	Process func(context.Context) ([]byte, error)
	// Prompters are the ways to ask a person, best first.
	Prompters []prompt.Prompter
	// Prompt names the only prompter to use; empty or prompt.Auto for all of them.
	Prompt string
	// NoInput forbids asking.
	NoInput bool
	// Now is the local clock; nil for the real one.
	Now func() time.Time
	// Skew is how far it is ahead of AWS's, by AWS's last answer, and 0 before the
	// first; nil if that is not known. After a refusal codes are made by AWS's clock.
	Skew func() time.Duration
	// Wait waits until what is there, or returns the context's error; nil for a
	// silent wait.
	Wait func(ctx context.Context, d time.Duration, what string) error
	// Notice tells the user, once, that codes are made by AWS's clock, and how far
	// the local one is ahead of it; nil to say nothing.
	Notice func(skew time.Duration)

	mu   sync.Mutex    // for what is below
	gave bool          // Given was used
	skew time.Duration // what Skew said after the first refusal, 0 if that was not much
}

// Code returns a code that, as far as the request tells, AWS has not seen yet.
//
// The context's deadline is the budget: with too little left nobody is asked.
// Errors are a *RefusedError, *prompt.NoPersonError, *CodeError,
// *SeedError, *ProcessError, term.ErrCancelled, the context's, or the store's
// from Seed.
func (l *Ladder) Code(ctx context.Context, r Request) (Answer, error) {
	if a, ok, err := l.fromGiven(r); ok || err != nil {
		return a, err
	}
	if a, ok, err := l.fromSeed(ctx, r); ok || err != nil {
		return a, err
	}
	if l.Process != nil {
		return l.fromProcess(ctx, r)
	}
	return l.fromPerson(ctx, r)
}

func (l *Ladder) fromGiven(r Request) (Answer, bool, error) {
	if r.Refused != "" && r.Last.From == given {
		return Answer{}, false, &RefusedError{r.Serial, r.Refused}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Given.IsZero() || l.gave {
		return Answer{}, false, nil
	}
	code, err := r.check(l.Given.Reveal())
	if err != nil {
		return Answer{}, false, err
	}
	l.gave = true
	return Answer{Code: code, From: given}, true, nil
}

func (l *Ladder) fromSeed(ctx context.Context, r Request) (Answer, bool, error) {
	if l.Seed == nil {
		return Answer{}, false, nil
	}
	seed, ok, err := l.Seed(ctx, r.Serial)
	if !ok || err != nil {
		return Answer{}, false, err
	}
	l.correctClock(r)
	step, err := l.freshStep(ctx, seed, r)
	if err != nil {
		return Answer{}, false, fmt.Errorf("MFA code of %q: %w", r.Serial, err)
	}
	code, err := Code(seed, step)
	if err == nil && len(code) != CodeLength && !r.Shown {
		err = &SeedError{fmt.Sprintf("makes codes of %d digits, and AWS takes %d", len(code), CodeLength)}
	}
	if err != nil {
		return Answer{}, false, fmt.Errorf("MFA code of %q: %w", r.Serial, err)
	}
	return Answer{Code: code, Step: step, From: "seed"}, true, nil
}

// freshStep waits until the current step is after the last one used.
func (l *Ladder) freshStep(ctx context.Context, seed creds.Seed, r Request) (int64, error) {
	for {
		now := l.now()
		step := Step(seed, now)
		if r.After < step || r.After > step+maxAhead {
			return step, ctx.Err()
		}
		if err := l.wait(ctx, StepEnd(seed, r.After).Sub(now), r.Serial); err != nil {
			return 0, err
		}
	}
}

// wait waits for the next code of a device.
func (l *Ladder) wait(ctx context.Context, d time.Duration, serial string) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return fmt.Errorf("the next code is %s away: %w", seconds(d), context.DeadlineExceeded)
	}
	if l.Wait != nil {
		return l.Wait(ctx, d, "the next code of "+term.Clean(serial))
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// correctClock makes codes by AWS's clock once AWS has refused one: a phone has
// the right time by itself, this computer may not.
func (l *Ladder) correctClock(r Request) {
	if r.Refused == "" || l.Skew == nil {
		return
	}
	skew := l.Skew()
	if skew.Abs() >= minSkew && l.learnSkew(skew) && l.Notice != nil {
		l.Notice(skew)
	}
}

// learnSkew keeps the first skew, and reports whether this is it.
func (l *Ladder) learnSkew(skew time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skew != 0 {
		return false
	}
	l.skew = skew
	return true
}

// now is AWS's time, as far as it is known.
func (l *Ladder) now() time.Time {
	l.mu.Lock()
	skew := l.skew
	l.mu.Unlock()
	if l.Now == nil {
		return time.Now().Add(-skew)
	}
	return l.Now().Add(-skew)
}

// seconds rounds up: "0s" would be no reason to wait.
func seconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func (l *Ladder) fromProcess(ctx context.Context, r Request) (Answer, error) {
	code, err := l.fromMachine(ctx, r, func() (string, error) {
		out, err := l.Process(ctx)
		if err != nil && ctx.Err() == nil {
			err = &ProcessError{r.Profile, err}
		}
		return string(out), err
	})
	var bad *CodeError
	if errors.As(err, &bad) {
		err = &ProcessError{r.Profile, errors.New("printed a code that " + bad.Problem)}
	}
	if err != nil {
		return Answer{}, err
	}
	return Answer{Code: code, From: "mfa_process"}, nil
}

// fromMachine gets a code from a program that gives the same one until the next
// step.
func (l *Ladder) fromMachine(ctx context.Context, r Request, run func() (string, error)) (string, error) {
	for try := 1; ; try++ {
		text, err := run()
		if err != nil {
			return "", err
		}
		code, err := r.check(text)
		var bad *CodeError
		if !errors.As(err, &bad) || !bad.used || try == maxMachine {
			return code, err
		}
		now := l.now()
		if err := l.wait(ctx, now.Truncate(defaultPeriod).Add(defaultPeriod).Sub(now), r.Serial); err != nil {
			return "", err
		}
	}
}

func (l *Ladder) fromPerson(ctx context.Context, r Request) (Answer, error) {
	prompters := l.usable()
	if l.NoInput || len(prompters) == 0 {
		return Answer{}, &prompt.NoPersonError{Profile: r.Profile, Serial: r.Serial, Why: []error{prompt.ErrNoInput}}
	}
	if prompters[0].Machine {
		return l.fromKey(ctx, prompters[0], r)
	}
	var code string
	from, err := prompt.Ask(ctx, prompters, r.question(), func(answer creds.Secret) (err error) {
		code, err = r.check(answer.Reveal())
		return err
	})
	return r.answered(code, from, err)
}

// fromKey gets the code of a machine that was asked for by name.
func (l *Ladder) fromKey(ctx context.Context, p prompt.Prompter, r Request) (Answer, error) {
	code, err := l.fromMachine(ctx, r, func() (string, error) {
		answer, err := p.AskOnce(ctx, r.question())
		return answer.Reveal(), err
	})
	return r.answered(code, p.Name, err)
}

// answered is what came of asking.
func (r Request) answered(code, from string, err error) (Answer, error) {
	var nobody *prompt.NoPersonError
	if errors.As(err, &nobody) {
		nobody.Profile, nobody.Serial = r.Profile, r.Serial
		return Answer{}, nobody
	}
	if err != nil {
		return Answer{}, fmt.Errorf("MFA code of %q: %w", r.Serial, err)
	}
	return Answer{Code: code, From: from}, nil
}

// usable are the prompters that may be used: the one that is named, or all that
// ask a person.
func (l *Ladder) usable() []prompt.Prompter {
	return slices.DeleteFunc(slices.Clone(l.Prompters), func(p prompt.Prompter) bool {
		if l.Prompt == "" || l.Prompt == prompt.Auto {
			return p.Machine
		}
		return p.Name != l.Prompt
	})
}

// check is CheckCode and the memory of the caller.
func (r Request) check(text string) (string, error) {
	code, err := CheckCode(text)
	if err == nil && r.Used != nil && r.Used(code) {
		err = &CodeError{Problem: "was used already, wait for the next one", used: true}
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// question names all that a person needs to know before handing out a code.
func (r Request) question() prompt.Question {
	q := prompt.Question{
		Title: "MFA code", Serial: r.Serial,
		Text: "MFA code for " + term.Clean(r.Profile), About: append([]string{term.Clean(r.Serial)}, prompt.For(r.Program)...),
	}
	if r.Refused != "" {
		q.Problem = "AWS refused that code: " + term.Clean(r.Refused) + ". Try the next one."
	}
	return q
}
