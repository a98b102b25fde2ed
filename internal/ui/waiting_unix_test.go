//go:build unix

package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/term"
)

// A screen is what somebody sees on a terminal.
type screen struct {
	t       *testing.T
	written chan string // to the terminal
	columns int
	lines   [][]rune
	column  int
	wrapped bool
}

// newScreen returns a Printer on a terminal, and what it looks like.
func newScreen(t *testing.T, columns int) (*Printer, *screen) {
	terminal, master, _ := openTerminal(t, uint16(columns))
	s := &screen{t: t, written: make(chan string), columns: columns, lines: [][]rune{nil}}
	go func() {
		buf := make([]byte, 4096)
		for n, err := 0, error(nil); err == nil; n, err = master.Read(buf) {
			s.written <- string(buf[:n])
		}
	}()
	return &Printer{Out: terminal, Err: terminal, Patience: time.Millisecond}, s
}

// put does what a terminal does with what is written to it.
func (s *screen) put(text string) {
	for _, r := range text {
		last := len(s.lines) - 1
		switch {
		case r == '\r':
			s.column = 0
		case r == '\n':
			s.lines = append(s.lines, nil)
		default:
			if s.column+term.Width(string(r)) > s.columns {
				s.lines, s.column, s.wrapped = append(s.lines, nil), 0, true
				last++
			}
			line := s.lines[last]
			for len(line) < s.column+term.Width(string(r)) {
				line = append(line, ' ')
			}
			line[s.column] = r
			for i := 1; i < term.Width(string(r)); i++ {
				line[s.column+i] = 0
			}
			s.lines[last], s.column = line, s.column+term.Width(string(r))
		}
	}
}

// text is all that the screen shows.
func (s *screen) text() string {
	var lines []string
	for _, line := range s.lines {
		lines = append(lines, strings.TrimRight(strings.ReplaceAll(string(line), "\x00", ""), " "))
	}
	return strings.Join(lines, "\n")
}

// shows waits until a text is all that is there.
func (s *screen) shows(want string) {
	s.t.Helper()
	for late := time.After(20 * time.Second); s.text() != want; {
		select {
		case text := <-s.written:
			s.put(text)
		case <-late:
			s.t.Fatalf("the screen shows %q, want %q", s.text(), want)
		}
	}
}

// What takes long is said on one line, which is gone when it is over.
func TestWaiting(t *testing.T) {
	p, s := newScreen(t, 80)
	p.Say("before")
	done := p.Waiting("waiting for %s ...", "A\x1b[2JWS")
	s.shows("before\n" + `fob: waiting for A\x1b[2JWS ...`)
	done()
	s.shows("before\n")
	done() // once more does no harm
	p.Say("after")
	s.shows("before\nafter\n")
}

// What does not take long is not said at all.
func TestWaitingShort(t *testing.T) {
	p, s := newScreen(t, 80)
	p.Patience = time.Hour
	p.Waiting("waiting for AWS ...")()
	p.Say("after")
	s.shows("after\n")
}

// Whatever else is written stands above the line, with nothing of it left over.
func TestWaitingAmongOthers(t *testing.T) {
	p, s := newScreen(t, 80)
	done := p.Waiting("waiting for a very long time ...")
	const line = "fob: waiting for a very long time ..."
	s.shows(line)
	p.Say("x")
	s.shows("x\n" + line)
	p.Print("y\n")
	s.shows("x\ny\n" + line)
	if err := p.JSON([]int{}); err != nil {
		t.Fatal(err)
	}
	s.shows("x\ny\n[]\n" + line)
	// A program's question stays where it is, and so does what comes before a line's end.
	io.WriteString(p.Foreign(), "Code? ")
	s.shows("x\ny\n[]\nCode?")
	p.Print("z")
	s.shows("x\ny\n[]\nCode? z")
	p.Say("")
	s.shows("x\ny\n[]\nCode? z\n" + line)
	done()
	s.shows("x\ny\n[]\nCode? z\n")
}

// Of several waits the youngest that takes long is shown.
func TestWaitingForSeveral(t *testing.T) {
	p, s := newScreen(t, 80)
	one := p.Waiting("one")
	s.shows("fob: one")
	two := p.Waiting("two")
	s.shows("fob: two")
	one()
	p.Say("x")
	s.shows("x\nfob: two")
	one = p.Waiting("one again")
	s.shows("x\nfob: one again")
	one()
	s.shows("x\nfob: two")
	two()
	s.shows("x\n")
}

// The line is not there while somebody asks, however many ask.
func TestWaitingSuspended(t *testing.T) {
	p, s := newScreen(t, 80)
	done := p.Waiting("one")
	s.shows("fob: one")
	resume := p.Suspend()
	s.shows("")
	again := p.Suspend()
	two := p.Waiting("two")
	time.Sleep(20 * time.Millisecond) // it is due, and not shown
	p.Say("x")
	s.shows("x\n")
	again()
	p.Say("y")
	s.shows("x\ny\n")
	resume()
	s.shows("x\ny\nfob: two")
	two()
	s.shows("x\ny\nfob: one")
	resume = p.Suspend()
	done()
	resume()
	p.Say("z")
	s.shows("x\ny\nz\n")
}

// A line that is longer than the terminal is wide could not be erased: it is cut. A ^C
// that the terminal shows behind it goes with it.
func TestWaitingNarrow(t *testing.T) {
	for columns, want := range map[int]string{
		80: "fob: waiting for fob exec (pid 4711, on pts/3): 東京東京東京東京東京東京東...",
		40: "fob: waiting for fob exec (pid 471...",
		20: "fob: waiting f...",
		5:  "..",
		3:  "",
		2:  "",
	} {
		p, s := newScreen(t, columns)
		done := p.Waiting("waiting for fob exec (pid 4711, on pts/3): %s", strings.Repeat("東京", 20))
		if want == "" {
			time.Sleep(20 * time.Millisecond)
		} else {
			s.shows(want)
			io.WriteString(p.Err, "^C")
			s.shows(want + "^C")
		}
		done()
		p.Say("x")
		s.shows("x\n")
		if s.wrapped {
			t.Errorf("%d columns: the line was wrapped", columns)
		}
	}
}

// Into a pipe or a file fob says nothing of what it waits for; with -v a line like any
// other, once, also on a terminal. With -q it is silent.
func TestWaitingElsewhere(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := &Printer{Out: w, Err: w, Patience: time.Millisecond, Verbose: verbose}
		done := p.Waiting("waiting for AWS ...")
		time.Sleep(20 * time.Millisecond)
		p.Say("x")
		done()
		w.Close()
		said, err := io.ReadAll(r)
		want := "x\n"
		if verbose {
			want = "fob: waiting for AWS ...\nx\n"
		}
		if err != nil || string(said) != want {
			t.Errorf("%q, %v, want %q", said, err, want)
		}
	}
	p, s := newScreen(t, 80)
	p.Verbose = true
	done := p.Waiting("waiting for AWS ...")
	s.shows("fob: waiting for AWS ...\n")
	p.Say("x")
	done()
	s.shows("fob: waiting for AWS ...\nx\n")

	p, s = newScreen(t, 80)
	p.Quiet = true
	done = p.Waiting("waiting for AWS ...")
	time.Sleep(20 * time.Millisecond)
	p.Error(errors.New("x"))
	done()
	s.shows("fob: error: x\n")
}

// The seconds until the next code are counted, and nothing is left of them.
func TestCountdown(t *testing.T) {
	p, s := newScreen(t, 80)
	done := make(chan error)
	go func() { done <- p.Countdown(t.Context(), 1200*time.Millisecond, "the next MFA code (mfa/jo)") }()
	for _, left := range []string{"2s", "1s"} {
		s.shows("fob: waiting for the next MFA code (mfa/jo): " + left)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.shows("")

	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { done <- p.Countdown(ctx, time.Hour, "the next MFA code (mfa/jo)") }()
	s.shows("fob: waiting for the next MFA code (mfa/jo): 1h")
	stopped := errors.New("stopped")
	cancel(stopped)
	if err := <-done; err != stopped {
		t.Error(err)
	}
	s.shows("")
}
