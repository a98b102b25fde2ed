// Package prompt asks a person for an answer: at the terminal, or with a program
// that opens a window.
//
// It promises that nobody is asked when nobody can answer in time, that what
// others wrote is shown as it is and never run, and that no answer is in an
// error. It does not know what the answers are for: an MFA code or a passphrase.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/term"
)

const (
	// minBudget is the least time in which a person finds a phone and types
	// its code. With less left it is better not to ask.
	minBudget = 10 * time.Second
	// maxTries bounds how often a malformed answer is asked for again, because
	// not every prompter is a person.
	maxTries = 5
)

// Auto is the name that stands for the first prompter that can ask.
const Auto = "auto"

// Why nobody can be asked; inside a NoPersonError, beside term.ErrNone and
// term.ErrBackground.
var (
	ErrNoInput = errors.New("questions are turned off")
	ErrNoTime  = errors.New("not enough time is left for a person to answer")
	// ErrNoDisplay means that there is no desktop, or none in front of the person.
	ErrNoDisplay = errors.New("no display")
	// errAbsent goes without saying: nobody has all of them.
	errAbsent = errors.New("not on this computer")
)

// Question is what a person is asked.
type Question struct {
	// Title says in a word or two what is asked for: "MFA code".
	Title string
	// Text is the question, without its colon, and About what a person wants to
	// know before answering. Each is one line, safe to show.
	Text  string
	About []string
	// Problem is what was wrong with the last answer, to be shown above Text;
	// safe to show, empty at first.
	Problem string
	// Secret answers are not shown while they are typed.
	Secret bool
	// Serial is the MFA device whose code is the answer; empty for another answer.
	Serial string
}

// For names in Question.About the program that the answer is for, where it is known.
func For(program string) []string {
	if program == "" {
		return nil
	}
	return []string{"for " + term.Clean(program)}
}

// line is the question as one line, for a terminal.
func (q Question) line() string {
	if len(q.About) == 0 {
		return q.Text + ": "
	}
	return q.Text + " (" + strings.Join(q.About, ", ") + "): "
}

// NoPersonError means that a person is needed and nobody can be asked. It
// unwraps to the reasons.
type NoPersonError struct {
	Profile string // empty, like Serial, if it is not a code that is needed
	Serial  string
	Why     []error // no two alike
}

func (e *NoPersonError) Error() string {
	text := "nobody can be asked: " + e.Reasons()
	if e.Serial == "" {
		return text
	}
	return fmt.Sprintf("profile %q needs a code of %q and %s", e.Profile, e.Serial, text)
}

// Reasons are the words of Why.
func (e *NoPersonError) Reasons() string {
	var why []string
	for _, err := range e.Why {
		why = append(why, err.Error())
	}
	return strings.Join(why, ", ")
}

func (e *NoPersonError) Unwrap() []error { return e.Why }

// add adds why a prompter cannot ask. only: it is the one that was asked for.
func (e *NoPersonError) add(prompter string, err error, only bool) {
	switch {
	case errors.Is(err, errAbsent) && !only:
		return
	case errors.Is(err, term.ErrNone), errors.Is(err, term.ErrBackground), errors.Is(err, ErrNoDisplay), errors.Is(err, ErrNoTime):
		// They say it all, and more than one prompter may say it.
	default:
		err = fmt.Errorf("%s: %w", prompter, err)
	}
	if !slices.ContainsFunc(e.Why, func(said error) bool { return said.Error() == err.Error() }) {
		e.Why = append(e.Why, err)
	}
}

// correctable is an error about the answer alone, so the person may give another
// one. Its text is shown above the question.
type correctable interface {
	error
	AskAgain() bool
}

// Ask puts q to the first of the prompters that can ask now, until accept takes
// the answer: not more than five times, and not with too little of the context's
// time left. from is the prompter's name. The errors are a *NoPersonError
// without profile and serial, the prompter's, and accept's. A *term.InputError,
// and an error of accept's with a method AskAgain that returns true, are returned
// only after the last try: before, the question is asked again.
func Ask(ctx context.Context, prompters []Prompter, q Question, accept func(creds.Secret) error) (from string, err error) {
	nobody := &NoPersonError{}
	if !enoughTime(ctx) {
		nobody.Why = []error{ErrNoTime}
		return "", nobody
	}
	for _, p := range prompters {
		err := p.insist(ctx, q, accept)
		var not *notReadyError
		if !errors.As(err, &not) {
			return p.Name, err
		}
		nobody.add(p.Name, not.err, len(prompters) == 1)
	}
	return "", nobody
}

// AskOnce puts q to this prompter, once and however little time is left: a
// machine is quick. The errors are a *NoPersonError without profile and serial,
// and the prompter's.
func (p Prompter) AskOnce(ctx context.Context, q Question) (creds.Secret, error) {
	answer, err := p.Ask(ctx, q)
	var not *notReadyError
	if errors.As(err, &not) {
		nobody := &NoPersonError{}
		nobody.add(p.Name, not.err, true)
		return creds.Secret{}, nobody
	}
	return answer, err
}

// insist asks until the answer is taken.
func (p Prompter) insist(ctx context.Context, q Question, accept func(creds.Secret) error) error {
	if err := p.Ready(); err != nil {
		return &notReadyError{err}
	}
	for try := 1; ; try++ {
		if !enoughTime(ctx) {
			return &notReadyError{ErrNoTime}
		}
		answer, err := p.Ask(ctx, q)
		if errors.Is(err, term.ErrNone) || errors.Is(err, term.ErrBackground) {
			return &notReadyError{err} // it changed since Ready
		}
		if err == nil {
			err = accept(answer)
		}
		if !askAgain(err) || try == maxTries {
			return err
		}
		q.Problem = err.Error()
	}
}

func askAgain(err error) bool {
	var bad correctable
	var input *term.InputError
	return errors.As(err, &bad) && bad.AskAgain() || errors.As(err, &input)
}

func enoughTime(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= minBudget
}

// notReadyError: this prompter cannot ask, another may.
type notReadyError struct{ err error }

func (e *notReadyError) Error() string { return e.err.Error() }
