// Package term asks a person at the controlling terminal.
//
// It uses /dev/tty (on Windows the console), so it works when stdin, stdout and
// stderr are pipes, as they are under an AWS SDK. It promises that
//
//   - Open and the start of every question return at once if nobody can answer:
//     without a controlling terminal, or in a background process group, which
//     the kernel would stop until somebody notices;
//   - a question ends when its context ends, and every end (also Ctrl-C, Ctrl-Z
//     and a hangup) leaves the terminal as it was before;
//   - text from others (configs, AWS, program names) reaches the screen only
//     through Clean.
//
// It echoes its input itself and keeps the kernel's echo off while it asks. So
// when an access key ID and its secret are pasted as two lines, the first is shown
// and the second hidden, and no line is cut at the kernel's limit for edited
// lines, which is 1,024 bytes on macOS and 4,096 on Linux.
//
// It has no history, completion or cursor movement, and asks one question at a
// time. Two processes that ask on the same terminal need a lock, which
// Terminal.Alone may take.
package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"fob/internal/creds"

	"golang.org/x/term"
)

var (
	// ErrNone means that there is no controlling terminal, as under cron, in CI, in
	// a graphical program or in a new session.
	ErrNone = errors.New("no controlling terminal")
	// ErrBackground means that another process group is in the foreground of the
	// terminal.
	ErrBackground = errors.New("running in the background")
	// ErrCancelled means that the person did not want to answer: Ctrl-C, Ctrl-D on
	// an empty line, a closed terminal, or a signal that ends the process.
	ErrCancelled = errors.New("cancelled at the prompt")

	// errResumed means that the process was stopped and continued. The screen has
	// changed meanwhile, so the question must be printed again.
	errResumed = errors.New("resumed")
	// errResized means that the terminal has got another size.
	errResized = errors.New("resized")
)

// maxLine is the length of the longest answer, in bytes. Everything that fob asks
// for is much shorter.
const maxLine = 4096

// InputError is an answer that cannot be used. It does not contain the answer.
type InputError struct {
	Problem string // completes the sentence "the answer ...": "is not valid UTF-8"
}

func (e *InputError) Error() string { return "the answer " + e.Problem }

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Terminal is the controlling terminal. It is not safe for concurrent use.
type Terminal struct {
	// Alone is called before each question, unless it is nil. It waits until no
	// other process asks at the place, which names this terminal, and keeps others
	// away until release. If it returns an error, the question is not asked.
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

// Print writes text and keeps its line breaks. Each part of it that others wrote
// must have gone through Clean, because a line break in it would make the rest
// look like fob's own line.
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

// Ask prints prompt and returns the line typed, without its line end. The answer
// is UTF-8 without control characters other than tabs; otherwise the error is an
// InputError.
//
// All questions return ErrBackground, ErrCancelled, an InputError for a line
// longer than maxLine, or the context's error.
func (t *Terminal) Ask(ctx context.Context, prompt string) (string, error) {
	return t.ask(ctx, Clean(prompt))
}

// ask is Ask with a clean prompt.
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

// AskSecret prints prompt and returns the line typed, byte for byte. It shows the
// length of the line instead of the line, so that the user notices an incomplete
// paste.
func (t *Terminal) AskSecret(ctx context.Context, prompt string) (creds.Secret, error) {
	answer, err := t.question(ctx, Clean(prompt), nothing, hidden)
	return creds.NewSecret(answer), err
}

// AskPassphrase is AskSecret for a secret that a person made up. It does not show
// the length either.
func (t *Terminal) AskPassphrase(ctx context.Context, prompt string) (creds.Secret, error) {
	answer, err := t.question(ctx, Clean(prompt), nothing, nothing)
	return creds.NewSecret(answer), err
}

// maxWrong is how often a question for yes or no is asked again. It is limited
// because a program that answers questions may give the same answer forever.
const maxWrong = 3

// Confirm asks a question. Enter alone means no, and so do answers that are neither
// yes nor no, after the person was told what to type.
func (t *Terminal) Confirm(ctx context.Context, prompt string) (bool, error) {
	for wrong := 1; ; wrong++ {
		answer, err := t.AskText(ctx, Clean(prompt)+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
		if wrong == maxWrong {
			return false, t.Print(ctx, "Taken as no.\n")
		}
		if err := t.Print(ctx, "Type y or n.\n"); err != nil {
			return false, err
		}
	}
}

// AskText is Ask until the answer is valid text, which it trims. Somebody who pressed
// an arrow key is told so, and asked again.
func (t *Terminal) AskText(ctx context.Context, prompt string) (string, error) {
	for {
		answer, err := t.ask(ctx, prompt)
		bad, ok := errors.AsType[*InputError](err)
		if !ok {
			return strings.TrimSpace(answer), err
		}
		if err := t.Print(ctx, "The answer "+bad.Problem+". Try again.\n"); err != nil {
			return "", err
		}
	}
}

// The ways to show a line, while it is typed or after Enter.
func nothing(string) string { return "" }

func echo(s string) string { return visible(strings.ReplaceAll(s, "\t", " ")) }

func hidden(s string) string {
	n := utf8.RuneCountInString(s)
	if n == 1 {
		return "(hidden, 1 character)"
	}
	return fmt.Sprintf("(hidden, %d characters)", n)
}

// begin takes the terminal for a question, until end.
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

// Lend leaves the terminal to another program while use runs, and then restores
// its mode, which a killed program cannot do. The error is ErrNone, which may be
// wrapped, ErrBackground, the context's error or the error of use.
func (t *Terminal) Lend(ctx context.Context, use func() error) error {
	release, err := t.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	return t.tty.lend(use)
}

// question prints a clean prompt and reads one line. The kernel's echo is off
// before the prompt appears, because people type a secret as soon as they see it.
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
			_ = q.write("\n") // starts a new line for the next output; it fails if the terminal is gone
		}
		return "", err
	}
	answer := string(l.text)
	if err := q.write(entered(answer) + "\n"); err != nil {
		return "", err
	}
	if l.long {
		return "", &InputError{fmt.Sprintf("is longer than %d bytes", maxLine)}
	}
	return answer, nil
}

func checkText(s string) error {
	if !utf8.ValidString(s) {
		return &InputError{"is not valid UTF-8"}
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\t' {
			what := "a control character"
			if r == escape {
				what = "a special key, such as an arrow key"
			}
			return &InputError{"contains " + what + " (" + visible(string(r)) + ")"}
		}
	}
	return nil
}
