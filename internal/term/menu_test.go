package term

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var someChoices = []Choice{
	{"prod", []string{"base > deploy", "222222222222", "43m left"}},
	{"base", []string{"AKIA...MPLE", "111111111111", "2h 13m left"}},
	{"nonprod", []string{"base > deploy", "333333333333", "signed out"}},
	{"prod-eu", []string{"base > Admin", "222222222222", "signed out"}},
	{"Ops", []string{"SSO corp > Admin", "444444444444", "signed out"}},
}

func (m *menu) names() (names []string) {
	for _, i := range m.found {
		names = append(names, m.Choices[i].Name)
	}
	return names
}

// Every word must be in the name or in another cell. A whole name comes first, then
// those that begin with the words, contain them, and match elsewhere; among equals, the
// order stays.
func TestMatches(t *testing.T) {
	m := newMenu(Menu{Noun: "profile", Choices: someChoices})
	for _, c := range []struct{ query, want string }{
		{"", "prod base nonprod prod-eu Ops"},
		{"  ", "prod base nonprod prod-eu Ops"},
		{"prod", "prod prod-eu nonprod"},
		{"PROD", "prod prod-eu nonprod"},
		{"ops", "Ops"},
		{"prod-", "prod-eu"},
		{"eu", "prod-eu"},
		{"base", "base prod nonprod prod-eu"},
		{"admin", "prod-eu Ops"},
		{"admin prod", "prod-eu"},
		{"prod admin", "prod-eu"},
		{"2222 out", "prod-eu"},
		{"left", "prod base"},
		{"p o", "prod prod-eu Ops nonprod"},
		{"x", ""},
		{"prod x", ""},
	} {
		m.filter(c.query)
		if got := strings.Join(m.names(), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.query, got, c.want)
		}
	}
}

func TestPress(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []action
		text string // what insert inserts
		want string // the choice at the mark, and the query
	}{
		{"nothing", nil, "", "prod, "},
		{"down", []action{moveDown, moveDown}, "", "nonprod, "},
		{"down ends at the last", slices.Repeat([]action{moveDown}, 9), "", "Ops, "},
		{"up ends at the first", []action{moveDown, moveUp, moveUp}, "", "prod, "},
		{"a page is what the screen shows", []action{pageDown}, "", "nonprod, "},
		{"a page back", []action{moveLast, pageUp}, "", "nonprod, "},
		{"last and first", []action{moveLast, moveFirst}, "", "prod, "},
		{"last", []action{moveLast}, "", "Ops, "},
		{"typing goes to the best", []action{moveDown, insert}, "prod-", "prod-eu, prod-"},
		{"delete", []action{insert, deleteChar}, "admin東", "prod-eu, admin"},
		{"delete nothing", []action{deleteChar, deleteWord, deleteAll}, "", "prod, "},
		{"delete a word", []action{insert, deleteWord}, "admin prod  ", "prod-eu, admin "},
		{"delete all", []action{insert, deleteAll}, "admin prod", "prod, "},
		{"nothing matches", []action{insert, moveDown, moveLast, pageUp, accept}, "x", "none, x"},
	} {
		m := newMenu(Menu{Noun: "profile", Choices: someChoices})
		m.view(5, 80)
		for _, a := range c.keys {
			text := ""
			if a == insert {
				text = c.text
			}
			if m.press(a, text) {
				t.Errorf("%s: picked", c.name)
			}
		}
		name := "none"
		if len(m.found) > 0 {
			name = m.Choices[m.found[m.selected]].Name
		}
		if got := name + ", " + m.query; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	m := newMenu(Menu{Noun: "profile", Choices: someChoices})
	if !m.press(accept, "") {
		t.Error("Enter picks nothing")
	}
}

func manyChoices(n int) (many []Choice) {
	for i := range n {
		many = append(many, Choice{fmt.Sprintf("profile%03d", i), []string{"base > deploy", fmt.Sprint(222222222222 + i)}})
	}
	return many
}

func TestView(t *testing.T) {
	hostile := []Choice{
		{"dev\x1b[2J\n\u202e", []string{"base"}},
		{"東京", []string{"base > " + strings.Repeat("r", 200), "222222222222"}},
	}
	for _, c := range []struct {
		name          string
		choices       []Choice
		rows, columns int
		query         string
		keys          []action
		dim           bool
		want          string
	}{
		{"five", someChoices, 24, 80, "", nil, false, `Profile (type to filter, Enter to choose): |
> prod     base > deploy     222222222222  43m left
  base     AKIA...MPLE       111111111111  2h 13m left
  nonprod  base > deploy     333333333333  signed out
  prod-eu  base > Admin      222222222222  signed out
  Ops      SSO corp > Admin  444444444444  signed out`},
		{"filtered", someChoices, 24, 80, "prod", []action{moveDown}, false, `Profile (type to filter, Enter to choose): prod|
  prod     base > deploy     222222222222  43m left
> prod-eu  base > Admin      222222222222  signed out
  nonprod  base > deploy     333333333333  signed out
  3 of 5`},
		{"nothing matches", someChoices, 24, 80, "x  \"y", nil, false, `Profile (type to filter, Enter to choose): x  "y|
  no profile matches "x \"y"`},
		{"and Enter says so", someChoices, 24, 80, "x", []action{accept}, false, `Profile (type to filter, Enter to choose): x|
  no profile matches "x": change that with Backspace or Ctrl-U`},
		{"more than fit", manyChoices(300), 24, 60, "", slices.Repeat([]action{moveDown}, 12), false, `Profile (type to filter, Enter to choose): |
  profile001  base > deploy  222222222223
  profile002  base > deploy  222222222224
  profile003  base > deploy  222222222225
  profile004  base > deploy  222222222226
  profile005  base > deploy  222222222227
  profile006  base > deploy  222222222228
  profile007  base > deploy  222222222229
  profile008  base > deploy  222222222230
  profile009  base > deploy  222222222231
  profile010  base > deploy  222222222232
  profile011  base > deploy  222222222233
> profile012  base > deploy  222222222234
  13 of 300`},
		{"20x5", someChoices, 5, 20, "prod", nil, false, `Profile: prod|
> prod     base ...
  prod-eu  base ...
  3 of 5`},
		{"tiny", someChoices, 2, 8, "", nil, false, `ofile: |
> prod`},
		{"one line", someChoices, 1, 20, "", nil, false, `Profile: |`},
		{"a long query", someChoices, 24, 20, strings.Repeat("a", 30) + "b", nil, false, "aaaaaaaaaaaaaaaaaab|\n  no profile mat..."},
		{"hostile and wide", hostile, 24, 60, "", nil, true, `Profile (type to filter, Enter to choose): |
> dev\x1b[2J\n\u202e  base
  東京` + strings.Repeat(" ", 14) + "\x1b[2m  base > rrrrrrrrrrrrr...  222222222222\x1b[0m"},
	} {
		m := newMenu(Menu{Noun: "profile", Choices: c.choices, Dim: c.dim})
		m.view(c.rows, c.columns)
		m.filter(c.query)
		for _, a := range c.keys {
			m.press(a, "")
		}
		lines, cursor := m.view(c.rows, c.columns)
		if cursor != Width(lines[0]) {
			t.Errorf("%s: the cursor is in column %d of %q", c.name, cursor, lines[0])
		}
		lines[0] += "|"
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Whatever the size of the screen, no line reaches its last column, and the menu leaves
// room for the command that shows it, if there is any.
func TestViewFits(t *testing.T) {
	for rows := 1; rows < 30; rows++ {
		for columns := 1; columns < 90; columns += 3 {
			for _, query := range []string{"", "prod", "nothing at all", "東京東京"} {
				m := newMenu(Menu{Noun: "MFA device", Choices: append(manyChoices(rows), someChoices...)})
				m.filter(query)
				lines, _ := m.view(rows, columns)
				for _, l := range lines {
					if Width(l) > max(columns-1, 3) {
						t.Errorf("%dx%d: %q", columns, rows, l)
					}
				}
				if len(lines) > max(rows-1, min(rows, 3)) {
					t.Errorf("%dx%d: %d lines", columns, rows, len(lines))
				}
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	const help = "Type a number, a name, or a part of a name.\n"
	few := `  1  prod     base > deploy     222222222222  43m left
  2  base     AKIA...MPLE       111111111111  2h 13m left
  3  nonprod  base > deploy     333333333333  signed out
  4  prod-eu  base > Admin      222222222222  signed out
  5  Ops      SSO corp > Admin  444444444444  signed out
`
	for _, c := range []struct {
		answers string // separated by commas
		page    int
		want    string // what is said at last, or the name picked
	}{
		{"2", 20, "base"},
		{"prod", 20, "prod"}, // although prod-eu begins so too
		{"PROD-EU", 20, "prod-eu"},
		{"o", 20, "Ops"},
		{"non", 20, "nonprod"},
		{"b", 20, "base"},    // although others have a b elsewhere
		{"44444", 20, "Ops"}, // one is left
		{"prod admin", 20, "prod-eu"},
		{"", 20, help},
		{"6", 20, "no profile matches \"6\"; type a number, a name, or a part of one\n"},
		{"0", 20, "no profile matches \"0\"; type a number, a name, or a part of one\n"},
		{"x  y\x1b", 20, "no profile matches \"x y\\x1b\"; type a number, a name, or a part of one\n"},
		{"admin", 20, "2 of 5 match \"admin\":\n  4  prod-eu  base > Admin      222222222222  signed out\n  5  Ops      SSO corp > Admin  444444444444  signed out\n"},
		{"admin,5", 20, "Ops"},
		{"admin,1", 20, "prod"}, // a number keeps its meaning
		{"", 4, "  5  Ops      SSO corp > Admin  444444444444  signed out\n"},
		{",", 4, few[:strings.Index(few, "  5")] + "     1 more: Enter shows them, a part of a name narrows the list\n"},
		{"o", 4, "Ops"},
	} {
		l := numbered{menu: newMenu(Menu{Noun: "profile", Choices: someChoices}), page: c.page, columns: 79}
		if first := l.next(); c.page > 5 && first != few {
			t.Errorf("%s", first)
		}
		got := ""
		for answer := range strings.SplitSeq(c.answers, ",") {
			picked, say, ok := l.answer(answer)
			if got = say; ok {
				got = someChoices[picked].Name
			}
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.answers, got, c.want)
		}
	}
}
