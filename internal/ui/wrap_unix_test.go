//go:build unix

package ui

import (
	"bufio"
	"strings"
	"testing"
)

// On a terminal a text wraps behind its label, a command stays whole, and its words go
// below it if they do not fit beside it. Piped, each is one line.
func TestItem(t *testing.T) {
	terminal, screen, _ := openTerminal(t, 44)
	help := []Hint{TypeLine("fob add dev").To("stores it"), TypeLine("aws configure export-credentials | fob add").To("the same without typing"), Advise("or write a letter to those who know")}
	print := func(p *Printer) {
		p.Item(Plain.Text("wrong "), "no key for dev, which many profiles use: a, b and c", help)
		p.Print("end\n")
	}
	print(&Printer{Out: terminal})
	var got strings.Builder
	for lines := bufio.NewScanner(screen); lines.Scan() && lines.Text() != "end"; {
		got.WriteString(strings.TrimRight(lines.Text(), "\r") + "\n")
	}
	const want = `wrong   no key for dev, which many profiles
        use: a, b and c
        > fob add dev   stores it
        > aws configure export-credentials | fob add
          the same without typing
        > or write a letter to those who
          know
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	var piped strings.Builder
	print(&Printer{Out: &piped})
	const whole = `wrong   no key for dev, which many profiles use: a, b and c
        > fob add dev   stores it
        > aws configure export-credentials | fob add   the same without typing
        > or write a letter to those who know
end
`
	if piped.String() != whole {
		t.Errorf("piped\n%s\nwant\n%s", piped.String(), whole)
	}
}
