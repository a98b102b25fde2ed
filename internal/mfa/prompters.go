package mfa

import (
	"context"
	"errors"
	"io"
	"strings"

	"fob/internal/creds"
	"fob/internal/term"
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

// prompt is the question as one line, for a terminal.
func (q Question) prompt() string {
	if len(q.About) == 0 {
		return q.Text + ": "
	}
	return q.Text + " (" + strings.Join(q.About, ", ") + "): "
}

// Prompter is a way to ask a person.
type Prompter struct {
	Name string
	// Ready returns nil if it can ask now, or why not. It is quick and shows
	// nothing.
	Ready func() error
	// Ask returns what the person answered, as it is. Its errors end the
	// search for a person, but for those that say that it cannot ask now, after
	// which the next prompter is tried; a *CodeError has the question asked again.
	Ask func(context.Context, Question) (creds.Secret, error)
	// Machine: it finds the code by itself, so it is only used by name, and gives
	// the same one until the next step.
	Machine bool
}

// World is what prompters find around them. Prompters that nobody asks with need
// none of it.
type World struct {
	// System is the operating system, by Go's name.
	System string
	// Getenv is the environment, and LookPath finds a program in it.
	Getenv   func(string) string
	LookPath func(string) (string, error)
	// Environ is what the programs that ask inherit. It holds no secret.
	Environ func() []string
	// Stderr is where a program says that a key wants to be touched.
	Stderr io.Writer
	// Alone is as in term.Terminal, for desktops too.
	Alone func(ctx context.Context, place string) (release func(), err error)
}

// Why a prompter cannot ask.
var (
	// ErrNoDisplay means that there is no desktop, or none in front of the person.
	ErrNoDisplay = errors.New("no display")
	// errAbsent goes without saying: nobody has all of them.
	errAbsent = errors.New("not on this computer")
)

// Prompters returns the ways to ask, best first: a prompt where the person is
// looking already comes before one that opens a window, and what the user has
// chosen before what happens to be there.
func Prompters(w World) []Prompter {
	return []Prompter{
		{Name: "tty", Ready: ttyReady, Ask: w.askTTY},
		w.window("askpass", w.findAskpass, w.askpass),
		w.window("pinentry", w.findPinentry, w.pinentry),
		w.window("zenity", w.onDesktop("zenity"), w.zenity),
		w.window("kdialog", w.onDesktop("kdialog"), w.kdialog),
		w.window("osascript", w.onDesktopOf("darwin", "osascript"), w.osascript),
		w.window("powershell", w.onDesktopOf("windows", "powershell.exe"), w.powershell),
		machine("ykman", w.find("ykman"), w.ykman),
	}
}

// PromptNames are the values that Ladder.Prompt takes.
func PromptNames() []string { return names(Prompters(World{})) }

func names(prompters []Prompter) []string {
	all := []string{Auto}
	for _, p := range prompters {
		all = append(all, p.Name)
	}
	return all
}

// Ask puts q to the first of the prompters that can ask now, until accept takes
// the answer: not more than five times, and not with too little of the context's
// time left. from is the prompter's name. The errors are a *NoPersonError
// without profile and serial, the prompter's, and accept's, a *CodeError and a
// *term.InputError only after the last try.
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
		var bad *CodeError
		var input *term.InputError
		if !errors.As(err, &bad) && !errors.As(err, &input) || try == maxTries {
			return err
		}
		q.Problem = err.Error()
	}
}

// notReadyError: this prompter cannot ask, another may.
type notReadyError struct{ err error }

func (e *notReadyError) Error() string { return e.err.Error() }

func ttyReady() error {
	t, err := term.Open()
	if err != nil {
		return err
	}
	return t.Close()
}

func (w World) askTTY(ctx context.Context, q Question) (creds.Secret, error) {
	t, err := term.Open()
	if err != nil {
		return creds.Secret{}, err
	}
	defer t.Close()
	t.Alone = w.Alone
	if q.Problem != "" {
		if err := t.Print(ctx, q.Problem+"\n"); err != nil {
			return creds.Secret{}, err
		}
	}
	if q.Secret {
		return t.AskPassphrase(ctx, q.prompt())
	}
	answer, err := t.Ask(ctx, q.prompt())
	return creds.NewSecret(answer), err
}
