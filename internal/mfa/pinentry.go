package mfa

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"fob/internal/helper"
	"fob/internal/term"
)

// findPinentry: the one that the system or the user has chosen comes first.
// Those in text mode need our terminal.
func (w World) findPinentry() (string, error) {
	text, window := ttyReady(), w.display()
	if text != nil && window != nil {
		return "", window
	}
	programs := []string{"pinentry", "pinentry-gnome3", "pinentry-qt", "pinentry-gtk-2"}
	switch {
	case w.System == "darwin":
		programs = []string{"pinentry-mac", "pinentry"}
	case window != nil:
		programs = []string{"pinentry"}
	}
	if text == nil {
		programs = append(programs, "pinentry-curses", "pinentry-tty")
	}
	for _, p := range programs {
		if path, err := w.LookPath(p); err == nil {
			return path, nil
		}
	}
	return "", errAbsent
}

// pinentry asks as gpg-agent does. Its commands need no answer before the last
// one, so it gets them all at once.
func (w World) pinentry(ctx context.Context, path string, q Question) (string, error) {
	t, err := term.Open()
	if err != nil {
		return w.runPinentry(ctx, helper.Program{Path: path}, w.pinentryCommands(q, false))
	}
	defer t.Close()
	var answer string
	err = t.Lend(ctx, func() (err error) {
		answer, err = w.runPinentry(ctx, helper.Program{Path: path, Terminal: true}, w.pinentryCommands(q, true))
		return err
	})
	return answer, err
}

// pinentryCommands are lines of the Assuan protocol, as the manual of pinentry
// has them. Options that a pinentry does not know are no failure.
func (w World) pinentryCommands(q Question, tty bool) []string {
	var lines []string
	for _, c := range []struct{ command, value string }{
		{"OPTION lc-ctype=", w.locale("LC_CTYPE")},
		{"OPTION lc-messages=", w.locale("LC_MESSAGES")},
		{"SETTITLE ", q.title()},
		{"SETDESC ", strings.TrimSuffix(q.Text, ": ")},
		{"SETPROMPT ", q.Title + ":"},
		{"SETERROR ", q.Problem},
	} {
		if c.value != "" {
			lines = append(lines, c.command+escapeAssuan(c.value))
		}
	}
	if tty {
		lines = append([]string{"OPTION ttyname=/dev/tty", "OPTION ttytype=" + escapeAssuan(w.Getenv("TERM"))}, lines...)
	}
	return append(lines, "GETPIN")
}

func (w World) locale(category string) string {
	for _, name := range []string{"LC_ALL", category, "LANG"} {
		if v := w.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// escapeAssuan escapes what would end a line, and the escape itself.
func escapeAssuan(s string) string {
	return strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D").Replace(s)
}

func (w World) runPinentry(ctx context.Context, p helper.Program, commands []string) (string, error) {
	p.Environ = w.Environ
	p.Stdin = strings.Join(append(commands, "BYE", ""), "\n")
	out, err := helper.Run(ctx, p)
	var failed *helper.FailedError
	if errors.As(err, &failed) {
		return "", &notReadyError{err}
	}
	if err != nil {
		return "", err
	}
	return pinentryAnswer(string(out), len(commands))
}

// Codes of libgpg-error, in the low 16 bits of what a pinentry says.
const (
	gpgTimeout        = 62
	gpgCanceled       = 99
	gpgFullyCanceled  = 198
	gpgCodes          = 1 << 16
	maxPinentryReason = 100 // characters
)

// pinentryAnswer reads what a pinentry answered to its greeting and to n
// commands, the last of which was GETPIN.
func pinentryAnswer(out string, n int) (string, error) {
	var answer strings.Builder
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for done := -1; lines.Scan(); { // the greeting is answered before the first
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "D":
			data, err := url.PathUnescape(rest)
			if err != nil {
				return "", &notReadyError{errors.New("answers nonsense")}
			}
			answer.WriteString(data)
		case "OK", "ERR":
			if done++; done < n {
				continue
			}
			if word == "OK" {
				return answer.String(), nil
			}
			return "", pinentryError(rest)
		}
	}
	return "", &notReadyError{errors.New("ended without an answer")}
}

func pinentryError(rest string) error {
	number, reason, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(number)
	switch {
	case err != nil:
		return &notReadyError{errors.New("answers nonsense")}
	case code%gpgCodes == gpgCanceled, code%gpgCodes == gpgFullyCanceled, code%gpgCodes == gpgTimeout:
		return term.ErrCancelled
	}
	reason = term.Clean(reason)
	if len(reason) > maxPinentryReason {
		reason = ""
	}
	return &notReadyError{fmt.Errorf("error %d %s", code%gpgCodes, reason)}
}
