package leaks

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"fob/internal/creds"
)

// Texts that are found wherever they are must have this many characters: a shorter one,
// such as the "minioadmin" of a test server, is in texts that have nothing to do with it.
const shortest = 16

// spelling is a text to look for, and what it means.
type spelling struct {
	of   *Subject
	text []byte
	how  string
	// wraps: line breaks may be anywhere in it, as base64 has them.
	wraps bool
	// tail is how many characters of base64 must follow. Documentation has only the
	// beginning of a secret.
	tail int
}

// spellings are the texts in which secrets leak; short are those that are too short to
// look for.
func spellings(s Secrets) (all []spelling, short []*Subject) {
	var seen = map[string]*spelling{}
	add := func(of *Subject, text string) {
		if len(text) < shortest {
			short = append(short, of)
			return
		}
		for _, sp := range spell(text) {
			if old := seen[string(sp.text)]; old != nil {
				old.of.join(of)
				continue
			}
			sp.of = of
			seen[string(sp.text)] = &sp
			all = append(all, sp)
		}
	}
	for _, k := range s.Keys {
		id := creds.ShortID(k.ID)
		add(&Subject{Kind: KeyID, State: IsStored, KeyID: id, Profiles: []string{k.Profile}}, k.ID)
		add(&Subject{Kind: SecretKey, State: IsStored, KeyID: id, Profiles: []string{k.Profile}}, k.Secret.Reveal())
	}
	for _, seed := range s.Seeds {
		of, text := &Subject{Kind: MFASecret, State: IsStored, Serial: seed.Serial}, seed.Secret.Reveal()
		add(of, text)
		add(of, strings.ToLower(text))
		add(of, inFours(text)) // as authenticator apps show it
		add(of, strings.ToLower(inFours(text)))
	}
	return all, short
}

// inFours puts a space after every four characters.
func inFours(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// join adds the profiles of the same secret.
func (s *Subject) join(other *Subject) {
	for _, p := range other.Profiles {
		if !slices.Contains(s.Profiles, p) {
			s.Profiles = append(s.Profiles, p)
		}
	}
}

// escapes are how programs write the two characters of a secret that are special
// somewhere: / and +.
var escapes = []struct{ how, slash, plus string }{
	{"URL-encoded", "%2F", "%2B"}, {"URL-encoded", "%2f", "%2b"},
	{"URL-encoded", "/", "%2B"}, {"URL-encoded", "/", "%2b"}, // Python's quote
	{"URL-encoded", "%2F", "+"}, {"URL-encoded", "%2f", "+"}, // Go's url.PathEscape
	{"URL-encoded twice", "%252F", "%252B"}, {"URL-encoded twice", "%252f", "%252b"},
	{"JSON-escaped", `\/`, "+"},                                      // PHP
	{"JSON-escaped", "/", `\u002B`}, {"JSON-escaped", "/", `\u002b`}, // .NET
	{"JSON-escaped", `\u002F`, `\u002B`}, {"JSON-escaped", `\u002f`, `\u002b`},
	{"HTML-escaped", "/", "&#43;"}, {"HTML-escaped", "&#x2F;", "+"}, {"HTML-escaped", "&#x2F;", "&#x2B;"},
}

// spell is every spelling of a text, the text itself first.
func spell(text string) (all []spelling) {
	add := func(how, text string, wraps bool) {
		if !slices.ContainsFunc(all, func(s spelling) bool { return string(s.text) == text }) {
			all = append(all, spelling{text: []byte(text), how: how, wraps: wraps})
		}
	}
	add("", text, false)
	for _, e := range escapes {
		add(e.how, strings.NewReplacer("/", e.slash, "+", e.plus).Replace(text), false)
	}
	for before := range 3 {
		add("base64", aligned(text, before), true)
	}
	add("UTF-16", wide(text), false)
	return all
}

// aligned is the part of a text's base64 that is always the same, if the text begins as
// many bytes after a group of three. The alphabet of URLs has the same letters for
// secrets, which are ASCII without > ? and ~.
func aligned(text string, before int) string {
	coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), text...))
	first := (before*8 + 5) / 6
	return coded[first : (before+len(text))*8/6]
}

// wide is what a text has in common in both byte orders of UTF-16, in which PowerShell
// writes files.
func wide(text string) string {
	var b bytes.Buffer
	for i := range len(text) {
		if i > 0 {
			b.WriteByte(0)
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
