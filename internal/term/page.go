package term

import "context"

// How xterm and its successors switch to the alternate screen, which has no
// scrollback, clear it, and switch back.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, DECSET 1049
const (
	alternateScreen = "\x1b[?1049h\x1b[H\x1b[2J"
	mainScreen      = "\x1b[?1049l"
)

// Page shows a picture with a prompt below it on the alternate screen until the
// person presses Enter. The picture may be a secret, so every end of Page removes
// it from the screen, and it never gets into the scrollback. It must come from fob
// itself, because its escape sequences reach the terminal.
func (t *Terminal) Page(ctx context.Context, picture, prompt string) error {
	q, end, err := t.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	defer q.escapes()()
	if err := q.write(alternateScreen + picture + prompt); err != nil {
		return err
	}
	defer q.write(mainScreen) // if this fails, the terminal is gone, and the picture with it
	var l line
	return l.read(q, prompt, nothing)
}
