package term

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// line is the line being typed.
type line struct {
	text    []byte
	pending []byte // the first bytes of a character whose last ones are not here yet
	long    bool   // more was typed than MaxLine, and dropped
}

// read lets a person edit the line until Enter, keeping the screen up to date
// with what typed shows of it.
func (l *line) read(q *question, prompt string, typed func(string) string) error {
	shown := typed("")
	for {
		b, err := q.next()
		if errors.Is(err, errResumed) {
			err = q.write("\r" + prompt + shown)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		key := l.feed(b)
		before := shown
		shown = typed(string(l.text))
		if err := q.write(redraw(before, shown)); err != nil {
			return err
		}
		switch key {
		case enter:
			return nil
		case end:
			return ErrCancelled
		}
	}
}

type key int

const (
	more  key = iota // the line goes on
	enter            // it is complete
	end              // Ctrl-D on an empty line
)

// feed takes one byte typed.
func (l *line) feed(b byte) key {
	l.pending = append(l.pending, b)
	for utf8.FullRune(l.pending) {
		// A byte that is no UTF-8 counts as a character of its own.
		_, n := utf8.DecodeRune(l.pending)
		char := l.pending[:n]
		l.pending = l.pending[n:]
		if k := l.char(char); k != more {
			return k
		}
	}
	return more
}

// char takes one character typed. The editing keys are those of every
// terminal; as in the kernel's own line editor they cannot be part of a line.
func (l *line) char(char []byte) key {
	switch char[0] {
	case '\r', '\n':
		return enter
	case 'D' - '@':
		if len(l.text) == 0 {
			return end
		}
	case '\b', 0x7f:
		_, n := utf8.DecodeLastRune(l.text)
		l.text = l.text[:len(l.text)-n]
	case 'W' - '@':
		// Words are separated by blanks, as the kernel sees them.
		words := strings.TrimRight(string(l.text), " \t")
		l.text = l.text[:strings.LastIndexAny(words, " \t")+1]
	case 'U' - '@':
		l.text, l.long = l.text[:0], false
	default:
		if len(l.text)+len(char) > MaxLine {
			l.long = true
			break
		}
		l.text = append(l.text, char...)
	}
	return more
}

// redraw returns what to print after before so that the screen shows after.
// It takes every character for one column wide, as the kernel does.
func redraw(before, after string) string {
	if added, ok := strings.CutPrefix(after, before); ok {
		return added // nearly always, and a long paste is quick
	}
	old, text := []rune(before), []rune(after)
	same := 0
	for same < len(old) && same < len(text) && old[same] == text[same] {
		same++
	}
	return strings.Repeat("\b \b", len(old)-same) + string(text[same:])
}
