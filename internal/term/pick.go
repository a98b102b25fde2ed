package term

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// errPlain means that the terminal cannot show a menu that changes.
var errPlain = errors.New("no escape sequences")

// Bracketed paste marks what is pasted, so that its line breaks do not answer the
// menu, with the rest of it typed into the shell that fob may start.
const (
	pasteOn  = "\x1b[?2004h"
	pasteOff = "\x1b[?2004l"
)

// Pick has a person pick one of the choices, and returns its index. The list is drawn
// below the cursor and is erased at the end, so that the screen and its scrollback
// show only what was picked. Where that cannot be drawn, the choices are numbered.
func (t *Terminal) Pick(ctx context.Context, choices Menu) (int, error) {
	m := newMenu(choices)
	if m.Plain {
		return t.pickNumber(ctx, m)
	}
	i, err := t.pick(ctx, m)
	if err == errPlain {
		return t.pickNumber(ctx, m)
	}
	return i, err
}

func (t *Terminal) pick(ctx context.Context, m *menu) (int, error) {
	q, end, err := t.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	if rows, columns := t.tty.size(); rows < 4 || columns < 20 {
		return 0, errPlain
	}
	leave, ok := q.menuMode()
	if !ok {
		return 0, errPlain
	}
	defer leave()
	d := &drawing{q: q, menu: m}
	q.hide = d.erase // the shell that stops fob prints where the menu is
	err = d.run()
	if errors.Is(err, ErrBackground) {
		return 0, err // writing would stop fob
	}
	if problem := d.erase(); err == nil {
		err = problem
	}
	if err != nil {
		return 0, err
	}
	picked := m.found[m.selected]
	return picked, q.write(m.title() + ": " + m.Choices[picked].Name + "\n")
}

// drawing is a menu on the screen. The cursor is always in its first line: then a
// terminal whose window becomes smaller moves or drops only lines of the menu.
type drawing struct {
	q      *question
	menu   *menu
	column int // of the cursor
}

// run shows the menu until a choice is picked.
func (d *drawing) run() error {
	if err := d.draw(pasteOn); err != nil {
		return err
	}
	var typed keys
	for {
		a, text, err := d.next(&typed)
		switch {
		case errors.Is(err, errResumed):
			typed = keys{}
			err = d.draw(pasteOn)
		case errors.Is(err, errResized):
			err = d.draw(d.wrapped() + "\x1b[J")
		case err != nil:
		case a == nothingYet:
		case a == cancel, a == endOfInput && d.menu.query == "":
			return ErrCancelled
		case a == redrawAll:
			err = d.draw("\x1b[J")
		case d.menu.press(a, text):
			return nil
		default:
			err = d.draw("")
		}
		if err != nil {
			return err
		}
	}
}

// next is the next key, or nothingYet.
func (d *drawing) next(typed *keys) (a action, text string, err error) {
	if patience := typed.patience(); patience > 0 {
		soon, err := d.q.within(patience)
		if err != nil || !soon {
			return typed.late(), "", err
		}
	}
	b, err := d.q.next()
	if err != nil {
		return nothingYet, "", err
	}
	a, text = typed.feed(b)
	return a, text, nil
}

// draw draws the menu where it was; first is written before it.
func (d *drawing) draw(first string) error {
	var text strings.Builder
	rows, columns := d.q.size()
	lines, cursor := d.menu.view(rows, columns)
	text.WriteString("\r" + first)
	for i, line := range lines {
		if i > 0 {
			text.WriteString("\r\n")
		}
		text.WriteString(line + "\x1b[K") // erases the rest of the line
	}
	text.WriteString("\x1b[J") // erases what is below
	if up := len(lines) - 1; up > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", up)
	}
	text.WriteString("\r")
	if cursor > 0 {
		fmt.Fprintf(&text, "\x1b[%dC", cursor)
	}
	d.column = cursor
	return d.q.write(text.String())
}

// wrapped moves the cursor back to where the menu begins, after a window has become so
// narrow that the first line, and with it the cursor, continued in the next ones.
func (d *drawing) wrapped() string {
	if _, columns := d.q.size(); d.column >= columns {
		return fmt.Sprintf("\x1b[%dA", d.column/columns)
	}
	return ""
}

// erase leaves the screen as it was before the menu.
func (d *drawing) erase() error { return d.q.write("\r\x1b[J" + pasteOff) }
