package term

import "context"

// The screens of xterm and all that came after it: the other one, which has no
// scrollback, cleared; and back.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, DECSET 1049
const (
	otherScreen = "\x1b[?1049h\x1b[H\x1b[2J"
	firstScreen = "\x1b[?1049l"
)

// Page shows a picture and a prompt below it on a screen of their own, until the
// person presses Enter. Whichever way it ends, it leaves nothing on the screen or
// in the scrollback: the picture may be a secret. It must be fob's own, because
// its escape sequences reach the terminal.
func (t *Terminal) Page(ctx context.Context, picture, prompt string) error {
	q, end, err := t.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	defer q.escapes()()
	if err := q.write(otherScreen + picture + prompt); err != nil {
		return err
	}
	defer q.write(firstScreen) // if it fails the terminal is gone, and the picture with it
	var l line
	return l.read(q, prompt, nothing)
}
