//go:build unix

package ui

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// openTerminal opens a terminal so many columns wide, its other end, and a file that is
// not a terminal.
func openTerminal(t *testing.T, columns uint16) (terminal, screen, file *os.File) {
	t.Helper()
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	file, err = os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close(); terminal.Close(); file.Close() })
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	return terminal, screen, file
}

func TestColors(t *testing.T) {
	terminal, _, file := openTerminal(t, 80)
	for _, tt := range []struct {
		flag, env  string
		tty, piped bool
	}{
		{"auto", "", true, false},
		{"", "", true, false}, // a command line that could not be read
		{"never", "CLICOLOR_FORCE=1", false, false},
		{"always", "NO_COLOR=1 TERM=dumb CLICOLOR=0", true, true},
		{"auto", "NO_COLOR=1", false, false},
		{"auto", "NO_COLOR=0", false, false}, // any value, says no-color.org
		{"auto", "NO_COLOR=", true, false},
		{"auto", "NO_COLOR=1 CLICOLOR_FORCE=1", false, false},
		{"auto", "CLICOLOR_FORCE=1", true, true},
		{"auto", "CLICOLOR_FORCE=1 TERM=dumb CLICOLOR=0", true, true},
		{"auto", "CLICOLOR_FORCE=0", true, false},
		{"auto", "CLICOLOR=0", false, false},
		{"auto", "CLICOLOR=1", true, false},
		{"auto", "TERM=dumb", false, false},
		{"auto", "TERM=xterm", true, false},
	} {
		getenv := func(name string) string {
			for entry := range strings.FieldsSeq(tt.env) {
				if v, ok := strings.CutPrefix(entry, name+"="); ok {
					return v
				}
			}
			return ""
		}
		for stream, want := range map[io.Writer]bool{terminal: tt.tty, file: tt.piped, &strings.Builder{}: tt.piped} {
			if got := Colors(tt.flag, getenv, stream); got != want {
				t.Errorf("--color %q, %q, %T: %v, want %v", tt.flag, tt.env, stream, got, want)
			}
		}
	}
}

// On a terminal the widest of the columns that may shrink is cut, until the lines fit.
func TestTableFits(t *testing.T) {
	rows := [][]Styled{plain("production", "SSO corporation > Administrator", "222222222222", "2h 13m left"), plain("b", "base > 東京東京東京東京", "", "expired")}
	for _, tt := range []struct {
		columns uint16
		want    string
	}{
		{0, "PROFILE     CREDENTIALS                      ACCOUNT       SESSION\n" +
			"production  SSO corporation > Administrator  222222222222  2h 13m left\nb           base > 東京東京東京東京                        expired\n"},
		{70, "PROFILE     CREDENTIALS                      ACCOUNT       SESSION\n" +
			"production  SSO corporation > Administrator  222222222222  2h 13m left\nb           base > 東京東京東京東京                        expired\n"},
		{60, "PROFILE     CREDENTIALS            ACCOUNT       SESSION\n" +
			"production  SSO corporation > ...  222222222222  2h 13m left\nb           base > 東京東京東...                 expired\n"},
		{48, "PROFILE   CREDENTIALS  ACCOUNT       SESSION\n" +
			"produ...  SSO corp...  222222222222  2h 13m left\nb         base > ...                 expired\n"},
		// Nothing is left to cut: the lines wrap.
		{20, "PROFILE   CREDENTIALS  ACCOUNT       SESSION\n" +
			"produ...  SSO corp...  222222222222  2h 13m left\nb         base > ...                 expired\n"},
	} {
		terminal, screen, _ := openTerminal(t, tt.columns)
		p := &Printer{Out: terminal}
		lines := make(chan string)
		go func() {
			text, r := "", bufio.NewReader(screen)
			for range 3 {
				line, _ := r.ReadString('\n')
				text += strings.ReplaceAll(line, "\r\n", "\n")
			}
			lines <- text
		}()
		err := p.Table(Table{Columns: []Column{{Title: "PROFILE", Shrink: true}, {Title: "CREDENTIALS", Shrink: true}, {Title: "ACCOUNT"}, {Title: "SESSION"}}, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-lines; got != tt.want {
			t.Errorf("in %d columns:\n%swant\n%s", tt.columns, got, tt.want)
		}
	}
}

// Lines that somebody else wrote reach a file or a pipe as they are, and a terminal so that
// they can hide nothing there.
func TestPrintedLines(t *testing.T) {
	terminal, screen, file := openTerminal(t, 80)
	const text = " # \x1b[8mhidden \r over\u202e\r\n+\tnew\n"
	for _, out := range []*os.File{terminal, file} {
		p := &Printer{Out: out, Err: io.Discard}
		if err := p.Lines(text); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(screen)
	for _, want := range []string{` # \x1b[8mhidden \r over\u202e` + "\r\n", "+    new\r\n"} {
		if got, err := r.ReadString('\n'); got != want {
			t.Errorf("the screen shows %q, want %q (%v)", got, want, err)
		}
	}
	if got, err := os.ReadFile(file.Name()); string(got) != text {
		t.Errorf("the file has %q (%v)", got, err)
	}
}
