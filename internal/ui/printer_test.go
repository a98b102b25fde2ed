package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Whatever an argument holds, a line of fob's is one line, and nothing but fob's
// own escapes reaches the screen.
func TestPrinterCleans(t *testing.T) {
	hostile := "x\x1b[2J\nfob: error: y\u202e"
	wrapped := fmt.Errorf("reading: %w", errors.New(hostile))
	for _, tt := range []struct {
		name   string
		format string
		args   []any
		want   string
	}{
		{"string", "%s", []any{hostile}, `x\x1b[2J\nfob: error: y\u202e`},
		{"quoted", "%q", []any{hostile}, `"x\x1b[2J\nfob: error: y\u202e"`},
		{"error", "%v", []any{wrapped}, `reading: x\x1b[2J\nfob: error: y\u202e`},
		{"error as string", "%s", []any{wrapped}, `reading: x\x1b[2J\nfob: error: y\u202e`},
		{"slice", "%v", []any{[]string{"a\n", "b"}}, `[a\n b]`},
		{"stringer", "%s", []any{netip.MustParseAddr("fe80::1%a\nb")}, `fe80::1%a\nb`},
		{"named string", "%s", []any{title("a\tb")}, `a\tb`},
		{"styled", "%s", []any{Bad.Text("a\nb")}, `a\nb`},
		{"wide characters", "%-6s|%6s|%-6s|", []any{"東京", "東京", Good.Text("東京")}, `東京  |  東京|東京  |`},
		{"width", "%-6s|%6s|", []any{"a\n", "b"}, `a\n   |     b|`},
		{"numbers", "%d %04o %v", []any{7, fs.FileMode(0o644), 2 * time.Second}, `7 0644 2s`},
		{"nil", "%v", []any{nil}, `<nil>`},
		{"long", "%s", []any{strings.Repeat("y", 2000)}, strings.Repeat("y", 997) + "..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, err strings.Builder
			p := &Printer{Out: &out, Err: &err, Verbose: true}
			p.Answer(tt.format, tt.args...)
			if out.String() != tt.want+"\n" {
				t.Errorf("Answer: %q, want %q", out.String(), tt.want)
			}
			p.Say(tt.format, tt.args...)
			p.Note(tt.format, tt.args...)
			p.Warn(tt.format, tt.args...)
			p.Log(tt.format, tt.args...)
			w := tt.want
			want := w + "\nfob: note: " + w + "\nfob: warning: " + w + "\nfob: " + w + "\n"
			if err.String() != want {
				t.Errorf("standard error: %q, want %q", err.String(), want)
			}
		})
	}
}

type title string

// Quiet leaves what a program parses, and why something failed.
func TestPrinterQuiet(t *testing.T) {
	var out, err strings.Builder
	p := &Printer{Out: &out, Err: &err, Quiet: true}
	p.Answer("answer")
	p.Say("say")
	p.Note("note")
	p.Warn("warn")
	p.Log("log")
	if out.String()+err.String() != "" {
		t.Errorf("%q, %q", out.String(), err.String())
	}
	p.Print("%s\n", "asked for")
	if e := p.JSON(map[string]string{"a": "<&>"}); e != nil {
		t.Error(e)
	}
	p.Error(errors.New("wrong"))
	p.Hints([]Hint{Advise("do this")})
	if out.String() != "asked for\n{\n  \"a\": \"<&>\"\n}\n" || err.String() != "fob: error: wrong\nfob: hint: do this\n" {
		t.Errorf("%q, %q", out.String(), err.String())
	}
}

func TestSentence(t *testing.T) {
	p := &Printer{Tilde: func(path string) string { return strings.Replace(path, "/home/jo", "~", 1) }}
	missing := &fs.PathError{Op: "open", Path: "/home/jo/x", Err: errors.New("no such file")}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("AWS says so."), "AWS says so"},
		{errors.New("and so on..."), "and so on..."},
		{errors.New("a\n  b"), "a b"},
		{missing, "~/x: no such file"},
		{errors.New(`the store in "/home/jo/x" is not "/home/jo/y"`), `the store in "~/x" is not "~/y"`},
		{fmt.Errorf("reading the file: %w", missing), "reading the file: ~/x: no such file"},
		{fmt.Errorf("cannot write to %w", missing), "cannot write to ~/x: no such file"},
		{fmt.Errorf("cannot %w", missing), "cannot open /home/jo/x: no such file"},
	} {
		if got := p.Sentence(tt.err); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// What looks like a secret is in nothing that a person reads, however it gets there.
func TestSecretsAreHidden(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // from AWS's documentation
	var out bytes.Buffer
	p := &Printer{Out: &out, Err: &out, Verbose: true}
	p.Print("%s %q %v\n", "x "+secret, secret, errors.New("a\n"+secret))
	p.Say("%s", secret)
	p.Log("%s", secret)
	p.Error(fmt.Errorf("invalid region %q", "a\n"+secret))
	p.Hints([]Hint{Type("fob", secret).To("does %s", secret)})
	p.Hang(Plain.Text(secret), Plain.Text(secret))
	p.Item(Plain.Text("x"), secret, []Hint{Advise("%s", secret)})
	if err := errors.Join(p.JSON(map[string]string{secret: "a\n" + secret}), p.Table(Table{Columns: []Column{{}}, Rows: [][]Styled{{Plain.Text(secret)}}})); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "wJalr") || strings.Count(out.String(), "(hidden)") != 15 {
		t.Errorf("%d: %s", strings.Count(out.String(), "(hidden)"), out.String())
	}
}
