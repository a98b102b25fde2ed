//go:build unix

package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type tty struct {
	fd int
}

// Service reports whether this process has a desktop that nobody sees. Only Windows
// has such desktops.
func Service() bool { return false }

// openTTY opens /dev/tty for this process alone. Stdin is another open file even if
// it is the same terminal, so making this one non-blocking affects no other process.
// Only select waits in the kernel. Go's own poller cannot be used, because kqueue
// and macOS's poll refuse /dev/tty; select works everywhere.
func openTTY() (*tty, error) {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == unix.ENXIO {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("%w: /dev/tty: %v", ErrNone, err)
	}
	t := &tty{fd}
	if err := t.foreground(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *tty) close() error { return unix.Close(t.fd) }

func (t *tty) foreground() error {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrNone, err) // hung up
	}
	if group != unix.Getpgrp() {
		return ErrBackground
	}
	return nil
}

// place names the terminal by its session, which has only this terminal. Not every
// system can tell the path of the terminal behind /dev/tty.
func (t *tty) place() string {
	session, err := unix.Getsid(0)
	if err != nil {
		return "terminal" // does not happen for our own session
	}
	return "terminal-" + strconv.Itoa(session)
}

func (t *tty) lend(use func() error) error {
	if err := t.foreground(); err != nil {
		return err
	}
	before, err := unix.IoctlGetTermios(t.fd, getMode)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrNone, err)
	}
	defer func() {
		// A shell that took the terminal back meanwhile has set its own mode.
		if t.foreground() == nil {
			_ = unix.IoctlSetTermios(t.fd, setMode, before) // if this fails, the terminal is gone
		}
	}()
	return use()
}

// question is a question being asked. Until it ends, echo and line editing are off,
// and the signals that would leave the terminal in that state are caught.
type question struct {
	*tty
	ctx     context.Context
	before  unix.Termios // the mode before the question
	during  unix.Termios // the mode during the question
	hide    func() error // takes what is drawn off the screen before a stop; nil for nothing
	missed  error        // errResumed or errResized, which happened during a write
	events  *os.File     // signal numbers, one per byte; at its end when the context ends
	signals chan os.Signal
	done    chan struct{}
}

func (t *tty) begin(ctx context.Context) (*question, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := t.foreground(); err != nil {
		return nil, err
	}
	events, relay, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if max(t.fd, int(events.Fd())) >= unix.FD_SETSIZE {
		events.Close()
		relay.Close()
		return nil, fmt.Errorf("%w: more than %d open files", ErrNone, unix.FD_SETSIZE)
	}
	q := &question{tty: t, ctx: ctx, events: events, signals: make(chan os.Signal, 8), done: make(chan struct{})}
	signal.Notify(q.signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGCONT)
	go q.relay(relay)
	if err := q.setMode(); err != nil {
		q.end()
		return nil, fmt.Errorf("%w: %v", ErrNone, err)
	}
	return q, nil
}

// relay writes Go's signals to the pipe that select watches, and closes it when the
// context ends.
func (q *question) relay(w *os.File) {
	defer w.Close()
	for {
		var s os.Signal
		select {
		case s = <-q.signals:
		case <-q.ctx.Done():
			return
		case <-q.done:
			return
		}
		if _, err := w.Write([]byte{byte(s.(syscall.Signal))}); err != nil {
			return // the question is over
		}
	}
}

func (q *question) end() {
	q.restoreMode()
	signal.Stop(q.signals)
	close(q.done)
	q.events.Close()
}

// setMode turns echo and line editing off. The kernel still handles Ctrl-C, because
// it sends the signal to the whole foreground group, so also to the SDK or script
// that started fob. fob handles Ctrl-Z itself: os/signal keeps its handler for
// SIGTSTP after Stop, so a program that once caught it could never be stopped again.
func (q *question) setMode() error {
	mode, err := unix.IoctlGetTermios(q.fd, getMode)
	if err != nil {
		return err
	}
	if sameMode(mode, &q.during) {
		return nil // after a stop during which the mode did not change
	}
	q.before, q.during = *mode, *mode
	// Without IEXTEN, Ctrl-V and macOS's Ctrl-O and Ctrl-Y have no meaning.
	q.during.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
	q.during.Lflag |= unix.ISIG
	q.during.Iflag |= unix.ICRNL
	q.during.Cc[unix.VMIN], q.during.Cc[unix.VTIME] = 1, 0
	q.during.Cc[unix.VSUSP] = noKey
	return unix.IoctlSetTermios(q.fd, setMode, &q.during)
}

// restoreMode sets the mode from before the question, unless another process has
// changed it: a shell that took the terminal back while fob was stopped, or because
// fob's parent died, has set its own.
func (q *question) restoreMode() {
	mode, err := unix.IoctlGetTermios(q.fd, getMode)
	if err != nil || !sameMode(mode, &q.during) {
		return
	}
	if q.foreground() == ErrBackground {
		// The same Ctrl-C ended fob's parent, and its shell has already taken the
		// terminal back. Setting the mode would stop fob. Ignore cannot be undone
		// (golang.org/issue/46321), but this process is about to end.
		signal.Ignore(unix.SIGTTOU)
	}
	// If this fails, the terminal is gone.
	_ = unix.IoctlSetTermios(q.fd, setMode, &q.before)
}

func sameMode(a, b *unix.Termios) bool {
	// The kernel changes PENDIN itself: macOS sets it when line editing is turned on.
	return a.Iflag == b.Iflag && a.Oflag == b.Oflag && a.Cflag == b.Cflag &&
		a.Lflag&^unix.PENDIN == b.Lflag&^unix.PENDIN && a.Cc == b.Cc
}

// next returns the next byte typed. It reads one byte at a time, so that the next
// program gets the input after the line.
func (q *question) next() (byte, error) {
	for {
		if err := q.missed; err != nil {
			q.missed = nil
			return 0, err
		}
		if err := q.wait(q.fd, false); err != nil {
			return 0, err
		}
		// If a shell has taken the terminal back, reading would stop fob.
		if err := q.foreground(); err == ErrBackground {
			return 0, err
		}
		var b [1]byte
		n, err := unix.Read(q.fd, b[:])
		switch {
		case n == 1 && q.isSuspend(b[0]):
			return 0, q.suspend()
		case n == 1:
			return b[0], nil
		case err != unix.EAGAIN && err != unix.EINTR:
			return 0, ErrCancelled // the end of input, or EIO: hung up
		}
	}
}

// write prints s. After Ctrl-S it waits, and can be interrupted like a read.
func (q *question) write(s string) error {
	for len(s) > 0 {
		n, err := unix.Write(q.fd, []byte(s))
		switch {
		case n > 0:
			s = s[n:]
		case err == unix.EAGAIN:
			switch err := q.wait(q.fd, true); err {
			case nil:
			case errResumed, errResized:
				q.missed = err
			default:
				return err
			}
		case err != unix.EINTR:
			return ErrCancelled // hung up
		}
	}
	return nil
}

// wait waits until fd can be read, or written. Its errors are errResumed,
// ErrCancelled, ErrBackground and the context's error.
func (q *question) wait(fd int, write bool) error {
	for {
		var r, w unix.FdSet
		if write {
			w.Set(fd)
		} else {
			r.Set(fd)
		}
		event, err := q.poll(&r, &w, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("select", err)
		case event:
			return q.event()
		default:
			return nil
		}
	}
}

// within reports whether something is typed in the next moments. Its errors are those
// of wait.
func (q *question) within(d time.Duration) (bool, error) {
	for {
		var r unix.FdSet
		r.Set(q.fd)
		timeout := unix.NsecToTimeval(d.Nanoseconds())
		event, err := q.poll(&r, nil, &timeout)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return false, os.NewSyscallError("select", err)
		case event:
			return false, q.event()
		default:
			return r.IsSet(q.fd), nil
		}
	}
}

// poll is select(2) with the pipe of events added to r. It reports whether there is
// an event.
func (q *question) poll(r, w *unix.FdSet, timeout *unix.Timeval) (event bool, err error) {
	events := int(q.events.Fd())
	r.Set(events)
	_, err = unix.Select(max(q.fd, events)+1, r, w, nil, timeout)
	return err == nil && r.IsSet(events), err
}

// event handles the next event, and waits for one if there is none.
func (q *question) event() error {
	var b [1]byte
	if n, _ := q.events.Read(b[:]); n == 0 {
		return context.Cause(q.ctx)
	}
	switch syscall.Signal(b[0]) {
	case unix.SIGCONT:
		return q.resume()
	case unix.SIGWINCH:
		return errResized
	}
	return ErrCancelled
}

// isSuspend reports whether b is the key that stops a program, usually Ctrl-Z.
func (q *question) isSuspend(b byte) bool {
	return b == q.before.Cc[unix.VSUSP] && b != noKey && q.before.Lflag&unix.ISIG != 0
}

// suspend stops fob as the kernel does at Ctrl-Z, after it has restored the
// terminal's mode.
func (q *question) suspend() error {
	if q.hide != nil {
		if err := q.hide(); err != nil {
			return err
		}
	}
	q.restoreMode()
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return os.NewSyscallError("kill", err)
	}
	// The kernel stops fob a moment later, and SIGCONT tells that fob was stopped and
	// continued. In a group without a shell that could continue it, neither happens,
	// so the wait ends after a second. It is counted in slices, because the clock
	// does not stop while fob is stopped.
	for slices := 0; slices < 10; {
		var r unix.FdSet
		event, err := q.poll(&r, nil, &unix.Timeval{Usec: 100_000})
		switch {
		case event:
			return q.event()
		case err == nil:
			slices++
		case err != unix.EINTR:
			return os.NewSyscallError("select", err)
		}
	}
	return q.resume()
}

// resume takes the terminal back after a stop.
func (q *question) resume() error {
	if err := q.foreground(); err == ErrBackground {
		return err // continued with bg
	}
	if err := q.setMode(); err != nil {
		return ErrCancelled // hung up, of which SIGCONT may be the first to tell
	}
	return errResumed
}

// Escapes reports whether f is a terminal that knows escape sequences.
func Escapes(f *os.File) bool { return IsTerminal(f) }

// size is how many rows and columns the terminal has. One that does not know, such as
// a serial line, counts as a small one.
func (t *tty) size() (rows, columns int) {
	size, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil || size.Row == 0 || size.Col == 0 {
		return 24, 80
	}
	return int(size.Row), int(size.Col)
}

// menuMode makes the question notice when the size of the terminal changes.
func (q *question) menuMode() (leave func(), ok bool) {
	signal.Notify(q.signals, unix.SIGWINCH)
	return func() {}, true // the end of the question stops the signals
}

// Foreground reports whether f is a terminal, and not one whose foreground belongs to
// others: there, a shell's prompt is on the last line.
func Foreground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return IsTerminal(f) // one that does not control this process
	}
	return group == unix.Getpgrp()
}

// escapes does nothing, because every terminal on Unix knows escape sequences.
func (t *tty) escapes() (restore func()) { return func() {} }
