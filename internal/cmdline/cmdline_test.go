package cmdline

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" \t\n", nil},
		{"fob export", []string{"fob", "export"}},
		{"  a\tb\nc ", []string{"a", "b", "c"}},
		{`"/a b/fob" x`, []string{"/a b/fob", "x"}},
		{`'/a b/fob' x`, []string{"/a b/fob", "x"}},
		{`a"b c"d`, []string{"ab cd"}},
		{`""`, []string{""}},
		{`a\ b`, []string{"a b"}},
		{`"a\"b"`, []string{`a"b`}},
		{`'a\'`, []string{`a\`}},
		{`C:\fob\fob.exe`, []string{`C:\fob\fob.exe`}},
		{`"C:\Program Files\fob.exe" x`, []string{`C:\Program Files\fob.exe`, "x"}},
		{`"open`, []string{"open"}},
		{`a\`, []string{`a\`}},
	} {
		if got := Words(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("Words(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"dev", "dev"},
		{"a.b_c%d@e:f/g+h-9", "a.b_c%d@e:f/g+h-9"},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's", `'it'\''s'`},
		{"$(id)", "'$(id)'"},
		{`a\b`, `'a\b'`},
		{"a=b", "'a=b'"},
		{"~", "'~'"},
		{"#a", "'#a'"},
		{"ü", "'ü'"},
		{"a\nb", "'a\nb'"},
	} {
		if got := Quote(tt.in); got != tt.want {
			t.Errorf("Quote(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if IsWord(tt.in) != (tt.in == tt.want) {
			t.Errorf("IsWord(%q) = %v", tt.in, IsWord(tt.in))
		}
	}
}

// FuzzWords: a word in double quotes with backslashes comes back as it was.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "a b", `C:\x y\z`, `"`, `\`, `'`, "ü\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		Words(s)
		if profile, ok := FobProfile(s, "fob"); ok != (profile != "") {
			t.Errorf("FobProfile(%q) = %q, %v", s, profile, ok)
		}
		if !utf8.ValidString(s) {
			return
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		if got := Words("x " + quoted + " y"); !slices.Equal(got, []string{"x", s, "y"}) {
			t.Errorf("Words(%q) = %q", quoted, got)
		}
		want := s != ""
		if got, ok := FobProfile("fob export --profile "+quoted, "fob"); ok != want || got != s {
			t.Errorf("FobProfile of %q = %q, %v", quoted, got, ok)
		}
	})
}
