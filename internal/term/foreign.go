package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Foreign passes on what another program says, for a person, in the way of Clean:
// its line breaks stay, and nothing else that a terminal would act upon. What
// it writes without a line break, as before it waits, is passed on at once.
func Foreign(to io.Writer) io.Writer { return &foreign{to: to} }

type foreign struct {
	to   io.Writer
	rest []byte // the beginning of a character, or of a line break
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

// unfinished is how many bytes at the end may become something else with the next.
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
