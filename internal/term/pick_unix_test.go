//go:build unix

package term

import (
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

func testMenu(what string) Menu {
	return Menu{
		Noun:    "profile",
		Choices: []Choice{{"dev", []string{"AKIA...MPLE"}}, {"pr\x1b[2J\nod", []string{"dev > deploy"}}, {"test", nil}},
		Plain:   what == "pick plainly",
	}
}

const menuHead = "Profile (type to filter, Enter to choose): "

// The keys, and what is left on the screen.
func TestPick(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, keys, answer, left string }{
		{"Enter", "\r", "0 <nil>", "Profile: dev\r\n"},
		{"an arrow", "\x1b[B\r", "1 <nil>", "Profile: pr\\x1b[2J\\nod\r\n"},
		{"filter", "te\r", "2 <nil>", "Profile: test\r\n"},
		{"Enter at nothing, then change it", "q\r\x15\r", "0 <nil>", "Profile: dev\r\n"},
		{"a pasted line break picks nothing", "\x1b[200~te\r\x1b[201~\x7f\x15\r", "0 <nil>", "Profile: dev\r\n"},
		{"Escape", "\x1b", "0 cancelled at the prompt", ""},
		{"Ctrl-C", "\x03", "0 cancelled at the prompt", ""},
		{"Ctrl-D", "\x04", "0 cancelled at the prompt", ""},
		{"Ctrl-D after text, then Ctrl-C", "te\x04\x03", "0 cancelled at the prompt", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "pick")
			s.sees(menuHead)
			s.echoes(false)
			s.types(c.keys)
			s.says("answer: " + c.answer)
			s.sees("\r\x1b[J" + pasteOff + c.left)
			s.shows("\x1b[2J")
		})
	}
}

// The bytes of an arrow key may come one by one.
func TestSlowArrow(t *testing.T) {
	s := start(t, "pick")
	s.sees(menuHead)
	for _, b := range []string{"\x1b", "[", "B"} {
		s.types(b)
		time.Sleep(escapeDelay / 10)
	}
	s.sees("> pr")
	s.types("\r")
	s.says("answer: 1 <nil>")
}

// The menu says that nothing matches, and what to do about it.
func TestPickNothing(t *testing.T) {
	s := start(t, "pick")
	s.sees(menuHead)
	s.types("xyz")
	s.sees(`no profile matches "xyz"`)
	s.types("\r")
	s.sees(`no profile matches "xyz": change that`)
	s.types("\x03")
	s.says("answer: 0 cancelled at the prompt")
}

// Ctrl-Z takes the menu off the screen, and fg shows it again with what was typed.
func TestPickStopAndContinue(t *testing.T) {
	s := start(t, "shell of a menu")
	s.sees(menuHead)
	s.types("te")
	s.sees("> test")
	for n := 1; n <= 2; n++ {
		s.types("\x1a")
		s.stdout.wait(t, "job stopped\n", n)
		s.screen.wait(t, "\r\x1b[J"+pasteOff, n)
		s.echoes(true)
		io.WriteString(s.stdin, "fg\n")
		s.screen.wait(t, pasteOn+menuHead+"te", n)
		s.echoes(false)
	}
	s.types("\r")
	s.says("answer: 2 <nil>\njob ended 0 <nil>")
}

// A new size shows the menu again, in the new width, and from where it began.
func TestPickResized(t *testing.T) {
	s := start(t, "pick")
	s.sees(menuHead)
	for _, c := range []struct {
		rows, columns uint16
		want          string
	}{
		{24, 30, "\x1b[1A\x1b[JProfile: \x1b[K"}, // the first line was wider than the window is
		{10, 100, "\x1b[J" + menuHead},
		{3, 10, "ofile: "},
		{24, 80, "\x1b[J" + menuHead},
	} {
		s.screen.text = ""
		if err := pty.Setsize(s.pty, &pty.Winsize{Rows: c.rows, Cols: c.columns}); err != nil {
			t.Fatal(err)
		}
		s.cmd.Process.Signal(syscall.SIGWINCH) // which the terminal sends to its foreground group only
		s.sees(c.want)
	}
	s.types("\r")
	s.says("answer: 0 <nil>")
}

// A window that changes while Ctrl-S stops the output is noticed after Ctrl-Q.
func TestPickResizedWhileStopped(t *testing.T) {
	s := start(t, "pick")
	s.sees(menuHead)
	s.types("\x13")
	s.types("te")
	time.Sleep(50 * time.Millisecond) // until it waits for the terminal; if not, the test is easier to pass
	if err := pty.Setsize(s.pty, &pty.Winsize{Rows: 24, Cols: 30}); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGWINCH)
	time.Sleep(50 * time.Millisecond)
	s.types("\x11")
	s.sees("Profile: te\x1b[K")
	s.types("\r")
	s.says("answer: 2 <nil>")
}

// A signal and a closed terminal end a menu, too.
func TestPickEndings(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		s := start(t, "pick")
		s.sees(menuHead)
		s.cmd.Process.Signal(signal)
		s.sees("\r\x1b[J" + pasteOff)
		s.says("answer: 0 cancelled at the prompt")
	}
	s := start(t, "pick")
	s.sees(menuHead)
	close(s.screen.enough)
	s.types("x")
	for range s.screen.chunks {
	}
	s.tty.Close()
	s.pty.Close()
	s.stdout.wait(t, "answer: 0 cancelled at the prompt", 1)
}

// What was typed after the answer is for the next program.
func TestPickLeavesTheRest(t *testing.T) {
	s := start(t, "pick, then ask")
	s.sees(menuHead)
	s.types("te\rjo\r")
	s.says(`answer: 2 "jo" <nil>`)
}

// Without escape sequences, or on a screen that is too small, choices are numbered, and
// a wrong answer is answered.
func TestPickNumber(t *testing.T) {
	t.Parallel()
	const list = "  1  dev            AKIA...MPLE\r\n  2  pr\\x1b[2J\\nod  dev > deploy\r\n  3  test\r\n"
	const ask = "Profile (a number, a name, or a part of one): "
	for _, c := range []struct{ name, keys, screen, answer string }{
		{"a number", "2\r", list + ask + "2\r\nProfile: pr\\x1b[2J\\nod\r\n", "1 <nil>"},
		{"a name", "test\r", list + ask + "test\r\n", "2 <nil>"},
		{"a wrong one", "9\rq\r\rte\r", ask + "9\r\nno profile matches \"9\"; type a number, a name, or a part of one\r\n" +
			ask + "q\r\nno profile matches \"q\"; type a number, a name, or a part of one\r\n" +
			ask + "\r\nType a number, a name, or a part of a name.\r\n" + ask + "te\r\n", "2 <nil>"},
		{"several", "d\x7fe\r1\r", "3 of 3 match \"e\":\r\n  1  dev", "0 <nil>"},
		{"Ctrl-C", "\x03", ask + "\r\n", "0 cancelled at the prompt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "pick plainly")
			s.sees(ask)
			s.types(c.keys)
			s.sees(c.screen)
			s.says("answer: " + c.answer)
			s.shows("\x1b")
		})
	}
}
