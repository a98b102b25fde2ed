package wire

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for _, tt := range []struct{ name, before, after, want string }{
		{"nothing", "a\nb\n", "a\nb\n", ""},
		{"a new file", "", "[x]\na = 1\n", "+[x] +a = 1"},
		{"a section at the end", "[y]\nb = 2\n", "[y]\nb = 2\n\n[x]\na = 1\n", "+[x] +a = 1"},
		{"one line in the middle", "[x]\na\nb\nc\n", "[x]\na\nc\n", "-b"},
		{"a changed line", "[x]\na = 1\nb\n", "[x]\na = 2\nb\n", "-a = 1 +a = 2"},
		{"removed around one that stays", "[x]\na\nmine\nb\n", "[x]\nmine\n", "-a -b"},
		{"removed and changed back", "[x]\na\nb = 2\nc\n", "[x]\nb = 1\n", "-a -b = 2 -c +b = 1"},
		{"the same line twice", "a\na\nb\n", "a\nb\n", "-a"},
		{"what stands in the next section too", "[x]\na\nb\n[y]\na\nb\n", "[x]\np\nq\nr\n[y]\na\nb\n", "-a -b +p +q +r"},
		{"a section in front of its twin", "[y]\na\nb\n", "[x]\na\nb\n[y]\na\nb\n", "+[x] +a +b"},
		{"a section removed in front of its twin", "[x]\na\nb\n[y]\na\nb\n", "[y]\na\nb\n", "-[x] -a -b"},
		{"no line end at the end", "[x]\na", "[x]", "-a"},
		{"CRLF", "[x]\r\na\r\n", "[x]\r\n", "-a"},
	} {
		gone, added := Diff(tt.before, tt.after)
		var got []string
		for _, l := range gone {
			got = append(got, "-"+l)
		}
		for _, l := range added {
			got = append(got, "+"+l)
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, text, tt.want)
		}
	}
}
