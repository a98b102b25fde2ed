package awsconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The editor's functions are pure: text in, text out. A header is a line as Header
// makes it. It stands for every section of that kind and name, however its header
// is written; for [default] that is [profile default] if there is one. Properties
// are {key, value}. Comments, blank lines, order, spacing, line ends, a byte order
// mark and a missing last line end stay as they are.
//
// Errors: *SyntaxError with no File, *ValueError, ErrNoSection, ErrSection.

var (
	ErrNoSection = errors.New("no such section")
	// ErrSection: botocore refuses a file that has a section twice.
	ErrSection = errors.New("the section already exists")
)

// ValueError is a property that would not be read back as it was written. It does
// not quote the value, which may be a secret.
type ValueError struct{ Key string }

func (e *ValueError) Error() string {
	return fmt.Sprintf("the value of %q cannot be written to an AWS file: it has a line break, a comment sign after a space, or quotes around all of it, or is a quote", e.Key)
}

// AppendSection adds a section at the end, after a blank line, with the line
// ends of the text's first line.
func AppendSection(text, header string, props [][2]string) (string, error) {
	found, err := find(text, header)
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return "", ErrSection
	}
	eol := lineEnd(text)
	var b strings.Builder
	b.WriteString(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		b.WriteString(eol)
	}
	if strings.TrimSpace(lastLine(text)) != "" {
		b.WriteString(eol)
	}
	b.WriteString(header + eol)
	for _, p := range props {
		if err := writable(p); err != nil {
			return "", err
		}
		b.WriteString(assignment(p) + eol)
	}
	return b.String(), nil
}

// SetKeys sets properties of a section. An existing key keeps its line, with its
// case, spacing and comment; a new one is added after the last property. A value that
// continues on the next lines is an error: what is in them would be lost.
func SetKeys(text, header string, props [][2]string) (string, error) {
	for _, p := range props {
		if err := writable(p); err != nil {
			return "", err
		}
		found, err := find(text, header)
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", ErrNoSection
		}
		if text, err = set(text, found, p); err != nil {
			return "", err
		}
	}
	return text, nil
}

// set changes the last property with that key, because the last one counts.
func set(text string, found []section, p [2]string) (string, error) {
	if old, ok := last(text, found, strings.ToLower(p[0])); ok {
		return replace(text, old, p[1])
	}
	return insert(text, found, assignment(p)), nil
}

// insert adds lines after the last property of the last section.
func insert(text string, found []section, lines ...string) string {
	end := found[len(found)-1]
	after := end.body
	if props := end.properties(text); len(props) > 0 {
		after = props[len(props)-1].bottom()
	}
	return insertAt(text, after, lines...)
}

// insertAt adds lines below the one that ends at an offset.
func insertAt(text string, after int, lines ...string) string {
	if !strings.HasSuffix(text[:after], "\n") { // the text's last line
		eol := lineEnd(text)
		return text + eol + strings.Join(lines, eol)
	}
	eol := lineEnd(text[:after])
	return text[:after] + strings.Join(lines, eol) + eol + text[after:]
}

// replace changes the value in its line.
func replace(text string, old property, value string) (string, error) {
	switch {
	case len(old.under) > 0:
		return "", continued(old)
	case old.value == value:
		return text, nil
	}
	return text[:old.start] + withValue(old.text, value) + text[old.start+len(old.text):], nil
}

// continued is the error for a value that an edit would lose a part of. In a line that
// continues a value, some SDKs read a property of its own, even an access key.
func continued(p property) error {
	return &SyntaxError{Line: p.num, Problem: "the value of " + p.key + " continues on the next line, so fob does not change it", Continued: true}
}

// withValue is the line of a property with another value.
func withValue(line, value string) string {
	start := strings.IndexByte(line, '=') + 1
	body := line[start:]
	body = body[:comment(body)]
	if trimmed := strings.TrimSpace(body); trimmed != "" {
		start += strings.Index(body, trimmed)
		return line[:start] + value + line[start+len(trimmed):]
	}
	if value != "" {
		value = " " + value
	}
	return line[:start] + value + line[start+len(body):]
}

// Line is the line of the property that counts for a key. It is not found if lines
// below continue it, because they would be lost with its value.
func Line(text, header, key string) (line string, ok bool, err error) {
	found, err := find(text, header)
	if err != nil {
		return "", false, err
	}
	p, ok := last(text, found, key)
	return p.text, ok && len(p.under) == 0, nil
}

// RestoreLine undoes SetKeys for a key whose line was once this one, and changes nothing
// if its value is no longer the one that was set. What somebody has added to the line in
// the meantime, such as a comment, stays.
func RestoreLine(text, header string, set [2]string, line string) (string, error) {
	found, err := find(text, header)
	if err != nil {
		return "", err
	}
	p, ok := last(text, found, set[0])
	if !ok || p.value != set[1] || len(p.under) > 0 {
		return text, nil
	}
	key, rest, problem := cutKey(line)
	if problem != "" || strings.ToLower(key) != set[0] || strings.ContainsAny(line, "\r\n") {
		return text, nil
	}
	if p.text != withValue(line, set[1]) {
		line = withValue(p.text, strings.TrimSpace(rest[:comment(rest)]))
	}
	return text[:p.start] + line + text[p.start+len(p.text):], nil
}

// last finds the property that counts for a key.
func last(text string, found []section, key string) (property, bool) {
	return lastOf(text, found, func(p property) bool { return p.key == key })
}

func lastOf(text string, found []section, is func(property) bool) (property, bool) {
	for _, s := range slices.Backward(found) {
		for _, p := range slices.Backward(s.properties(text)) {
			if is(p) {
				return p, true
			}
		}
	}
	return property{}, false
}

// RemoveKeys removes the properties that have exactly these keys and values, so a
// property that somebody has changed stays. all reports that none of the keys is
// left.
func RemoveKeys(text, header string, props [][2]string) (out string, all bool, err error) {
	found, err := find(text, header)
	if err != nil {
		return "", false, err
	}
	all = true
	var gone []line
	for _, s := range found {
		for _, p := range s.properties(text) {
			switch {
			case slices.Contains(props, [2]string{p.key, p.value}) && len(p.under) == 0:
				gone = append(gone, p.line)
			case slices.ContainsFunc(props, func(w [2]string) bool { return w[0] == p.key }):
				all = false
			}
		}
	}
	return drop(text, gone), all, nil
}

// RemoveHeader removes the header of a section that AppendSection made and that is
// empty again, and with it what AppendSection put before it. Blank lines below it stay:
// what is after them was written later.
func RemoveHeader(text, header, before string) (string, error) {
	found, err := find(text, header)
	if err != nil {
		return "", err
	}
	for _, s := range slices.Backward(found) {
		if !s.empty(text) {
			continue
		}
		above, below := text[:s.start], text[s.body:]
		if cut, ok := strings.CutSuffix(above, before); ok {
			above = cut
		}
		if above != "" && !strings.HasSuffix(above, "\n") && above != bom && below != "" {
			above += lineEnd(text)
		}
		text = above + below
	}
	return text, nil
}

// empty reports whether a section has only blank lines. A comment, also one in the line
// of the header, belongs to somebody.
func (s section) empty(text string) bool {
	return strings.TrimSpace(text[s.body:s.end]) == "" && !strings.ContainsAny(text[s.start:s.body], "#;")
}

// drop removes lines, given in the order of the text. A text that does not end with
// a line end still does not.
func drop(text string, gone []line) string {
	if len(gone) == 0 {
		return text
	}
	var b strings.Builder
	pos := 0
	for _, l := range gone {
		b.WriteString(text[pos:l.start])
		pos = l.end
	}
	if pos == len(text) && !strings.HasSuffix(text, "\n") {
		return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r")
	}
	return b.String() + text[pos:]
}

// find returns the sections of text that a header stands for.
func find(text, header string) ([]section, error) {
	inner, problem := headerText(header)
	want := section{inner: inner}
	kind, name := want.meaning()
	if kind == "" { // [name], except [default], is a profile of the credentials file
		want.credentials = true
		kind, name = want.meaning()
	}
	if problem != "" || kind == "" || strings.ContainsAny(header, "\r\n") {
		return nil, &NameError{Name: inner}
	}
	sections, _, err := scan(File{Text: text}, want.credentials)
	return sections.named(kind, name), err
}

// writable checks that a property will be read back as it was written.
func writable(p [2]string) error {
	key, rest, problem := cutKey(assignment(p))
	if problem != "" || key != p[0] || kindOf(key) != plain || strings.ToLower(key) != key && !strings.HasPrefix(key, variablePrefix) ||
		readValue(rest) != p[1] || !sound(p[0]+p[1]) || loneQuote(p[1]) {
		return &ValueError{Key: p[0]}
	}
	return nil
}

// sound reports whether a text is one line that every tool reads as it is.
func sound(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || pythonLineEnd(r) }) && utf8.ValidString(text)
}

// loneQuote reports whether a value is one on which the Go SDK crashes, for every profile.
func loneQuote(value string) bool { return value == `"` || value == "'" }

func assignment(p [2]string) string { return strings.TrimSuffix(p[0]+" = "+p[1], " ") }

// bottom is the end of the property's last line.
func (p property) bottom() int {
	if n := len(p.under); n > 0 {
		return p.under[n-1].end
	}
	return p.end
}

// lineEnd is how the first line of text ends.
func lineEnd(text string) string {
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}
