package ui

import (
	"os"
	"strings"

	"fob/internal/term"
)

// Table is rows in aligned columns. A row may be shorter than the columns.
type Table struct {
	Columns []Column
	Rows    [][]Styled
}

// Column is a column of a Table.
type Column struct {
	// Title is the heading; the table has none if all of its titles are empty.
	Title string
	// Shrink lets a terminal that is too narrow cut what is in this column.
	Shrink bool
	// Tail keeps the end of what is cut: of a path and a line, that says more.
	Tail bool
}

const (
	columnGap = "  "
	// minShrunk is how narrow a column may get: a narrower one would say nothing.
	minShrunk = 8
)

// Table writes a table to standard output, quiet or not. Lines do not end in spaces.
// Only a terminal has its columns cut: a program gets all of the text.
func (p *Printer) Table(t Table) error {
	rows := t.rows()
	widths := make([]int, len(t.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(cell.Text))
		}
	}
	if f, ok := p.Out.(*os.File); ok {
		t.fit(widths, term.Columns(f))
	}
	colored := p.colored(p.Out)
	var text strings.Builder
	for _, row := range rows {
		gap := "" // not written before there is text behind it
		for i, cell := range row {
			shown := term.Cut(cell.Text, widths[i])
			if t.Columns[i].Tail {
				shown = term.CutStart(cell.Text, widths[i])
			}
			if shown != "" {
				text.WriteString(gap)
				gap = ""
				if colored() {
					text.WriteString(cell.Style.paint(shown))
				} else {
					text.WriteString(shown)
				}
			}
			gap += strings.Repeat(" ", widths[i]-term.Width(shown)) + columnGap
		}
		text.WriteByte('\n')
	}
	return p.Write([]byte(text.String()))
}

// Width is how many columns the table needs to show all of its texts.
func (t Table) Width() int {
	widths := make([]int, len(t.Columns))
	for _, row := range t.rows() {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(cell.Text))
		}
	}
	total := len(columnGap) * max(0, len(widths)-1)
	for _, w := range widths {
		total += w
	}
	return total
}

// rows are the heading and the rows, with clean texts.
func (t Table) rows() [][]Styled {
	heading, titled := make([]Styled, len(t.Columns)), false
	for i, c := range t.Columns {
		heading[i] = Dim.Text(c.Title)
		titled = titled || c.Title != ""
	}
	var rows [][]Styled
	if titled {
		rows = append(rows, heading)
	}
	for _, row := range t.Rows {
		cleaned := make([]Styled, len(row))
		for i, cell := range row {
			cleaned[i] = Styled{safe(cell.Text), cell.Style}
		}
		rows = append(rows, cleaned)
	}
	return rows
}

// fit makes the widest of the columns that may shrink narrower, until the table fits
// into a terminal; 0 stands for no terminal.
func (t Table) fit(widths []int, terminal int) {
	if terminal <= 0 {
		return
	}
	total := len(columnGap) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > terminal; total-- {
		widest := -1
		for i, c := range t.Columns {
			if c.Shrink && widths[i] > max(minShrunk, len(c.Title)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return // it has to wrap
		}
		widths[widest]--
	}
}
