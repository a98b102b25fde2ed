package mfa

import (
	"context"
	"errors"

	"fob/internal/term"
)

// Question is what a person is asked.
type Question struct {
	// Text is one line that ends in ": ", safe to show.
	Text string
	// Problem is what was wrong with the last answer, to be shown above Text;
	// safe to show, empty at first.
	Problem string
}

// Prompter is a way to ask a person.
type Prompter struct {
	Name string
	// Ready returns nil if it can ask now, or why not. It is quick and shows
	// nothing.
	Ready func() error
	// Ask returns what the person answered, as it is. Its errors end the
	// search for a person, but for term.ErrNone and term.ErrBackground, after
	// which the next prompter is tried; a *CodeError has the question asked again.
	Ask func(context.Context, Question) (string, error)
}

// Prompters returns the ways to ask, best first: a prompt where the person is
// looking already comes before one that opens a window.
func Prompters() []Prompter {
	return []Prompter{
		{Name: "tty", Ready: ttyReady, Ask: askTTY},
	}
}

func ttyReady() error {
	t, err := term.Open()
	if err != nil {
		return err
	}
	return t.Close()
}

func askTTY(ctx context.Context, q Question) (string, error) {
	t, err := term.Open()
	if err != nil {
		return "", err
	}
	defer t.Close()
	if q.Problem != "" {
		if err := t.Print(ctx, q.Problem+"\n"); err != nil {
			return "", err
		}
	}
	answer, err := t.Ask(ctx, q.Text)
	var bad *term.InputError
	if errors.As(err, &bad) {
		err = &CodeError{bad.Problem}
	}
	return answer, err
}
