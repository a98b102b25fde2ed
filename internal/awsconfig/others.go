package awsconfig

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sections are what another tool reads in the two files. It distinguishes capitals in
// keys, so keys are as they are written.
type Sections struct {
	Profiles map[string]map[string]Value
	Sessions map[string]map[string]Value // sso-session
	// Broken is the line for which it can read nothing, and Problem what is wrong with it;
	// zero if there is none.
	Broken  Value
	Problem string
}

// JavaScript reads as the AWS SDK for JavaScript (3.1173) does. It reads every file.
func (c *Config) JavaScript() Sections {
	profiles, sessions := map[string]map[string]Value{}, map[string]map[string]Value{}
	for name, values := range c.config.javaScript() {
		kind, rest, dotted := strings.Cut(name, ".")
		switch {
		case dotted && kind == kindProfile:
			profiles[rest] = values
		case dotted && kind == kindSSO:
			sessions[rest] = values
		case name == defaultName && profiles[name] == nil:
			profiles[name] = values
		}
	}
	mergeKeys(profiles, c.credentials.javaScript())
	return Sections{Profiles: profiles, Sessions: sessions}
}

// mergeKeys puts values of the credentials file over those of the config file, key by key.
func mergeKeys(config, credentials map[string]map[string]Value) {
	for name, values := range credentials {
		if config[name] == nil {
			config[name] = map[string]Value{}
		}
		maps.Copy(config[name], values)
	}
}

// javaScript are the sections of a file, "profile.NAME" for one with a prefix. A key
// without a value does not count, and the indented lines below are nested under it.
func (d *document) javaScript() map[string]map[string]Value {
	all := map[string]map[string]Value{}
	name, nested, num := "", "", 0
	for text := range strings.SplitSeq(d.Text, "\n") {
		num++
		text = strings.TrimSuffix(text, "\r")
		line := strings.TrimFunc(withoutJSComment(text), jsSpace)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			name, nested = jsSection(line[1:max(len(line)-1, 1)]), ""
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimFunc(key, jsSpace), strings.TrimFunc(value, jsSpace)
		if name == "" || !ok || line[0] == '=' {
			continue
		}
		if value == "" {
			nested = key
			continue
		}
		if nested != "" && strings.TrimLeftFunc(text, jsSpace) == text {
			nested = ""
		}
		if nested != "" {
			key = nested + "." + key
		}
		if all[name] == nil {
			all[name] = map[string]Value{}
		}
		all[name][key] = Value{Text: value, File: d.Path, Line: num, Key: key}
	}
	return all
}

// withoutJSComment cuts a line at a comment sign that begins it, or has white space before.
func withoutJSComment(line string) string {
	before := ' '
	for i, r := range line {
		if (r == '#' || r == ';') && jsSpace(before) {
			return line[:i]
		}
		before = r
	}
	return line
}

// jsSection is what a header stands for; "" for nothing. Two words with one space between
// them are a kind and a name; anything else is a name.
func jsSection(inner string) string {
	i := strings.IndexFunc(inner, jsSpace)
	if i < 0 {
		return inner
	}
	_, width := utf8.DecodeRuneInString(inner[i:])
	kind, name := inner[:i], inner[i+width:]
	if n := len(name); n > 1 && (name[0] == '"' || name[0] == '\'') && name[n-1] == name[0] {
		name = name[1 : n-1]
	}
	switch {
	case !only(kind, "-") || !only(name, "-@+.%:/"):
		return inner
	case !slices.Contains([]string{kindProfile, kindSSO, kindServices}, kind):
		return ""
	}
	return kind + "." + name
}

// only reports whether a text has letters, digits, _ and these signs only, and any.
func only(text, signs string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r >= utf8.RuneSelf || !nameRune(r) || strings.ContainsRune(".%@:/+-", r) && !strings.ContainsRune(signs, r)
	})
}

// jsSpace is white space for JavaScript.
func jsSpace(r rune) bool { return unicode.IsSpace(r) && r != '\u0085' || r == '\ufeff' }

// Java reads as the AWS SDK for Java 2 does, by its source: it cannot be run in tests.
func (c *Config) Java() Sections {
	s := Sections{Profiles: map[string]map[string]Value{}, Sessions: map[string]map[string]Value{}}
	for _, d := range []*document{c.config, c.credentials} {
		r := javaReader{document: d, profiles: map[string]map[string]Value{}, sessions: s.Sessions}
		num := 0
		for text := range strings.SplitSeq(d.Text, "\n") {
			num++
			if problem := r.read(strings.TrimSuffix(text, "\r"), num); problem != "" {
				return Sections{Broken: Value{File: d.Path, Line: num}, Problem: problem}
			}
		}
		mergeKeys(s.Profiles, r.profiles)
	}
	return s
}

// javaReader reads the lines of a file.
type javaReader struct {
	*document
	profiles, sessions map[string]map[string]Value
	section            map[string]Value // nil before the first one, and for one that it ignores
	ignoring           bool             // the section
	key                string           // that an indented line continues; "" for one that it ignores
	continues          bool             // there was a key in the section
	prefixed           bool             // there was a [profile default]
}

// javaSigns are the signs that names and keys may have; others are ignored.
const javaSigns = "-/.%@:+"

func (r *javaReader) read(text string, num int) (problem string) {
	trim := func(s string) string { return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }) }
	switch {
	case strings.Trim(text, " \t") == "" || text[0] == '#' || text[0] == ';':
	case text[0] == '[':
		if i := strings.IndexAny(text, "#;"); i >= 0 {
			text = text[:i]
		}
		if text = trim(text); !strings.HasSuffix(text, "]") {
			return `no "]" at the end of a header`
		}
		r.header(trim(text[1 : len(text)-1]))
	case text[0] == ' ' || text[0] == '\t':
		switch {
		case r.ignoring:
		case r.section == nil || !r.continues:
			return "an indented line with nothing to continue"
		case r.key != "":
			v := r.section[r.key]
			v.Text += "\n" + trim(text)
			r.section[r.key] = v
		}
	case r.ignoring:
	case r.section == nil:
		return "a property outside a section"
	default:
		key, value, ok := strings.Cut(text[:comment(text)], "=")
		if key = trim(key); !ok || key == "" {
			return `no key, or no "="`
		}
		r.continues, r.key = true, ""
		if only(key, javaSigns) {
			r.key = key
			r.section[key] = Value{Text: trim(value), File: r.Path, Line: num, Key: key}
		}
	}
	return ""
}

// header begins the section that the inside of a header names.
func (r *javaReader) header(inner string) {
	into, name, prefixed := r.profiles, inner, false
	if !r.credentials {
		kind, rest := inner, ""
		if i := strings.IndexAny(inner, " \t"); i >= 0 {
			kind, rest = inner[:i], strings.TrimSpace(inner[i:])
		}
		switch {
		case kind == kindProfile && rest != "":
			name, prefixed = rest, true
		case kind == kindSSO && rest != "":
			into, name = r.sessions, rest
		case inner != defaultName:
			r.ignoring = true
			return
		}
	}
	short := !r.credentials && name == defaultName && !prefixed
	if r.ignoring = !only(name, javaSigns) || short && r.prefixed; r.ignoring {
		return
	}
	if prefixed && name == defaultName && !r.prefixed {
		r.prefixed = true
		delete(into, name)
	}
	if into[name] == nil {
		into[name] = map[string]Value{}
	}
	r.section, r.key, r.continues = into[name], "", false
}
