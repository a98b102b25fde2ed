package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"fob/internal/awsvault"
	"fob/internal/importer"
	"fob/internal/ui"
	"fob/keyring"
)

// undo brings the files back.
func (c *importCmd) undo(a *app) error {
	journal := a.imports()
	keys, away, err := journal.Keys()
	if err != nil {
		return err
	}
	if len(keys)+len(away) == 0 {
		a.out.Answer("There is no import to undo.")
		return nil
	}
	if err := c.confirmUndo(a, len(keys)); err != nil {
		return err
	}
	if err := a.store().Unlock(a.ctx, keyring.KindBackup); err != nil {
		return err
	}
	lock, err := a.store().Lock(a.ctx, "import", func() { a.out.Log("waiting for another fob import") })
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if all, err := a.profiles(); err == nil { // without them, keys stay in the store
		w := a.vaultWorld(all)
		w.Prompt = false
		journal.Vault = &awsvault.Reader{World: w}
	}
	ctx := context.WithoutCancel(a.ctx) // to the end: a step is not worth stopping at
	var done importer.Undone
	if len(c.Files) > 0 {
		done, err = journal.Restore(ctx, c.Files)
	} else {
		done, err = journal.Undo(ctx)
	}
	c.sayUndone(a, done)
	if err == nil && reflect.DeepEqual(done, importer.Undone{}) {
		a.out.Answer("The files are as they were already.")
	}
	return err
}

// confirmUndo asks, if anything of this computer's can come back.
func (c *importCmd) confirmUndo(a *app, keys int) error {
	if c.Yes || keys == 0 && len(c.Files) == 0 {
		return nil
	}
	if _, err := a.person.Terminal("ask for confirmation"); err != nil {
		return a.person.Confirm(a.ctx, "--yes", "Undo it?") // which says why not
	}
	if len(c.Files) > 0 {
		a.out.Say("This brings back %s as before fob import, with keys in plain text.", ui.List(c.Files))
		a.out.Say("The keys stay in the store, too.")
	} else {
		a.out.Say("This brings back the files of fob import, with %s in plain text.", ui.Count(keys, "key"))
		a.out.Say("What is in plain text again leaves the store.")
	}
	return a.person.Confirm(a.ctx, "--yes", "Undo it?")
}

// sayUndone says what has become of files and keys.
func (c *importCmd) sayUndone(a *app, done importer.Undone) {
	for _, file := range done.Files {
		a.out.Answer("Restored %s.", a.host.Tilde(file))
	}
	for _, name := range done.Removed {
		a.out.Answer("Removed the key of %s from the store.", name)
	}
	for _, name := range done.Kept {
		a.out.Note("the key of %s stays in the store: fob finds it nowhere else", name)
	}
	for _, name := range done.Damaged {
		a.out.Note("the key of %s stays in the store, which is damaged", name)
	}
	for _, key := range done.Shared {
		a.out.Note("%s stays in the store: it was imported on another computer, too", key)
	}
	for _, key := range done.Away {
		if slices.Contains(done.Shared, key) {
			continue
		}
		a.out.Note("%s was imported on another computer, where its files are: undo that there", key)
	}
	if files := c.files(done.AwayFiles); len(files) > 0 {
		a.out.Hints([]ui.Hint{ui.Type(append([]string{"fob", "import", "--undo"}, files...)...).If("if it was this computer, and its state directory is new")})
	}
	for _, key := range done.Replaced {
		a.out.Note("%s stays out of the files: it has been replaced since, and would hide the new key", key)
	}
}

// files are those of another computer's that could have been here.
func (importCmd) files(away []string) (here []string) {
	for _, path := range away {
		if _, err := os.Stat(filepath.Dir(path)); err == nil {
			here = append(here, path)
		}
	}
	return here
}
