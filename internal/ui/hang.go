package ui

import (
	"strings"

	"fob/internal/term"
)

// Hang writes texts to standard output, behind a label. On a terminal what does not fit
// continues below the first word; elsewhere it is one line.
func (p *Printer) Hang(label Styled, texts ...Styled) {
	label.Text = safe(label.Text)
	indent := strings.Repeat(" ", term.Width(label.Text))
	colored := p.colored(p.Out)
	paint := func(s Styled) string {
		if colored() {
			return s.Style.paint(s.Text)
		}
		return s.Text
	}
	text := paint(label)
	for n, line := range hang(texts, room(p.Columns(), indent)) {
		if n > 0 {
			text += "\n" + indent
		}
		for i, s := range line {
			if i > 0 {
				text += " "
			}
			text += paint(s)
		}
	}
	_ = p.Write([]byte(strings.TrimRight(text, " ") + "\n"))
}

// hang lays texts out in lines of so many columns, with each style's words in one piece.
// A word that is longer has a line of its own.
func hang(texts []Styled, columns int) (lines [][]Styled) {
	var line []Styled
	left := columns
	for _, text := range texts {
		fresh := true // the next word does not continue the line's last piece
		for _, word := range strings.Fields(safe(text.Text)) {
			need := term.Width(word)
			if len(line) > 0 {
				need++
			}
			if columns > 0 && need > left && len(line) > 0 {
				lines, line, left = append(lines, line), nil, columns
				need, fresh = term.Width(word), true
			}
			if fresh {
				line = append(line, Styled{word, text.Style})
			} else {
				line[len(line)-1].Text += " " + word
			}
			left, fresh = left-need, false
		}
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}
