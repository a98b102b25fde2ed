// Package term asks a person at the controlling terminal.
//
// It talks to /dev/tty (on Windows to the console), so it works while stdin,
// stdout and stderr are pipes, as they are under an AWS SDK. It promises that
//
//   - Open and the start of every question return at once when nobody can
//     answer: without a controlling terminal, or from a background process
//     group, which the kernel would stop for as long as nobody looks;
//   - a question ends when its context ends, and the terminal is as it was
//     before, whichever way it ends, Ctrl-C, Ctrl-Z and a hangup included;
//   - what others wrote (configs, AWS, program names) reaches the screen
//     through Clean only.
//
// It echoes what it reads itself and leaves the kernel's echo off while it
// asks. So a paste of two lines, an access key ID and its secret, shows the
// first and hides the second, and no line is cut at the kernel's limit for
// edited lines, 1,024 bytes on macOS and 4,096 on Linux.
//
// It has no history, no completion and no cursor movement, and asks one
// question at a time: two processes that ask on one terminal need a lock, which
// Terminal.Alone may take.
package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"fob/internal/creds"

	"golang.org/x/term"
)

var (
	// ErrNone means that there is no controlling terminal: cron, CI, a
	// graphical program, a new session.
	ErrNone = errors.New("no controlling terminal")
	// ErrBackground means that there is a terminal, but another process group
	// is in its foreground.
	ErrBackground = errors.New("in the background of the terminal")
	// ErrCancelled means that the person would not answer: Ctrl-C, Ctrl-D on an
	// empty line, a closed terminal, or a signal that ends the process.
	ErrCancelled = errors.New("cancelled at the prompt")

	// errResumed: the process was stopped and goes on, so the screen shows
	// something else and the question has to be printed again.
	errResumed = errors.New("resumed")
)

// MaxLine is the length of the longest answer, in bytes. Nothing fob asks for
// comes near it.
const MaxLine = 4096

// InputError is an answer that cannot be used. It does not hold the answer.
type InputError struct {
	Problem string // what is wrong with it: "holds a control character"
}

func (e *InputError) Error() string { return "the answer " + e.Problem }

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Terminal is the controlling terminal. It is not safe for concurrent use.
type Terminal struct {
	// Alone is called before each question; nil to call nothing. It waits until no
	// other process asks at the place, which names this terminal, and keeps others
	// from it until release. Its error ends the question.
	Alone func(ctx context.Context, place string) (release func(), err error)

	tty *tty
}

// Open opens the controlling terminal. It changes nothing about it and never
// blocks. The error is ErrNone, which may be wrapped, or ErrBackground.
func Open() (*Terminal, error) {
	tty, err := openTTY()
	if err != nil {
		return nil, err
	}
	return &Terminal{tty: tty}, nil
}

// Close closes the terminal.
func (t *Terminal) Close() error { return t.tty.close() }

// Print writes text, whose line breaks are kept. The parts that others wrote
// must have gone through Clean one by one: a line break in them could
// otherwise pass for a line of fob's.
func (t *Terminal) Print(ctx context.Context, text string) error {
	q, end, err := t.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = visible(lines[i])
	}
	return q.write(strings.Join(lines, "\n"))
}

// Ask prints prompt and returns the line typed, without its end. The answer is
// UTF-8 without control characters but tabs; others are an InputError.
//
// All questions return ErrBackground, ErrCancelled, an InputError for a line
// longer than MaxLine, or the context's error.
func (t *Terminal) Ask(ctx context.Context, prompt string) (string, error) {
	return t.ask(ctx, Clean(prompt))
}

// ask is Ask with a prompt that is clean.
func (t *Terminal) ask(ctx context.Context, prompt string) (string, error) {
	answer, err := t.question(ctx, prompt, echo, nothing)
	if err == nil {
		err = checkText(answer)
	}
	if err != nil {
		return "", err
	}
	return answer, nil
}

// AskSecret prints prompt and returns the line typed, byte for byte, without
// showing it: in its place its length is shown, so that a paste cut short is
// noticed.
func (t *Terminal) AskSecret(ctx context.Context, prompt string) (creds.Secret, error) {
	answer, err := t.question(ctx, Clean(prompt), nothing, hidden)
	return creds.NewSecret(answer), err
}

// AskPassphrase is AskSecret for a secret that a person made up: not even its
// length is shown.
func (t *Terminal) AskPassphrase(ctx context.Context, prompt string) (creds.Secret, error) {
	answer, err := t.question(ctx, Clean(prompt), nothing, nothing)
	return creds.NewSecret(answer), err
}

// Confirm asks a question until it is answered with yes or no; Enter alone
// chooses the answer def.
func (t *Terminal) Confirm(ctx context.Context, prompt string, def bool) (bool, error) {
	choices := " [y/N] "
	if def {
		choices = " [Y/n] "
	}
	for {
		answer, err := t.retry(ctx, Clean(prompt)+choices)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return def, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// Choose prints items with their numbers, from 1, asks for one of the numbers
// until it gets one, and returns the item's index.
func (t *Terminal) Choose(ctx context.Context, prompt string, items []string) (int, error) {
	var list strings.Builder
	width := len(strconv.Itoa(len(items)))
	for i, item := range items {
		fmt.Fprintf(&list, "%*d  %s\n", width+2, i+1, Clean(item))
	}
	if err := t.Print(ctx, list.String()); err != nil {
		return 0, err
	}
	for {
		answer, err := t.retry(ctx, Clean(prompt))
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(items) {
			return n - 1, nil
		}
	}
}

// retry asks until the answer is text, and trims it.
func (t *Terminal) retry(ctx context.Context, prompt string) (string, error) {
	for {
		answer, err := t.ask(ctx, prompt)
		var bad *InputError
		if errors.As(err, &bad) {
			continue
		}
		return strings.TrimSpace(answer), err
	}
}

// What the screen shows of a line: while it is typed, and in the end.
func nothing(string) string { return "" }

func echo(s string) string { return visible(strings.ReplaceAll(s, "\t", " ")) }

func hidden(s string) string {
	n := utf8.RuneCountInString(s)
	if n == 1 {
		return "(hidden, 1 character)"
	}
	return fmt.Sprintf("(hidden, %d characters)", n)
}

// begin makes the terminal ours until end.
func (t *Terminal) begin(ctx context.Context) (q *question, end func(), err error) {
	release, err := t.alone(ctx)
	if err != nil {
		return nil, nil, err
	}
	if q, err = t.tty.begin(ctx); err != nil {
		release()
		return nil, nil, err
	}
	return q, func() { q.end(); release() }, nil
}

func (t *Terminal) alone(ctx context.Context) (release func(), err error) {
	if t.Alone == nil {
		return func() {}, nil
	}
	return t.Alone(ctx, t.tty.place())
}

// Lend leaves the terminal to another program while use runs, and puts its mode
// back afterwards: a program that is killed cannot do that. The error is
// ErrNone, which may be wrapped, ErrBackground, the context's or that of use.
func (t *Terminal) Lend(ctx context.Context, use func() error) error {
	release, err := t.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	return t.tty.lend(use)
}

// question reads one line, after a prompt that is clean. The kernel's echo is
// off before the prompt appears: who waits for the prompt may type a secret.
func (t *Terminal) question(ctx context.Context, prompt string, typed, entered func(string) string) (string, error) {
	q, end, err := t.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	if err := q.write(prompt); err != nil {
		return "", err
	}
	var l line
	if err := l.read(q, prompt, typed); err != nil {
		if !errors.Is(err, ErrBackground) {
			_ = q.write("\n") // so that the next output has a line of its own; the terminal may be gone
		}
		return "", err
	}
	answer := string(l.text)
	if err := q.write(entered(answer) + "\n"); err != nil {
		return "", err
	}
	if l.long {
		return "", &InputError{fmt.Sprintf("is longer than %d bytes", MaxLine)}
	}
	return answer, nil
}

func checkText(s string) error {
	if !utf8.ValidString(s) {
		return &InputError{"is not valid UTF-8"}
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\t' {
			return &InputError{"holds a control character (" + visible(string(r)) + ")"}
		}
	}
	return nil
}
