package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"slices"

	"fob/internal/creds"
)

// RemoveSlot removes a slot, and makes a new vault key. way is the name of a slot,
// "file", or a recipient of the age slot. If another slot cannot get the new vault
// key, RemoveSlot fails, unless that slot is in drop.
func (s *Store) RemoveSlot(ctx context.Context, way string, drop ...string) (Change, error) {
	kind, recipient, err := parseWay(way)
	if err != nil {
		kind, recipient = way, "" // perhaps a slot that only a newer fob knows
	}
	done := Change{Slot: kind, Rekeyed: true}
	err = s.changeSlots(ctx, func(h header) (string, error) {
		i := h.slot(kind)
		if i < 0 || recipient != "" && !slices.Contains(h.Slots[i].Recipients, recipient) {
			return "", &NoSlotError{way, h.names()}
		}
		if _, err := h.without(kind, recipient, drop); err != nil {
			return "", err // before anybody is asked for a passphrase
		}
		if len(h.Slots) > 1 && !s.intact(ctx, h, h.Slots[i]) {
			return kind, nil
		}
		return "", nil
	}, func(c *change) error {
		kept, err := c.h.without(kind, recipient, drop)
		if err != nil {
			return err
		}
		warnings, err := c.rekey(ctx, kept, creds.Secret{})
		done.Warnings = warnings
		return err
	})
	return done, err
}

// NewPassphrase replaces the passphrase, and makes a new vault key. If secret is empty,
// it asks for the new passphrase. For drop, see RemoveSlot.
func (s *Store) NewPassphrase(ctx context.Context, secret creds.Secret, drop ...string) (Change, error) {
	done := Change{Slot: kindPassphrase, Rekeyed: true}
	err := s.changeSlots(ctx, func(h header) (string, error) {
		if h.slot(kindPassphrase) < 0 {
			return "", &NoSlotError{"file", h.names()}
		}
		if secret.Reveal() == "" {
			return "", nil
		}
		return "", checkPassphrase(secret)
	}, func(c *change) error {
		kept, err := c.h.without("", "", drop)
		if err == nil && secret.Reveal() == "" {
			secret, err = s.askNewPassphrase(ctx)
		}
		if err != nil {
			return err
		}
		done.Warnings, err = c.rekey(ctx, kept, secret)
		return err
	})
	return done, err
}

// without returns the slots that stay: all except those in drop, and except the slot
// of a kind, or only a recipient of it.
func (h header) without(kind, recipient string, drop []string) ([]slot, error) {
	gone := map[string]bool{}
	for _, way := range drop {
		name := way
		if way == "file" {
			name = kindPassphrase
		}
		if h.slot(name) < 0 {
			return nil, &NoSlotError{way, h.names()}
		}
		gone[name] = true
	}
	var kept []slot
	for _, sl := range h.Slots {
		if sl.Name == kind {
			sl.Recipients = slices.DeleteFunc(slices.Clone(sl.Recipients), func(r string) bool { return r == recipient })
			gone[kind] = gone[kind] || recipient == "" || len(sl.Recipients) == 0
		}
		if !gone[sl.Name] {
			kept = append(kept, sl)
		}
	}
	if len(kept) == 0 {
		return nil, &LastSlotError{wayName(h.Slots[0].Name)}
	}
	return kept, nil
}

// rekey makes a new vault key for the slots that are kept, and encrypts every item
// again, for the generation that begins with the commit of the header. A passphrase
// that is not empty replaces the old one.
func (c *change) rekey(ctx context.Context, kept []slot, passphrase creds.Secret) (warnings []string, err error) {
	next := header{Version: c.h.Version, ID: c.h.ID, Gen: c.h.Gen + 1, Slots: kept}
	vault := make([]byte, keySize)
	rand.Read(vault)
	defer clear(vault)
	k := deriveSubkeys(vault, next.ID)
	if err := c.begin(ctx, next); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	tested, untested := false, []error{}
	for _, sl := range kept {
		made, err := c.remake(ctx, next, sl, next.payload(sl.Name, vault), passphrase)
		if err != nil {
			return nil, &SlotError{wayName(sl.Name), err, len(kept) == 1}
		}
		c.undo = append(c.undo, made.undo)
		files[sl.Name] = made.file
		if made.untested == nil {
			tested = true
		} else {
			untested = append(untested, &SlotError{wayName(sl.Name), made.untested, len(kept) == 1})
		}
		warnings = append(warnings, made.notes(sl)...)
	}
	if !tested {
		return nil, untested[0] // perhaps nobody could open the store any more
	}
	next = next.sealed(k)
	if err := c.rememberMade(next, k); err != nil {
		return nil, err
	}
	err = c.alone(ctx, func() error {
		if err := c.d.makeGeneration(next.Gen, files); err != nil {
			return err
		}
		if err := c.copyItems(next, k); err != nil {
			return err
		}
		return c.commit(next, k)
	})
	if err != nil {
		return nil, err
	}
	return append(warnings, c.afterCommit(ctx, next, k)...), nil
}

// begin makes the new generation's directory. If we are interrupted, the directory
// also says that items in keyrings for that generation are our leftovers.
func (c *change) begin(ctx context.Context, next header) error {
	name := path.Dir(itemsDir(next.Gen))
	if _, err := c.d.Lstat(name); err == nil {
		if !c.leftover(next) {
			return &UnfinishedError{c.opts.Dir + "/" + name}
		}
		c.dropKept(ctx, next, slotsOfKeyrings())
		if err := c.d.RemoveAll(name); err != nil {
			return err
		}
	}
	c.undo = append(c.undo, func() {
		if err := c.d.RemoveAll(name); err != nil {
			c.logf("could not remove %s: %v", name, err)
		}
	})
	if err := c.d.mkdir(name); err != nil {
		return err
	}
	return c.d.sync(".")
}

// leftover reports whether a directory of the next generation was left by a re-key of
// this machine, which remembers what it makes before there are items. The items of
// another machine may be those of a header that is still being synchronized.
func (c *change) leftover(next header) bool {
	if made, err := c.recallFrom(c.madeFile()); err == nil && made.ID == next.ID && made.Gen == next.Gen {
		return true
	}
	items, err := c.d.sub(itemsDir(next.Gen))
	if err != nil {
		return absent(err)
	}
	defer items.Close()
	names, err := items.list()
	return err == nil && len(names) == 0
}

// remake makes a slot for the new vault key, with the slot's present secret.
func (c *change) remake(ctx context.Context, next header, sl slot, payload string, passphrase creds.Secret) (made, error) {
	k := kindOf(sl.Kind)
	switch {
	case k.create == nil:
		return made{}, &BackendError{Backend: sl.Kind, Reason: "unknown to this version of fob"}
	case sl.Kind != kindPassphrase:
		return k.create(ctx, c.Store, next, sl, payload)
	case passphrase.Reveal() != "":
		return c.makePassphrase(ctx, passphrase, sl, payload)
	case c.passphrase.Reveal() == "":
		secret, old, err := c.enterPassphrase(ctx, c.h, sl)
		if err == nil && old != c.h.payload(sl.Name, c.vault) {
			err = &DamagedError{slotFileName(c.h, sl), "its vault key is not this store's"}
		}
		if err != nil {
			return made{}, err
		}
		c.passphrase = secret
	}
	m, err := c.makePassphrase(ctx, c.passphrase, sl, payload)
	m.warnings = nil // the user knows them
	return m, err
}

// copyItems encrypts every item again, and reads it back. It drops damaged ones that
// signing in brings back.
func (c *change) copyItems(next header, k subkeys) error {
	from, err := c.d.sub(itemsDir(c.h.Gen))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := c.d.sub(itemsDir(next.Gen))
	if err != nil {
		return err
	}
	defer to.Close()
	files, err := from.list()
	if err != nil {
		return err
	}
	var bad error
	for _, file := range files {
		err := c.copyFile(from, to, file, k)
		if _, stray := errors.AsType[*StrayError](err); err != nil && !stray && !damagedItem(err) {
			return err
		}
		bad = errors.Join(bad, err)
	}
	if bad != nil {
		return &BeforeRekeyError{bad}
	}
	return to.sync(".")
}

// copyFile is copyItems for one file. The error of one that would be lost is a
// *StrayError, or one for which damagedItem is true.
func (c *change) copyFile(from, to dir, file string, k subkeys) error {
	if it, data, err := readMisnamed(from, file); err == nil {
		return c.copyMisnamed(from, to, file, it, data, k)
	}
	kind, ours := kindOfFile(file)
	switch {
	case !ours:
		return nil
	case kind.parts() < 0:
		return &FutureError{file}
	}
	err := c.copyItem(from, to, file, k)
	_, _, named := parseFileName(file)
	var future *FutureError
	switch {
	case damagedItem(err) && kind == KindSession:
		c.logf("dropping a cached session: %v", err)
		return nil
	case damagedItem(err) && kind == KindToken && !errors.As(err, &future): // a newer fob may be able to refresh it
		c.logf("dropping a sign-in: %v", err)
		return nil
	case damagedItem(err) && !named:
		return &StrayError{from.Name(), file}
	}
	return err
}

func (c *change) copyItem(from, to dir, file string, k subkeys) error {
	it, err := readItem(from, file)
	if err != nil {
		return err
	}
	return c.seal(to, file, it, k, func() (item, error) { return readItem(to, file) })
}

// copyMisnamed keeps an item under another name than its own as it is, unless it is the
// item's copy: the new vault key would lose it, and it may be the one that is wanted.
func (c *change) copyMisnamed(from, to dir, file string, it item, data []byte, k subkeys) error {
	if used, _, err := from.read(it.file, maxFileOf(it.file)); err == nil && bytes.Equal(used, data) {
		c.logf("leaving out %s, a copy of %s", file, it.file)
		return nil
	}
	err := c.seal(to, file, it, k, func() (item, error) {
		again, _, err := readMisnamed(to, file)
		return again, err
	})
	if damagedItem(err) {
		return &StrayError{from.Name(), file}
	}
	return err
}

// seal encrypts an item with the new vault key, writes it to a file and reads it back.
func (c *change) seal(to dir, file string, it item, k subkeys, read func() (item, error)) error {
	plain, err := it.open(c.keys.items[it.info.Kind], c.h.ID)
	if err != nil {
		return err
	}
	sealed := sealLine(k.items[it.info.Kind], c.h.ID, it.file, it.line, plain)
	if err := to.fill(file, sealed, it.info.Kind != KindSession); err != nil {
		return writeError(to.named(file, err))
	}
	again, err := read()
	if err != nil {
		return err
	}
	if got, err := again.open(k.items[it.info.Kind], c.h.ID); err != nil || !bytes.Equal(got, plain) {
		return fmt.Errorf("%s does not read back as written", file)
	}
	return nil
}

// afterCommit makes this machine know the new vault key, and everything forget the
// old one. Its failures are warnings: the change has been made.
func (c *change) afterCommit(ctx context.Context, next header, k subkeys) (warnings []string) {
	opener := c.opener
	if next.slot(opener.Name) < 0 {
		opener = next.Slots[max(0, slices.IndexFunc(next.Slots, func(sl slot) bool { return kindOf(sl.Kind).create != nil && kindOf(sl.Kind).usable(c.Store) }))]
	}
	c.keep(next, k, c.m.of(c.opts.Dir, next, k, opener), opener)
	for _, name := range c.dropKept(ctx, c.h, c.h.Slots) {
		warnings = append(warnings, fmt.Sprintf("could not remove the item %q from %s: delete it there", itemName(c.h), name))
	}
	if err := c.sweepGenerations(c.d, next); err != nil {
		warnings = append(warnings, fmt.Sprintf("could not remove the items of the old vault key: %v", err))
	}
	return warnings
}

// dropKept removes a generation's items from keyrings, and returns the slots for which
// that failed.
func (c *change) dropKept(ctx context.Context, h header, list []slot) (failed []string) {
	for _, sl := range list {
		k := kindOf(sl.Kind)
		if k.drop == nil || !k.usable(c.Store) {
			continue
		}
		if err := k.drop(ctx, c.Store, h, sl); err != nil {
			c.logf("%v", err)
			failed = append(failed, sl.Name)
		}
	}
	return failed
}

// slotsOfKeyrings returns a slot for each keyring.
func slotsOfKeyrings() []slot {
	var list []slot
	for _, k := range slotKinds() {
		if k.drop != nil {
			list = append(list, slot{Name: k.kind, Kind: k.kind})
		}
	}
	return list
}
