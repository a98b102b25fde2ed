package ui

import (
	"cmp"
	"io"
	"os"
	"strings"

	"fob/internal/term"
)

// Columns is how wide standard output is; 0 if it is not a terminal, where nothing is
// wrapped or cut.
func (p *Printer) Columns() int { return columns(p.Out) }

func columns(stream io.Writer) int {
	if f, ok := stream.(*os.File); ok {
		return term.Columns(f)
	}
	return 0
}

// Wrap breaks a text between words into lines of at most width columns; all of it is
// one line if width is 0. A word that is wider stays whole.
func Wrap(text string, width int) (lines []string) {
	if width <= 0 {
		return []string{text}
	}
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && term.Width(line)+1+term.Width(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// Item prints a text behind a label, and below it what helps. On a terminal the text is
// wrapped, and stays behind the label; commands are never broken, so that they can be
// copied.
func (p *Printer) Item(label Styled, text string, help []Hint) {
	columns := p.Columns()
	indent := ""
	if label.Text != "" {
		p.Print("%s  ", label)
		indent = strings.Repeat(" ", term.Width(label.Text)+len("  "))
	}
	margin := ""
	for _, line := range Wrap(safe(text), room(columns, indent)) {
		p.Print("%s%s\n", margin, line)
		margin = indent
	}
	for _, h := range help {
		p.help(h, cmp.Or(indent, "  ")+"> ", columns)
	}
}

func (p *Printer) help(h Hint, lead string, columns int) {
	margin := strings.Repeat(" ", len(lead))
	if line := safe(h.String()); columns == 0 || term.Width(line) <= room(columns, lead) {
		p.Print("%s%s\n", lead, line)
		return
	}
	if h.Command != "" {
		p.Print("%s%s\n", lead, Hint{When: h.When, Command: h.Command})
		lead = margin
	}
	for _, line := range Wrap(safe(h.Words), room(columns, margin)) {
		if line != "" {
			p.Print("%s%s\n", lead, line)
		}
		lead = margin
	}
}

// room is how many columns are left beside an indentation, but enough to read.
func room(columns int, indent string) int {
	if columns == 0 {
		return 0
	}
	return max(columns-len(indent), 20)
}
