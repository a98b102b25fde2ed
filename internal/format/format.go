// Package format writes a session as other programs read it: the document of
// credential_process, environments, and lines that a shell evaluates.
//
// Every format is built in memory, ends with a newline and quotes so that
// evaluating it can only set variables. A value that cannot be written safely is
// an error, and then there is no output at all.
package format

import (
	"strings"
	"time"
)

// Time is RFC 3339 in UTC with a Z: botocore and Go take no time without a zone.
// The zero time is "".
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printable is ASCII without control characters, and all that AWS gives. More
// would not be safe: PowerShell takes typographic quotes for quotes, and reads
// its input in code pages that turn parts of other letters into them.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
