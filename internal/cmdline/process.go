package cmdline

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// System says whose rules a credential_process is read by. On Unix the Go,
// JavaScript, Java and Rust SDKs hand the line to sh, and botocore splits it like a
// shell without running one. On Windows they hand it to cmd, and botocore splits it
// like the C library.
type System bool

const (
	Unix    System = false
	Windows System = true
)

// WordError is a word that cannot stand in a credential_process, because some SDK
// would read another word, or a shell would run a part of it.
type WordError struct{ Word string }

func (e *WordError) Error() string {
	return fmt.Sprintf("%q cannot be written in a credential_process: the AWS SDKs would read it differently", e.Word)
}

// Process is a credential_process that every SDK reads as these words, of which the
// first is the program. Errors: *WordError.
func Process(system System, words ...string) (string, error) {
	line := make([]string, len(words))
	for i, w := range words {
		switch {
		case system.plain(w):
			line[i] = w
		case system == Unix && quotable(w):
			line[i] = `"` + w + `"`
		default:
			return "", &WordError{w}
		}
	}
	return strings.Join(line, " "), nil
}

// plain reports whether every SDK reads s as a word without quotes. On Windows a
// percent sign is left out, because cmd may replace what stands between two of them,
// and so is what is not ASCII, because botocore reads files in the system's encoding.
func (system System) plain(s string) bool {
	if system == Unix {
		return IsWord(s)
	}
	word := strings.NewReplacer(`\`, "/", "~", "-").Replace(s)
	return IsWord(word) && !strings.Contains(word, "%")
}

// quotable reports whether sh and botocore read s in double quotes as it is, and
// whether nothing in it ends the line of an AWS file. There are no quotes on Windows:
// the Go SDK escapes them with backslashes, which cmd does not understand
// (github.com/aws/aws-sdk-go-v2/issues/3208).
func quotable(s string) bool {
	// \ufffd stands for bytes that are not UTF-8.
	odd := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune("\"$`\\\ufffd", r) }
	return s != "" && !strings.ContainsFunc(s, odd) &&
		!strings.Contains(s, " #") && !strings.Contains(s, " ;")
}

// Doubt is the first character of a credential_process of fob's own that the SDKs
// do not all take as it stands. It is "" if they agree on the line.
func Doubt(system System, line string) string {
	if system == Windows {
		odd := func(r rune) bool { return r > unicode.MaxASCII || strings.ContainsRune("\"'%^&|<>()!", r) }
		return first(line, strings.IndexFunc(line, odd))
	}
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		begins := i == 0 || isBlank(line[i-1])
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
		case c == '\\':
			i++
			if i == len(line) || !strings.Contains(`"\`, line[i:i+1]) && (quote != 0 || line[i] != ' ' && line[i] != '\'') {
				return `\`
			}
		case c == '$' || c == '`':
			return string(c)
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case strings.IndexByte(";&|<>()*?[]{}\n", c) >= 0, begins && (c == '~' || c == '#'):
			return string(c)
		}
	}
	if quote != 0 { // it is never closed
		return string(quote)
	}
	return ""
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// first is the character of s at i, "" if i is -1.
func first(s string, i int) string {
	if i < 0 {
		return ""
	}
	_, n := utf8.DecodeRuneInString(s[i:])
	return s[i : i+n]
}
