package awsconfig

import (
	"errors"
	"strings"
	"testing"
)

// Changes are made in a text that somebody has edited since, below the headers where they
// belong, or the line is named that is in the way.
func TestChanges(t *testing.T) {
	const key, other = "aws_access_key_id = A\naws_secret_access_key = B\n", "aws_access_key_id = C\naws_secret_access_key = D\n"
	for _, tt := range []struct {
		name, from, to, text, want string
		line                       int
		value                      string
	}{
		{name: "nothing", from: "[a]\nx = 1\n", to: "[a]\nx = 1\n", text: "[b]\n", want: "[b]\n"},
		{name: "as it was", from: "[a]\n", to: "[a]\n" + key, text: "[a]\n", want: "[a]\n" + key},
		{name: "a line that was edited", from: "[a]\nregion = x\n", to: "[a]\nregion = x\n" + key, text: "[a]\nregion = y\n", want: "[a]\n" + key + "region = y\n"},
		{name: "a section that was made again", from: "", to: "[a]\n" + key, text: "[a]\nregion = y\n", want: "[a]\n" + key + "region = y\n"},
		{name: "with another spelling", from: "", to: "[a]\n" + key, text: "[ a ] # mine\nregion = y\n", want: "[ a ] # mine\n" + key + "region = y\n"},
		{name: "beside another section", from: "", to: "[a]\n" + key, text: "[b]\n" + other, want: "[b]\n" + other + "\n[a]\n" + key},
		{name: "no last line end", from: "[a]\nregion = x", to: "[a]\nregion = x\naws_access_key_id = A", text: "[a]\nregion = y\n[b]", want: "[a]\naws_access_key_id = A\nregion = y\n[b]"},
		{name: "CRLF", from: "[a]\r\nregion = x\r\n", to: "[a]\r\nregion = x\r\noutput = json\r\n", text: "[a]\r\nregion = y\r\n", want: "[a]\r\noutput = json\r\nregion = y\r\n"},
		{name: "with the lines under it", from: "[a]\nx = 1\n", to: "[a]\nx = 1\ns3 =\n  y = 2\n", text: "[a]\nx = 2\n", want: "[a]\ns3 =\n  y = 2\nx = 2\n"},
		{name: "removed beside an edit", from: "[a]\nregion = x\nz = 1\n", to: "[a]\nregion = x\n", text: "[a]\nregion = y\nz = 1\n", want: "[a]\nregion = y\n"},
		{name: "removed by hand", from: "[a]\nregion = x\nz = 1\n", to: "[a]\nregion = x\n", text: "[a]\nregion = y\n", want: "[a]\nregion = y\n"},
		{name: "a header that nobody needs", from: "[b]\n\n[a]\nz = 1\n", to: "[b]\n", text: "[b]\ny = 1\n\n[a]\nz = 1\n", want: "[b]\ny = 1\n"},
		{name: "a header that somebody needs", from: "[a]\nz = 1\n", to: "", text: "[a]\ny = 1\nz = 1\n", want: "[a]\ny = 1\n"},
		{name: "another key in its place", from: "", to: "[a]\n" + key, text: "[b]\n[a]\naws_access_key_id = C\n", line: 3},
		{name: "another key beside it", from: "[a]\nx = 1\n", to: "[a]\nx = 1\naws_secret_access_key = B\n", text: "[a]\nx = 2\naws_secret_access_key = D\n", line: 3},
		{name: "another value", from: "[a]\nz = 1\n", to: "[a]\n", text: "[a]\nz = 2\n", line: 2, value: "1"},
		{name: "another command", from: "[a]\nfob_credential_process = x --password 1\n", to: "[a]\n", text: "[a]\nfob_credential_process = y\n", line: 2},
		{name: "another key of two", from: "[a]\n" + key, to: "[a]\n", text: "[a]\n" + other, line: 2},
	} {
		c, err := NewChanges(tt.from, tt.to, true)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Apply(tt.text)
		if clash, ok := errors.AsType[*ClashError](err); ok != (tt.line > 0) || ok && (clash.Line != tt.line || clash.Want != tt.value || clash.Had != strings.Contains(tt.from, clash.Key)) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got != tt.want || err == nil && !c.Made(tt.text, got) {
			t.Errorf("%s:\n%s", tt.name, got)
		}
	}
}

// Lines that are in the wrong section, twice, or not there are not the changes.
func TestChangesMade(t *testing.T) {
	const from, to = "[a]\n[b]\ny = 1\n", "[a]\nx = 1\n[b]\ny = 1\n"
	c, err := NewChanges(from, to, true)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		to:                                   true,
		"[b]\ny = 1\n[a]\n# mine\nx = 1\n":   true,
		from:                                 false,
		"[a]\n[b]\nx = 1\ny = 1\n":           false,
		"[a]\nx = 1\n[b]\ny = 2\n":           false,
		"[a]\n[a]\nx = 1\n[b]\ny = 1\n":      false,
		"[a]\nx = 1\nx = 1\n[b]\ny = 1\n":    false,
		"[a]\nx = 1\n[b]\ny = 1\n  deeper\n": false,
		"[a\n":                               false,
	} {
		if got := c.Made(from, text); got != want {
			t.Errorf("%v:\n%s", got, text)
		}
	}
}

// Whatever the texts are, changes that are made are the ones that were asked for, and making
// them where nobody has edited anything gives what they lead to.
func FuzzChanges(f *testing.F) {
	f.Add("[a]\nx = 1\n", "[a]\nx = 1\ny = 2\n", "[a]\nx = 3\n")
	f.Add("[a]\r\ny = 1", "", "[a]\r\n\r\n[b]\r\ny = 1")
	f.Add("\ufeff[a]\nx =\n  y = 1\n", "[b] # c\n[a]\nx =\n  y = 2\n", "[b]\n z = 1\n[a]\nx =\n  y = 1\n")
	f.Add("[default]\n", "[profile default]\nx = 1\n", "[default]\nx = 2\n")
	f.Fuzz(func(t *testing.T, from, to, text string) {
		c, err := NewChanges(from, to, false)
		if err != nil {
			return
		}
		if !c.Made(from, to) {
			t.Fatalf("%q -> %q: not made", from, to)
		}
		got, err := c.Apply(text)
		if _, bad := c.sections(got); err == nil && bad != nil && strings.Count(text+from+to, "\r") == strings.Count(text+from+to, "\r\n") {
			t.Fatalf("%q -> %q in %q: %q: %v", from, to, text, got, bad)
		}
		if again, failed := c.Apply(got); err == nil && c.Made(text, got) && (failed != nil || again != got) {
			t.Fatalf("%q -> %q in %q: %q, and again %q, %v", from, to, text, got, again, failed)
		}
	})
}
