package awsconfig

import (
	"slices"
	"strings"
)

// Unreadable is a section that counts for no profile: its header cannot be read, or
// the name in it is not valid.
type Unreadable struct {
	SyntaxError
	// names are the profiles that the header may be meant for, and sessions the sign-ins
	// of Identity Center.
	names, sessions []string
}

// Means reports whether the section may be meant for a profile.
func (u Unreadable) Means(profile string) bool { return slices.Contains(u.names, profile) }

// MeansSession reports whether the section may be meant for an [sso-session].
func (u Unreadable) MeansSession(name string) bool { return slices.Contains(u.sessions, name) }

func unreadable(l line, file string, credentials bool, problem string) Unreadable {
	u := Unreadable{SyntaxError: SyntaxError{File: file, Line: l.num, Problem: problem}, names: meantNames(l.text, kindProfile, credentials)}
	if !credentials {
		u.sessions = meantNames(l.text, kindSSO, false)
	}
	return u
}

// meantNames guesses the name in a header that ends at the first or at the last
// bracket, if it may be one of a kind.
func meantNames(header, kind string, credentials bool) (names []string) {
	header = strings.TrimSpace(header)
	header = header[1:comment(header)]
	for _, end := range []int{strings.IndexByte(header, ']'), strings.LastIndexByte(header, ']')} {
		inner := strings.TrimSpace(header[:max(end, 0)])
		if !credentials && (inner != defaultName || kind != kindProfile) {
			rest, ok := strings.CutPrefix(inner, kind)
			if !ok || strings.TrimLeft(rest, " \t") == rest {
				continue
			}
			inner = rest
		}
		names = append(names, unquote(inner))
	}
	return names
}

// Spoiled returns a *SyntaxError if there is a header that cannot be read and may be
// meant for the profile, or for one that it includes. What can be read is then not all
// there is to the profile.
func (c *Config) Spoiled(profile string) error {
	all := slices.Concat(c.config.unreadable, c.credentials.unreadable)
	if len(all) == 0 {
		return nil // as nearly always
	}
	for {
		if i := slices.IndexFunc(all, func(u Unreadable) bool { return u.Means(profile) }); i >= 0 {
			return &all[i].SyntaxError
		}
		section, _ := c.Section(kindProfile, profile)
		v, more := section.Get(includeKey)
		if !more {
			return nil
		}
		profile = v.Text // Parse has made sure that this ends
	}
}

// Unreadable lists those of both files, in their order. It also looks at names,
// which Spoiled has no need to: no valid name is equal to one that is not.
func (c *Config) Unreadable() (all []Unreadable) {
	for _, d := range []*document{c.config, c.credentials} {
		found := slices.Clone(d.unreadable)
		for i := range d.marks {
			if s := d.at(i); s.badName() {
				header := line{text: strings.TrimRight(d.Text[s.start:s.body], "\r\n"), num: s.line}
				problem := "the name of this section is not valid"
				if _, name, _ := strings.Cut(s.inner, " "); !s.credentials && strings.Contains(strings.TrimSpace(name), " ") && !strings.ContainsAny(name, `"'`) {
					problem = "the name of this section has spaces, and no quotes"
				}
				found = append(found, unreadable(header, d.Path, d.credentials, problem))
			}
		}
		slices.SortStableFunc(found, func(a, b Unreadable) int { return a.Line - b.Line })
		all = append(all, found...)
	}
	return all
}

// badName reports whether a header is a profile's, but for its name.
func (s section) badName() bool {
	if kind, _ := s.meaning(); kind != "" || s.inner == "" {
		return false
	}
	word, rest, _ := strings.Cut(strings.ReplaceAll(s.inner, "\t", " "), " ")
	if s.credentials {
		return word != kindProfile && word != kindSSO && word != kindServices
	}
	return word == kindProfile && strings.TrimSpace(rest) != ""
}
