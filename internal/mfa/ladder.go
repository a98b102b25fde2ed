// Package mfa knows where a code of an MFA device comes from.
//
// A code works once, for half a minute, and a wrong one costs an attempt at
// AWS. So the package promises that a code has the right form, is asked for by
// name (profile, device and the program that wants it) and is not one that the
// caller knows to be used; that nobody is asked when nobody can answer in time;
// and that neither a seed nor a code is in an error.
//
// It remembers nothing between processes and locks nothing: which steps and
// codes are used, and that only one process asks, is up to its caller.
package mfa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/term"
)

const (
	// minBudget is the least time in which a person finds a phone and types
	// its code. With less left it is better not to ask.
	minBudget = 10 * time.Second
	// maxTries bounds how often a malformed code is asked for again, because
	// not every prompter is a person.
	maxTries = 5
	// maxAhead is how many steps ahead of now the last used step may be. More
	// means that the clock went back, and the memory is ignored.
	maxAhead = 2
)

// Auto is the name that stands for the first prompter that can ask.
const Auto = "auto"

// Why nobody can be asked; inside a NoPersonError, beside term.ErrNone and
// term.ErrBackground.
var (
	ErrNoInput = errors.New("questions are turned off")
	ErrNoTime  = errors.New("not enough time is left for a person to answer")
)

// NoPersonError means that a code is needed and nobody can be asked. It unwraps
// to the reasons.
type NoPersonError struct {
	Profile string
	Serial  string
	Why     []error // one for each prompter tried
}

func (e *NoPersonError) Error() string {
	var why []string
	for _, err := range e.Why {
		why = append(why, err.Error())
	}
	return fmt.Sprintf("profile %q needs a code of %q and nobody can be asked: %s", e.Profile, e.Serial, strings.Join(why, "; "))
}

func (e *NoPersonError) Unwrap() []error { return e.Why }

// RefusedError means that the code given beforehand was refused. It works once,
// so there is nothing to try again.
type RefusedError struct {
	Serial string
	Why    string // as in Request.Refused
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the given MFA code of %q was refused: %s", e.Serial, term.Clean(e.Why))
}

// PrompterError is a prompter asked for by a name that there is none of.
type PrompterError struct {
	Name  string
	Names []string // those there are
}

func (e *PrompterError) Error() string {
	return fmt.Sprintf("no MFA prompt %q", e.Name)
}

// Request is one code that is needed.
type Request struct {
	Profile string // the profile the code is for
	Serial  string // the device's ARN, or a hardware device's serial number
	Program string // the program that wants the credentials; may be empty
	Refused string // why the last code was refused, to be shown; empty at first
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
	From string // "given", "seed" or a prompter's name
}

// Ladder is where codes come from, in order: given beforehand, made from a
// stored seed, asked of a person. Its zero value has no source at all. It is not
// safe for concurrent use.
type Ladder struct {
	// Given is a code from a flag or a variable. It is used once.
	Given creds.Secret
	// Seed returns the seed of a device, and whether there is one; nil if none
	// is stored.
	Seed func(ctx context.Context, serial string) (creds.Seed, bool, error)
	// Prompters are the ways to ask a person, best first.
	Prompters []Prompter
	// Prompt names the only prompter to use; empty or Auto for all of them.
	Prompt string
	// NoInput forbids asking.
	NoInput bool
	// Now is AWS's time as far as it is known; nil for the local clock.
	Now func() time.Time
	// Sleep waits, or returns the context's error; nil for the real one.
	Sleep func(context.Context, time.Duration) error
	// Notice says why it takes so long; nil to say nothing.
	Notice func(string)

	gave string // the device that Given went to
}

// Code returns a code that, as far as the request tells, AWS has not seen yet.
//
// The context's deadline is the budget: with too little left nobody is asked.
// Errors are a *RefusedError, *PrompterError, *NoPersonError, *CodeError,
// *SeedError, term.ErrCancelled, the context's, or the store's from Seed.
func (l *Ladder) Code(ctx context.Context, r Request) (Answer, error) {
	if a, ok, err := l.given(r); ok || err != nil {
		return a, err
	}
	if a, ok, err := l.fromSeed(ctx, r); ok || err != nil {
		return a, err
	}
	return l.fromPerson(ctx, r)
}

func (l *Ladder) given(r Request) (Answer, bool, error) {
	switch {
	case l.Given.IsZero():
		return Answer{}, false, nil
	case l.gave == r.Serial && r.Refused != "":
		return Answer{}, false, &RefusedError{r.Serial, r.Refused}
	case l.gave != "":
		return Answer{}, false, nil // another device, or a second session
	}
	code, err := r.check(l.Given.Reveal())
	if err != nil {
		return Answer{}, false, err
	}
	l.gave = r.Serial
	return Answer{Code: code, From: "given"}, true, nil
}

func (l *Ladder) fromSeed(ctx context.Context, r Request) (Answer, bool, error) {
	if l.Seed == nil {
		return Answer{}, false, nil
	}
	seed, ok, err := l.Seed(ctx, r.Serial)
	if !ok || err != nil {
		return Answer{}, false, err
	}
	step, err := l.freshStep(ctx, seed, r)
	if err != nil {
		return Answer{}, false, fmt.Errorf("MFA code of %q: %w", r.Serial, err)
	}
	code, err := Code(seed, step)
	if err == nil {
		_, err = CheckCode(code) // a seed for 8 digits is not one of AWS's
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
		wait := StepEnd(seed, r.After).Sub(now)
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			return 0, fmt.Errorf("the next one is %s away: %w", seconds(wait), context.DeadlineExceeded)
		}
		if l.Notice != nil {
			l.Notice(fmt.Sprintf("waiting %s for the next code of %s", seconds(wait), term.Clean(r.Serial)))
		}
		if err := l.sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

func (l *Ladder) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func (l *Ladder) sleep(ctx context.Context, d time.Duration) error {
	if l.Sleep != nil {
		return l.Sleep(ctx, d)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// seconds rounds up: "0s" would be no reason to wait.
func seconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func (l *Ladder) fromPerson(ctx context.Context, r Request) (Answer, error) {
	prompters, err := l.prompters()
	if err != nil {
		return Answer{}, err
	}
	nobody := &NoPersonError{Profile: r.Profile, Serial: r.Serial}
	if l.NoInput || len(prompters) == 0 {
		nobody.Why = []error{ErrNoInput}
		return Answer{}, nobody
	}
	if !enoughTime(ctx) {
		nobody.Why = []error{ErrNoTime}
		return Answer{}, nobody
	}
	for _, p := range prompters {
		code, err := ask(ctx, p, r)
		var not *notReadyError
		if errors.As(err, &not) {
			nobody.Why = append(nobody.Why, fmt.Errorf("%s: %w", p.Name, not.err))
			continue
		}
		if err != nil {
			return Answer{}, fmt.Errorf("MFA code of %q: %w", r.Serial, err)
		}
		return Answer{Code: code, From: p.Name}, nil
	}
	return Answer{}, nobody
}

// prompters returns those that may be used.
func (l *Ladder) prompters() ([]Prompter, error) {
	if l.Prompt == "" || l.Prompt == Auto {
		return l.Prompters, nil
	}
	names := []string{Auto}
	for _, p := range l.Prompters {
		if p.Name == l.Prompt {
			return []Prompter{p}, nil
		}
		names = append(names, p.Name)
	}
	return nil, &PrompterError{l.Prompt, names}
}

// ask asks until the code has the right form and is not known to be used: AWS
// need not be bothered with others.
func ask(ctx context.Context, p Prompter, r Request) (string, error) {
	if err := p.Ready(); err != nil {
		return "", &notReadyError{err}
	}
	q := Question{Text: r.prompt()}
	if r.Refused != "" {
		q.Problem = "the last code was refused: " + term.Clean(r.Refused)
	}
	for try := 1; ; try++ {
		if !enoughTime(ctx) {
			return "", &notReadyError{ErrNoTime}
		}
		text, err := p.Ask(ctx, q)
		if errors.Is(err, term.ErrNone) || errors.Is(err, term.ErrBackground) {
			return "", &notReadyError{err} // it changed since Ready
		}
		code := ""
		if err == nil {
			code, err = r.check(text)
		}
		var bad *CodeError
		if !errors.As(err, &bad) || try == maxTries {
			return code, err
		}
		q.Problem = bad.Error()
	}
}

// notReadyError: this prompter cannot ask, another may.
type notReadyError struct{ err error }

func (e *notReadyError) Error() string { return e.err.Error() }

func enoughTime(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= minBudget
}

// check is CheckCode and the memory of the caller.
func (r Request) check(text string) (string, error) {
	code, err := CheckCode(text)
	if err == nil && r.Used != nil && r.Used(code) {
		err = &CodeError{"was used already, wait for the next one"}
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// prompt names all that a person needs to know before handing out a code.
func (r Request) prompt() string {
	s := "MFA code for " + term.Clean(r.Profile) + " (" + term.Clean(r.Serial) + ")"
	if r.Program != "" {
		s += ", for " + term.Clean(r.Program)
	}
	return s + ": "
}
