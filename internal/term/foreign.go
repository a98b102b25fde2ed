package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Foreign passes another program's messages on to a person. Like Clean it makes
// them safe to show, but it keeps the line breaks. It does not wait for the end of a
// line, because the program may wait for the person after an incomplete one.
func Foreign(to io.Writer) io.Writer { return &foreign{to: to} }

type foreign struct {
	to   io.Writer
	rest []byte // the start of an incomplete character or line break
}

func (f *foreign) Write(p []byte) (int, error) {
	text := append(f.rest, p...)
	whole := len(text) - unfinished(text)
	lines := strings.Split(string(text[:whole]), "\n")
	f.rest = append([]byte(nil), text[whole:]...)
	for i, line := range lines {
		if i < len(lines)-1 {
			line = strings.TrimSuffix(line, "\r")
		}
		lines[i] = visible(strings.ReplaceAll(line, "\t", "    "))
	}
	if _, err := io.WriteString(f.to, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished returns how many bytes at the end of text may belong to a character
// or line break that is not complete yet.
func unfinished(text []byte) int {
	if n := len(text); n > 0 && text[n-1] == '\r' {
		return 1
	}
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}
