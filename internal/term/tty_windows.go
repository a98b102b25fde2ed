package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

type tty struct {
	in, out   windows.Handle
	name      string // of the console
	readInput *windows.LazyProc
}

// openTTY opens the console this process is attached to, if a person may be in front
// of it.
func openTTY() (*tty, error) {
	name, here := lookAtConsole()
	if !here.answered() {
		return nil, ErrNone
	}
	in, err := openConsole("CONIN$")
	if err != nil {
		return nil, err
	}
	out, err := openConsole("CONOUT$")
	if err != nil {
		windows.CloseHandle(in)
		return nil, err
	}
	return &tty{in, out, name, windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")}, nil
}

func openConsole(name string) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if errors.Is(err, windows.ERROR_INVALID_HANDLE) {
		return 0, ErrNone // not attached to a console
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %v", ErrNone, name, err)
	}
	return h, nil
}

func (t *tty) close() error {
	windows.CloseHandle(t.in)
	return windows.CloseHandle(t.out)
}

func (t *tty) place() string { return t.name }

func (t *tty) lend(use func() error) error {
	var before uint32
	if err := windows.GetConsoleMode(t.in, &before); err != nil {
		return fmt.Errorf("%w: %v", ErrNone, err)
	}
	defer windows.SetConsoleMode(t.in, before)
	return use()
}

// question is a question being asked.
type question struct {
	*tty
	ctx     context.Context
	before  uint32 // the mode before the question
	signals chan os.Signal
	high    rune   // the first half of a surrogate pair
	typed   []byte // the unread bytes of the last character
	// hide is for systems that stop programs.
	hide func() error
	// rows and columns are the size that changes are noticed of; 0 for none.
	rows, columns int
}

func (t *tty) begin(ctx context.Context) (*question, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	q := &question{tty: t, ctx: ctx, signals: make(chan os.Signal, 8)}
	if err := windows.GetConsoleMode(t.in, &q.before); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNone, err)
	}
	// Ctrl-C, Ctrl-Break and the closing of the window. The console still handles
	// Ctrl-C, and notifies every process attached to it.
	signal.Notify(q.signals, os.Interrupt, syscall.SIGTERM)
	during := q.before &^ (windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_VIRTUAL_TERMINAL_INPUT)
	if err := windows.SetConsoleMode(t.in, during|windows.ENABLE_PROCESSED_INPUT); err != nil {
		signal.Stop(q.signals)
		return nil, fmt.Errorf("%w: %v", ErrNone, err)
	}
	return q, nil
}

func (q *question) end() {
	// If this fails, the console is gone.
	_ = windows.SetConsoleMode(q.in, q.before)
	signal.Stop(q.signals)
}

func (q *question) write(s string) error {
	for text := utf16.Encode([]rune(s)); len(text) > 0; {
		var n uint32
		if err := windows.WriteConsole(q.out, &text[0], uint32(len(text)), &n, nil); err != nil || n == 0 {
			return ErrCancelled // the window is closed
		}
		text = text[n:]
	}
	return nil
}

// next returns the next byte typed, in UTF-8.
func (q *question) next() (byte, error) {
	for len(q.typed) == 0 {
		if _, err := q.within(time.Hour); err != nil {
			return 0, err
		}
	}
	b := q.typed[0]
	q.typed = q.typed[1:]
	return b, nil
}

// within reports whether something is typed in the next moments. A read of the console
// cannot be cancelled, and a pending one would take the input of the next program. So
// it reads one input record at a time, and only when there is one.
func (q *question) within(d time.Duration) (bool, error) {
	const tick = 50 * time.Millisecond // how late it notices that the context ended
	for end := time.Now().Add(d); len(q.typed) == 0; {
		select {
		case <-q.signals:
			return false, ErrCancelled
		case <-q.ctx.Done():
			return false, context.Cause(q.ctx)
		default:
		}
		if q.resized() {
			return false, errResized
		}
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		event, err := windows.WaitForSingleObject(q.in, uint32(min(left, tick).Milliseconds()))
		if err != nil {
			return false, ErrCancelled // the window is closed
		}
		if event != windows.WAIT_OBJECT_0 {
			continue
		}
		if err := q.readRecord(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// resized reports whether the window's size has changed, if that matters.
func (q *question) resized() bool {
	if q.rows == 0 {
		return false
	}
	rows, columns := q.size()
	changed := rows != q.rows || columns != q.columns
	q.rows, q.columns = rows, columns
	return changed
}

// size is how many rows and columns the window has.
func (t *tty) size() (rows, columns int) {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(t.out, &info) != nil {
		return 24, 80
	}
	return int(info.Window.Bottom-info.Window.Top) + 1, int(info.Window.Right-info.Window.Left) + 1
}

// menuMode has the console send escape sequences for keys, and take them for output. ok
// is false on a console that is too old for that. The end of the question undoes the
// first.
func (q *question) menuMode() (leave func(), ok bool) {
	before, err := turnOnEscapes(q.out)
	if err != nil {
		return nil, false
	}
	leave = func() { _ = windows.SetConsoleMode(q.out, before) } // if this fails, the console is gone
	var mode uint32
	if windows.GetConsoleMode(q.in, &mode) != nil ||
		windows.SetConsoleMode(q.in, mode|windows.ENABLE_VIRTUAL_TERMINAL_INPUT) != nil {
		leave()
		return nil, false
	}
	q.rows, q.columns = q.size()
	return leave, true
}

// inputRecord is INPUT_RECORD with its KEY_EVENT_RECORD.
type inputRecord struct {
	eventType uint16
	_         uint16
	keyDown   int32
	repeat    uint16
	key       uint16
	scanCode  uint16
	char      uint16
	state     uint32
}

// readRecord reads one input record and adds its character to q.typed.
func (q *question) readRecord() error {
	const keyEvent, alt = 1, 0x12
	var r inputRecord
	var n uint32
	ok, _, _ := q.readInput.Call(uintptr(q.in), uintptr(unsafe.Pointer(&r)), 1, uintptr(unsafe.Pointer(&n)))
	if ok == 0 || n == 0 {
		return ErrCancelled // the window is closed
	}
	// A character composed on the number pad arrives when Alt is released.
	if r.eventType != keyEvent || r.char == 0 || r.keyDown == 0 && r.key != alt {
		return nil
	}
	char := rune(r.char)
	if utf16.IsSurrogate(char) {
		if q.high == 0 {
			q.high = char
			return nil
		}
		char, q.high = utf16.DecodeRune(q.high, char), 0
	}
	if char == 'Z'-'@' {
		char = 'D' - '@' // on Windows, Ctrl-Z is the end of input
	}
	for range max(r.repeat, 1) {
		q.typed = utf8.AppendRune(q.typed, char)
	}
	return nil
}

// Foreground reports whether f is a console. Consoles have no background.
func Foreground(f *os.File) bool { return IsTerminal(f) }

// Escapes reports whether f is a console that knows escape sequences, which it ignores
// until they are turned on. They stay on: a console has one mode for all its programs,
// and one that fob runs may rely on it meanwhile.
func Escapes(f *os.File) bool {
	_, err := turnOnEscapes(windows.Handle(f.Fd()))
	return err == nil
}

// escapes turns on escape sequences for a while.
func (t *tty) escapes() (restore func()) {
	before, err := turnOnEscapes(t.out)
	if err != nil {
		return func() {}
	}
	return func() { _ = windows.SetConsoleMode(t.out, before) } // if this fails, the console is gone
}

func turnOnEscapes(console windows.Handle) (before uint32, err error) {
	if err := windows.GetConsoleMode(console, &before); err != nil {
		return 0, err
	}
	return before, windows.SetConsoleMode(console, before|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
}
