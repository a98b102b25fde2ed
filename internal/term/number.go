package term

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// pickNumber is Pick for a terminal that knows no escape sequences, as in Emacs, or
// that is too small for a menu.
func (t *Terminal) pickNumber(ctx context.Context, m *menu) (int, error) {
	rows, columns := t.tty.size()
	list := numbered{menu: m, page: max(5, min(20, rows-3)), columns: columns - 1}
	say := list.next()
	for {
		if err := t.Print(ctx, say); err != nil {
			return 0, err
		}
		answer, err := t.AskText(ctx, m.title()+" (a number, a name, or a part of one): ")
		if err != nil {
			return 0, err
		}
		picked, ok := 0, false
		if picked, say, ok = list.answer(answer); !ok {
			continue
		}
		if name := m.Choices[picked].Name; name != answer {
			return picked, t.Print(ctx, m.title()+": "+name+"\n")
		}
		return picked, nil
	}
}

// numbered is a list of choices, a page at a time.
type numbered struct {
	*menu
	page    int // lines
	columns int
	shown   int // how many of found were on a page
}

// next is the next page of the choices found; after the last one comes the first.
func (l *numbered) next() string {
	var text strings.Builder
	if l.shown >= len(l.found) {
		l.shown = 0
	}
	digits := len(strconv.Itoa(len(l.Choices))) + 2
	widths := l.fit(l.columns - digits - 2)
	for _, i := range l.found[l.shown:min(l.shown+l.page, len(l.found))] {
		fmt.Fprintf(&text, "%*d  %s\n", digits, i+1, l.row(l.Choices[i], widths, l.columns-digits-2, false))
		l.shown++
	}
	if more := len(l.found) - l.shown; more > 0 {
		fmt.Fprintf(&text, "%*s  %d more: Enter shows them, a part of a name narrows the list\n", digits, "", more)
	}
	return text.String()
}

// answer is the choice that an answer means, or what to say if it means none or
// several.
func (l *numbered) answer(answer string) (picked int, say string, ok bool) {
	if answer == "" && len(l.found) <= l.page {
		return 0, "Type a number, a name, or a part of a name.\n", false
	}
	if answer == "" {
		return 0, l.next(), false
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(l.Choices) {
		return n - 1, "", true
	}
	found := l.matches(answer)
	if one, ok := l.only(answer, found); ok {
		return one, "", true
	}
	if len(found) == 0 {
		return 0, l.noMatch(answer) + "; type a number, a name, or a part of one\n", false
	}
	l.found, l.shown = found, 0
	return 0, fmt.Sprintf("%d of %d match %q:\n", len(found), len(l.Choices), answer) + l.next(), false
}

// only is the one choice that an answer means: by its whole name, by the start of its
// name, or because it is the only one that matches.
func (l *numbered) only(answer string, found []int) (one int, ok bool) {
	folded := strings.ToLower(answer)
	exact, begin := -1, 0
	for _, i := range found {
		switch name := l.folded[i][0]; {
		case l.Choices[i].Name == answer:
			return i, true
		case name == folded:
			exact = i
		case strings.HasPrefix(name, folded):
			one = i
			begin++
		}
	}
	switch {
	case exact >= 0:
		return exact, true
	case begin == 1:
		return one, true
	case len(found) == 1:
		return found[0], true
	}
	return 0, false
}
