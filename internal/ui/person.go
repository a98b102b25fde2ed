package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"fob/internal/creds"
	"fob/internal/term"
)

// ErrDeclined means that the user was asked and said no.
var ErrDeclined = errors.New("declined")

// NobodyError means that someone has to be asked and nobody can be.
type NobodyError struct {
	What string // what fob wants: "ask for the key"
	Why  error  // term.ErrNone, term.ErrBackground, ErrNoInput, or reasons in words
	// Flag is the flag that makes the question unnecessary; "" if there is none.
	Flag string
}

// Error says what cannot be asked, and what to use instead.
func (e *NobodyError) Error() string {
	text := "cannot " + e.What
	switch {
	case errors.Is(e.Why, ErrNoInput):
		text += " with --no-input"
	case errors.Is(e.Why, term.ErrNone):
		text += " without a terminal"
	case errors.Is(e.Why, term.ErrBackground):
		text += " in the background"
	default:
		text += fmt.Sprintf(": %v", e.Why)
	}
	if e.Flag != "" {
		text += "; use " + e.Flag
	}
	return text
}

// Unwrap returns the reason.
func (e *NobodyError) Unwrap() error { return e.Why }

// ErrNoInput means that the user turned questions off.
var ErrNoInput = errors.New("--no-input")

// Person is the user at the terminal. Questions are cleaned like all printed text.
type Person struct {
	// NoInput turns every question into a NobodyError.
	NoInput bool
	// Plain means that the terminal knows no escape sequences, so lists are numbered.
	Plain bool
	// Color reports whether questions may have colors; nil for never.
	Color func() bool
	// Alone is term.Terminal's.
	Alone func(ctx context.Context, place string) (release func(), err error)

	once     sync.Once
	terminal *term.Terminal
	err      error
}

// Terminal is where the user can be asked. what completes "cannot ..." in the
// NobodyError that is returned where that is not possible.
func (p *Person) Terminal(what string) (*term.Terminal, error) {
	if p.NoInput {
		return nil, &NobodyError{What: what, Why: ErrNoInput}
	}
	p.once.Do(func() {
		if p.terminal, p.err = term.Open(); p.err == nil {
			p.terminal.Alone = p.Alone
		}
	})
	if p.err != nil {
		return nil, &NobodyError{What: what, Why: p.err}
	}
	return p.terminal, nil
}

// Confirm asks for a yes; a no is ErrDeclined. flag answers the question where
// nobody can be asked.
func (p *Person) Confirm(ctx context.Context, flag, format string, args ...any) error {
	t, err := p.Terminal("ask for confirmation")
	if nobody, ok := errors.AsType[*NobodyError](err); ok {
		nobody.Flag = flag
	}
	if err != nil {
		return err
	}
	yes, err := t.Confirm(ctx, fmt.Sprintf(format, clean(args, func() bool { return false })...))
	if err == nil && !yes {
		return ErrDeclined
	}
	return err
}

// Ask asks until check accepts the answer. Its objection is shown above the next
// question.
func (p *Person) Ask(ctx context.Context, what, prompt string, check func(answer string) error) (string, error) {
	t, err := p.Terminal(what)
	if err != nil {
		return "", err
	}
	for {
		answer, err := t.AskText(ctx, prompt)
		if err != nil {
			return "", err
		}
		problem := check(answer)
		if problem == nil {
			return answer, nil
		}
		if fatal, ok := errors.AsType[*FatalError](problem); ok {
			return "", fatal.Err
		}
		if err := t.Print(ctx, safe(problem.Error())+"\n"); err != nil {
			return "", err
		}
	}
}

// FatalError is an objection that ends the questions.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }

// AskSecret is Ask for something that must not be seen; its length is shown. The
// objection must not quote it.
func (p *Person) AskSecret(ctx context.Context, what, prompt string, check func(secret string) error) (creds.Secret, error) {
	t, err := p.Terminal(what)
	if err != nil {
		return creds.Secret{}, err
	}
	for {
		secret, err := t.AskSecret(ctx, prompt)
		if err != nil {
			return creds.Secret{}, err
		}
		problem := check(secret.Reveal())
		if problem == nil {
			return secret, nil
		}
		if err := t.Print(ctx, safe(problem.Error())+"\n"); err != nil {
			return creds.Secret{}, err
		}
	}
}
