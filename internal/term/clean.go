package term

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxClean is the length of the longest text that Clean does not cut, in
// characters. Without a limit, a long text could flood the screen.
const maxClean = 1000

// Clean makes text from others safe to show on one line of a terminal. Characters
// that are not printable are written as in a Go string: control characters and
// escape sequences (\x1b), line breaks (\n), characters without width or that
// change the direction of the text (\u202e), and bytes that are not UTF-8 (\xff).
// Text longer than 1,000 characters is cut and ends in "...". Clean text does not
// change.
func Clean(s string) string {
	s = visible(s)
	if len(s) <= maxClean || utf8.RuneCountInString(s) <= maxClean {
		return s
	}
	return string([]rune(s)[:maxClean-3]) + "..."
}

// visible is Clean without the cut.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
