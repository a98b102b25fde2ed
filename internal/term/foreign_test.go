package term

import (
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	for _, c := range []struct {
		writes []string
		want   string
	}{
		{[]string{"touch it\n"}, "touch it\n"},
		{[]string{"Touch: "}, "Touch: "},
		{[]string{"a\tb\r\nc\r", "\nd"}, "a    b\nc\nd"},
		{[]string{"\x1b]0;title\a\x1b[2J\n"}, "\\x1b]0;title\\a\\x1b[2J\n"},
		{[]string{"50%\r100%\n"}, "50%\\r100%\n"},
		{[]string{"Jos\xc3", "\xa9 \xe2", "\x82", "\xac\n"}, "José €\n"},
		{[]string{"\xff\xe2", "x\n"}, "\\xff\\xe2x\n"},
		{[]string{"\xe2\x80\xae\n"}, "\\u202e\n"},
	} {
		var b strings.Builder
		w := Foreign(&b)
		for _, s := range c.writes {
			if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
				t.Errorf("%q: %d, %v", s, n, err)
			}
		}
		if b.String() != c.want {
			t.Errorf("%q: %q, want %q", c.writes, b.String(), c.want)
		}
	}
}
