package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"fob/internal/awsapi"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/importer"
	"fob/keyring"
)

// identify asks AWS whose a key is.
func (m *moving) identify(a *app, item importer.Item) (awsapi.Identity, error) {
	client, err := a.dial(item.Profiles[0], "")
	if err != nil {
		return awsapi.Identity{}, err
	}
	defer a.out.Waiting("waiting for AWS ...")()
	id, err := client.Identity(a.ctx, creds.Session{Key: item.Key()})
	if refused, ok := errors.AsType[*awsapi.RefusedError](err); ok && refused.BadKey() && refused.Skew == 0 {
		err = &deadKeyError{whereFound(item.Found[0]), item.Key().ID, refused.Code}
	}
	return id, err
}

// store puts the key into the store, for each profile that does not have it there, and
// returns the entries of the journal that say so.
func (m *moving) store(a *app, item importer.Item, key creds.Key, info keyring.Info) (fresh []string, err error) {
	if err := a.makeStore(a.ctx); err != nil {
		return nil, err
	}
	for _, name := range item.Profiles {
		stored, old, err := a.store().Key(a.ctx, name)
		_, missing := errors.AsType[*keyring.NotFoundError](err)
		_, damaged := errors.AsType[*keyring.DamagedError](err)
		switch {
		case err == nil && stored.ID == key.ID && stored.Secret.Equal(key.Secret):
			continue
		case err == nil && stored.ID != key.ID: // the only copy of a key is never replaced
			return fresh, &keepError{Where: whereFound(item.Found[0]), Problem: fmt.Sprintf("fob has another key for %s (%s)", name, stored.ID)}
		case err == nil && !m.isWrong(a, name, stored, old, info):
			return fresh, &keepError{Where: whereFound(item.Found[0]), Problem: fmt.Sprintf("fob has another secret for this key (%s); to replace that one: fob add %s", name, cmdline.Quote(name))}
		case err != nil && !missing && !damaged:
			return fresh, err
		}
		if missing {
			entry, err := m.journal.Storing(a.ctx, key.ID, name, item.Files()...)
			if err != nil {
				return fresh, err
			}
			fresh = append(fresh, entry)
		}
		if damaged {
			old, _ = a.store().KeyInfo(name) // its header may be as it was
		}
		info.Rev = old.Rev
		if _, err := a.store().SetKey(a.ctx, name, key, info); err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

// isWrong reports whether a stored secret may give way to another one of the same key. The
// word of a server that takes any key, such as a test server, must not replace the secret
// that AWS takes: it has to refuse the stored one, and to name the account of the stored one.
func (m *moving) isWrong(a *app, name string, stored creds.Key, old, info keyring.Info) bool {
	if account := cmp.Or(old.Account, creds.GuessAccount(stored.ID)); account != info.Account {
		return false
	}
	client, err := a.dial(name, "")
	if err != nil {
		return false
	}
	defer a.out.Waiting("waiting for AWS ...")()
	_, err = client.Identity(a.ctx, creds.Session{Key: stored})
	refused, ok := errors.AsType[*awsapi.RefusedError](err)
	return ok && refused.BadKey() && refused.Skew == 0
}

// unstore removes keys that were stored just now: their files keep them. Another import
// may have found the key in the store meanwhile, and may be removing it from its file. So
// that the key does not leave both places, this waits for that import, and removes the
// key only if the files are still refused.
func (m *moving) unstore(a *app, item importer.Item, serials importer.Serials, entries []string) error {
	ctx := context.WithoutCancel(a.ctx)
	lock, err := a.store().Lock(ctx, "import", func() { a.out.Log("waiting for another fob import") })
	if err != nil {
		return err
	}
	defer lock.Unlock()
	_, err = m.draft(a, item, serials)
	if _, ok := errors.AsType[*keepError](err); !ok {
		return nil // the other import has moved it
	}
	for _, entry := range entries {
		if err := m.journal.TakeBack(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}
