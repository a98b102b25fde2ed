package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/ui"
	"fob/keyring"
)

type storeAddCmd struct {
	Way string `arg:"" name:"backend" help:"A name that fob store shows, or an age recipient (age1...)."`
}

func (storeAddCmd) Help() string {
	return `fob first opens the store with what opens it today. It asks for a new passphrase twice. An
age recipient is a public key; FOB_AGE_IDENTITY names the file with its private half, which
opens the store later. If a slot has lost its secret (its file is gone, or the item was
deleted from the desktop keyring), it is created again.

    fob store add file
    fob store add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p`
}

func (c *storeAddCmd) Run(a *app) error {
	done, err := a.store().AddSlot(a.ctx, c.Way)
	if _, locked := errors.AsType[*keyring.LockedError](err); locked && c.Way == "age" && a.identity == "" {
		a.out.Note("a recipient is enough, and needs no identity: fob store add age1...")
	}
	if err != nil {
		return err
	}
	name := strings.Replace(done.Slot, "passphrase", "file", 1)
	if done.Repaired {
		a.out.Answer("Recreated: %s opens the store again.", name)
	} else {
		a.out.Answer("Added: %s (%s) also opens the store.", name, keyring.SlotTitle(name))
	}
	if done.Chosen {
		a.out.Answer("This machine uses it from now on; fob --backend NAME uses another.")
	}
	warnChange(a, done)
	return nil
}

func warnChange(a *app, done keyring.Change) {
	for _, w := range done.Warnings {
		a.out.Warn("%s", w)
	}
}

type storeRemoveCmd struct {
	Slot string   `arg:"" help:"The one to remove: a name or recipient that fob store shows."`
	Drop []string `sep:"none" placeholder:"SLOT" help:"Also remove this one, which cannot be reached; may be repeated."`
	Yes  bool     `short:"y" help:"Do not ask."`
}

func (storeRemoveCmd) Help() string {
	return `fob creates a new vault key and encrypts every item with it, so the other ways of opening
the store must be at hand, or be given up with --drop. Anyone who has an old copy of the
store, and what opened it, can still open that copy: if that is possible, replace the keys
in AWS.

    fob store remove file`
}

func (c *storeRemoveCmd) Run(a *app) error {
	if err := c.confirm(a); err != nil {
		return err
	}
	done, err := a.store().RemoveSlot(a.ctx, c.Slot, c.Drop...)
	if err != nil {
		return err
	}
	a.out.Answer("Removed: %s no longer opens the store.", c.Slot)
	noteRekey(a, done)
	return nil
}

// confirm asks before the store could be opened only until the next restart.
func (c *storeRemoveCmd) confirm(a *app) error {
	if c.Yes || !a.store().Describe(a.ctx).OnlyMemory(append(c.Drop, c.Slot)...) {
		return nil
	}
	return a.person.Confirm(a.ctx, "--yes", "Only keyctl would be left, and a restart empties it. Remove %s?", c.Slot)
}

// noteRekey says what a new vault key is worth.
func noteRekey(a *app, done keyring.Change) {
	warnChange(a, done)
	a.out.Note("everything is encrypted with a new vault key")
	a.out.Note("old copies of the store open as before: if one leaked, replace the AWS keys")
	if found, err := a.store().Conflicts(); err == nil {
		a.noteConflicts(found)
	}
}

type storePassphraseCmd struct {
	Stdin bool     `help:"Read the new passphrase from standard input."`
	Drop  []string `sep:"none" placeholder:"SLOT" help:"Also remove this way of opening the store, which cannot be reached; may be repeated."`
}

func (storePassphraseCmd) Help() string {
	return `Opens the store with the old passphrase, or with whatever else opens it, and asks for the
new one twice. fob creates a new vault key, as fob store remove does.

    fob store passphrase
    fob store passphrase --stdin < new-passphrase`
}

func (c *storePassphraseCmd) Run(a *app) error {
	var secret creds.Secret
	if c.Stdin {
		text, err := host.ReadAll(os.Stdin)
		if errors.Is(err, host.ErrTooLong) {
			return &keyring.PassphraseError{Problem: "the passphrase is " + err.Error()}
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		if secret = creds.NewSecret(creds.Typed(text)); secret.IsZero() {
			return &keyring.PassphraseError{Problem: "the passphrase is empty"}
		}
	}
	done, err := a.store().NewPassphrase(a.ctx, secret, c.Drop...)
	if nobody, ok := errors.AsType[*ui.NobodyError](err); ok && nobody.What == askForNewPassphrase {
		nobody.Flag = "--stdin"
	}
	if err != nil {
		return err
	}
	a.out.Answer("Changed the passphrase.")
	noteRekey(a, done)
	return nil
}

type storeTrustCmd struct {
	Yes bool `short:"y" help:"Do not ask."`
}

func (storeTrustCmd) Help() string {
	return `This machine remembers which store it has used, and refuses one that was exchanged, set
back to an older state or lost: someone else may have made it. If you know why it changed
(a backup, another machine), fob store trust accepts it. A passphrase proves who made a
store. Some keyrings and age keys do not: with those, the first use on a machine and a new
vault key from another machine need fob store trust, too.

    fob store trust`
}

func (c *storeTrustCmd) Run(a *app) error {
	changed, err := a.store().Trust(a.ctx, func(problem string) error {
		if c.Yes {
			return nil
		}
		return a.person.Confirm(a.ctx, "--yes", "%s. Trust what is there now?", problem)
	})
	if err != nil {
		return err
	}
	exists, err := a.store().Exists()
	switch {
	case err != nil:
		return err
	case !changed:
		a.out.Answer("This machine already knows the store.")
	case !exists:
		a.out.Answer("This machine has forgotten the store: fob add PROFILE creates a new one.")
	default:
		a.out.Answer("This machine now trusts this store.")
	}
	return nil
}
