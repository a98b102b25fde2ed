package awsconfig

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Difference is a line that the AWS CLI (botocore) and the Go SDK read differently, or
// that one of them cannot read. The differential test in package doctor holds this
// against both.
type Difference struct {
	File string
	Line int // from 1
	Kind DifferenceKind
	// Name is the inside of a header, or a key; never a value.
	Name string
	// CLI and Go are what each takes a header for, such as `profile "a"`; "" if it ignores
	// the section, or sees no header there.
	CLI, Go string
	// header: only one of them sees a header.
	header bool
	// quotes: the Go SDK keeps the quotes around the value, as only in an indented line with
	// a comment.
	quotes bool
}

// DifferenceKind says what is special about the line.
type DifferenceKind int

const (
	ByteOrderMark    DifferenceKind = iota // at the start of the file
	NotUTF8                                // bytes that are not text
	CarriageReturn                         // in the middle of a line, which ends there for the AWS CLI
	Unparsable                             // for the AWS CLI
	DuplicateSection                       // a header that stands in the file already
	SameSection                            // a section of that name, under another header, stands in the file already
	DefaultValues                          // [DEFAULT], whose values the AWS CLI gives to every profile
	HeaderName                             // a header that they take for different things
	DuplicateKey                           // a key that stands in the section already
	InlineComment                          // after a value, of which the AWS CLI makes it a part
	QuotedValue                            // whose quotes the AWS CLI keeps
	LoneQuote                              // as a value, on which the Go SDK crashes
	Continuation                           // a line that only one of them takes for a part of the value above
	EmptyLine                              // inside a value, where the AWS CLI keeps it
	WhiteSpace                             // that only one of them removes
)

// Fails reports whether one of the tools cannot use the whole file.
func (k DifferenceKind) Fails() bool {
	return slices.Contains([]DifferenceKind{ByteOrderMark, NotUTF8, Unparsable, DuplicateSection, DuplicateKey, LoneQuote}, k)
}

// Differences are those of both files, in their order. What Unreadable lists is left
// out, unless one of the tools cannot use the file because of it.
func (c *Config) Differences() []Difference {
	unreadable := c.Unreadable()
	return slices.DeleteFunc(c.AllDifferences(), func(diff Difference) bool {
		return !diff.Kind.Fails() && slices.ContainsFunc(unreadable, func(u Unreadable) bool { return u.File == diff.File && u.Line == diff.Line })
	})
}

// AllDifferences are Differences with those that Unreadable lists.
func (c *Config) AllDifferences() (all []Difference) {
	for _, d := range []*document{c.config, c.credentials} {
		all = append(all, d.differences()...)
	}
	return all
}

// KeepsQuotes reports whether the Go SDK keeps the quotes around a value.
func (d Difference) KeepsQuotes() bool { return d.quotes }

// Splits reports whether the line is a header for only one of the tools, so that a section
// ends there for that one.
func (d Difference) Splits() bool { return d.header }

// Concerns reports whether the tools may read a section of that kind and name differently
// because of this line: it is in the section, or a header of it for one of them, or one
// that ends it for one of them.
func (c *Config) Concerns(d Difference, kind, name string) bool {
	want := meant(kind, name)
	switch {
	case d.CLI == want, d.Go == want, d.Kind == SameSection && d.Name == want:
		return true
	case d.header && c.within(kind, name, d.File, d.Line-1):
		return true
	}
	return c.within(kind, name, d.File, d.Line)
}

// Inside reports whether a line is in a section of that profile, as fob reads it.
func (c *Config) Inside(profile, file string, line int) bool {
	return c.within(kindProfile, profile, file, line)
}

func (c *Config) within(kind, name, file string, line int) bool {
	for _, d := range []*document{c.config, c.credentials} {
		for _, s := range d.named(kind, name) {
			if d.Path == file && s.line <= line && (s.end == len(d.Text) || line < s.line+strings.Count(d.Text[s.start:s.end], "\n")) {
				return true
			}
		}
	}
	return false
}

func (d *document) differences() (all []Difference) {
	cli := cliReader{credentials: d.credentials, sections: map[string]bool{}, meant: map[string]bool{}}
	sdk := goReader{credentials: d.credentials}
	add := func(line int, kind DifferenceKind, name string) {
		all = append(all, Difference{File: d.Path, Line: line, Kind: kind, Name: name})
	}
	text, marked := strings.CutPrefix(d.Text, bom)
	if marked {
		add(1, ByteOrderMark, "")
	}
	num := 0
	for raw := range strings.SplitSeq(text, "\n") {
		num++
		if !utf8.ValidString(raw) {
			add(num, NotUTF8, "")
			break
		}
		if i := strings.IndexByte(raw, '\r'); i >= 0 && i < len(raw)-1 {
			add(num, CarriageReturn, "")
		}
		c, g := cli.read(strings.TrimSuffix(raw, "\r")), sdk.read(raw)
		if kind, ok := twice(c); ok {
			all = append(all, Difference{
				File: d.Path, Line: num, Kind: kind, Name: c.name,
				CLI: c.meaning, Go: g.meaning, header: kind == DuplicateSection && g.what != aHeader,
			})
			if g.what != aCrash {
				continue
			}
		}
		if kind, ok := differ(c, g); ok {
			diff := Difference{
				File: d.Path, Line: num, Kind: kind, Name: c.name,
				CLI: c.meaning, Go: g.meaning, header: (c.what == aHeader) != (g.what == aHeader),
				quotes: kind == InlineComment && unquote(g.value) != g.value,
			}
			switch {
			case c.what == aHeader && c.name == "DEFAULT":
				diff.Kind = DefaultValues
			case kind == Continuation && g.what == aHeader:
				diff.Name = g.name
			case c.what == aValue:
				diff.Name = cli.key
			}
			all = append(all, diff)
			continue
		}
		switch {
		case c.what == aHeader && c.name == "DEFAULT":
			add(num, DefaultValues, c.name)
		case c.what == aHeader && cli.again(c.meaning):
			add(num, SameSection, c.meaning)
		case c.what == aValue && c.gap:
			add(num, EmptyLine, cli.key)
		}
	}
	return all
}

// twice finds what the AWS CLI rejects the file for, whatever else is special about it.
func twice(c lineReading) (kind DifferenceKind, ok bool) {
	if c.what == aHeader {
		return DuplicateSection, c.again
	}
	return DuplicateKey, c.what == aKey && c.again
}

// differ compares what the two make of a line.
func differ(c, g lineReading) (kind DifferenceKind, ok bool) {
	switch {
	case g.what == aCrash:
		return LoneQuote, true
	case c.what == anError:
		return Unparsable, true
	case c.what == aHeader && g.what == aHeader:
		return HeaderName, c.meaning != g.meaning
	case c.what != g.what:
		return Continuation, true
	case c.name == g.name && c.value == g.value:
		return 0, false
	case c.what == aKey && c.name == g.name && comment(c.value) < len(c.value):
		return InlineComment, true
	case c.what != aValue && unquote(c.value) != c.value:
		return QuotedValue, true
	}
	return WhiteSpace, true
}

// lineReading is what a tool makes of a line.
type lineReading struct {
	what        whatLine
	name, value string
	meaning     string // of a header: `profile "a"`
	again       bool   // the tool has seen this header, or this key in the section
	gap         bool   // there are empty lines between this part of a value and the one before
}

type whatLine int

const (
	nothing whatLine = iota // or a comment
	aHeader
	aKey
	aSubKey // below an empty value
	aValue  // more of the value above
	anError // the whole file is refused
	aCrash
)

// cliReader reads as botocore does, which uses Python's configparser.
type cliReader struct {
	credentials bool
	sections    map[string]bool // as they stand between the brackets
	meant       map[string]bool
	keys        map[string]bool // of this section; nil before the first one
	key         string          // the value above belongs to; "" below a header
	empty       bool            // the value above is
	indent      int
	gap         bool
}

func (r *cliReader) read(text string) lineReading {
	value := strings.TrimFunc(text, pythonSpace)
	switch {
	case value == "":
		r.gap = r.key != ""
		return lineReading{}
	case value[0] == '#' || value[0] == ';':
		return lineReading{}
	}
	indent := utf8.RuneCountInString(text[:strings.Index(text, value)])
	if r.key != "" && indent > r.indent {
		return r.more(value)
	}
	r.indent, r.gap = indent, false
	if end := strings.LastIndexByte(value, ']'); value[0] == '[' && end > 1 {
		name := value[1:end]
		again := r.sections[name]
		r.sections[name], r.keys, r.key = true, map[string]bool{}, ""
		return lineReading{what: aHeader, name: name, meaning: r.meaning(name), again: again}
	}
	i := strings.IndexAny(value, "=:")
	if i < 1 || r.keys == nil {
		return lineReading{what: anError}
	}
	r.key = strings.ToLower(strings.TrimRightFunc(value[:i], pythonSpace))
	value = strings.TrimFunc(value[i+1:], pythonSpace)
	again := r.keys[r.key]
	r.keys[r.key], r.empty = true, value == ""
	return lineReading{what: aKey, name: r.key, value: value, again: again}
}

// more reads a line that is indented deeper than the key above. Under an empty value
// it is nested.
func (r *cliReader) more(value string) lineReading {
	gap := r.gap && !r.empty
	r.gap = false
	if !r.empty {
		return lineReading{what: aValue, value: value, gap: gap}
	}
	first := lineReading{}
	for part := range strings.FieldsFuncSeq(value, pythonLineEnd) {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case strings.TrimFunc(part, pythonSpace) == "":
		case !ok:
			return lineReading{what: anError}
		case first.what == 0:
			first = lineReading{what: aSubKey, name: strings.TrimFunc(key, pythonSpace), value: strings.TrimFunc(value, pythonSpace)}
		}
	}
	return first
}

// meaning of the text between brackets.
func (r *cliReader) meaning(name string) string {
	if r.credentials {
		return meant(kindProfile, name)
	}
	for _, kind := range []string{kindProfile, kindSSO, kindServices} {
		if strings.HasPrefix(name, kind) {
			if words, ok := shellWords(name); ok && len(words) == 2 {
				return meant(kind, words[1])
			}
			return ""
		}
	}
	if name == defaultName {
		return meant(kindProfile, name)
	}
	return ""
}

// again remembers what a header means, and reports whether it did already.
func (r *cliReader) again(meaning string) bool {
	before := meaning != "" && r.meant[meaning]
	r.meant[meaning] = true
	return before
}

func meant(kind, name string) string { return kind + ` "` + name + `"` }

// pythonSpace is what Python's str.strip removes: a few separators more than in Go.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// pythonLineEnd is where Python's str.splitlines ends a line. The AWS CLI reads nested
// settings with it.
func pythonLineEnd(r rune) bool {
	return strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r)
}

// shellWords splits as Python's shlex.split does; false if a quote is not closed.
func shellWords(s string) (words []string, ok bool) {
	var word strings.Builder
	var quote rune
	inside, escaped := false, false
	for _, c := range s {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			inside, escaped = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			inside, quote = true, c
		case quote == 0 && strings.ContainsRune(" \t\r\n", c):
			if inside {
				words = append(words, word.String())
			}
			inside = false
			word.Reset()
		default:
			inside = true
			word.WriteRune(c)
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words, quote == 0 && !escaped
}

// goReader reads as the Go SDK does.
type goReader struct {
	credentials bool
	key         string // that an indented line belongs to; "" below a header
	empty       bool   // the key's value is
}

func (r *goReader) read(text string) lineReading {
	inside := strings.TrimLeft(text, " \t")
	if strings.TrimSpace(text) == "" || inside[0] == '#' || inside[0] == ';' {
		return lineReading{}
	}
	bare := text
	if i := strings.IndexAny(text, "#;"); i >= 0 {
		bare = text[:i]
	}
	if bare = strings.TrimSpace(bare); len(bare) > 1 && bare[0] == '[' && bare[len(bare)-1] == ']' {
		r.key = ""
		name := strings.TrimSpace(bare[1 : len(bare)-1])
		return lineReading{what: aHeader, name: name, meaning: r.meaning(name)}
	}
	indented := len(inside) < len(text)
	if !indented {
		inside = text[:comment(text)]
	}
	i := strings.IndexAny(inside, "=:")
	switch {
	case i < 0 && !indented, i < 0 && (r.key == "" || r.empty):
		return lineReading{} // it skips what it does not understand
	case i < 0:
		return lineReading{what: aValue, value: inside}
	}
	key, value := strings.ToLower(strings.TrimSpace(inside[:i])), strings.TrimSpace(inside[i+1:])
	if loneQuote(value) {
		return lineReading{what: aCrash, name: key}
	}
	value = unquote(value)
	if indented && r.key != "" && r.empty {
		return lineReading{what: aSubKey, name: key, value: value}
	}
	if indented { // deeper than the key above, or not: it is a key
		value = strings.TrimSpace(value[:comment(value)])
	}
	r.key, r.empty = key, value == ""
	return lineReading{what: aKey, name: key, value: value}
}

// meaning of the text between brackets.
func (r *goReader) meaning(inner string) string {
	kind, name := "", inner
	if i := strings.IndexAny(inner, " \t"); i >= 0 {
		kind, name = inner[:i], strings.TrimLeft(inner[i:], " \t")
	}
	switch {
	case kind == kindSSO, kind == kindServices, kind == kindProfile && !r.credentials:
		return meant(kind, name)
	case kind == kindProfile, inner == "":
		return ""
	case r.credentials && kind != "":
		return meant(kindProfile, kind+" "+name)
	case r.credentials, strings.EqualFold(inner, defaultName):
		return meant(kindProfile, inner)
	}
	return ""
}
