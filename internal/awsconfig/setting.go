package awsconfig

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Setting is a key of a section, or with a Sub one that is nested under it, as in
// s3.addressing_style.
type Setting struct {
	Kind string // of the section: "profile", "sso-session" or "services"
	Name string // of the section
	// Key and Sub are in lower case; Sub is "" for a key that is not nested.
	Key, Sub string
	// Variable is the Key in the capitals of the variable that it names; "" for one that
	// names none, and whose capitals do not matter. With FoldCase they do not either.
	Variable string
	FoldCase bool
}

// variablePrefix begins the keys that name a variable of a command.
const variablePrefix = "fob_env_"

// String is the name without the section.
func (s Setting) String() string {
	return strings.TrimSuffix(cmp.Or(s.Variable, s.Key)+"."+s.Sub, ".")
}

// Header is the header of the setting's section, in the config file or in the other one.
func (s Setting) Header(credentials bool) (string, error) {
	if credentials {
		return Header("", s.Name)
	}
	return Header(s.Kind, s.Name)
}

// Profiled reports whether a setting is one of a profile.
func (s Setting) Profiled() bool { return s.Kind == kindProfile }

// ErrSetting: the parts of a name could be those of no setting.
var ErrSetting = errors.New("use KEY, KEY.NESTED, PROFILE.KEY or profile.NAME.KEY")

// ParseSetting reads the name of a setting as aws configure get does: KEY and KEY.NESTED
// are those of the profile, PROFILE.KEY of one that exists, and profile.NAME.KEY of any.
// The AWS CLI has no name for those of an sso-session.NAME or a services.NAME.
func (c *Config) ParseSetting(name, profile string) (Setting, error) {
	s := Setting{Kind: kindProfile, Name: profile}
	parts := strings.Split(name, ".")
	switch first := parts[0]; {
	case len(parts) == 1:
	case first == kindProfile, len(parts) > 2 && (first == kindSSO || first == kindServices):
		s.Kind, s.Name, parts = first, parts[1], parts[2:]
	case first == defaultName, c.exists(first):
		s.Name, parts = first, parts[1:]
	}
	if len(parts) == 0 || len(parts) > 2 || slices.Contains(parts, "") || s.Name == "" {
		return Setting{}, ErrSetting
	}
	s.Key, s.Sub = strings.ToLower(parts[0]), strings.ToLower(strings.Join(parts[1:], ""))
	if strings.HasPrefix(s.Key, variablePrefix) {
		s.Variable = variablePrefix + parts[0][len(variablePrefix):]
	}
	return s, nil
}

func (c *Config) exists(profile string) bool {
	_, ok := c.Section(kindProfile, profile)
	return ok
}

// Setting finds the value of a setting in its own section, and not in one that it includes.
// nested are the names of what is nested under it.
func (c *Config) Setting(s Setting) (v Value, nested []string, ok bool) {
	section, _ := c.Section(s.Kind, s.Name)
	e, ok := section.find(s.Key)
	if ok && !s.is(e.Written) {
		i := slices.IndexFunc(e.behind, func(v Value) bool { return s.is(v.Written) })
		if i < 0 || s.Sub != "" {
			return Value{}, nil, false
		}
		return e.behind[i], nil, true
	}
	if s.Sub != "" {
		v, ok = e.subs[s.Sub]
		return v, nil, ok
	}
	return e.Value, slices.Sorted(maps.Keys(e.subs)), ok
}

// Settings are all lines that give a setting a value, in the order of the files: also
// those that do not count.
func (c *Config) Settings(s Setting) (all []Value) {
	for _, d := range []*document{c.config, c.credentials} {
		for _, section := range d.named(s.Kind, s.Name) {
			for _, p := range section.properties(d.Text) {
				for _, found := range p.match(s) {
					all = append(all, d.value(found))
				}
			}
		}
	}
	return all
}

// Nested are all lines that are nested under a setting, in the order of the files.
func (c *Config) Nested(s Setting) (all []Value) {
	for _, d := range []*document{c.config, c.credentials} {
		for _, section := range d.named(s.Kind, s.Name) {
			for _, p := range section.properties(d.Text) {
				if s.is(p.written) && s.Sub == "" {
					for _, sub := range p.subs {
						all = append(all, d.value(sub))
					}
				}
			}
		}
	}
	return all
}

// is reports whether a key is that of the setting. Names of variables that differ in their
// capitals are two variables.
func (s Setting) is(written string) bool {
	return strings.ToLower(written) == s.Key &&
		(s.Variable == "" || s.FoldCase || written[len(variablePrefix):] == s.Variable[len(variablePrefix):])
}

// match is the property, or those under it, if they have the name of the setting.
func (p property) match(s Setting) []property {
	switch {
	case !s.is(p.written):
		return nil
	case s.Sub == "":
		return []property{p}
	}
	return slices.DeleteFunc(slices.Clone(p.subs), func(sub property) bool { return sub.key != s.Sub })
}

// NestError is a setting that has a value itself, so that nothing can be nested under
// it, or the other way around.
type NestError struct {
	Key    string
	Nested []string // names under it; none if it has a value
}

func (e *NestError) Error() string {
	if len(e.Nested) == 0 {
		return e.Key + " has a value itself, and cannot have settings under it"
	}
	return e.Key + " is not one setting, but has settings under it"
}

// Set sets a setting in the text of an AWS file. The line that counts keeps its case, its
// spacing and comment; a new one comes after the last property of the section, and a
// section that is missing at the end. A second variable that differs only in capitals is a
// *SyntaxError.
func Set(text, header string, s Setting, value string) (string, error) {
	if s.Sub == "" {
		found, err := find(text, header)
		if err != nil {
			return "", err
		}
		set := [][2]string{{cmp.Or(s.Variable, s.Key), value}}
		if err := writable(set[0]); err != nil {
			return "", err
		}
		old, ok := lastOf(text, found, func(p property) bool { return s.is(p.written) })
		other, also := last(text, found, s.Key)
		switch {
		case ok && len(old.subs) > 0:
			return "", &NestError{Key: s.Key, Nested: names(old.subs)}
		case ok:
			return replace(text, old, value)
		case also:
			return "", &SyntaxError{Line: other.num, Problem: other.written + " is another variable, and the AWS CLI refuses a section with both that and " + s.Variable}
		}
		out, err := SetKeys(text, header, set)
		if errors.Is(err, ErrNoSection) {
			return AppendSection(text, header, set)
		}
		return out, err
	}
	sub := [2]string{s.Sub, value}
	if err := writableUnder(sub); err != nil {
		return "", err
	}
	if err := writable([2]string{s.Key, ""}); err != nil {
		return "", err
	}
	found, err := find(text, header)
	if err == nil && len(found) == 0 {
		if text, err = AppendSection(text, header, nil); err == nil {
			found, err = find(text, header)
		}
	}
	if err != nil {
		return "", err
	}
	return setUnder(text, found, s.Key, sub)
}

// setUnder changes the last property with that key that is nested, or adds one.
func setUnder(text string, found []section, key string, sub [2]string) (string, error) {
	p, ok := last(text, found, key)
	if !ok {
		return insert(text, found, key+" =", nestedIndent+assignment(sub)), nil
	}
	if p.value != "" {
		return "", &NestError{Key: key}
	}
	for _, old := range slices.Backward(p.subs) {
		if old.key == sub[0] {
			return text[:old.start] + withNested(old.text, sub[1]) + text[old.start+len(old.text):], nil
		}
	}
	indent := leading(p.text) + nestedIndent
	if len(p.under) > 0 {
		indent = leading(p.under[0].text)
	}
	return insertAt(text, p.bottom(), indent+assignment(sub)), nil
}

// nestedIndent is how deep the AWS CLI writes nested settings.
const nestedIndent = "    "

// leading is the white space that a line begins with.
func leading(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

func names(properties []property) (all []string) {
	for _, p := range properties {
		all = append(all, p.key)
	}
	return all
}

// withNested is the line of a nested property with another value. There a comment sign
// belongs to the value.
func withNested(line, value string) string {
	start := strings.IndexByte(line, '=') + 1
	if old := strings.TrimSpace(line[start:]); old != "" {
		start += strings.Index(line[start:], old)
		return line[:start] + value
	}
	return strings.TrimRight(line[:start]+" "+value, " ")
}

// writableUnder is writable for a nested property.
func writableUnder(p [2]string) error {
	if err := writable([2]string{p[0], ""}); err != nil {
		return err
	}
	if !sound(p[1]) || unquote(p[1]) != p[1] || loneQuote(p[1]) {
		return &ValueError{Key: p[0]}
	}
	return nil
}

// Unset removes every property of a setting from a section, with what is nested under it.
// A key under which nothing is left goes too: an empty value would be something else. A
// value that continues on the next lines is an error, as for SetKeys.
func Unset(text, header string, s Setting) (string, error) {
	found, err := find(text, header)
	if err != nil {
		return "", err
	}
	var gone []line
	for _, section := range found {
		for _, p := range section.properties(text) {
			match := p.match(s)
			switch {
			case len(match) == 0:
			case p.value != "" && len(p.under) > 0:
				return "", continued(p)
			case s.Sub == "" || len(match) == len(p.subs):
				gone = append(append(gone, p.line), p.under...)
			default:
				for _, sub := range match {
					gone = append(gone, sub.line)
				}
			}
		}
	}
	return drop(text, gone), nil
}
