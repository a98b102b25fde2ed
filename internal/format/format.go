// Package format writes a session for other programs: as a document of
// credential_process, as an environment, and as lines for a shell to evaluate.
//
// Every format is built in memory, ends with a newline, and quotes its values so
// that evaluating it can only set and remove variables. A value that cannot be written safely
// is an error, and then there is no output at all.
package format

import (
	"strings"
	"time"
)

// Time is RFC 3339 in UTC with a Z, because botocore and Go refuse a time without a
// zone. The zero time is "".
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printable reports whether s is ASCII without control characters, as everything
// from AWS is. Other characters are not safe: PowerShell treats typographic quotes
// as quotes, and reads its input in code pages in which parts of other letters
// become quotes.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
