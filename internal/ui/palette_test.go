package ui

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func always(io.Writer) bool { return true }

// Labels have a color, and of what stands behind them only what is meant to have one.
func TestPaint(t *testing.T) {
	var out, err strings.Builder
	p := &Printer{Out: &out, Err: &err, Color: always, Verbose: true}
	p.Error(errors.New("\x1b[1mwrong"))
	p.Warn("%s", "w")
	p.Note("n")
	p.Hints([]Hint{Advise("h")})
	p.Say("s")
	p.Log("l")
	want := "\x1b[31mfob: error:\x1b[0m \\x1b[1mwrong\n\x1b[33mfob: warning:\x1b[0m w\n" +
		"\x1b[2mfob: note:\x1b[0m n\n\x1b[2mfob: hint:\x1b[0m h\ns\nfob: l\n"
	if err.String() != want {
		t.Errorf("%q, want %q", err.String(), want)
	}
	// Padded, then painted; a text that brings its own escapes gets none of them.
	p.Print("%-6s|%6s|%s|%s|%q\n", Good.Text("ok"), Bad.Text("no"), Dim.Text("\x1b[2J"), Caution.Text(""), Bad.Text("q"))
	want = "\x1b[32mok\x1b[0m    |    \x1b[31mno\x1b[0m|\x1b[2m\\x1b[2J\x1b[0m||\x1b[31m\"q\"\x1b[0m\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// Each stream has its own colors, and nobody asks what it is before there is something
// to paint on it, nor twice.
func TestColorPerStream(t *testing.T) {
	var out, err strings.Builder
	asked := ""
	p := &Printer{Out: &out, Err: &err}
	p.Color = func(stream io.Writer) bool {
		asked += map[io.Writer]string{&out: "out ", &err: "err "}[stream]
		return stream == &err
	}
	p.Print("%s\n", "plain")
	p.Say("plain %s %d", "x", 1)
	if asked != "" {
		t.Errorf("asked %q for plain text", asked)
	}
	p.Print("%s\n", Bad.Text("x"))
	p.Say("%s", Bad.Text("x"))
	p.Print("%s\n", Bad.Text("x"))
	p.Warn("%s", "x")
	if want := "plain\nx\nx\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if want := "plain x 1\n\x1b[31mx\x1b[0m\n\x1b[33mfob: warning:\x1b[0m x\n"; err.String() != want {
		t.Errorf("%q, want %q", err.String(), want)
	}
	if asked != "out err " {
		t.Errorf("asked %q", asked)
	}
}
