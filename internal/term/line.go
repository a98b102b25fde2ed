package term

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// line is a line while it is typed.
type line struct {
	text    []byte
	pending []byte // the first bytes of an incomplete character
	long    bool   // more than maxLine was typed, and the rest was dropped
}

// read lets a person edit the line until Enter. typed says how the screen shows the
// line meanwhile.
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
	more  key = iota // the line is not complete yet
	enter            // the line is complete
	end              // Ctrl-D on an empty line
)

// feed takes one byte typed.
func (l *line) feed(b byte) key {
	l.pending = append(l.pending, b)
	for utf8.FullRune(l.pending) {
		// A byte that is not UTF-8 counts as a character.
		_, n := utf8.DecodeRune(l.pending)
		char := l.pending[:n]
		l.pending = l.pending[n:]
		if k := l.char(char); k != more {
			return k
		}
	}
	return more
}

// char takes one character typed. The editing keys are the usual ones of terminals.
// As in the kernel's line editor, they cannot be part of a line.
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
		// As in the kernel, only blanks separate words.
		words := strings.TrimRight(string(l.text), " \t")
		l.text = l.text[:strings.LastIndexAny(words, " \t")+1]
	case 'U' - '@':
		l.text, l.long = l.text[:0], false
	default:
		if len(l.text)+len(char) > maxLine {
			l.long = true
			break
		}
		l.text = append(l.text, char...)
	}
	return more
}

// redraw returns the output that changes the screen from before to after. Like the
// kernel, it treats every character as one column wide.
func redraw(before, after string) string {
	if added, ok := strings.CutPrefix(after, before); ok {
		return added // the usual case, which must be quick for a long paste
	}
	old, text := []rune(before), []rune(after)
	same := 0
	for same < len(old) && same < len(text) && old[same] == text[same] {
		same++
	}
	return strings.Repeat("\b \b", len(old)-same) + string(text[same:])
}
