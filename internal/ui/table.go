package ui

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"fob/internal/term"
)

// Table writes rows in aligned columns to standard output, quiet or not. Lines do
// not end in spaces.
func (p *Printer) Table(rows [][]string) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, term.Clean(cell))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var text strings.Builder
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(&text, strings.TrimRight(line, " \n"))
	}
	return p.Write([]byte(text.String()))
}
