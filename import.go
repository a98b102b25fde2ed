package main

import (
	"fob/internal/awsconfig"
	"fob/internal/importer"
)

type importCmd struct {
	codeFlags
	Files  []string `arg:"" optional:"" name:"file" help:"Look only in these files: AWS credentials files, CSV files of the console, JSON of create-access-key, files of aws-vault."`
	All    bool     `help:"Move all keys that are found, without asking which."`
	DryRun bool     `help:"Show what was found and what would change, and change nothing."`
	Yes    bool     `short:"y" help:"Do not ask: move all keys, and delete the CSV files that hold nothing else."`
	Undo   bool     `help:"Bring back the files of all imports, with the keys in plain text, and remove these keys from the store."`
}

func (importCmd) Help() string {
	return `Finds access keys in plain text: in ~/.aws/credentials, in the config, and in CSV files of
the AWS console that are still in ~/Downloads. You choose which of them move into the store.
fob asks AWS about no key that you have not chosen, because a honeytoken raises its alarm
when it is used.

fob checks each key with AWS, stores it, reads it back, and has its profile ask fob, as fob
wire does. It tries that once, as programs do, and only then removes the plain text. If
something fails before that, the key stays where it is, and fob import continues later.
Sessions, halves of keys and keys of root users stay where they are, and fob says why.

It finds the keys that aws-vault keeps, too, by their names, and copies those that you
choose: aws-vault keeps its own, and its sessions.

The store keeps the files as they were, encrypted, so that --undo can bring them back, until
the key is removed from fob or rotated. A key that is nowhere else stays in the store. With
FILE, --undo brings back only that file, and changes nothing in the store.

    fob import
    fob import --dry-run
    fob import ~/Downloads/jo_accessKeys.csv
    fob import --undo`
}

func (c *importCmd) Run(a *app) error {
	switch {
	case c.Undo && (c.All || c.DryRun):
		return usagef("--undo takes back all imports, or brings back the files that you name; leave out the rest")
	case c.DryRun && c.Yes:
		return usagef("--dry-run changes nothing, so there is nothing that --yes could answer")
	}
	if !c.DryRun {
		sweepFiles(a)
	}
	if c.Undo {
		return c.undo(a)
	}
	world, err := importWorld(a)
	if err != nil {
		return err
	}
	find := func() ([]importer.Found, error) { return world.FindIn(c.Files) }
	if len(c.Files) == 0 {
		if world.Vault, err = listVault(a, world.Profiles, !c.DryRun); err != nil {
			return err
		}
		find = world.Find
	}
	found, err := find()
	if err != nil {
		return err
	}
	items, left := importer.Sort(found)
	if err := showFound(a, items, left); err != nil || len(items) == 0 {
		return err
	}
	if items, err = c.unattended(a, items); err != nil {
		return err
	}
	if c.DryRun {
		c.preview(a, world, items)
		return nil
	}
	if items, err = c.choose(a, world, items); err != nil {
		return err
	}
	return c.moveAll(a, world, items)
}

// sweepFiles removes what a fob that was killed has left beside the AWS files: it may hold
// keys.
func sweepFiles(a *app) {
	for _, path := range []string{a.files.Config, a.files.Credentials} {
		if err := awsconfig.Sweep(path); err != nil {
			a.out.Log("cannot remove what a fob that was killed has left: %v", err)
		}
	}
}

// importWorld is where importer looks for keys.
func importWorld(a *app) (importer.World, error) {
	all, err := a.profiles()
	if err != nil {
		return importer.World{}, err
	}
	home, _ := a.host.Home() // without one there are no downloads
	return importer.World{Profiles: all, Files: a.files, Store: a.store(), Program: a.args[0], Home: home}, nil
}
