package term

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxClean is the length of the longest text that Clean leaves whole, in
// characters: a screen can be flooded as well as written over.
const maxClean = 1000

// Clean makes text that somebody else wrote safe to show on one line of a
// terminal. What is not printable is spelled out as in a Go string: control
// characters and escape sequences (\x1b), line breaks (\n), characters that
// turn the direction of the text or have no width (\u202e), and bytes that are
// not UTF-8 (\xff). Text longer than 1,000 characters is cut, with "..." at the
// end. Clean text stays as it is.
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
