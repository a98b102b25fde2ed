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

// Merge makes both changes, or says that it cannot.
func TestMerge(t *testing.T) {
	const base = "[a]\n1\n2\n[b]\n3\n[c]\n4\n"
	for _, tt := range []struct{ name, mine, theirs, want string }{
		{"nothing", base, base, base},
		{"mine alone", base + "5\n", base, base + "5\n"},
		{"theirs alone", base, "[a]\n1\n2\n[c]\n4\n", "[a]\n1\n2\n[c]\n4\n"},
		{"far apart", "[a]\n0\n1\n2\n[b]\n3\n[c]\n4\n", "[a]\n1\n2\n[b]\n3\n[c]\n", "[a]\n0\n1\n2\n[b]\n3\n[c]\n"},
		{"the same", "[a]\n1\n[b]\n3\n[c]\n4\n", "[a]\n1\n[b]\n3\n[c]\n4\n", "[a]\n1\n[b]\n3\n[c]\n4\n"},
		{"the same line", "[a]\n1\n2\n[b]\nx\n[c]\n4\n", "[a]\n1\n2\n[b]\ny\n[c]\n4\n", ""},
		{"lines beside each other", "[a]\nx\n2\n[b]\n3\n[c]\n4\n", "[a]\n1\ny\n[b]\n3\n[c]\n4\n", ""},
		{"two new sections", base + "[d]\n5\n", base + "[e]\n6\n", base + "[e]\n6\n[d]\n5\n"},
		{"new sections without a line end", base + "[d]\n5", base + "[e]\n6", base + "[e]\n6\n[d]\n5"},
		{"a new section before one that is gone", "[a]\n1\n2\n[c]\n4\n", "[a]\n1\n2\n[x]\n9\n[b]\n3\n[c]\n4\n", "[a]\n1\n2\n[x]\n9\n[c]\n4\n"},
		{"a new section after one that is gone", "[a]\n1\n2\n[c]\n4\n", "[a]\n1\n2\n[b]\n3\n[x]\n9\n[c]\n4\n", "[a]\n1\n2\n[x]\n9\n[c]\n4\n"},
		{"new lines at one place", base + "5\n", base + "6\n", ""},
	} {
		got, ok := Merge(base, tt.mine, tt.theirs)
		if ok != (tt.want != "") || got != tt.want {
			t.Errorf("%s: %v:\n%s", tt.name, ok, got)
		}
	}
	if got, ok := Merge("", "[d]\n5\n", "[e]\n6\n"); !ok || got != "[e]\n6\n[d]\n5\n" {
		t.Errorf("in an empty text: %q, %v", got, ok)
	}
}

// Whatever the texts are: one change alone is made exactly, in either place.
func FuzzMerge(f *testing.F) {
	f.Add("[a]\n1\n", "[a]\n2\n[b]")
	f.Add("", "x")
	f.Add("a\n\na\n\na", "a\n\na")
	f.Fuzz(func(t *testing.T, base, other string) {
		if got, ok := Merge(base, other, base); !ok || got != other {
			t.Errorf("mine alone: %q, %v", got, ok)
		}
		if got, ok := Merge(base, base, other); !ok || got != other {
			t.Errorf("theirs alone: %q, %v", got, ok)
		}
		if got, ok := Merge(base, other, other); !ok || got != other {
			t.Errorf("both: %q, %v", got, ok)
		}
	})
}
