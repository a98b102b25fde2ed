package prompt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fob/internal/creds"
	"fob/internal/term"
)

// refusal is what accept says about an answer.
type refusal struct{ again bool }

func (*refusal) Error() string    { return "too short" }
func (e *refusal) AskAgain() bool { return e.again }

// A question is asked again if the answer is wrong, and not forever.
func TestAskedAgain(t *testing.T) {
	broken := errors.New("the store is locked")
	tooShort := &refusal{again: true}
	for _, c := range []struct {
		name     string
		asked    []error // by the prompter, then nil
		accept   []error // then nil
		problems []string
		err      error
	}{
		{"taken", nil, nil, []string{""}, nil},
		{"too short", nil, []error{tooShort, fmt.Errorf("the answer is %w", tooShort)}, []string{"", "too short", "the answer is too short"}, nil},
		{"cannot be typed", []error{&term.InputError{Problem: "is odd"}}, nil, []string{"", "the answer is odd"}, nil},
		{"too short for ever", nil, slices.Repeat([]error{tooShort}, 100), []string{"", "too short", "too short", "too short", "too short"}, tooShort},
		{"another error", nil, []error{broken}, []string{""}, broken},
		{"an error for good", nil, []error{&refusal{}}, []string{""}, &refusal{}},
		{"cancelled", []error{term.ErrCancelled}, nil, []string{""}, term.ErrCancelled},
	} {
		next := func(list *[]error) (err error) {
			if len(*list) > 0 {
				err, *list = (*list)[0], (*list)[1:]
			}
			return err
		}
		var problems []string
		p := Prompter{Name: "tty", Ready: func() error { return nil }, Ask: func(_ context.Context, q Question) (creds.Secret, error) {
			problems = append(problems, q.Problem)
			return creds.NewSecret("x"), next(&c.asked)
		}}
		from, err := Ask(context.Background(), []Prompter{p}, Question{Text: "Name"}, func(creds.Secret) error { return next(&c.accept) })
		if fmt.Sprint(err) != fmt.Sprint(c.err) || from != "tty" || !slices.Equal(problems, c.problems) {
			t.Errorf("%s: %v from %s, want %v; problems %q, want %q", c.name, err, from, c.err, problems, c.problems)
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		q    Question
		want string
	}{
		{Question{Text: "New passphrase"}, "New passphrase: "},
		{Question{Text: "MFA code for dev", About: []string{"GAHT12345678"}}, "MFA code for dev (GAHT12345678): "},
		{Question{Text: "MFA code for dev", About: append([]string{"GAHT12345678"}, For("\u202eterraform\r")...)}, `MFA code for dev (GAHT12345678, for \u202eterraform\r): `},
		{Question{Text: "Passphrase", About: For("")}, "Passphrase: "},
	} {
		if got := c.q.line(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	want := []string{"auto", "tty", "askpass", "pinentry", "zenity", "kdialog", "osascript", "powershell", "ykman"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
