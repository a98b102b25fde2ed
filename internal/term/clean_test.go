package term

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"arn:aws:iam::111111111111:mfa/jo", "arn:aws:iam::111111111111:mfa/jo"},
		{"José 東京 🙂", "José 東京 🙂"},
		{`C:\Users\jo "x" 'y'`, `C:\Users\jo "x" 'y'`},
		{"red \x1b[31m", `red \x1b[31m`},
		{"title \x1b]0;x\a", `title \x1b]0;x\a`},
		{"over\rwritten", `over\rwritten`},
		{"a\nb\tc\x00d\x7f", `a\nb\tc\x00d\x7f`},
		{"C1 as UTF-8 \u009b31m", `C1 as UTF-8 \u009b31m`},
		{"C1 as a byte \x9b31m", `C1 as a byte \x9b31m`},
		{"not UTF-8 \xff\xc3(", `not UTF-8 \xff\xc3(`},
		{"a real \uFFFD stays", "a real \uFFFD stays"},
		{"bidi \u202etxt.exe\u2066", `bidi \u202etxt.exe\u2066`},
		{"hidden \u200b\u2060\ufeff\u00ad", `hidden \u200b\u2060\ufeff\u00ad`},
		{"lines \u2028\u2029", `lines \u2028\u2029`},
		{"tag \U000e0041", `tag \U000e0041`},
		{"space \u00a0", `space \u00a0`},
		{strings.Repeat("é", 1000), strings.Repeat("é", 1000)},
		{strings.Repeat("é", 1001), strings.Repeat("é", 997) + "..."},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("Clean(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Add("plain")
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if !utf8.ValidString(c) || utf8.RuneCountInString(c) > maxClean {
			t.Errorf("Clean(%q) = %q", s, c)
		}
		for _, r := range c {
			if !unicode.IsPrint(r) {
				t.Errorf("Clean(%q) holds %U", s, r)
			}
		}
		if again := Clean(c); again != c {
			t.Errorf("Clean(%q) = %q, cleaned again %q", s, c, again)
		}
	})
}
