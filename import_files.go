package main

import (
	"errors"
	"fmt"
	"slices"

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
	if err := m.inSection(*item); err != nil {
		return err
	}
	suggestion := ""
	if len(item.Profiles) > 0 && m.checkName(a, item.Profiles[0]) == nil {
		suggestion = item.Profiles[0]
	}
	if suggestion != "" && (m.Yes || m.All) {
		return nil
	}
	file := item.Found[0].File
	inFile, err := m.world.FindIn([]string{file})
	if err != nil {
		return err
	}
	if m.Yes {
		return &namelessError{whereFound(item.Found[0]), profiles.ShortKey(item.Key().ID), file, len(inFile) > 1}
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
	if nobody, ok := errors.AsType[*ui.NobodyError](err); ok && len(inFile) == 1 {
		nobody.Flag = "fob add PROFILE --stdin"
	}
	if err != nil {
		return err
	}
	if name == "" {
		name = suggestion
	}
	item.Profiles = []string{name}
	return nil
}

// inSection says that a profile of the AWS files has the key of a named file, too: the key
// leaves all its places at once.
func (m *moving) inSection(item importer.Item) error {
	if len(m.Files) == 0 {
		return nil // then fob has looked there
	}
	world := m.world
	world.Vault = nil
	found, err := world.Find()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(found, func(f importer.Found) bool { return !f.Whole && f.Key.ID == item.Key().ID })
	if at < 0 {
		return nil
	}
	return &keepError{Where: whereFound(item.Found[0]), Problem: fmt.Sprintf("profile %s has this key, too (%s)", found[at].Profile, whereFound(found[at])), Plain: true}
}

// unattended leaves out the keys that nobody has named a profile for, where nobody is asked:
// any page can have a browser download a file that is called like the console's, and its name
// and its key would become a profile, perhaps the default one.
func (c *importCmd) unattended(a *app, items []importer.Item) ([]importer.Item, error) {
	if !c.All && !c.Yes || len(c.Files) > 0 {
		return items, nil
	}
	infos, err := a.store().Infos(keyring.KindKey)
	if err != nil && len(infos) == 0 {
		return nil, err
	}
	var known []importer.Item
	for _, item := range items {
		stored := slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.KeyID != "" && i.KeyID == item.Key().ID })
		if stored || slices.ContainsFunc(item.Found, func(f importer.Found) bool { return !f.Whole }) {
			known = append(known, item)
			continue
		}
		a.out.Note("%s stays where it is: without a question, fob takes a profile's name only from a file that you name", whereFound(item.Found[0]))
		a.out.Hints([]ui.Hint{ui.Type("fob", "import", item.Found[0].File)})
	}
	return known, nil
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

// preview says what would change, as far as that can be told without AWS. Before a question
// it is short; a dry run has the lines themselves.
func (c *importCmd) preview(a *app, world importer.World, items []importer.Item) {
	if len(items) > 0 {
		a.out.Print("\nWhat would change:\n")
	}
	say := func(format string, args ...any) { a.out.Item(ui.Styled{}, fmt.Sprintf(format, args...), nil) }
	for _, item := range items {
		for _, f := range item.Found {
			what := "remove the key"
			switch {
			case f.Vault != nil:
				what = "copy the key; aws-vault keeps its own"
			case f.Whole:
				what = "delete the file, after asking"
			}
			say("%s: %s", whereFound(f), what)
		}
		var names []string
		for _, name := range item.Profiles {
			line, err := wire.Process(a.args[0], name)
			if section, _ := world.Profiles.Config.Profile(name); err != nil || wire.Asks(section, a.args[0]) {
				continue // it does that already, or the name of a file is not one for a profile
			}
			users := world.Profiles.Users(name)
			names = append(append(names, name), users...)
			if c.DryRun {
				say("%s: in the section of %s, credential_process = %s", a.host.Tilde(a.files.Config), name, line)
			}
			if c.DryRun && len(users) > 0 {
				say("the same for profiles that use its key: %s", ui.List(users))
			}
		}
		slices.Sort(names)
		if names = slices.Compact(names); !c.DryRun && len(names) > 0 {
			say("%s: %s", a.host.Tilde(a.files.Config), asks(names, nil))
		}
	}
}
