//go:build unix

package ui

import (
	"bufio"
	"errors"
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

// On a terminal what fob says wraps behind its label; what a command does goes below a
// command that leaves no room for it.
func TestLines(t *testing.T) {
	terminal, screen, _ := openTerminal(t, 40)
	say := func(p *Printer) {
		p.Error(errors.New("~/.aws/config:7: no access key for base (needed for prod)"))
		p.Hints([]Hint{
			Type("fob", "add", "base").To("stores it"),
			Type("aws-vault", "exec", "--no-session", "base", "--", "fob", "add", "base").To("takes the key over from aws-vault"),
			Type("aws-vault", "exec", "--no-session", "prod", "--", "fob", "add", "prod"),
			Advise("or ask the one who wrote the file"),
		})
		p.Warn("%s", "one\x1b[2J two")
		p.Say("    credential_process = /usr/local/bin/fob export")
		p.Say("end")
	}
	say(&Printer{Err: terminal})
	var got strings.Builder
	for lines := bufio.NewScanner(screen); lines.Scan() && !strings.HasPrefix(lines.Text(), "end"); {
		got.WriteString(strings.TrimRight(lines.Text(), "\r") + "\n")
	}
	const want = `fob: error: ~/.aws/config:7: no access
            key for base (needed for
            prod)
fob: hint: fob add base   stores it
fob: hint: aws-vault exec --no-session base -- fob add base
           takes the key over from
           aws-vault
fob: hint: aws-vault exec --no-session prod -- fob add prod
fob: hint: or ask the one who wrote the
           file
fob: warning: one\x1b[2J two
    credential_process = /usr/local/bin/fob export
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	var piped strings.Builder
	say(&Printer{Err: &piped})
	if lines := strings.Count(piped.String(), "\n"); lines != 8 {
		t.Errorf("piped, in %d lines:\n%s", lines, piped.String())
	}
}
