// Package mfa gets the code of an MFA device: from a flag, a stored seed, the
// profile's mfa_process or a person.
//
// A code works once, for half a minute, and a wrong one costs one of the attempts that AWS allows.
// So the package promises that a code has the right form, that a question names
// the profile, the device and the program that wants the code, that it returns no
// code which the caller knows to be used, and that errors contain neither seeds
// nor codes. Package prompt asks the person.
//
// Package mfa remembers nothing between processes and locks nothing. Its caller
// remembers the used steps and codes, and lets only one process ask at a time.
package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
)

const (
	// maxMachine is how often a program is run to get an unused code. Its clock may
	// be late, so that it still prints the old code after the wait.
	maxMachine = 3
)

// ProcessError is an mfa_process that did not print a usable code.
type ProcessError struct {
	Profile string
	Err     error // completes the sentence "the mfa_process of ...": "ended with exit status 1"
}

func (e *ProcessError) Error() string {
	return fmt.Sprintf("the mfa_process of %q %v", e.Profile, e.Err)
}

// Unwrap returns the cause.
func (e *ProcessError) Unwrap() error { return e.Err }

// RefusedError means that AWS refused the code from the flag or variable. There is
// no other code to try.
type RefusedError struct {
	Serial string
	Why    string // as in Request.Refused
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("AWS refused the MFA code for %q: %s", e.Serial, term.Clean(e.Why))
}

// Request asks for one code.
type Request struct {
	Profile string // the profile the code is for
	Serial  string // the device's ARN, or a hardware device's serial number
	Program string // the program that wants the credentials; may be empty
	Refused string // why AWS refused Last, to be shown; empty at first
	Last    Answer // the code of this request that AWS refused
	// Quiet means that nobody may be asked, and no program run that could: only the
	// given code and a stored seed count, and the caller's context keeps the store from
	// asking.
	Quiet bool
	// Shown means that a person will read the code, so it need not have the 6
	// digits that AWS expects.
	Shown bool
	// Skew is how far the local clock is ahead of AWS's, as far as is known. Codes from
	// seeds are made by AWS's clock.
	Skew time.Duration
	// UsedStep reports whether any process has used the code of a step; nil if none is
	// known. It applies to codes from seeds, which Used forgets sooner.
	UsedStep func(step int64) bool
	// Used reports whether any process has used a code before; nil if none is known.
	Used func(code string) bool
}

// Answer is a code and where it comes from.
type Answer struct {
	Code string
	Step int64  // its time step, if it was made from a seed; otherwise 0
	From string // "given", "seed", "mfa_process" or a prompter's name
}

const given = "given"

// Ladder is the sources of codes, in this order: the code from a flag or variable,
// a stored seed, the profile's mfa_process, and a person. The zero value has no
// source.
//
// It is safe for concurrent use if the functions in its fields are.
type Ladder struct {
	// Given is the code from a flag or variable; nil for none.
	Given *Given
	// Seed returns the seed of a device, and whether one is stored; nil if no
	// device has one.
	Seed func(ctx context.Context, serial string) (creds.Seed, bool, error)
	// Process runs the profile's mfa_process and returns its output; nil if the
	// profile has none.
	Process func(context.Context) ([]byte, error)
	// Prompters are the ways to ask a person, best first.
	Prompters []prompt.Prompter
	// Prompt names the only prompter to use; empty or prompt.Auto for all that ask
	// a person.
	Prompt string
	// NoInput forbids asking a person.
	NoInput bool
	// Now is the local clock; nil for the real one.
	Now func() time.Time
	// Wait waits for d and may tell the user what for. It returns the context's
	// error if that ends first. nil waits silently.
	Wait func(ctx context.Context, d time.Duration, what string) error
}

// Code returns a code that AWS has not seen yet, as far as the request tells.
//
// Nobody is asked if too little time is left until the context's deadline. Errors
// are a *RefusedError, *prompt.NoPersonError, *CodeError, *SeedError or
// *ProcessError, term.ErrCancelled, the context's error, or the error of Seed.
func (l *Ladder) Code(ctx context.Context, r Request) (Answer, error) {
	if a, ok, err := l.fromGiven(r); ok || err != nil {
		return a, err
	}
	if a, ok, err := l.fromSeed(ctx, r); ok || err != nil {
		return a, err
	}
	if r.Quiet {
		return Answer{}, &prompt.NoPersonError{Profile: r.Profile, Serial: r.Serial, Why: []error{prompt.ErrNoInput}}
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
	code, ok, err := l.Given.take(r.Serial, r.check)
	if !ok || err != nil {
		return Answer{}, false, err
	}
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
	code, step, err := l.freshCode(ctx, seed, r)
	if err == nil && len(code) != CodeLength && !r.Shown {
		err = &SeedError{fmt.Sprintf("makes codes of %d digits, but AWS expects %d", len(code), CodeLength)}
	}
	if err != nil {
		return Answer{}, false, fmt.Errorf("MFA code for %q: %w", r.Serial, err)
	}
	return Answer{Code: code, Step: step, From: "seed"}, true, nil
}

// freshCode waits until the code of the current step is not used, neither from the
// seed nor typed by somebody who has the device on a phone too. Each step counts by
// itself: what was sent while the clock was wrong says nothing about those before it.
func (l *Ladder) freshCode(ctx context.Context, seed creds.Seed, r Request) (code string, step int64, err error) {
	for {
		now := l.now().Add(-r.Skew)
		step = Step(seed, now)
		if code, err = Code(seed, step); err != nil {
			return "", 0, err
		}
		if (r.UsedStep == nil || !r.UsedStep(step)) && (r.Used == nil || !r.Used(code)) {
			return code, step, context.Cause(ctx)
		}
		if err := l.wait(ctx, StepEnd(seed, step).Sub(now), r.Serial); err != nil {
			return "", 0, err
		}
	}
}

// wait waits for the next code of a device.
func (l *Ladder) wait(ctx context.Context, d time.Duration, serial string) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return &lateError{d}
	}
	if l.Wait != nil {
		return l.Wait(ctx, d, "the next MFA code ("+plan.ShortSerial(serial)+")")
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lateError means that the next code comes after the context's deadline.
type lateError struct{ wait time.Duration }

func (e *lateError) Error() string {
	wait := e.wait + time.Second - 1 // rounded up: "0s" would be no reason
	return "the next MFA code comes in " + plan.Duration(wait) + ", which is too late"
}

func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

func (l *Ladder) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func (l *Ladder) fromProcess(ctx context.Context, r Request) (Answer, error) {
	code, err := l.fromMachine(ctx, r, func() (string, error) {
		out, err := l.Process(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			err = &ProcessError{r.Profile, err}
		case errors.Is(err, context.DeadlineExceeded):
			err = &ProcessError{r.Profile, fmt.Errorf("gave %w", err)}
		}
		return string(out), err
	})
	var bad *CodeError
	if errors.As(err, &bad) {
		err = &ProcessError{r.Profile, fmt.Errorf("printed an unusable MFA code: %v", bad)}
	}
	if err != nil {
		return Answer{}, err
	}
	return Answer{Code: code, From: "mfa_process"}, nil
}

// fromMachine gets a code from a program that gives the same code until the next
// time step.
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
		now := l.now() // the program has no other
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
		return l.fromPrompterMachine(ctx, prompters[0], r)
	}
	var code string
	from, err := prompt.Ask(ctx, prompters, r.question(), func(answer creds.Secret) (err error) {
		code, err = r.check(answer.Reveal())
		return err
	})
	return r.answer(code, from, err)
}

// fromPrompterMachine gets a code from a machine among the prompters.
func (l *Ladder) fromPrompterMachine(ctx context.Context, p prompt.Prompter, r Request) (Answer, error) {
	code, err := l.fromMachine(ctx, r, func() (string, error) {
		answer, err := p.AskOnce(ctx, r.question())
		return answer.Reveal(), err
	})
	return r.answer(code, p.Name, err)
}

// answer makes the answer or the error of a prompter that was asked.
func (r Request) answer(code, from string, err error) (Answer, error) {
	var nobody *prompt.NoPersonError
	if errors.As(err, &nobody) {
		nobody.Profile, nobody.Serial = r.Profile, r.Serial
		return Answer{}, nobody
	}
	if err != nil {
		return Answer{}, fmt.Errorf("MFA code for %q: %w", r.Serial, err)
	}
	return Answer{Code: code, From: from}, nil
}

// usable returns the prompter that the user named, or all that ask a person.
func (l *Ladder) usable() []prompt.Prompter {
	return slices.DeleteFunc(slices.Clone(l.Prompters), func(p prompt.Prompter) bool {
		if l.Prompt == "" || l.Prompt == prompt.Auto {
			return p.Machine
		}
		return p.Name != l.Prompt
	})
}

// check is checkCode, and refuses codes that the caller knows to be used.
func (r Request) check(text string) (string, error) {
	code, err := checkCode(text)
	if err == nil && r.Used != nil && r.Used(code) {
		err = &CodeError{Problem: "that code has been used; wait for the next one", used: true}
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// question tells a person what they need to know before they give a code.
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
