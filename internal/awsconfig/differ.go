package awsconfig

import "strings"

// Difference is a line that the AWS CLI (botocore) reads in another way than the
// Go SDK and fob, or cannot read.
type Difference struct {
	File string
	Line int // from 1
	Kind DifferenceKind
	// Name is the inside of a header, or a key; never a value.
	Name string
}

// DifferenceKind says what is special about the line.
type DifferenceKind int

const (
	ByteOrderMark    DifferenceKind = iota // at the start of the file
	DuplicateSection                       // a header that stands in the file already
	HeaderSpaces                           // spaces next to the brackets, part of the name for the AWS CLI
	DuplicateKey                           // a key that stands in the section already
	InlineComment                          // after a value, of which the AWS CLI makes it a part
)

// Fails reports whether the AWS CLI refuses the whole file.
func (k DifferenceKind) Fails() bool {
	return k == ByteOrderMark || k == DuplicateSection || k == DuplicateKey
}

// Differences are those of both files, in their order.
func (c *Config) Differences() []Difference {
	var all []Difference
	for _, d := range []*document{c.config, c.credentials} {
		all = append(all, d.differences()...)
	}
	return all
}

func (d *document) differences() (all []Difference) {
	add := func(line int, kind DifferenceKind, name string) {
		all = append(all, Difference{d.Path, line, kind, name})
	}
	if strings.HasPrefix(d.Text, bom) {
		add(1, ByteOrderMark, "")
	}
	sections := map[string]bool{}
	for i := range d.marks {
		s := d.at(i)
		if s.inner == "" {
			continue // see Unreadable
		}
		if sections[s.inner] {
			add(s.line, DuplicateSection, s.inner)
		}
		sections[s.inner] = true
		if text := d.Text[s.start:s.body]; strings.Contains(text, "[ ") || strings.Contains(text, " ]") {
			add(s.line, HeaderSpaces, s.inner)
		}
		keys := map[string]bool{}
		for _, p := range s.properties(d.Text) {
			if keys[p.key] {
				add(p.num, DuplicateKey, p.key)
			}
			keys[p.key] = true
			_, rest, _ := cutKey(p.text)
			if comment(rest) < len(rest) {
				add(p.num, InlineComment, p.key)
			}
		}
	}
	return all
}
