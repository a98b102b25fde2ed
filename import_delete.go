package main

import (
	"errors"
	"slices"
	"strconv"

	"fob/internal/awsconfig"
	"fob/internal/importer"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// deleteFiles offers the files for deletion that hold nothing but keys that have moved. Of
// those that stay because nobody answered, it says so.
func (m *moving) deleteFiles(a *app, stopped bool) error {
	var offered []string
	var failed error
	for _, item := range m.moved {
		for _, f := range item.Found {
			if !f.Whole || slices.Contains(offered, f.File) {
				continue
			}
			offered = append(offered, f.File)
			if failed != nil || stopped {
				m.warnKept(a, f.Place, nil)
				continue
			}
			failed = m.deleteFile(a, f.Place, item.Key().ID)
		}
	}
	return failed
}

func (m *moving) deleteFile(a *app, p importer.Place, key string) error {
	file, err := awsconfig.Read(p.File)
	if err != nil {
		return err
	}
	keys, err := m.world.FindIn([]string{p.File})
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch {
		case k.Key.ID == "":
			a.out.Note("%s cannot be imported, so the file stays; it still holds %s in plain text", whereFound(k), profiles.ShortKey(key))
			return nil
		case !slices.ContainsFunc(m.moved, func(i importer.Item) bool { return i.Key().ID == k.Key.ID }):
			a.out.Note("%s stays: it also holds %s", p.Shown, profiles.ShortKey(k.Key.ID))
			return nil
		}
	}
	ids := []string{key} // by which its entry is found
	for _, k := range keys {
		if !slices.Contains(ids, k.Key.ID) {
			ids = append(ids, k.Key.ID)
		}
	}
	others := quotedTitles(file.Text)
	if m.Yes && len(others) > 0 { // only the keys are in the store for good
		m.warnKept(a, p, others)
		return nil
	}
	if !m.Yes {
		question := "Delete " + p.Shown
		if len(others) > 0 {
			question += ", which also has " + ui.List(others)
		}
		err := a.person.Confirm(a.ctx, "--yes", "%s?", question)
		if err != nil {
			m.warnKept(a, p, others)
		}
		if _, nobody := errors.AsType[*ui.NobodyError](err); nobody || errors.Is(err, ui.ErrDeclined) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return m.remove(a, p, ids, file.Text)
}

// remove deletes a file that still has the text that was read before the question: whatever
// was written since may be nowhere else.
func (m *moving) remove(a *app, p importer.Place, keys []string, text string) error {
	lock, err := a.store().Lock(a.ctx, "import", func() { a.out.Log("waiting for another fob import") })
	if err != nil {
		return err
	}
	defer lock.Unlock()
	_, err = m.journal.Write(a.ctx, keys, importer.Change{Path: p.File, Before: text}, nil, func() error {
		return awsconfig.RemoveFile(p.File, []byte(text))
	})
	if errors.Is(err, awsconfig.ErrChanged) {
		a.out.Warn("%s has changed since fob read it, and stays", p.Shown)
		return nil
	}
	if err == nil {
		a.out.Answer("Deleted %s.", p.Shown)
	}
	return err
}

// warnKept says that a file stays, with what it holds beside keys.
func (m *moving) warnKept(a *app, p importer.Place, others []string) {
	if len(others) > 0 {
		a.out.Warn("%s still holds the key in plain text, and %s: delete it if you need neither", p.Shown, ui.List(others))
		return
	}
	a.out.Warn("%s still holds the key in plain text: delete it if you do not need it", p.Shown)
}

// quotedTitles are the titles of what a file holds beside keys, as a person reads them.
func quotedTitles(text string) (shown []string) {
	for _, title := range importer.Others(text) {
		if title == "" {
			shown = append(shown, "a column without a title")
			continue
		}
		shown = append(shown, strconv.Quote(title))
	}
	return shown
}
