package ui

import (
	"fmt"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/term"
)

// Hint is something to do about a failure, best a command to type. The command
// is kept apart from the words about it, so that tests can type it.
type Hint struct {
	// When is the case in which it helps: "if it is yours"; "" for every case.
	When string
	// Command is a line for a POSIX shell; "" if there is nothing to type.
	Command string
	// Words say what the command does, or, without one, what to do.
	Words string
}

// Type is the hint at a command, of which every word is quoted where a shell needs it.
func Type(words ...string) Hint {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = cmdline.Quote(w)
	}
	return TypeLine(strings.Join(quoted, " "))
}

// TypeLine is the hint at a whole command line.
func TypeLine(line string) Hint { return Hint{Command: line} }

// Advise is a hint with nothing to type.
func Advise(format string, args ...any) Hint { return Hint{Words: fmt.Sprintf(format, args...)} }

// To says what the command does: "stores a key under that name".
func (h Hint) To(format string, args ...any) Hint {
	h.Words = fmt.Sprintf(format, args...)
	return h
}

// If says when it helps.
func (h Hint) If(when string) Hint {
	h.When = when
	return h
}

// String is the hint on one line.
func (h Hint) String() string { return h.line(0) }

// line is the hint with its words after a command of at least this width.
func (h Hint) line(width int) string {
	text := h.lead()
	switch {
	case h.Words == "":
	case h.Command == "":
		text += h.Words
	default:
		text = fmt.Sprintf("%-*s   %s", width, text, h.Words)
	}
	return text
}

// lead is what comes before the words.
func (h Hint) lead() string {
	if h.When != "" {
		return h.When + ": " + h.Command
	}
	return h.Command
}

// maxLead is the widest command beside which those of other hints are aligned.
const maxLead = 36

// Hints say what to do about an error, with what the commands do in one column. On a
// terminal what does not fit beside a command goes below it; commands are never broken.
func (p *Printer) Hints(hints []Hint) {
	width := 0
	for _, h := range hints {
		if lead := len([]rune(h.lead())); h.Command != "" && h.Words != "" && lead <= maxLead {
			width = max(width, lead)
		}
	}
	label := Dim.Text("fob: hint:")
	left := p.beside(label)
	for _, h := range hints {
		line := safe(h.line(width))
		switch {
		case left == 0 || term.Width(line) <= left || h.Words == "":
			p.lines(label, line)
		case h.Command == "":
			p.lines(label, Wrap(line, left)...)
		default:
			p.lines(label, append([]string{safe(h.lead())}, Wrap(safe(h.Words), left)...)...)
		}
	}
}
