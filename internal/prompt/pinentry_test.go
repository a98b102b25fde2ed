package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fob/internal/term"
)

func TestPinentryReplies(t *testing.T) {
	cancelled := pinentryReply{err: term.ErrCancelled}
	failed := func(text string) pinentryReply { return pinentryReply{err: errors.New("failed: " + text)} }
	pin := func(text string) pinentryReply { return pinentryReply{data: text} }
	for _, c := range []struct {
		out  string
		want []pinentryReply
	}{
		{"OK Pleased to meet you\nOK\nD 123456\nOK\nOK closing\n", []pinentryReply{{}, {}, pin("123456"), {}}},
		{"D gtk2:curses\nOK\nD 50%25 %0Aa%c3%a9\nOK", []pinentryReply{pin("gtk2:curses"), pin("50% \naé")}},
		{"D correct \nD horse\nOK\n", []pinentryReply{pin("correct horse")}},
		{"S ERROR curses.open_tty 83918950 \n# a comment\nD 1\nOK\n", []pinentryReply{pin("1")}},
		{"OK\n", []pinentryReply{{}}}, // nothing typed
		{"ERR 83886254 Unknown option <Pinentry>\nOK\n", []pinentryReply{failed("Unknown option <Pinentry>"), {}}},
		{"D 1\nERR 83886179 Operation cancelled <Pinentry>\nOK\n", []pinentryReply{cancelled, {}}},
		{"ERR 99\nERR 83886278 x\nERR 83886142 Timeout <Pinentry>\n", []pinentryReply{cancelled, cancelled, cancelled}},
		{"ERR 83918950 Inappropriate\x1b[2J ioctl\n", []pinentryReply{failed(`Inappropriate\x1b[2J ioctl`)}},
		{"ERR nonsense\n", []pinentryReply{failed("")}},
		{"OK\nD 12%zz\nOK\n", []pinentryReply{{}}},
		{"OK\nD 123456\n", []pinentryReply{{}}},
		{"", nil},
	} {
		if got, want := show(pinentryReplies(c.out)), show(c.want); got != want {
			t.Errorf("%q: %s, want %s", c.out, got, want)
		}
	}
}

func show(replies []pinentryReply) string {
	var all []string
	for _, r := range replies {
		all = append(all, fmt.Sprintf("%q %v", r.data, r.err))
	}
	return strings.Join(all, ", ")
}

func FuzzPinentryReplies(f *testing.F) {
	f.Add("OK\nOK\nOK\nD 1%20\nOK\n")
	f.Add("OK\nERR 1 x\nOK\nERR 99\n")
	f.Fuzz(func(t *testing.T, out string) {
		for _, r := range pinentryReplies(out) {
			if r.err != nil && r.data != "" {
				t.Errorf("%q: %q beside %v", out, r.data, r.err)
			}
		}
	})
}

func TestPinentryCommands(t *testing.T) {
	env := map[string]string{"LANG": "C.UTF-8", "LC_MESSAGES": "de_DE.UTF-8", "TERM": "xterm"}
	w := World{Getenv: func(name string) string { return env[name] }}
	q := Question{Title: "MFA code", Text: "50% of\nBYE", About: []string{"for 5%"}, Problem: "it was\r\nwrong"}
	want := []string{
		"GETINFO flavor",
		"OPTION ttyname=/dev/tty",
		"OPTION ttytype=xterm",
		"OPTION lc-ctype=C.UTF-8",
		"OPTION lc-messages=de_DE.UTF-8",
		"SETTITLE fob: MFA code",
		"SETDESC 50%25 of%0ABYE%0Afor 5%25",
		"SETPROMPT MFA code:",
		"SETERROR it was%0D%0Awrong",
		"GETPIN",
	}
	if got := w.pinentryCommands(q, true); !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
	want = slices.Delete(want, 1, 3)
	if got := w.pinentryCommands(q, false); !slices.Equal(got, want) {
		t.Errorf("without a terminal %q", got)
	}
}
