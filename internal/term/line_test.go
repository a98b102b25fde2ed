package term

import (
	"errors"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	full := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		keys string
		want string
		key  key
		long bool
	}{
		{"dev\n", "dev", enter, false},
		{"dev\r", "dev", enter, false},
		{"dev\nmore", "dev", enter, false},
		{"dev", "dev", more, false},
		{"\n", "", enter, false},
		{"dew\x7fv\n", "dev", enter, false},
		{"dew\bv\n", "dev", enter, false},
		{"\x7f\x7fdev\n", "dev", enter, false},
		{"é\x7f東\x7fa\n", "a", enter, false},
		{"\xff\xc3\x7f\n", "\xff", enter, false}, // a byte that is not UTF-8 is a character
		{"no\x15yes\n", "yes", enter, false},
		{"one two  \x17\n", "one ", enter, false},
		{"one\x17\x17\n", "", enter, false},
		{"\x04", "", end, false},
		{"a\x04b\n", "ab", enter, false},
		{"a\x7f\x04", "", end, false},
		{"a\x1b[A\x00\n", "a\x1b[A\x00", enter, false},
		{full + "\n", full, enter, false},
		{full + "yz\n", full, enter, true},
		{full + "yz\x15dev\n", "dev", enter, false},
	} {
		var l line
		k := more
		for i := 0; i < len(c.keys) && k == more; i++ {
			k = l.feed(c.keys[i])
		}
		if string(l.text) != c.want || k != c.key || l.long != c.long {
			t.Errorf("%.40q: %.40q, key %d, long %v; want %.40q, %d, %v", c.keys, l.text, k, l.long, c.want, c.key, c.long)
		}
	}
}

func TestRedraw(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"", "", ""},
		{"", "a", "a"},
		{"a", "ab", "b"},
		{"ab", "a", "\b \b"},
		{"é", "", "\b \b"},
		{"abc", "", "\b \b\b \b\b \b"},
		{"abc", "axy", "\b \b\b \bxy"},
	} {
		if got := redraw(c.before, c.after); got != c.want {
			t.Errorf("redraw(%q, %q) = %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

func TestCheckText(t *testing.T) {
	for _, c := range []struct{ in, problem string }{
		{"eu-west-1", ""},
		{"tab\tand é", ""},
		{"nul\x00", `contains a control character (\x00)`},
		{"arrow\x1b[A", `contains a special key, such as an arrow key (\x1b)`},
		{"c1\u0085", `contains a control character (\u0085)`},
		{"latin1 \xe9", "is not valid UTF-8"},
	} {
		err := checkText(c.in)
		var bad *InputError
		if c.problem == "" && err != nil || c.problem != "" && (!errors.As(err, &bad) || bad.Problem != c.problem) {
			t.Errorf("checkText(%q) = %v, want %q", c.in, err, c.problem)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("dev\x7f\x17\x15\xc3\xa9\xc3\n")
	f.Fuzz(func(t *testing.T, keys string) {
		var l line
		for i := range len(keys) {
			if l.feed(keys[i]) != more {
				break
			}
		}
		if len(l.text) > maxLine || len(l.pending) > 3 {
			t.Errorf("%q: %d bytes, %d pending", keys, len(l.text), len(l.pending))
		}
	})
}
