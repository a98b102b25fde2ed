package term

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// action is what a key does in a menu.
type action int

const (
	nothingYet action = iota // the key is not complete, or has no meaning
	insert                   // text
	deleteChar
	deleteWord
	deleteAll
	moveUp
	moveDown
	pageUp
	pageDown
	moveFirst
	moveLast
	accept
	cancel
	endOfInput // Ctrl-D
	redrawAll  // Ctrl-L
)

const (
	escape = 0x1b

	// escapeDelay is how long the rest of a sequence may take. The Escape key sends the
	// first byte of what an arrow key sends, and over a slow network the others may
	// come later.
	escapeDelay = 100 * time.Millisecond
	// pasteDelay is how long a paste may pause. A paste whose end is lost must not
	// make every later Enter a part of it.
	pasteDelay = time.Second
	// maxSequence is the length of the longest sequence that is a key, in bytes. What
	// is longer is the answer to another program's question.
	maxSequence = 32
)

// keys tells keys from the bytes that a terminal sends for them, one at a time.
type keys struct {
	begun   []byte // of a character or an escape sequence
	pasting bool   // between the marks of a bracketed paste
}

// patience is how long to wait for the next byte; 0 for as long as it takes.
func (k *keys) patience() time.Duration {
	switch {
	case len(k.begun) > 0 && k.begun[0] == escape:
		return escapeDelay
	case k.pasting:
		return pasteDelay
	}
	return 0
}

// late ends what is incomplete. An escape byte alone is the Escape key.
func (k *keys) late() action {
	alone := len(k.begun) == 1 && k.begun[0] == escape
	if len(k.begun) == 0 {
		k.pasting = false
	}
	k.begun = k.begun[:0]
	if alone && !k.pasting {
		return cancel
	}
	return nothingYet
}

// feed takes one byte. text is what insert inserts, which is printable.
func (k *keys) feed(b byte) (a action, text string) {
	k.begun = append(k.begun, b)
	if k.begun[0] == escape {
		if !k.sequenceEnds() {
			return nothingYet, ""
		}
		sequence := string(k.begun)
		k.begun = k.begun[:0]
		return k.sequence(sequence), ""
	}
	if !utf8.FullRune(k.begun) {
		return nothingYet, ""
	}
	r, n := utf8.DecodeRune(k.begun)
	whole := n == len(k.begun)
	k.begun = k.begun[:0]
	switch {
	case !whole: // the start of another character cut this one short
		return k.feed(b)
	case r == utf8.RuneError && n == 1:
		return nothingYet, ""
	}
	return k.char(r)
}

func (k *keys) char(r rune) (a action, text string) {
	switch {
	case k.pasting && (r == '\r' || r == '\n' || r == '\t'):
		return insert, " "
	case unicode.IsPrint(r):
		return insert, string(r)
	case k.pasting:
		return nothingYet, ""
	}
	return controlKey(r), ""
}

func controlKey(r rune) action {
	switch r {
	case '\r', '\n':
		return accept
	case '\b', 0x7f:
		return deleteChar
	case 'W' - '@':
		return deleteWord
	case 'U' - '@':
		return deleteAll
	case 'P' - '@':
		return moveUp
	case 'N' - '@', '\t':
		return moveDown
	case 'D' - '@':
		return endOfInput
	case 'L' - '@':
		return redrawAll
	}
	return nothingYet
}

// sequenceEnds reports whether the escape sequence is complete, or cannot be one.
func (k *keys) sequenceEnds() bool {
	n, last := len(k.begun), k.begun[len(k.begun)-1]
	if n == 1 {
		return false
	}
	switch k.begun[1] {
	case escape: // Alt with an arrow key, on some terminals
		k.begun = k.begun[:1]
		return false
	case '[':
		if n > 2 && k.begun[2] == '[' { // a function key of Linux's console
			return n == 4
		}
		return n > 2 && (last < ' ' || last >= '@') || n > maxSequence
	case 'O':
		return n == 3
	case ']', 'P', 'X', '^', '_': // a text, up to BEL or ESC \
		if n > maxSequence {
			k.begun = append(k.begun[:2], k.begun[n-1])
		}
		return last == '\a' || n > 2 && last == '\\' && k.begun[len(k.begun)-2] == escape
	}
	return true
}

// sequence is the meaning of an escape sequence.
func (k *keys) sequence(s string) action {
	switch {
	case s == "\x1b[200~":
		k.pasting = true
		return nothingYet
	case s == "\x1b[201~":
		k.pasting = false
		return nothingYet
	case k.pasting:
		return nothingYet
	case s == "\x1b\x7f", s == "\x1b\b":
		return deleteWord
	case len(s) < 3 || s[2] == '[' || s[1] != '[' && s[1] != 'O':
		return nothingYet
	}
	if number, ok := strings.CutSuffix(s[2:], "~"); ok {
		number, _, _ = strings.Cut(number, ";") // a modifier follows
		return numberedKey(number)
	}
	return letterKey(s[len(s)-1])
}

// numberedKey is a key of the VT220 and rxvt, by the number in \x1b[5~.
func numberedKey(number string) action {
	switch number {
	case "1", "7":
		return moveFirst
	case "4", "8":
		return moveLast
	case "5":
		return pageUp
	case "6":
		return pageDown
	}
	return nothingYet
}

// letterKey is a key of xterm, by the letter at the end of \x1b[A, \x1b[1;5A or \x1bOA.
func letterKey(letter byte) action {
	switch letter {
	case 'A', 'Z': // Z is Tab with Shift
		return moveUp
	case 'B':
		return moveDown
	case 'H':
		return moveFirst
	case 'F':
		return moveLast
	case 'M':
		return accept // of the number pad
	}
	return nothingYet
}
