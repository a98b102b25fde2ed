package ui

import (
	"context"

	"fob/internal/term"
)

// Choice is one of the things that a person can pick: a name, and what else is known
// about it, in columns. What is typed is looked for in all of it.
type Choice = term.Choice

// Capable reports whether a terminal knows escape sequences, by what the environment
// says. Windows has no TERM, and its consoles are asked themselves.
func Capable(getenv func(name string) string, system string) bool {
	kind := getenv("TERM")
	return kind != "dumb" && (kind != "" || system == "windows")
}

// Pick has a person pick one of the choices, best first, and returns its index. what is
// Terminal's, and noun is what is picked, in the singular: "profile".
func (p *Person) Pick(ctx context.Context, what, noun string, choices []Choice) (int, error) {
	t, err := p.Terminal(what)
	if err != nil {
		return 0, err
	}
	return t.Pick(ctx, term.Menu{Noun: noun, Choices: choices, Plain: p.Plain, Dim: p.Color != nil && p.Color()})
}
