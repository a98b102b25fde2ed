package ui

import (
	"io"
	"os"

	"fob/internal/term"
)

// Style is how a text looks where colors are wanted: a color of the terminal's own
// palette, which its user has chosen for a light or a dark background.
type Style string

// The palette, all of it. A text never says anything by its color alone.
const (
	Plain   Style = ""
	Bad     Style = "31" // red: an error, something that does not work
	Caution Style = "33" // yellow: a warning, something that needs attention soon
	Good    Style = "32" // green: something that works
	Dim     Style = "2"  // what matters less than what is around it
)

// Styled is a text with a style. As an argument of a Printer it is cleaned like every
// other one, padded by its width on the screen, and painted last, if the stream has
// colors.
type Styled struct {
	Text  string
	Style Style
}

// Text gives a text this style.
func (s Style) Text(text string) Styled { return Styled{text, s} }

func (s Style) paint(text string) string {
	if s == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Colors decides whether a stream has colors: by the flag --color, then by the variables
// in the order of https://bixense.com/clicolors, then by what the stream is.
func Colors(flag string, getenv func(name string) string, stream io.Writer) bool {
	switch force := getenv("CLICOLOR_FORCE"); {
	case flag == "always":
		return true
	case flag == "never", getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case getenv("CLICOLOR") == "0", getenv("TERM") == "dumb":
		return false
	}
	f, ok := stream.(*os.File)
	return ok && term.Escapes(f)
}
