package cmdline

import (
	"errors"
	"testing"
)

// Words, and how they stand in a credential_process; "" for those that are refused.
func TestProcess(t *testing.T) {
	for _, tt := range []struct{ word, unix, windows string }{
		{"dev", "dev", "dev"},
		{"a.b_c@e:f/g+h-9", "a.b_c@e:f/g+h-9", "a.b_c@e:f/g+h-9"},
		{`C:\PROGRA~1\fob.exe`, "", `C:\PROGRA~1\fob.exe`},
		{"a b", `"a b"`, ""},
		{"50%", "50%", ""},
		{"%PATH%", "%PATH%", ""},
		{"münchen", `"münchen"`, ""},
		{"a=b", `"a=b"`, ""},
		{"a,b", `"a,b"`, ""},
		{"~", `"~"`, "~"},
		{"*", `"*"`, ""},
		{"#x", `"#x"`, ""},
		{"a&b", `"a&b"`, ""},
		{"a^b", `"a^b"`, ""},
		{"it's", `"it's"`, ""},
		{"!x!", `"!x!"`, ""},
		{"(x86)", `"(x86)"`, ""},
		{"$HOME", "", ""},
		{"$(touch x)", "", ""},
		{"`touch x`", "", ""},
		{`a"b`, "", ""},
		{`a\b`, "", `a\b`},
		{"a\nb", "", ""},
		{"a\tb", "", ""},
		{"a #b", "", ""},
		{"a ;b", "", ""},
		{"a\u00a0b", "", ""},
		{"a\u2028b", "", ""},
		{"a\xffb", "", ""},
		{"", "", ""},
	} {
		for system, want := range map[System]string{Unix: tt.unix, Windows: tt.windows} {
			got, err := Process(system, "fob", tt.word)
			if want != "" {
				want = "fob " + want
			}
			var refused *WordError
			if got != want || errors.As(err, &refused) != (want == "") {
				t.Errorf("%q, Windows %v: %q, %v; want %q", tt.word, system, got, err, want)
			}
			if doubt := Doubt(system, got); doubt != "" {
				t.Errorf("%q, Windows %v: doubt about %q", got, system, doubt)
			}
		}
	}
}

func TestDoubt(t *testing.T) {
	for _, tt := range []struct{ line, unix, windows string }{
		{"/usr/bin/fob export --profile=a -d 1h", "", ""},
		{`"/opt/a b/fob" export --profile 'c d'`, "", `"`},
		{`/opt/a\ b/fob export --profile "a\"b\\c"`, "", `"`},
		{`C:\fob\fob.exe export --profile dev`, `\`, ""},
		{`fob export --profile "a\b"`, `\`, `"`},
		{`fob export --profile a\`, `\`, ""},
		{"fob export --profile $(touch x)", "$", "("},
		{`fob export --profile "$(touch x)"`, "$", `"`},
		{`fob export --profile '$(touch x)'`, "", "'"},
		{"fob export --profile \"`touch x`\"", "`", `"`},
		{"fob export --profile $HOME", "$", ""},
		{"~/bin/fob export --profile dev", "~", ""},
		{"/home/a~b/fob export --profile dev", "", ""},
		{"fob export --profile #1", "#", ""},
		{"fob export --profile a#1", "", ""},
		{"fob export --profile dev; touch x", ";", ""},
		{"fob export --profile dev | tee x", "|", "|"},
		{"fob export --profile dev >x", ">", ">"},
		{"fob export --profile dev && touch x", "&", "&"},
		{"fob export --profile d*", "*", ""},
		{"fob export --profile {a,b}", "{", ""},
		{`fob export --profile "dev`, `"`, `"`},
		{"fob export --profile %PATH%", "", "%"},
		{"fob export --profile !x!", "", "!"},
		{"fob export --profile a^b", "", "^"},
		{"fob export --profile münchen", "", "ü"},
	} {
		for system, want := range map[System]string{Unix: tt.unix, Windows: tt.windows} {
			if got := Doubt(system, tt.line); got != want {
				t.Errorf("%s, Windows %v: %q, want %q", tt.line, system, got, want)
			}
		}
	}
}
