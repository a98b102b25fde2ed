package mfa

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fob/internal/term"
)

func TestPinentryAnswer(t *testing.T) {
	const ok = "OK Pleased to meet you\nOK\nOK\n"
	for _, c := range []struct{ out, answer, why string }{
		{ok + "D 123456\nOK\nOK closing connection\n", "123456", ""},
		{ok + "D 50%25 %0Aa%c3%a9\nOK\n", "50% \naé", ""},
		{ok + "D correct \nD horse\nOK\n", "correct horse", ""},
		{ok + "S ERROR curses.open_tty 83918950 \n# a comment\nD 123456\nOK", "123456", ""},
		{ok + "OK\n", "", ""}, // nothing typed
		{"OK hello\nERR 83886254 Unknown option <Pinentry>\nOK\nD 123456\nOK\n", "123456", ""},
		{ok + "ERR 83886179 Operation cancelled <Pinentry>\nOK closing\n", "", "cancelled"},
		{ok + "ERR 99\n", "", "cancelled"},
		{ok + "ERR 83886278 x\n", "", "cancelled"},
		{ok + "ERR 83886142 Timeout <Pinentry>\n", "", "cancelled"},
		{ok + "ERR 83918950 Inappropriate ioctl\x1b[2J <Pinentry>\n", "", `error 32870 Inappropriate ioctl\x1b[2J <Pinentry>`},
		{ok + "ERR 83918950 " + strings.Repeat("x", 500) + "\n", "", "error 32870 "},
		{ok + "ERR nonsense\n", "", "answers nonsense"},
		{ok + "D 12%zz\nOK\n", "", "answers nonsense"},
		{ok + "D 123456\n", "", "ended without an answer"},
		{"OK\nD 1\nOK\n", "", "ended without an answer"},
		{"", "", "ended without an answer"},
	} {
		answer, err := pinentryAnswer(c.out, 3)
		var not *notReadyError
		switch {
		case c.why == "" && (answer != c.answer || err != nil):
			t.Errorf("%q: %q, %v", c.out, answer, err)
		case c.why == "cancelled" && !errors.Is(err, term.ErrCancelled):
			t.Errorf("%q: %v", c.out, err)
		case c.why != "" && c.why != "cancelled" && (!errors.As(err, &not) || not.Error() != c.why):
			t.Errorf("%q: %v, want %s", c.out, err, c.why)
		}
	}
}

func FuzzPinentryAnswer(f *testing.F) {
	f.Add("OK\nOK\nOK\nD 1%20\nOK\n", 3)
	f.Add("OK\nERR 1 x\nOK\nERR 99\n", 3)
	f.Fuzz(func(t *testing.T, out string, n int) {
		answer, err := pinentryAnswer(out, n)
		if err != nil && answer != "" {
			t.Errorf("%q: %q beside %v", out, answer, err)
		}
	})
}

func TestPinentryCommands(t *testing.T) {
	env := map[string]string{"LANG": "C.UTF-8", "LC_MESSAGES": "de_DE.UTF-8", "TERM": "xterm"}
	w := World{Getenv: func(name string) string { return env[name] }}
	q := Question{Title: "MFA code", Text: "50% of\nBYE: ", Problem: "it was\r\nwrong"}
	want := []string{
		"OPTION ttyname=/dev/tty",
		"OPTION ttytype=xterm",
		"OPTION lc-ctype=C.UTF-8",
		"OPTION lc-messages=de_DE.UTF-8",
		"SETTITLE fob: MFA code",
		"SETDESC 50%25 of%0ABYE",
		"SETPROMPT MFA code:",
		"SETERROR it was%0D%0Awrong",
		"GETPIN",
	}
	if got := w.pinentryCommands(q, true); !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
	if got := w.pinentryCommands(q, false); !slices.Equal(got, want[2:]) {
		t.Errorf("without a terminal %q", got)
	}
}
