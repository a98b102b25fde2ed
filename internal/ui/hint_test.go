package ui

import (
	"strings"
	"testing"
)

func TestHint(t *testing.T) {
	for _, tt := range []struct {
		hint Hint
		want string
	}{
		{Type("fob", "add", "x y"), "fob add 'x y'"},
		{Type("fob", "add", "x").To("stores a key"), "fob add x   stores a key"},
		{Type("fob", "store", "trust").If("if it is yours"), "if it is yours: fob store trust"},
		{Type("fob", "lock").If("if so").To("locks it"), "if so: fob lock   locks it"},
		{TypeLine("pass show x >/dev/null"), "pass show x >/dev/null"},
		{Advise("restore %s", "it"), "restore it"},
	} {
		if got := tt.hint.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// What the commands do stands in one column; a long command does not push it away, and
// no hint has more than one line.
func TestHints(t *testing.T) {
	var err strings.Builder
	p := &Printer{Err: &err}
	p.Hints([]Hint{
		Type("fob", "login", "dev").To("signs in"),
		Advise("a word"),
		Type("fob", "mfa", "add", "dev").To("makes\ncodes"),
		Type("fob", "mfa", "remove", "dev", "--device", "--serial", "arn:aws:iam::111111111111:mfa/jo").To("removes it"),
	})
	want := "fob: hint: fob login dev     signs in\n" +
		"fob: hint: a word\n" +
		"fob: hint: fob mfa add dev   makes\\ncodes\n" +
		"fob: hint: fob mfa remove dev --device --serial arn:aws:iam::111111111111:mfa/jo   removes it\n"
	if err.String() != want {
		t.Errorf("%s\nwant\n%s", err.String(), want)
	}
}
