package format

import (
	"fmt"
	"slices"
	"strings"
)

// Template is a line with fields, such as "{profile} {left}". Text and names of
// fields alternate.
type Template []string

// ParseTemplate reads a template that may use these fields.
func ParseTemplate(text string, fields []string) (t Template, err error) {
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if t = append(t, before); !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("missing } after {%s", rest)
		}
		if !slices.Contains(fields, name) {
			return nil, fmt.Errorf("unknown field {%s}; the fields are %s", name, strings.Join(fields, ", "))
		}
		t, text = append(t, name), after
	}
	return t, nil
}

// Fill puts the values of fields into the line.
func (t Template) Fill(value func(field string) string) string {
	var b strings.Builder
	for i, part := range t {
		if i%2 == 1 {
			part = value(part)
		}
		b.WriteString(part)
	}
	return b.String()
}
