package ui

import (
	"strings"
	"testing"
)

func plain(cells ...string) (row []Styled) {
	for _, c := range cells {
		row = append(row, Plain.Text(c))
	}
	return row
}

// Cells are cleaned, columns aligned as they are on the screen, and lines do not end in
// spaces.
func TestTable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		table Table
		color bool
		want  string
	}{
		{"cleaned", Table{
			Columns: []Column{{Title: "NAME"}, {Title: "KEY"}, {Title: "MFA"}},
			Rows:    [][]Styled{plain("a\nb", "", ""), plain("prod", "AKIA", "mfa/jo"), plain("x")},
		}, false, "NAME  KEY   MFA\na\\nb\nprod  AKIA  mfa/jo\nx\n"},
		{"wide", Table{
			Columns: []Column{{Title: "NAME"}, {Title: "KEY"}},
			Rows:    [][]Styled{plain("東京本社", "a"), plain("Jose\u0301", "b"), plain("dev", "c")},
		}, false, "NAME      KEY\n東京本社  a\nJose\u0301      b\ndev       c\n"},
		{"no heading", Table{
			Columns: []Column{{}, {}},
			Rows:    [][]Styled{plain("ok", "a"), plain("failed", "b")},
		}, false, "ok      a\nfailed  b\n"},
		{"colors", Table{
			Columns: []Column{{Title: "NAME"}, {Title: "STATE"}, {Title: "X"}},
			Rows:    [][]Styled{{Plain.Text("dev"), Good.Text("ok"), Bad.Text("")}, {Plain.Text("\x1b[1m"), Bad.Text("expired"), {}}},
		}, true, "\x1b[2mNAME\x1b[0m     \x1b[2mSTATE\x1b[0m    \x1b[2mX\x1b[0m\n" +
			"dev      \x1b[32mok\x1b[0m\n\\x1b[1m  \x1b[31mexpired\x1b[0m\n"},
		{"never cut but on a terminal", Table{
			Columns: []Column{{Shrink: true}},
			Rows:    [][]Styled{plain(strings.Repeat("x", 300))},
		}, false, strings.Repeat("x", 300) + "\n"},
	} {
		var out strings.Builder
		p := &Printer{Out: &out, Quiet: true}
		if tt.color {
			p.Color = always
		}
		if err := p.Table(tt.table); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, out.String(), tt.want)
		}
	}
}
