package awsconfig

import (
	"fmt"
	"slices"
	"strings"
)

// Changes are what leads from one text of an AWS file to another, property by property, so
// that they can be made in a third text, in which somebody has changed other lines.
type Changes struct {
	from, to      []titled
	before, after values
	text          string // of to
	credentials   bool
}

// titled is a section, and which one it is: however its header is written, sections with
// the same title are the same one for tools.
type titled struct {
	section
	title, header string
	properties    []property
}

// place is a key of a section. The header of the section is a place without a key.
type place struct{ title, key string }

// values are those of each place, in their order.
type values map[place][]string

// NewChanges finds them. credentials says which file it is. Errors: *SyntaxError with no
// File.
func NewChanges(from, to string, credentials bool) (Changes, error) {
	c := Changes{text: to, credentials: credentials}
	var err error
	if c.from, err = c.sections(from); err != nil {
		return c, err
	}
	if c.to, err = c.sections(to); err != nil {
		return c, err
	}
	c.before, c.after = valuesOf(c.from), valuesOf(c.to)
	return c, nil
}

func (c Changes) sections(text string) (all []titled, err error) {
	x, _, err := scan(File{Text: text}, c.credentials)
	if err != nil {
		return nil, err
	}
	for i := range x.marks {
		s := titled{section: x.at(i)}
		s.header = strings.TrimRight(text[s.start:s.body], "\r\n")
		s.title = strings.TrimSpace(s.header) // of a section that no tool reads
		if kind, name := s.meaning(); kind != "" {
			s.title = kind + " " + name
		} else if s.inner != "" {
			s.title = "[" + s.inner + "]"
		}
		s.properties = s.section.properties(text)
		all = append(all, s)
	}
	return all, nil
}

func valuesOf(sections []titled) values {
	v := values{}
	for _, s := range sections {
		header := place{s.title, ""}
		v[header] = append(v[header], "")
		for _, p := range s.properties {
			at := place{s.title, p.key}
			v[at] = append(v[at], p.whole())
		}
	}
	return v
}

// whole is the value with all lines under it.
func (p property) whole() string {
	text := p.value
	for _, l := range p.under {
		text += "\n" + strings.TrimSpace(l.text)
	}
	return text
}

// changed reports whether these changes are about a place.
func (c Changes) changed(at place) bool { return !slices.Equal(c.before[at], c.after[at]) }

// ClashError is a line that somebody has changed which one of the changes is about.
type ClashError struct {
	Line int // of the text as it is now
	Key  string
	// Had: there was such a line before somebody changed it. Want is its value then; "" if
	// it may hold a secret, as another program's command may.
	Had  bool
	Want string
}

func (e *ClashError) Error() string { return fmt.Sprintf("line %d: %s has changed", e.Line, e.Key) }

// Made reports whether a text is old with these changes and no others, as tools read it.
func (c Changes) Made(old, text string) bool {
	past, err := c.sections(old)
	if err != nil {
		return false
	}
	present, err := c.sections(text)
	if err != nil {
		return false
	}
	was, is := valuesOf(past), valuesOf(present)
	for _, v := range []values{was, is, c.after} {
		for at := range v {
			want := was[at]
			if c.changed(at) {
				want = c.after[at]
			}
			switch {
			case at.key == "" && len(is[at]) > max(len(was[at]), len(c.after[at])): // botocore refuses the file
				return false
			case at.key != "" && !slices.Equal(is[at], want):
				return false
			}
		}
	}
	return true
}

// Apply makes the changes in a text: a line that comes back is put below the header of its
// section. Errors: *ClashError, and *SyntaxError with no File.
func (c Changes) Apply(text string) (string, error) {
	now, err := c.sections(text)
	if err != nil {
		return "", err
	}
	have := valuesOf(now)
	if err := c.clash(now, have); err != nil {
		return "", err
	}
	open := func(s titled, p property) bool {
		at := place{s.title, p.key}
		return c.changed(at) && !slices.Equal(have[at], c.after[at])
	}
	var gone []line
	for _, s := range now {
		for _, p := range s.properties {
			if open(s, p) {
				gone = append(append(gone, p.line), p.under...)
			}
		}
	}
	text = drop(text, gone)
	for _, s := range c.to {
		var lines []string
		for _, p := range s.properties {
			if !open(s, p) {
				continue
			}
			for _, l := range append([]line{p.line}, p.under...) {
				lines = append(lines, l.text)
			}
		}
		if len(lines) == 0 {
			continue
		}
		if text, err = c.putBelow(text, s, lines); err != nil {
			return "", err
		}
	}
	return c.dropHeaders(text)
}

// clash finds the first line of a place that has neither the value before these changes nor
// the one after them.
func (c Changes) clash(now []titled, have values) error {
	for _, s := range now {
		for _, p := range s.properties {
			at := place{s.title, p.key}
			if !c.changed(at) || slices.Equal(have[at], c.before[at]) || slices.Equal(have[at], c.after[at]) {
				continue
			}
			was := c.before[at]
			e := &ClashError{Line: p.num, Key: p.key, Had: len(was) > 0}
			if len(was) == 1 && !static(p.key) && p.key != prefix+"credential_process" && !strings.Contains(was[0], "\n") {
				e.Want = was[0]
			}
			return e
		}
	}
	return nil
}

// putBelow adds lines below the header of a section, and the header if there is none.
func (c Changes) putBelow(text string, s titled, lines []string) (string, error) {
	all, err := c.sections(text)
	if err != nil {
		return "", err
	}
	at := -1
	for i, o := range all {
		if o.title == s.title && (at < 0 || o.inner == s.inner) {
			at = i
		}
	}
	if at >= 0 {
		return insertAt(text, all[at].body, lines...), nil
	}
	eol := lineEnd(text)
	if text == "" {
		eol = lineEnd(c.text)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += eol
	}
	if strings.TrimSpace(lastLine(text)) != "" {
		text += eol
	}
	return text + s.header + eol + strings.Join(lines, eol) + eol, nil
}

// dropHeaders removes the headers that these changes remove, if nothing is left below them.
func (c Changes) dropHeaders(text string) (string, error) {
	for _, s := range c.from {
		if len(c.after[place{s.title, ""}]) > 0 {
			continue
		}
		all, err := c.sections(text)
		if err != nil {
			return "", err
		}
		for _, o := range slices.Backward(all) {
			if o.title != s.title || !o.empty(text) {
				continue
			}
			above, eol := text[:o.start], lineEnd(text)
			if strings.HasSuffix(above, eol+eol) {
				above = strings.TrimSuffix(above, eol)
			}
			text = above + text[o.body:]
		}
	}
	return text, nil
}
