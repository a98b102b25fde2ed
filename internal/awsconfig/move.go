package awsconfig

import (
	"slices"
	"strings"
	"unicode"
)

// MoveKeys puts fob's prefix in front of these keys of a section, wherever they stand
// in it, and writes a property above the first of them, unless its key is "". Case,
// spacing, comments and the lines that continue a value stay as they are.
func MoveKeys(text, header string, keys []string, above [2]string) (string, error) {
	if above[0] != "" {
		if err := writable(above); err != nil {
			return "", err
		}
	}
	return eachKey(text, header, keys, func(b *strings.Builder, l line, indent string) {
		if above[0] != "" {
			end := text[l.start+len(l.text) : l.end]
			if end == "" {
				end = lineEnd(text)
			}
			// Less indented, the line below would continue it for the AWS CLI.
			b.WriteString(indent + assignment(above) + end)
			above[0] = ""
		}
		b.WriteString(indent + prefix + l.text[len(indent):])
	})
}

// MoveKeysBack removes fob's prefix from these keys, which are given without it.
func MoveKeysBack(text, header string, keys []string) (string, error) {
	prefixed := make([]string, len(keys))
	for i, key := range keys {
		prefixed[i] = prefix + key
	}
	return eachKey(text, header, prefixed, func(b *strings.Builder, l line, indent string) {
		b.WriteString(indent + l.text[len(indent)+len(prefix):])
	})
}

// eachKey rewrites the lines of a section that have one of these keys. write gets the
// line and its indentation, and writes what replaces it, without its end.
func eachKey(text, header string, keys []string, write func(b *strings.Builder, l line, indent string)) (string, error) {
	found, err := find(text, header)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", ErrNoSection
	}
	var b strings.Builder
	pos := 0
	for _, s := range found {
		for _, p := range s.properties(text) {
			if !slices.Contains(keys, p.key) {
				continue
			}
			b.WriteString(text[pos:p.start])
			pos = p.start + len(p.text)
			write(&b, p.line, p.text[:len(p.text)-len(strings.TrimLeftFunc(p.text, unicode.IsSpace))])
		}
	}
	b.WriteString(text[pos:])
	return b.String(), nil
}
