// Package awsconfig reads the AWS config and credentials files and edits them.
//
// It promises that it reads values as the AWS SDK for Go v2 does, and that every
// value knows its file and line; that a mistake is an error with file and line; and
// that an edit changes the lines it names and no other byte. Parsing and editing
// are pure: only Read and WriteFile touch the disk.
//
// It knows the order of precedence of keys, but not their meaning: package plan
// decides what a role_arn is for. It reads no environment and does not expand ~.
//
// It is stricter than the SDK, which silently skips a property outside a section, a
// header without "]" and a line without "=". The lines after them would then count
// for another profile, so fob refuses the whole file. Any other mistake in a header
// spoils its own section only (Unreadable). It refuses "key: value", too.
// An "a = b" that is indented deeper than the property above continues its value,
// as in the AWS CLI; the SDK makes it a property. A byte order mark is skipped; the
// SDK would lose the first section.
package awsconfig

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// File is the text of an AWS file and the path that messages name it by. A
// file that does not exist is an empty Text.
type File struct{ Path, Text string }

// Format prints the path only, with any verb: the text may hold keys.
func (f File) Format(w fmt.State, _ rune) { io.WriteString(w, f.Path) }

// SyntaxError is a line that is not valid.
type SyntaxError struct {
	File string
	Line int // from 1
	// Problem says what is wrong. It never quotes the line, which may hold a key.
	Problem string
	// UTF16: the whole file is in UTF-16, of which no line can be read.
	UTF16 bool
	// Continued: the line is valid, but an edit would lose the lines that continue it.
	Continued bool
}

func (e *SyntaxError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// Config is both files, checked and cut into sections. Values are read when a
// profile is asked for: most commands need two of thousands. It is not safe for
// concurrent use.
type Config struct {
	config, credentials *document
}

// Format prints the paths only, with any verb.
func (c Config) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "%s, %s", c.config.Path, c.credentials.Path)
}

// document is one file.
type document struct {
	File
	index
}

// Parse checks every line of both files. Errors: *SyntaxError, *LoopError.
func Parse(config, credentials File) (*Config, error) {
	c := &Config{&document{File: config}, &document{File: credentials}}
	var includes []include
	for _, d := range []*document{c.config, c.credentials} {
		var found []include
		var err error
		if d.index, found, err = scan(d.File, d == c.credentials); err != nil {
			return nil, err
		}
		includes = append(includes, found...)
	}
	if err := c.checkLoops(includes); err != nil {
		return nil, err
	}
	return c, nil
}

// Profile merges the sections of both files with that name; see [Profile] for the
// order of precedence. False if neither file has one.
func (c *Config) Profile(name string) (Profile, bool) {
	p, ok := c.Section(kindProfile, name)
	if !ok {
		return p, false
	}
	// Parse has made sure that this ends.
	for v, more := p.Get(includeKey); more; {
		next, ok := c.Section(kindProfile, v.Text)
		if !ok {
			break // a missing profile has no values to include, as in aws-vault
		}
		p.included = append(p.included, next.own)
		v, more = next.Get(includeKey)
	}
	return p, true
}

// ForGo is the config without a header behind a byte order mark, which the Go SDK does not
// see: it ignores the lines below.
func (c *Config) ForGo() *Config {
	return &Config{c.config.unmarked(), c.credentials.unmarked()}
}

// unmarked is the document without such a header.
func (d *document) unmarked() *document {
	if !strings.HasPrefix(d.Text, bom) || len(d.marks) == 0 || d.marks[0].line > 1 {
		return d
	}
	without := *d
	without.byName = nil
	without.marks = slices.Clone(d.marks)
	without.marks[0] = mark{from: d.marks[0].from, to: d.marks[0].from, line: 1}
	return &without
}

// Section is Profile for the other kinds, "services" and "sso-session", which are
// in the config file only. It does not follow include_profile.
func (c *Config) Section(kind, name string) (Profile, bool) {
	config := c.config.named(kind, name)
	credentials := c.credentials.named(kind, name)
	p := Profile{Name: name}
	switch {
	case len(config) > 0:
		p.File, p.Line = c.config.Path, config[0].line
	case len(credentials) > 0:
		p.File, p.Line = c.credentials.Path, credentials[0].line
	default:
		return Profile{}, false
	}
	own := merge(c.config.values(config), c.credentials.values(credentials))
	p.own = &own
	return p, true
}

// InFile is the profile as one of the files has it, without what it includes.
func (c *Config) InFile(credentials bool, name string) (Profile, bool) {
	d := c.config
	if credentials {
		d = c.credentials
	}
	found := d.named(kindProfile, name)
	if len(found) == 0 {
		return Profile{}, false
	}
	own := d.values(found)
	return Profile{Name: name, File: d.Path, Line: found[0].line, own: &own}, true
}

// Names lists the profiles in order of appearance, the config file's first. Who asks
// for all names mostly asks for each next, so from now on that is quick.
func (c *Config) Names() []string { return c.SectionNames(kindProfile) }

// SectionNames is Names for the other kinds, "services" and "sso-session".
func (c *Config) SectionNames(of string) []string {
	var names []string
	seen := map[string]bool{}
	for _, d := range []*document{c.config, c.credentials} {
		d.sortNames()
		for i := range d.marks {
			if kind, name := d.at(i).meaning(); kind == of && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// values reads sections of the same name: the last of duplicate keys counts.
func (d *document) values(sections []section) properties {
	m := properties{}
	for _, s := range sections {
		for _, p := range s.properties(d.Text) {
			e := entry{Value: d.value(p), hidden: d.hiddenKey(p)}
			if len(p.subs) > 0 {
				e.subs = map[string]Value{}
			}
			for _, sub := range p.subs {
				e.subs[sub.key] = d.value(sub)
			}
			if old, ok := m[p.key]; ok {
				e = e.hiding(old)
			}
			m[p.key] = e
		}
	}
	return m
}

// hiddenKey is the ID of an access key, or else its secret, in the lines that continue a
// value; zero if there is none.
func (d *document) hiddenKey(p property) (found Value) {
	if p.value == "" {
		return Value{} // they are nested
	}
	for _, l := range p.under {
		i := strings.IndexAny(l.text, "=:") // as the Go SDK does
		if i < 0 {
			continue
		}
		written := strings.TrimSpace(l.text[:i])
		key := strings.ToLower(written)
		if key == keyID || key == keySecret && found.Key == "" {
			found = Value{Text: readValue(l.text[i+1:]), File: d.Path, Line: l.num, Key: key, Written: written}
		}
	}
	return found
}

func (d *document) value(p property) Value {
	return Value{Text: p.joined(), File: d.Path, Line: p.num, Key: p.key, Written: p.written}
}

// Header is the header line of a new section. kind is "profile", "sso-session" or
// "services" in the config file, and "" in the credentials file. A name with spaces
// or other unusual characters is quoted, which the AWS CLI understands and the Go
// SDK does not. A name that could not be read back is a *NameError.
func Header(kind, name string) (string, error) {
	credentials := kind == ""
	line := "[" + name + "]"
	switch {
	case credentials:
	case kind == kindProfile && name == defaultName:
	case strings.ContainsFunc(name, func(r rune) bool { return !nameRune(r) }):
		line = "[" + kind + ` "` + name + `"]`
	default:
		line = "[" + kind + " " + name + "]"
	}
	if credentials {
		kind = kindProfile
	}
	inner, problem := headerText(line)
	gotKind, gotName := section{inner: inner, credentials: credentials}.meaning()
	if problem != "" || gotKind != kind || gotName != name {
		return "", &NameError{Name: name}
	}
	return line, nil
}

// NameError is a name that a header cannot hold: it is empty, or has quotes,
// brackets, comment signs or control characters.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q cannot be used as a name in an AWS file", e.Name)
}
