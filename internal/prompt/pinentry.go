package prompt

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"fob/internal/helper"
	"fob/internal/term"
)

// findPinentry prefers the pinentry that the system or the user has chosen. One
// in text mode needs our terminal.
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

// pinentry asks as gpg-agent does. It sends all commands at once, because none
// depends on the answer to another.
func (w World) pinentry(ctx context.Context, path string, q Question) (string, error) {
	p := helper.Program{Path: path, Environ: w.Environ()}
	t, err := term.Open()
	if err != nil {
		return w.runPinentry(ctx, p, q)
	}
	defer t.Close()
	t.Alone = w.Alone
	p.Terminal = true
	var answer string
	err = t.Lend(ctx, func() (err error) {
		answer, err = w.runPinentry(ctx, p, q)
		return err
	})
	return answer, err
}

func (w World) runPinentry(ctx context.Context, p helper.Program, q Question) (string, error) {
	commands := w.pinentryCommands(q, p.Terminal)
	p.Stdin = strings.Join(append(commands, "BYE", ""), "\n")
	out, err := helper.Run(ctx, p)
	var failed *helper.FailedError
	if errors.As(err, &failed) {
		return "", &notReadyError{err}
	}
	if err != nil {
		return "", err
	}
	replies := pinentryReplies(string(out))
	if len(replies) <= len(commands) { // the first reply is the greeting
		return "", &notReadyError{errors.New("ended without an answer")}
	}
	flavor, pin := replies[1], replies[len(commands)]
	if flavor.data == "tty" && !p.Terminal {
		// Without a terminal it claims that the person cancelled.
		return "", &notReadyError{term.ErrNone}
	}
	return pin.data, pin.err
}

// pinentryCommands are lines of the Assuan protocol, from pinentry's manual. A
// pinentry that does not know an option answers with an error, which is ignored.
func (w World) pinentryCommands(q Question, tty bool) []string {
	lines := []string{"GETINFO flavor"}
	if tty {
		lines = append(lines, "OPTION ttyname=/dev/tty", "OPTION ttytype="+escapeAssuan(w.Getenv("TERM")))
	}
	for _, c := range []struct{ command, value string }{
		{"OPTION lc-ctype=", w.locale("LC_CTYPE")},
		{"OPTION lc-messages=", w.locale("LC_MESSAGES")},
		{"SETTITLE ", q.title()},
		{"SETDESC ", q.lines()},
		{"SETPROMPT ", q.Title + ":"},
		{"SETERROR ", q.Problem},
	} {
		if c.value != "" {
			lines = append(lines, c.command+escapeAssuan(c.value))
		}
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

// escapeAssuan escapes line ends and the escape character.
func escapeAssuan(s string) string {
	return strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D").Replace(s)
}

// Error codes of libgpg-error, the low 16 bits of a pinentry's error number.
const (
	gpgTimeout       = 62
	gpgCanceled      = 99
	gpgFullyCanceled = 198
	gpgCodes         = 1 << 16
)

// pinentryReply is the answer to one command.
type pinentryReply struct {
	data string
	err  error
}

// pinentryReplies reads a pinentry's output. It drops status lines, comments, and
// the data of a reply that is cut off.
func pinentryReplies(out string) []pinentryReply {
	var replies []pinentryReply
	var data strings.Builder
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "D":
			text, err := url.PathUnescape(rest)
			if err != nil {
				return replies // a wrong answer would be worse than none
			}
			data.WriteString(text)
		case "OK":
			replies = append(replies, pinentryReply{data: data.String()})
			data.Reset()
		case "ERR":
			replies = append(replies, pinentryReply{err: pinentryError(rest)})
			data.Reset()
		}
	}
	return replies
}

func pinentryError(rest string) error {
	number, reason, _ := strings.Cut(rest, " ")
	code, _ := strconv.Atoi(number)
	switch code % gpgCodes {
	case gpgTimeout, gpgCanceled, gpgFullyCanceled:
		return term.ErrCancelled
	}
	return &notReadyError{errors.New("failed: " + term.Clean(reason))}
}
