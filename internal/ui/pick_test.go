package ui

import (
	"fmt"
	"testing"
)

func TestCapable(t *testing.T) {
	for _, c := range []struct {
		kind, system string
		want         bool
	}{
		{"xterm-256color", "linux", true},
		{"screen", "darwin", true},
		{"dumb", "linux", false},
		{"", "linux", false},
		{"", "windows", true}, // the console itself is asked
		{"dumb", "windows", false},
	} {
		if got := Capable(func(string) string { return c.kind }, c.system); got != c.want {
			t.Errorf("TERM=%s on %s: %v", c.kind, c.system, got)
		}
	}
}

func TestPickNobody(t *testing.T) {
	p := &Person{NoInput: true}
	_, err := p.Pick(t.Context(), "ask for the profile", "profile", []Choice{{Name: "dev"}})
	if got, want := fmt.Sprint(err), "cannot ask for the profile with --no-input"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
