package awsconfig

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The kinds of section that fob reads. The kind of any other section is "".
const (
	kindProfile  = "profile"
	kindSSO      = "sso-session"
	kindServices = "services"
)

const (
	defaultName = "default"
	bom         = "\ufeff"
)

// section is a header and the lines under it. Offsets are in the file's text.
type section struct {
	inner       string // the text between the brackets
	credentials bool   // in the credentials file
	line        int
	start       int // of the header's line
	body        int // of the line after it
	end         int // of the next header, or of the text
}

// line is one line of a text.
type line struct {
	text       string // without "\n" or "\r\n"
	start, end int    // with it
	num        int    // from 1
}

// lines walks over the lines of a text, up to end.
type lines struct {
	line
	all string
	end int
	// inside: there was a header. base is the indentation of the property that
	// a deeper line belongs to; -1 if there is none yet in the section.
	inside bool
	base   int
}

// next moves to the next line.
func (c *lines) next() bool {
	start := c.line.end
	if start >= c.end {
		return false
	}
	stop := c.end
	if i := strings.IndexByte(c.all[start:c.end], '\n'); i >= 0 {
		stop = start + i
		c.line.end = stop + 1
	} else {
		c.line.end = stop
	}
	if stop > start && c.all[stop-1] == '\r' {
		stop--
	}
	c.start, c.text = start, c.all[start:stop]
	c.num++
	return true
}

type lineKind int

const (
	blank    lineKind = iota // or a comment
	header                   // [...]
	plain                    // key = value
	indented                 // belongs to the property above it
)

// kind is the kind of the line, given the lines before it. As in botocore, a line
// belongs to a property only if it is indented deeper than the property, so that a
// section that is indented as a whole is read as it looks.
func (c *lines) kind() lineKind {
	k := kindOf(c.text)
	switch k {
	case header:
		c.inside, c.base = true, -1
	case plain:
		c.base = 0
	case indented:
		inside := strings.TrimLeft(c.text, " \t")
		depth := len(c.text) - len(inside)
		if inside[0] == '[' && (c.base < 0 || c.base > 0 && depth <= c.base) { // it continues nothing
			if _, problem := headerText(inside); problem != noBracket {
				c.inside, c.base = true, -1
				return header
			}
		}
		if c.inside && (c.base > 0 && depth <= c.base || c.base < 0 && strings.Contains(c.text, "=")) {
			c.base = depth
			return plain
		}
	}
	return k
}

func kindOf(text string) lineKind {
	if text == "" {
		return blank
	}
	if c := text[0]; 'a' <= c && c <= 'z' { // nearly all lines
		return plain
	}
	inside := strings.TrimLeft(text, " \t")
	switch {
	case strings.TrimSpace(inside) == "" || inside[0] == '#' || inside[0] == ';':
		return blank
	case len(inside) == len(text) && inside[0] == '[':
		return header
	case len(inside) == len(text):
		return plain
	case inside[0] == '[':
		// A continuation may begin with a bracket, as in a list.
		if _, problem := headerText(inside); problem == "" {
			return header
		}
	}
	return indented
}

// mark is a header that scan found. It takes only 16 bytes, because there may be ten
// thousand of them at every start, and every lookup goes through them all.
type mark struct {
	from, to int32 // the text between the brackets
	line     int32
	last     byte // the last byte of that text; 0 if it is empty
}

// index is where the sections of a text are.
type index struct {
	text        string
	credentials bool
	marks       []mark
	// byName are the marks of each name; nil until somebody asks for all names.
	byName map[sectionName][]int
	// unreadable are the headers that could not be read. Their marks are empty, so
	// that the lines below them count for no profile.
	unreadable []Unreadable
}

type sectionName struct{ kind, name string }

func (x *index) add(inner string, from, line int) {
	m := mark{from: int32(from), to: int32(from + len(inner)), line: int32(line)}
	if inner != "" {
		m.last = inner[len(inner)-1]
	}
	x.marks = append(x.marks, m)
}

// at is the i-th section.
func (x *index) at(i int) section {
	m := x.marks[i]
	s := section{inner: x.text[m.from:m.to], credentials: x.credentials, line: int(m.line), body: len(x.text), end: len(x.text)}
	s.start = x.lineStart(m)
	if eol := strings.IndexByte(x.text[m.to:], '\n'); eol >= 0 {
		s.body = int(m.to) + eol + 1
	}
	if i+1 < len(x.marks) {
		s.end = x.lineStart(x.marks[i+1])
	}
	return s
}

func (x *index) lineStart(m mark) int {
	start := strings.LastIndexByte(x.text[:m.from], '\n') + 1
	if start == 0 && strings.HasPrefix(x.text, bom) {
		return len(bom)
	}
	return start
}

// named finds the sections of one name. In the config file [profile default]
// replaces [default], as in the Go SDK.
func (x *index) named(kind, name string) []section {
	found := x.find(kind, name)
	if slices.ContainsFunc(found, func(s section) bool { return !s.short() }) {
		found = slices.DeleteFunc(found, section.short)
	}
	return found
}

// find compares all headers with a name, which is quick for a few names.
func (x *index) find(kind, name string) (found []section) {
	for _, i := range x.byName[sectionName{kind, name}] {
		found = append(found, x.at(i))
	}
	if x.byName != nil || name == "" {
		return found
	}
	for i, m := range x.marks {
		if m.last != name[len(name)-1] && m.last != '"' && m.last != '\'' {
			continue
		}
		if s := (section{inner: x.text[m.from:m.to], credentials: x.credentials}); s.is(kind, name) {
			found = append(found, x.at(i))
		}
	}
	return found
}

// sortNames makes find quick for many names.
func (x *index) sortNames() {
	x.byName = make(map[sectionName][]int, len(x.marks))
	for i, m := range x.marks {
		kind, name := (section{inner: x.text[m.from:m.to], credentials: x.credentials}).meaning()
		if kind != "" && name != "" {
			n := sectionName{kind, name}
			x.byName[n] = append(x.byName[n], i)
		}
	}
}

// scan checks every line in one pass, and remembers where the sections are but not
// their content: a file of 10,000 profiles is scanned at every start.
func scan(f File, credentials bool) (index, []include, error) {
	if isUTF16(f.Text) {
		return index{}, nil, &SyntaxError{
			File: f.Path, Line: 1, UTF16: true,
			Problem: "the file is in UTF-16, as Windows PowerShell writes it; AWS tools read only UTF-8",
		}
	}
	s := newScanner(f, credentials)
	for s.skim(); s.next(); s.skim() {
		if problem := s.check(); problem != "" {
			return index{}, nil, &SyntaxError{File: f.Path, Line: s.num, Problem: problem}
		}
	}
	return s.index, s.includes, nil
}

// isUTF16 reports whether a text has a byte order mark of UTF-16, or begins with a
// character as UTF-16 has it.
func isUTF16(text string) bool {
	return strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || strings.IndexByte(text[:min(2, len(text))], 0) >= 0
}

type scanner struct {
	File
	lines
	index    index
	includes []include
	above    string // the property that an indented line belongs to
}

func newScanner(f File, credentials bool) *scanner {
	const usual = 100 // bytes in a section
	s := &scanner{
		File:  f,
		lines: lines{all: f.Text, end: len(f.Text), base: -1},
		index: index{text: f.Text, credentials: credentials, marks: make([]mark, 0, len(f.Text)/usual+1)},
	}
	if strings.HasPrefix(f.Text, bom) {
		s.lines.line.end = len(bom)
	}
	return s
}

// skim moves over the most common lines, `key = value`, `[name]` and empty ones, up
// to one that needs a closer look. It treats them as check would.
func (s *scanner) skim() {
	text := s.all
	for at := s.lines.line.end; at < len(text); s.lines.line.end = at {
		switch {
		case text[at] == '\n':
			at++
		case text[at] == '[':
			end := at + 1
			for end < len(text) && nameByte(text[end]) {
				end++
			}
			// A space may stand inside, but not at the ends.
			if end+1 >= len(text) || text[end] != ']' || text[end+1] != '\n' || text[at+1] == ' ' || text[end-1] == ' ' {
				return
			}
			s.index.add(text[at+1:end], at+1, s.num+1)
			s.inside, s.base, s.above = true, -1, ""
			at = end + 2
		default:
			end := keyEnd(text, at)
			key := text[at:end]
			if end < len(text) && text[end] == ' ' {
				end++
			}
			if !s.inside || key == "" || end == len(text) || text[end] != '=' || isInclude(key) {
				return
			}
			eol := strings.IndexByte(text[end:], '\n')
			if eol < 0 {
				return
			}
			s.base, s.above = 0, text[at:end+eol]
			at = end + eol + 1
		}
		s.num++
	}
}

// keyEnd is the offset of the first byte, from at on, that is rare in keys: one
// before ">" in ASCII (white space, digits and signs) or outside ASCII. It looks at
// eight bytes at once; the lowest high bit that is set marks the first such byte.
func keyEnd(text string, at int) int {
	const each = 0x0101010101010101
	for ; at+8 <= len(text); at += 8 {
		s := text[at : at+8]
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if unfit := (x - '>'*each | x) & (0x80 * each); unfit != 0 {
			return at + bits.TrailingZeros64(unfit)/8
		}
	}
	for at < len(text) && text[at] >= '>' && text[at] < utf8.RuneSelf {
		at++
	}
	return at
}

// nameByte reports whether c is a byte that nearly all names consist of.
func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '-' <= c && c <= ':' || 'A' <= c && c <= 'Z' || c == '_' || c == ' '
}

// check checks the line that next moved to.
func (s *scanner) check() (problem string) {
	switch s.kind() {
	case header:
		var inner string
		inner, problem = headerText(s.text)
		if problem != "" && problem != noBracket {
			s.index.unreadable = append(s.index.unreadable, unreadable(s.line, s.Path, s.index.credentials, problem))
			inner, problem = "", ""
		}
		open := strings.IndexByte(s.text, '[') + 1
		s.index.add(inner, s.start+open+strings.Index(s.text[open:], inner), s.num)
		s.above = ""
	case plain:
		var key, rest string
		key, rest, problem = cutKey(s.text)
		s.above = s.text
		if !s.inside {
			problem = "a property outside a section"
		} else if isInclude(key) {
			s.includes = append(s.includes, include{
				section: s.index.at(len(s.index.marks) - 1),
				target:  readValue(rest), fob: len(key) > len(includeKey),
				file: s.Path, line: s.num,
			})
		}
	case indented:
		problem = underneath(s.above, s.text)
	}
	return problem
}

// underneath checks an indented line under the property above.
func underneath(above, text string) (problem string) {
	if above == "" {
		return "an indented line with nothing to continue"
	}
	if _, rest, _ := cutKey(above); readValue(rest) == "" {
		_, _, problem = cutKey(text)
	}
	return problem
}

// property is a key and its value, or, with an empty value, nested properties.
type property struct {
	line
	key, written string // in lower case, and as the file has it
	value        string
	under        []line // continuations, or the lines of subs
	subs         []property
}

// properties reads the properties of a section, which scan has checked.
func (s section) properties(text string) []property {
	var all []property
	l := lines{all: text, end: s.end, line: line{end: s.body, num: s.line}, inside: true, base: -1}
	for l.next() {
		switch l.kind() {
		case plain:
			all = append(all, readProperty(l.line, readValue))
		case indented:
			p := &all[len(all)-1]
			p.under = append(p.under, l.line)
			if p.value == "" {
				// The SDK keeps ` # text` in a nested value.
				p.subs = append(p.subs, readProperty(l.line, unquote))
			}
		}
	}
	return all
}

func readProperty(l line, read func(string) string) property {
	key, rest, _ := cutKey(l.text)
	return property{line: l, key: strings.ToLower(key), written: key, value: read(rest)}
}

// joined is the value with the lines that continue it.
func (p property) joined() string {
	if p.value == "" || len(p.under) == 0 {
		return p.value
	}
	var b strings.Builder
	b.WriteString(p.value)
	for _, l := range p.under {
		b.WriteByte('\n')
		b.WriteString(strings.TrimLeft(l.text, " \t"))
	}
	return b.String()
}

// cutKey splits a property's line after the "=".
func cutKey(text string) (key, rest string, problem string) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '=':
			if key = strings.TrimSpace(text[:i]); key == "" {
				return "", "", `missing key before "="`
			}
			return key, text[i+1:], ""
		case c == ':':
			// The SDKs cut here. Reading `credential_process: x --a=b` as a key with
			// a strange name would silently lose it.
			return "", "", `":" instead of "="`
		case (c == '#' || c == ';') && i > 0 && isSpace(text[i-1]):
			return "", "", `missing "="`
		}
	}
	return "", "", `missing "="`
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// readValue is the value in what follows a "=".
func readValue(rest string) string { return unquote(rest[:comment(rest)]) }

// unquote removes white space and then one pair of quotes, as the Go SDK does.
// botocore keeps the quotes.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// comment is the offset of a comment with the white space before it, or the length
// of s. Without white space before it, a "#" is part of the value.
func comment(s string) int {
	for i := 1; i < len(s); i++ {
		if (s[i] == '#' || s[i] == ';') && isSpace(s[i-1]) {
			return i - 1
		}
	}
	return len(s)
}

// headerText is the text between the brackets of a header.
func headerText(text string) (inner, problem string) {
	text = strings.TrimSpace(text)
	inner, after, ok := strings.Cut(text, "]")
	if !ok || comment(inner) < len(inner) {
		return "", noBracket
	}
	after = strings.TrimSpace(after)
	switch inner = strings.TrimSpace(inner[1:]); {
	case strings.ContainsRune(inner, '[') && strings.ContainsRune(after, ']'):
		return "", "brackets in the name of a section"
	case after != "" && after[0] != '#' && after[0] != ';':
		return "", `text after "]" in a section header`
	case strings.ContainsAny(inner, "#;"):
		return "", `"#" or ";" in the name of a section`
	}
	return inner, ""
}

// noBracket is a mistake that spoils the whole file: the AWS CLI refuses it, and the
// SDKs take the lines below for those of the section above.
const noBracket = `missing "]" in a section header`

// is reports whether a section has that kind and name. Every lookup calls it for
// every section, so it rejects most of them at once.
func (s section) is(kind, name string) bool {
	if s.inner == "" {
		return false
	}
	if last := s.inner[len(s.inner)-1]; last != '"' && last != '\'' && !strings.HasSuffix(s.inner, name) {
		return false
	}
	k, n := s.meaning()
	return k == kind && n == name
}

// short is [default] in the config file.
func (s section) short() bool { return !s.credentials && s.inner == defaultName }

// meaning reads the inside of a header; the kind is "" for a section that is
// ignored.
func (s section) meaning() (kind, name string) {
	word, rest := s.inner, ""
	if i := strings.IndexAny(s.inner, " \t"); i >= 0 {
		word, rest = s.inner[:i], strings.TrimSpace(s.inner[i:])
	}
	ours := word == kindProfile || word == kindSSO || word == kindServices
	switch {
	case s.credentials && ours && rest != "":
		return "", "" // belongs in the config file; no tool reads it here
	case s.credentials:
		// Here all tools read everything between the brackets as the name.
		kind, name = kindProfile, bareName(s.inner, true)
	case s.short():
		return kindProfile, defaultName
	case ours:
		kind, name = word, bareName(rest, false)
	}
	if name == "" {
		return "", ""
	}
	return kind, name
}

// bareName removes the quotes of a name, which in the credentials file are part of
// it for every tool; "" if the name is not valid.
func bareName(s string, credentials bool) string {
	bare := s
	if !credentials {
		bare = unquote(s)
	}
	quoted := bare != s
	for _, r := range bare {
		switch {
		case nameRune(r), r == ' ' && (credentials || quoted):
		case quoted && unicode.IsPrint(r) && !strings.ContainsRune("\"'\\[\ufffd", r):
		default: // also \ufffd, which stands for bytes that are not UTF-8
			return ""
		}
	}
	if strings.TrimSpace(bare) != bare || !quoted && strings.Contains(s, "  ") {
		return "" // the SDKs do not agree on what this is
	}
	return bare
}

// nameRune reports whether a name may have r without quotes.
func nameRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return strings.ContainsRune("_.%@:/+-", r)
	}
	return unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd)
}
