package format

import (
	"strings"
	"testing"
)

var templateFields = []string{"left", "profile"}

func upper(field string) string { return strings.ToUpper(field) }

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ text, want, problem string }{
		{"", "", ""},
		{"plain }", "plain }", ""},
		{"{profile}", "PROFILE", ""},
		{"({profile}{left}) ", "(PROFILELEFT) ", ""},
		{"{profile", "", "missing } after {profile"},
		{"a{left} {", "", "missing } after {"},
		{"{secret}", "", "unknown field {secret}; the fields are left, profile"},
		{"{{left}}", "", "unknown field {{left}; the fields are left, profile"},
		{"{}", "", "unknown field {}; the fields are left, profile"},
	} {
		line, err := ParseTemplate(c.text, templateFields)
		if err != nil {
			if err.Error() != c.problem {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		if got := line.Fill(upper); got != c.want || c.problem != "" {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}

// FuzzTemplate: a template filled with the names of its fields is the text it was
// parsed from.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{profile} {left}", "{", "}", "{}", "a{left}b{profile"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, err := ParseTemplate(text, templateFields)
		if err != nil {
			return
		}
		if got := line.Fill(func(field string) string { return "{" + field + "}" }); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
