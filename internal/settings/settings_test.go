package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", ""},
		{"# nothing\n", ""},
		{"backend = \"file\"\n\n[exec]\nduration = '2h' # two\nfresh = true\n", `1 .backend a string "file" []; 4 exec.duration a string "2h" []; 5 exec.fresh true or false "true" []`},
		{"n = 3\nl = [\"a\", \"b\"]", `1 .n  "3" []; 2 .l a list of strings "" [a b]`},
		{"[mfa.add]\nstdin = true", `2 mfa.add.stdin true or false "true" []`},
		{"\ufeffbackend = \"file\"\n", `1 .backend a string "file" []`},
		{"\nbackend = file", `line 2: a value must be in quotes ("..."), or true or false`},
		{"backend = \u201cfile\u201d", `line 1: a value must be in quotes ("..."), or true or false`},
		{"a = 1\na = 2", "line 2: "},
		{"x", "line 1: "},
		{"\n[exec\n", "line 2: "},
		{"d = 1979-05-27", "line 1: d must be"},
		{"f = 1.5", "line 1: f must be"},
		{"l = [1]", "line 1: l must be"},
		{"t = {a = 1}", "line 1: t must be"},
		{"\n[[exec]]\na = 1", "line 2: only [table]"},
	} {
		all, err := Parse([]byte(row.text))
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			if row.want == "" || !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("%q: %v, want %s", row.text, err, row.want)
			}
			continue
		}
		var got []string
		for _, s := range all {
			got = append(got, fmt.Sprintf("%d %s.%s %s %q %v", s.Line, s.Table, s.Key, s.Type, s.Text, s.Texts))
		}
		if strings.Join(got, "; ") != row.want {
			t.Errorf("%q: %s, want %s", row.text, strings.Join(got, "; "), row.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a = 1\n[exec]\nb = \"x\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Parse(text)
		if err != nil && all != nil {
			t.Error("settings with an error")
		}
		for _, s := range all {
			if s.Line < 1 {
				t.Errorf("%+v has no line", s)
			}
		}
	})
}
