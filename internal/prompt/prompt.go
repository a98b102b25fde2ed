// Package prompt asks a person for an answer, at the terminal or with a program
// that opens a window.
//
// It promises that nobody is asked when nobody can answer in time, that text from
// configs and other programs is shown as it is and never run, and that errors
// never contain an answer. It does not know whether an answer is an MFA code or a
// passphrase.
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
	// minBudget is how long a person needs to find a phone and type its code.
	// With less time left, fob does not ask.
	minBudget = 10 * time.Second
	// maxTries is how often a question is asked when the answers are malformed. It
	// is limited because a program may give the same answer forever.
	maxTries = 5
)

// Auto is the name for the first prompter that can ask.
const Auto = "auto"

// The reasons in a NoPersonError, next to term.ErrNone and term.ErrBackground.
var (
	ErrNoInput = errors.New("prompts are turned off")
	ErrNoTime  = errors.New("there is not enough time left to answer")
	// ErrNoDisplay means that there is no desktop, or that the person is not in
	// front of it.
	ErrNoDisplay = errors.New("no display")
	// errAbsent is a prompter that this computer does not have. It is only
	// mentioned if the user chose that prompter.
	errAbsent = errors.New("not available")
)

// Question is what a person is asked.
type Question struct {
	// Title names the answer in a word or two: "MFA code".
	Title string
	// Text is the question, without its colon. About is what a person wants to
	// know before answering. Each is one line that is safe to show.
	Text  string
	About []string
	// Problem says what was wrong with the last answer. It is shown above Text, is
	// safe to show, and empty at first.
	Problem string
	// Secret hides the answer while it is typed.
	Secret bool
	// Serial is the MFA device if the answer is its code; empty otherwise.
	Serial string
}

// For is the entry of Question.About that names the program the answer is for, if
// that is known.
func For(program string) []string {
	if program == "" {
		return nil
	}
	return []string{"for " + term.Clean(program)}
}

// line is the question on one line, for a terminal.
func (q Question) line() string {
	if len(q.About) == 0 {
		return q.Text + ": "
	}
	return q.Text + " (" + strings.Join(q.About, ", ") + "): "
}

// NoPersonError means that fob needs an answer and cannot ask a person. It
// unwraps to the reasons.
type NoPersonError struct {
	// Profile and Serial are the profile that needs an MFA code, and its device.
	// They are empty for another answer.
	Profile string
	Serial  string
	Why     []error // without duplicates
}

func (e *NoPersonError) Error() string {
	if e.Serial == "" {
		return e.because()
	}
	device := e.Serial[strings.LastIndexByte(e.Serial, ':')+1:] // of an ARN: mfa/jo
	return fmt.Sprintf("%s needs an MFA code (%s), and %s", term.Clean(e.Profile), term.Clean(device), e.because())
}

// because says in a clause why fob cannot ask.
func (e *NoPersonError) because() string {
	reasons := e.Reasons()
	switch reasons {
	case term.ErrNone.Error():
		return "there is no terminal to ask on"
	case ErrNoDisplay.Error():
		return "there is no display to ask on"
	case term.ErrNone.Error() + ", " + ErrNoDisplay.Error():
		return "there is no terminal or display to ask on"
	case ErrNoInput.Error(), ErrNoTime.Error():
		return reasons
	}
	return "fob cannot ask: " + reasons
}

// Reasons lists the texts of Why.
func (e *NoPersonError) Reasons() string {
	var why []string
	for _, err := range e.Why {
		why = append(why, err.Error())
	}
	return strings.Join(why, ", ")
}

func (e *NoPersonError) Unwrap() []error { return e.Why }

// add adds the reason why a prompter cannot ask. only means that the user chose
// this prompter.
func (e *NoPersonError) add(prompter string, err error, only bool) {
	switch {
	case errors.Is(err, errAbsent) && !only:
		return
	case errors.Is(err, term.ErrNone), errors.Is(err, term.ErrBackground), errors.Is(err, ErrNoDisplay), errors.Is(err, ErrNoTime):
		// Clear without the prompter's name, and common to several prompters.
	default:
		err = fmt.Errorf("%s: %w", prompter, err)
	}
	if !slices.ContainsFunc(e.Why, func(said error) bool { return said.Error() == err.Error() }) {
		e.Why = append(e.Why, err)
	}
}

// answerError is an error about the answer alone, after which the person may give
// another one. Its text is shown above the question.
type answerError interface {
	error
	AskAgain() bool
}

// Ask puts q to the first prompter that can ask now, and again until accept takes
// the answer: at most five times, and not when too little of the context's time is
// left. It returns the prompter's name.
//
// Errors are a *NoPersonError without profile and serial, the prompter's error or
// accept's. After a *term.InputError, or an error of accept whose method AskAgain
// returns true, the question is asked again, and the error is returned only after
// the last try.
func Ask(ctx context.Context, prompters []Prompter, q Question, accept func(creds.Secret) error) (from string, err error) {
	nobody := &NoPersonError{}
	if !enoughTime(ctx) {
		nobody.Why = []error{ErrNoTime}
		return "", nobody
	}
	for _, p := range prompters {
		err := p.askUntil(ctx, q, accept)
		var not *notReadyError
		if !errors.As(err, &not) {
			return p.Name, err
		}
		nobody.add(p.Name, not.err, len(prompters) == 1)
	}
	return "", nobody
}

// Ready is Ask's *NoPersonError if no prompter can ask now, and nil if one can.
func Ready(prompters []Prompter) error {
	nobody := &NoPersonError{}
	for _, p := range prompters {
		err := p.Ready()
		if err == nil {
			return nil
		}
		nobody.add(p.Name, err, len(prompters) == 1)
	}
	return nobody
}

// AskOnce puts q to this prompter once, no matter how little time is left. It is
// for machines, which answer quickly. Errors are a *NoPersonError without profile
// and serial, or the prompter's error.
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

// askUntil asks until accept takes the answer.
func (p Prompter) askUntil(ctx context.Context, q Question, accept func(creds.Secret) error) error {
	if err := p.Ready(); err != nil {
		return &notReadyError{err}
	}
	for try := 1; ; try++ {
		if !enoughTime(ctx) {
			return &notReadyError{ErrNoTime}
		}
		answer, err := p.Ask(ctx, q)
		if errors.Is(err, term.ErrNone) || errors.Is(err, term.ErrBackground) {
			return &notReadyError{err} // the terminal went away after Ready
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
	var bad answerError
	var input *term.InputError
	return errors.As(err, &bad) && bad.AskAgain() || errors.As(err, &input)
}

func enoughTime(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) >= minBudget
}

// notReadyError means that this prompter cannot ask, and another may.
type notReadyError struct{ err error }

func (e *notReadyError) Error() string { return e.err.Error() }
