package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/importer"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
	"fob/keyring"
)

// named gives a key a profile that has none, or whose name is only suggested by the name
// of a file.
func (m *moving) named(a *app, item *importer.Item) error {
	if slices.ContainsFunc(item.Found, func(f importer.Found) bool { return !f.Whole }) {
		return nil
	}
	infos, err := a.store().Infos(keyring.KindKey)
	if err != nil && len(infos) == 0 {
		return err
	}
	for _, i := range infos {
		if i.KeyID == item.Key().ID {
			item.Profiles = []string{i.Name} // it is stored already; only the file is left
			return nil
		}
	}
	suggestion := ""
	if len(item.Profiles) > 0 && m.checkName(a, item.Profiles[0]) == nil {
		suggestion = item.Profiles[0]
	}
	if suggestion != "" && (m.Yes || m.All) {
		return nil
	}
	prompt := "Name of the profile for " + profiles.ShortKey(item.Key().ID) + ": "
	if suggestion != "" {
		prompt = "Name of the profile for " + profiles.ShortKey(item.Key().ID) + " [" + suggestion + "]: "
	}
	name, err := a.person.Ask(a.ctx, "ask for the name of a profile", prompt, func(answer string) error {
		if answer == "" && suggestion != "" {
			return nil
		}
		return m.checkName(a, answer)
	})
	if err != nil {
		return err
	}
	if name == "" {
		name = suggestion
	}
	item.Profiles = []string{name}
	return nil
}

// checkName says why a new profile cannot have that name.
func (m *moving) checkName(a *app, name string) error {
	if name == "" || creds.LooksSecret(name) || creds.IsKeyID(name) {
		return errors.New("enter a name such as dev")
	}
	if _, err := awsconfig.Header("profile", name); err != nil {
		return err
	}
	if _, err := wire.Process(a.args[0], name); err != nil {
		return err
	}
	if m.world.Taken(name) {
		return fmt.Errorf("there is a profile %s already; choose another name", name)
	}
	return nil
}

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
	keys, err := m.world.FindIn([]string{p.File})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !slices.ContainsFunc(m.moved, func(i importer.Item) bool { return i.Key().ID == k.Key.ID }) {
			a.out.Note("%s stays: it also holds %s", p.Shown, profiles.ShortKey(k.Key.ID))
			return nil
		}
	}
	file, err := awsconfig.Read(p.File)
	if err != nil {
		return err
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
	change := importer.Change{Path: p.File, Before: file.Text}
	if _, err := m.journal.Write(a.ctx, key, change, nil, func() error { return os.Remove(p.File) }); err != nil {
		return err
	}
	a.out.Answer("Deleted %s.", p.Shown)
	return nil
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
		shown = append(shown, strconv.Quote(title))
	}
	return shown
}

// preview says what would change, as far as that can be told without AWS.
func (c *importCmd) preview(a *app, world importer.World, items []importer.Item) error {
	a.out.Print("\nWhat would change:\n")
	for _, item := range items {
		for _, f := range item.Found {
			what := "remove the key"
			switch {
			case f.Vault != nil:
				what = "copy the key; aws-vault keeps its own"
			case f.Whole:
				what = "delete the file, after asking"
			}
			a.out.Item(ui.Styled{}, whereFound(f)+": "+what, nil)
		}
		for _, name := range item.Profiles {
			if section, _ := world.Profiles.Config.Profile(name); wire.Asks(section, a.args[0]) {
				continue // it does that already
			}
			line, err := wire.Process(a.args[0], name)
			if err != nil {
				return err
			}
			a.out.Item(ui.Styled{}, fmt.Sprintf("%s: in the section of %s, credential_process = %s", a.host.Tilde(a.files.Config), name, line), nil)
			if users := world.Profiles.Users(name); len(users) > 0 {
				a.out.Item(ui.Styled{}, fmt.Sprintf("the same for profiles that use its key: %s", ui.List(users)), nil)
			}
		}
	}
	return nil
}
