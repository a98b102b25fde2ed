//go:build unix

package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

type tty struct {
	fd int
}

// openTTY opens /dev/tty, for this process alone: the file is not the one that
// stdin may be, so making it non-blocking disturbs nobody. Nothing here waits
// in the kernel but select. Go's own poller cannot be used: kqueue, like
// macOS's poll, refuses /dev/tty; select works on both.
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

// place names the terminal by its session, of which it is the only one: its path
// cannot be had from /dev/tty on every system.
func (t *tty) place() string {
	session, err := unix.Getsid(0)
	if err != nil {
		return "terminal" // cannot be: it is our own
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
		// Whoever took the terminal back meanwhile has set a mode of its own.
		if t.foreground() == nil {
			_ = unix.IoctlSetTermios(t.fd, setMode, before) // there is nobody to tell
		}
	}()
	return use()
}

// question is the time in which the terminal is ours: echo and line editing are
// off, and the signals that would leave it so are caught.
type question struct {
	*tty
	ctx     context.Context
	before  unix.Termios // the mode we found
	during  unix.Termios // the mode we set
	events  *os.File     // signal numbers, one a byte; ends with the context
	signals chan os.Signal
	done    chan struct{}
}

func (t *tty) begin(ctx context.Context) (*question, error) {
	if err := ctx.Err(); err != nil {
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

// relay turns what Go waits for into what select waits for.
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

// setMode turns echo and line editing off. Ctrl-C stays with the kernel, which
// sends the signal to the whole foreground group: the SDK or the script that
// started us has to hear of it too. Ctrl-Z is ours: os/signal keeps its handler
// for SIGTSTP after Stop, so a program that once caught it never stops again.
func (q *question) setMode() error {
	mode, err := unix.IoctlGetTermios(q.fd, getMode)
	if err != nil {
		return err
	}
	if sameMode(mode, &q.during) {
		return nil // stopped and continued, and nobody touched it
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

// restoreMode puts back the mode we found, unless somebody set another since: a
// shell that took the terminal back while we were stopped, or because our
// parent died, has its own.
func (q *question) restoreMode() {
	mode, err := unix.IoctlGetTermios(q.fd, getMode)
	if err != nil || !sameMode(mode, &q.during) {
		return
	}
	if q.foreground() == ErrBackground {
		// Our parent died of the same Ctrl-C, and its shell was faster. Putting
		// the mode back would stop us. Ignore cannot be undone
		// (golang.org/issue/46321), but this process is about to end.
		signal.Ignore(unix.SIGTTOU)
	}
	// There is nobody to tell if it fails: the terminal is gone.
	_ = unix.IoctlSetTermios(q.fd, setMode, &q.before)
}

func sameMode(a, b *unix.Termios) bool {
	// PENDIN is the kernel's own: macOS sets it when line editing comes back on.
	return a.Iflag == b.Iflag && a.Oflag == b.Oflag && a.Cflag == b.Cflag &&
		a.Lflag&^unix.PENDIN == b.Lflag&^unix.PENDIN && a.Cc == b.Cc
}

// next returns the next byte typed. It reads one at a time, so that what was
// typed after the line is left to whoever reads next.
func (q *question) next() (byte, error) {
	for {
		if err := q.wait(q.fd, false); err != nil {
			return 0, err
		}
		// A shell that took the terminal back reads too, and we would be stopped.
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

// write prints s. After Ctrl-S it waits, like a read.
func (q *question) write(s string) error {
	for len(s) > 0 {
		n, err := unix.Write(q.fd, []byte(s))
		switch {
		case n > 0:
			s = s[n:]
		case err == unix.EAGAIN:
			if err := q.wait(q.fd, true); err != nil && err != errResumed {
				return err
			}
		case err != unix.EINTR:
			return ErrCancelled // hung up
		}
	}
	return nil
}

// wait returns nil when fd can be read, or written, and otherwise why the wait
// is over: errResumed, ErrCancelled, ErrBackground or the context's error.
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

// poll is select(2) with the pipe of events added to r; it reports whether
// there is an event.
func (q *question) poll(r, w *unix.FdSet, timeout *unix.Timeval) (event bool, err error) {
	events := int(q.events.Fd())
	r.Set(events)
	_, err = unix.Select(max(q.fd, events)+1, r, w, nil, timeout)
	return err == nil && r.IsSet(events), err
}

// event takes one event; it waits if there is none.
func (q *question) event() error {
	var b [1]byte
	if n, _ := q.events.Read(b[:]); n == 0 {
		return q.ctx.Err()
	}
	if syscall.Signal(b[0]) == unix.SIGCONT {
		return q.resume()
	}
	return ErrCancelled
}

// isSuspend reports whether b is the user's Ctrl-Z.
func (q *question) isSuspend(b byte) bool {
	return b == q.before.Cc[unix.VSUSP] && b != noKey && q.before.Lflag&unix.ISIG != 0
}

// suspend does what the kernel does at Ctrl-Z, with the terminal as we found it.
func (q *question) suspend() error {
	q.restoreMode()
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return os.NewSyscallError("kill", err)
	}
	// The stop comes when the kernel finds the time, and SIGCONT says that it
	// came and went. Both never come to a group without a shell that could
	// continue it, so the wait ends after a second. It is counted in slices,
	// because the clock runs on while we are stopped.
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

// resume takes the terminal again after a stop.
func (q *question) resume() error {
	if err := q.foreground(); err != nil {
		return err // continued with bg
	}
	if err := q.setMode(); err != nil {
		return ErrCancelled // hung up
	}
	return errResumed
}

// escapes: every terminal here knows escape sequences.
func (t *tty) escapes() (restore func()) { return func() {} }
