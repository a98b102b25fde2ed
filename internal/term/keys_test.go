package term

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// press feeds keys and returns what they mean. A ~ alone is a pause in which nothing
// is typed.
func press(k *keys, pieces ...string) string {
	var all []string
	add := func(a action, text string) {
		switch name, ok := actionNames[a]; {
		case a == insert:
			all = append(all, text)
		case ok:
			all = append(all, name)
		}
	}
	for i, piece := range pieces {
		if i > 0 {
			for k.patience() > 0 {
				add(k.late(), "")
			}
		}
		for j := range len(piece) {
			add(k.feed(piece[j]))
		}
	}
	return strings.Join(all, " ")
}

var actionNames = map[action]string{
	deleteChar: "delete", deleteWord: "delete-word", deleteAll: "delete-all", moveUp: "up", moveDown: "down",
	pageUp: "page-up", pageDown: "page-down", moveFirst: "first", moveLast: "last", accept: "accept",
	cancel: "cancel", endOfInput: "end", redrawAll: "redraw",
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string // with a pause between them
		want   string
	}{
		{"text", []string{"aé東 "}, "a é 東  "},
		{"a character in two pieces", []string{"\xc3", "\xa9"}, "é"},
		{"half a character", []string{"\xe6\x9da"}, "a"},
		{"half a character, then an arrow", []string{"\xe6\x9d\x1b[A"}, "up"},
		{"half a character, then another", []string{"\xe6\xc3\xa9"}, "é"},
		{"not UTF-8", []string{"\xff\x80a"}, "a"},
		{"not printable", []string{"\u202e\u009b\x00\x01a"}, "a"},
		{"editing", []string{"\x7f\b\x17\x15\x1b\x7f"}, "delete delete delete-word delete-all delete-word"},
		{"moving", []string{"\x10\x0e\t\x1b[Z"}, "up down down up"},
		{"Enter", []string{"\r\n\x1bOM"}, "accept accept accept"},
		{"Ctrl-D, Ctrl-L", []string{"\x04\x0c"}, "end redraw"},
		{"xterm", []string{"\x1b[A\x1b[B\x1b[H\x1b[F\x1b[5~\x1b[6~"}, "up down first last page-up page-down"},
		{"application mode", []string{"\x1bOA\x1bOB\x1bOH\x1bOF"}, "up down first last"},
		{"Linux, rxvt", []string{"\x1b[1~\x1b[4~\x1b[7~\x1b[8~"}, "first last first last"},
		{"with modifiers", []string{"\x1b[1;5A\x1b[5;2~"}, "up page-up"},
		{"Alt and an arrow, by two escapes", []string{"\x1b\x1b[A"}, "up"},
		{"keys without a meaning", []string{"\x1b[3~\x1b[2~\x1b[15~\x1b[C\x1b[D\x1b[[A\x1bOPa"}, "a"},
		{"Alt and a letter", []string{"\x1bba"}, "a"},
		{"Escape", []string{"\x1b", "a"}, "cancel a"},
		{"Escape twice", []string{"\x1b\x1b", ""}, "cancel"},
		{"the start of a sequence only", []string{"\x1b[", "a"}, "a"},
		{"a late end of one", []string{"\x1b[1;", "5A"}, "5 A"},
		{"an answer to another program", []string{"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b]11;rgb:0000/0000/0000\a\x1b[?1;2c\x1bP1+r" + strings.Repeat("6", 500) + "\x1b\\a"}, "a"},
		{"an endless sequence", []string{"\x1b[" + strings.Repeat("1", 31) + "a"}, "a"},
		{"paste", []string{"\x1b[200~a\nb\tc\r\n\x1b[201~d"}, "a   b   c     d"},
		{"keys in a paste are text, or nothing", []string{"\x1b[200~\x15\x1b[A\x04\x7f\x1b[201~\x1b[A"}, "up"},
		{"a paste whose end is lost", []string{"\x1b[200~a\n", "\r"}, "a   accept"},
		{"an escape in a paste", []string{"\x1b[200~a\x1b", "b\n"}, "a b accept"},
	} {
		var k keys
		if got := press(&k, c.pieces...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Text is printable, nothing is kept for long, and after a pause a key is a key again.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{"pro\x7f\x1b[A\r", "\x1b[200~a\n\x1b[201~", "\x1b]0;x\a\x1bP\x1b\\", "\xe6\x9d\x1b\x1b[[A\xff", "\x1b[1;5", "\x1bO"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		var k keys
		for i := range len(input) {
			a, text := k.feed(input[i])
			if (a == insert) != (text != "") || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q: %d, %q", input, a, text)
			}
			if len(k.begun) > maxSequence+1 {
				t.Fatalf("%q: keeps %d bytes", input, len(k.begun))
			}
		}
		for n := 0; k.patience() > 0; n++ {
			if k.late(); n > 2 {
				t.Fatalf("%q: no end", input)
			}
		}
		if a, _ := k.feed('\r'); a != accept {
			t.Fatalf("%q: Enter is %s", input, fmt.Sprint(a))
		}
	})
}
