package main

import (
	"fmt"
	"slices"

	"fob/internal/importer"
	"fob/internal/ui"
	"fob/keyring"
)

// end offers what is left to do, and returns the last failure; the others are said. rest
// are the keys that did not get their turn to the end.
func (m *moving) end(a *app, failed []error, rest []importer.Item) error {
	var last error
	for n, err := range failed {
		if last = err; n < len(failed)-1 && err.Error() != failed[n+1].Error() { // such as that nobody can be asked
			a.out.Warn("%s", a.out.Sentence(err))
			a.out.Hints(a.judge(err).hints)
		}
	}
	if len(m.moved) > 0 {
		if err := m.deleteFiles(a, len(rest) > 0); err != nil {
			if last != nil {
				a.out.Warn("%s", a.out.Sentence(last))
			}
			last = err
		}
		m.sayKept(a)
		a.out.Say("To undo: fob import --undo")
		m.sayRotate(a)
	}
	if len(rest) > 0 {
		m.sayRest(a, rest)
	}
	return last
}

// sayRest says what has become of keys when nothing more is tried, and how to continue.
func (m *moving) sayRest(a *app, items []importer.Item) {
	infos, _ := a.store().Infos(keyring.KindKey) // without them, the files have the keys all the same
	var rest, stored []string
	for _, item := range items {
		name := whereFound(item.Found[0])
		if len(item.Profiles) > 0 {
			name = item.Profiles[0]
		}
		rest = append(rest, name)
		if slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.Name == name }) {
			stored = append(stored, name)
		}
	}
	text := "its key is still where it was"
	if len(rest) > 1 {
		text = "their keys are still where they were"
	}
	if len(stored) > 0 {
		text += fmt.Sprintf(", and the store has the key of %s, too", ui.List(stored))
	}
	a.out.Note("not moved: %s; %s", ui.List(rest), text)
	a.out.Say("To continue: %s", ui.Type(append([]string{"fob", "import"}, m.Files...)...).Command)
}
