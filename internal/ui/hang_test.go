package ui

import (
	"strings"
	"testing"
)

func TestHang(t *testing.T) {
	for _, tt := range []struct {
		name    string
		texts   []Styled
		columns int
		want    string
	}{
		{"not a terminal", []Styled{{"one two three", Plain}}, 0, "one two three"},
		{"as wide", []Styled{{"one two", Plain}}, 7, "one two"},
		{"wider", []Styled{{"one two three", Plain}}, 9, "one two|three"},
		{"a long word", []Styled{{"to arn:aws:iam::111111111111:mfa/jo now", Plain}}, 10, "to|arn:aws:iam::111111111111:mfa/jo|now"},
		{"wide characters", []Styled{{"東京 東京", Plain}}, 8, "東京|東京"},
		{"styles", []Styled{{"a b", Plain}, {"c d", Good}, {"", Bad}, {"e", Dim}}, 5, "a b <c>|<d> <e>"},
		{"hostile", []Styled{{"a\x1b[2J b\nc", Plain}}, 0, `a\x1b[2J b\nc`},
		{"nothing", nil, 9, ""},
	} {
		var lines []string
		for _, line := range hang(tt.texts, tt.columns) {
			var pieces []string
			for _, s := range line {
				if s.Style != Plain {
					s.Text = "<" + s.Text + ">"
				}
				pieces = append(pieces, s.Text)
			}
			lines = append(lines, strings.Join(pieces, " "))
		}
		if got := strings.Join(lines, "|"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	var out strings.Builder
	p := &Printer{Out: &out}
	p.Hang(Dim.Text("lead  "), Good.Text(strings.Repeat("word ", 40)))
	if want := "lead  " + strings.TrimSpace(strings.Repeat("word ", 40)) + "\n"; out.String() != want {
		t.Errorf("to a program: %q", out.String())
	}
}
