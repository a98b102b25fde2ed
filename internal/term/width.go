package term

import (
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Columns is how wide a terminal is, in columns; 0 if f is not a terminal.
func Columns(f *os.File) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Width is how many columns clean text takes on a terminal: two for each wide
// character (東, 🙂), none for each that is drawn over the one before it.
func Width(s string) (columns int) {
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if r < 0x300 { // the first character that combines
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// mark stands for what was cut.
const mark = "..."

// Cut cuts clean text to so many columns. What was longer ends in "...".
func Cut(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	if columns < len(mark) {
		return mark[:max(columns, 0)]
	}
	var b strings.Builder
	left := columns - len(mark)
	for _, r := range s {
		if left -= runeWidth(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + mark
}

// CutStart is Cut, but keeps the end: what was longer begins with "...".
func CutStart(s string, columns int) string {
	if Width(s) <= columns || columns < len(mark) {
		return Cut(s, columns)
	}
	for i, r := range s {
		if runeWidth(r) > 0 && Width(s[i:]) <= columns-len(mark) {
			return mark + s[i:]
		}
	}
	return mark
}
