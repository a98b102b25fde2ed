package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/importer"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

// moving is an import that has begun.
type moving struct {
	*importCmd
	world   importer.World
	journal importer.Journal
	given   givenCodes
	vault   *awsvault.Reader
	// moved are the keys that are in the store and in no AWS file any more.
	moved []importer.Item
}

// moveAll moves the keys one by one. What goes wrong with one does not keep the others,
// unless it would go wrong with all.
func (c *importCmd) moveAll(a *app, world importer.World, items []importer.Item) error {
	if len(items) == 0 {
		a.out.Answer("Nothing has changed.")
		return nil
	}
	m := &moving{importCmd: c, world: world, journal: a.imports(), given: givenCodes{}, vault: vaultReader(a, world)}
	m.journal.Vault = m.vault
	var failed []error
	var rest []importer.Item
	for n, item := range items {
		err := m.move(a, item)
		if err != nil {
			failed = append(failed, err)
			if code := a.judge(err).code; code == exitInterrupted || code == exitUnreachable || code == exitStore {
				rest = items[n:]
				break
			}
		}
	}
	return m.end(a, failed, rest)
}

// sayRotate says how to replace what has been in plain text. What aws-vault had was not.
func (m *moving) sayRotate(a *app) {
	plain := slices.DeleteFunc(slices.Clone(m.moved), func(i importer.Item) bool { return i.Found[0].Vault != nil })
	switch len(plain) {
	case 0:
	case 1:
		a.out.Say("To replace a key that others may have read: %s", ui.Type("fob", "rotate", plain[0].Profiles[0]).Command)
	default:
		a.out.Say("To replace keys that others may have read: fob rotate --all")
	}
}

// move moves one key. The package's text says why in this order.
func (m *moving) move(a *app, item importer.Item) error {
	if err := m.readVault(a, &item); err != nil {
		return err
	}
	if err := m.named(a, &item); err != nil {
		return err
	}
	key := item.Key()
	id, err := m.identify(a, item)
	if err != nil {
		return err
	}
	if arn, _ := plan.ParseARN(id.ARN); arn.IsRoot() {
		return &keepError{Where: whereFound(item.Found[0]), Problem: "a root user's key, which nothing can limit: create a key for an IAM user, and delete this one in AWS"}
	}
	found := m.device(a, item, key, id)
	a.out.Say("%s: %s", profiles.ShortKey(key.ID), found.who)
	fresh, err := m.store(a, item, key, keyring.Info{Account: id.Account, ARN: id.ARN, KeyCreated: found.created})
	if err != nil {
		return err
	}
	if err := importer.ReadBack(a.ctx, a.store(), key, item.Profiles, a.otherProcess); err != nil {
		return err
	}
	draft, err := m.draft(a, item, found.serials)
	if _, ok := errors.AsType[*keepError](err); ok {
		err = errors.Join(err, m.unstore(a, item, found.serials, fresh))
	}
	if err != nil {
		return err
	}
	for _, name := range item.Profiles {
		if err := m.signIn(a, draft.Profiles, name); err != nil {
			return err
		}
	}
	return m.rewrite(a, item, found.serials, id)
}

// draft makes the new texts of the files.
func (m *moving) draft(a *app, item importer.Item, serials importer.Serials) (*importer.Draft, error) {
	draft, err := m.world.Draft(item, serials, func(c *awsconfig.Config) *profiles.Profiles { return profiles.New(c, a.store(), a.world()) })
	if left, ok := errors.AsType[*importer.LeftError](err); ok {
		err = &keepError{Where: whereFound(item.Found[0]), Problem: left.Problem, Plain: left.Plain && len(m.Files) > 0}
	}
	return draft, err
}

// rewrite changes the files: the profiles ask fob, that is tried, and the plain text goes.
// Nobody is asked anything meanwhile, so that another import can wait for it.
func (m *moving) rewrite(a *app, item importer.Item, serials importer.Serials, id awsapi.Identity) error {
	lock, err := a.store().Lock(a.ctx, "import", func() { a.out.Log("waiting for another fob import") })
	if err != nil {
		return err
	}
	defer lock.Unlock()
	for _, name := range item.Profiles { // another fob may have undone the import meanwhile
		if stored, _, err := a.store().Key(a.ctx, name); notStored(err) || err == nil && stored.ID != item.Key().ID {
			return &goneError{name}
		}
	}
	draft, err := m.draft(a, item, serials) // the files may have changed since a person was asked
	if err != nil {
		return err
	}
	key := item.Key().ID
	config := importer.Change{Path: a.files.Config, Before: draft.Config.Before, After: draft.Config.After}
	undo := func() error { return nil }
	if config.Before != config.After {
		entry, err := m.journal.Write(a.ctx, []string{key}, config, draft.Config.Done, func() error { return a.files.Apply(draft.Config) })
		if err != nil {
			return a.showUnwritten(item.Profiles[0], err)
		}
		undo = func() error { return m.journal.TakeBack(context.WithoutCancel(a.ctx), entry) }
	}
	for _, name := range item.Profiles {
		if err := m.tryLine(a, draft, name, id); err != nil {
			return errors.Join(err, undo())
		}
	}
	for _, c := range draft.Strip {
		_, err := m.journal.Write(a.ctx, []string{key}, c, nil, func() error { return awsconfig.WriteFile(c.Path, []byte(c.Before), []byte(c.After)) })
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			err = file.Err
		}
		if err != nil {
			return fmt.Errorf("cannot remove %s from %s: %w", profiles.ShortKey(key), a.host.Tilde(c.Path), err)
		}
	}
	m.moved = append(m.moved, item)
	for _, left := range draft.Left {
		a.out.Note("%s stays as it is: %s", left.Profile, a.out.Sentence(left.Err))
	}
	m.noteMFA(a, draft, item.Profiles)
	for _, p := range m.world.Remains(item) {
		a.out.Warn("%s:%d still has this key in plain text; fob does not change that line", p.Shown, p.Line)
	}
	a.out.Answer("%s %s into the store: %s now.", verb(item), profiles.ShortKey(key), asks(draft.Config.Done, item.Profiles))
	return nil
}

// asks says which profiles ask fob.
func asks(done, own []string) string {
	names := done
	if len(names) == 0 {
		names = own
	}
	switch n := len(names); {
	case n == 1:
		return names[0] + " asks fob"
	case n <= 4:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " ask fob"
	default:
		return ui.Count(n, "profile") + " ask fob"
	}
}
