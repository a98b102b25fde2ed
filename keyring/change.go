package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"fob/internal/creds"
)

// Changes of what opens the store. There is always one commit, of the header, and
// before it nothing is touched that the old header speaks of. A new way in gets
// the vault key that there is; when one is taken away, or its secret changed,
// there is a new vault key and so a new generation, in which every item is
// encrypted again: what the old way opened is of no use any more.

// Change says what a change of slots did.
type Change struct {
	Slot string
	// Rekeyed: there is a new vault key.
	Rekeyed bool
	// Repaired: the slot was in the header, and its keeper had lost it.
	Repaired bool
	// Chosen: this machine opens the store with the slot from now on.
	Chosen bool
	// Warnings are sentences for the user.
	Warnings []string
}

// SlotError says which slot stood in the way of a new vault key. The store is as it was.
type SlotError struct {
	Slot string
	Err  error
}

func (e *SlotError) Error() string { return fmt.Sprintf("%s is out of reach: %v", e.Slot, e.Err) }
func (e *SlotError) Unwrap() error { return e.Err }

// LastSlotError says that without Slot nothing would open the store.
type LastSlotError struct{ Slot string }

func (e *LastSlotError) Error() string {
	return fmt.Sprintf("%s is the only way to open the store", e.Slot)
}

// SlotExistsError says that Slot is there and as it should be.
type SlotExistsError struct{ Slot string }

func (e *SlotExistsError) Error() string { return fmt.Sprintf("%s opens the store already", e.Slot) }

// BeforeRekeyError joins what has to be repaired or removed first: items that a
// new vault key would lose.
type BeforeRekeyError struct{ Err error }

func (e *BeforeRekeyError) Error() string { return "no new vault key: " + e.Err.Error() }
func (e *BeforeRekeyError) Unwrap() error { return e.Err }

// change is one in the making: the store, opened.
type change struct {
	*Store
	d      dir
	h      header
	m      memory
	opener slot
	vault  []byte
	keys   subkeys
	// passphrase is what opened the store, if that was one.
	passphrase creds.Secret
	undo       []func()
}

// AddSlot adds a way to open the store, or makes one anew that its keeper lost.
// The way is "file", a kind of slot or an age recipient; its secret, if it has
// one, comes from Options as for a new store. What opens the store for it is
// Options.Backend, or what opens it on this machine, but not the slot itself.
func (s *Store) AddSlot(ctx context.Context, way string) (Change, error) {
	kind, recipient, err := parseWay(way)
	if err != nil {
		return Change{}, err
	}
	k := kindOf(kind)
	if kind != kindAge && !k.usable(s) {
		return Change{}, &BackendError{Backend: way, Reason: s.kindProblem(k, s.backendStates(ctx))}
	}
	sl := slot{Name: kind, Kind: kind}
	done := Change{Slot: sl.Name}
	err = s.changeSlots(ctx, func(h header) (string, error) {
		i := h.slot(sl.Name)
		if i >= 0 {
			sl = h.Slots[i]
		}
		added, err := s.addRecipients(ctx, &sl, recipient)
		switch {
		case err != nil || added || i < 0:
			return "", err
		case s.intact(ctx, h, sl):
			return "", &SlotExistsError{way}
		}
		done.Repaired = true
		return sl.Name, nil
	}, func(c *change) error {
		made, err := c.add(ctx, k, sl)
		if err != nil {
			return err
		}
		done.Warnings = made.notes(sl)
		// To add this machine's keyring is to say what is to open the store here.
		if done.Chosen = kindOf(sl.Kind).drop != nil && c.m.Slot != sl.Name; done.Chosen {
			c.m.Slot = sl.Name
			return c.remember(c.m)
		}
		return nil
	})
	return done, err
}

// RemoveSlot takes a way to open the store away, by a new vault key. The way is
// the name of a slot, "file", or a recipient of the age slot. Slots that cannot be
// carried over stop it, unless drop has their names.
func (s *Store) RemoveSlot(ctx context.Context, way string, drop ...string) (Change, error) {
	kind, recipient, err := parseWay(way)
	if err != nil {
		kind, recipient = way, "" // a slot that only a newer fob knows
	}
	done := Change{Slot: kind, Rekeyed: true}
	err = s.changeSlots(ctx, func(h header) (string, error) {
		i := h.slot(kind)
		if i < 0 || recipient != "" && !slices.Contains(h.Slots[i].Recipients, recipient) {
			return "", &NoSlotError{way, h.names()}
		}
		if len(h.Slots) > 1 && !s.intact(ctx, h, h.Slots[i]) {
			return kind, nil
		}
		return "", nil
	}, func(c *change) error {
		kept, err := c.without(kind, recipient, drop)
		if err != nil {
			return err
		}
		warnings, err := c.rekey(ctx, kept, creds.Secret{})
		done.Warnings = warnings
		return err
	})
	return done, err
}

// NewPassphrase replaces the passphrase, by a new vault key. The new one is
// secret, or asked for if that is empty. Of drop see RemoveSlot.
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
		kept, err := c.without("", "", drop)
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

// parseWay takes apart what the user calls a slot.
func parseWay(way string) (kind, recipient string, err error) {
	switch k := kindOf(way); {
	case way == "file":
		return kindPassphrase, "", nil
	case k.kind != "":
		return k.kind, "", nil
	case strings.HasPrefix(way, "age1"):
		_, err := parseRecipient(way, nil)
		return kindAge, way, err
	}
	return "", "", &BackendError{Backend: way, Reason: "it is no way to open a store"}
}

// addRecipients completes an age slot; added is whether it has more than before.
func (s *Store) addRecipients(ctx context.Context, sl *slot, recipient string) (added bool, err error) {
	if sl.Kind != kindAge {
		return false, nil
	}
	more := []string{recipient}
	if recipient == "" {
		if more, err = s.ownRecipients(ctx); err != nil {
			return false, err
		}
	}
	recipients := slices.Clone(sl.Recipients)
	for _, r := range more {
		if !slices.Contains(recipients, r) {
			recipients, added = append(recipients, r), true
		}
	}
	sl.Recipients = recipients
	return added, nil
}

// slot is the index of the slot called name, or -1.
func (h header) slot(name string) int {
	return slices.IndexFunc(h.Slots, func(sl slot) bool { return sl.Name == name })
}

func (h header) names() []string {
	var names []string
	for _, sl := range h.Slots {
		names = append(names, wayName(sl.Name))
	}
	return names
}

// notes are what is to be said of a new slot.
func (m made) notes(sl slot) []string {
	if m.untried == "" {
		return m.warnings
	}
	return append(m.warnings, fmt.Sprintf("%s was not tried: %s", sl.Name, m.untried))
}

// changeSlots opens the store and runs f, one process at a time. Before that, look
// is shown the header: it may refuse, and names the slot that is not to open the
// store because it is what is to be made.
func (s *Store) changeSlots(ctx context.Context, look func(header) (except string, err error), f func(*change) error) error {
	if _, err := s.trusted(); err != nil {
		return err // before a lock file is made for nothing
	}
	l, err := s.lock(ctx, slotsLock, false)
	if err != nil {
		return err
	}
	defer l.Unlock()
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return err
	}
	defer d.Close()
	h, err := s.trusted()
	if err != nil {
		return err
	}
	except, err := look(h)
	if err != nil {
		return err
	}
	c := &change{Store: s, d: d, h: h}
	if err := c.unlock(ctx, except); err != nil {
		return err
	}
	defer clear(c.vault)
	if err := s.sweepGenerations(d, h); err != nil {
		s.logf("%v", err)
	}
	if err := f(c); err != nil {
		for _, undo := range slices.Backward(c.undo) {
			undo()
		}
		return err
	}
	return nil
}

// unlock opens the store for its vault key, which nothing keeps.
func (c *change) unlock(ctx context.Context, except string) error {
	var err error
	if c.m, err = c.recall(); err != nil {
		return err
	}
	if err := c.m.check(c.h); err != nil {
		return err
	}
	others := c.h
	others.Slots = slices.DeleteFunc(slices.Clone(c.h.Slots), func(sl slot) bool { return sl.Name == except && len(c.h.Slots) > 1 })
	if c.opener, err = c.choose(others, c.m); err != nil {
		return err
	}
	release, err := c.gate(ctx, c.opener)
	if err != nil {
		return err
	}
	defer release()
	c.logf("opening the store: %s", c.opener.Name)
	var payload string
	if c.opener.Kind == kindPassphrase {
		c.passphrase, payload, err = c.enterPassphrase(ctx, c.h, c.opener)
	} else {
		payload, err = kindOf(c.opener.Kind).open(ctx, c.Store, c.h, c.opener)
	}
	if err != nil {
		return err
	}
	if c.vault, c.keys, err = c.h.unwrap(c.m, c.opener, payload); err != nil {
		return err
	}
	c.m, err = c.m.admit(c.opts.Dir, c.h, c.keys, c.opener)
	return err
}

// intact reports whether a slot's keeper still has it, as far as can be known
// without a person.
func (s *Store) intact(ctx context.Context, h header, sl slot) bool {
	if kindOf(sl.Kind).drop == nil { // it is a file
		file, err := s.slotFile(slotFileName(h, sl))
		return err == nil && isAge(file)
	}
	payload, err := kindOf(sl.Kind).open(ctx, s, h, sl)
	if err == nil {
		_, err = h.vaultKey(slotFileName(h, sl), sl.Name, payload)
	}
	return err == nil
}

// add makes a slot for the vault key there is, and commits it.
func (c *change) add(ctx context.Context, k slotKind, sl slot) (made, error) {
	payload := c.h.payload(sl.Name, c.vault)
	if k.drop != nil {
		// What was left by a change that was interrupted, or is not what it should be.
		if err := k.drop(ctx, c.Store, c.h, sl); err != nil {
			c.logf("%v", err)
		}
	}
	made, err := k.create(ctx, c.Store, c.h, sl, payload)
	if err != nil {
		return made, err
	}
	c.undo = append(c.undo, made.undo)
	next := c.h
	next.Slots = slices.Clone(c.h.Slots)
	if i := next.slot(sl.Name); i >= 0 {
		next.Slots[i] = sl
	} else {
		next.Slots = append(next.Slots, sl)
	}
	return made, c.alone(ctx, func() error {
		if made.file != nil {
			file := slotFileName(next, sl)
			if err := c.d.write(file, made.file, true); err != nil {
				return err
			}
			if again, err := c.slotFile(file); err != nil || !bytes.Equal(again, made.file) {
				return errors.Join(&DamagedError{file, "it is not what was written"}, err)
			}
		}
		return c.commit(next, c.keys)
	})
}

// alone runs f while nobody writes. The header has to be the one that was opened.
func (c *change) alone(ctx context.Context, f func() error) error {
	l, err := c.lockStore(ctx, false)
	if err != nil {
		return err
	}
	defer l.Unlock()
	now, err := c.headerIn(c.d)
	if err != nil {
		return err
	}
	if !bytes.Equal(now.line, c.h.line) {
		return &DamagedError{headerFile, "it was changed meanwhile, and not by fob"}
	}
	return f()
}

// commit replaces the header. If that fails and the new one is there all the same
// (its directory could not be synced) nothing may be undone.
func (c *change) commit(next header, k subkeys) error {
	text := next.encode(k)
	now, err := parseHeader(text)
	if err != nil {
		return err // never to be read again
	}
	err = c.d.write(headerFile, text, true)
	if err == nil {
		c.undo = nil
		return nil
	}
	there, unread := c.headerIn(c.d)
	if unread != nil && !absent(unread) || bytes.Equal(there.line, now.line) {
		c.undo = nil
	}
	return err
}

// without is the slots that stay: all but those of drop, and but the one of a kind
// or only a recipient of it.
func (c *change) without(kind, recipient string, drop []string) ([]slot, error) {
	gone := map[string]bool{}
	for _, way := range drop {
		name := way
		if way == "file" {
			name = kindPassphrase
		}
		if c.h.slot(name) < 0 {
			return nil, &NoSlotError{way, c.h.names()}
		}
		gone[name] = true
	}
	var kept []slot
	for _, sl := range c.h.Slots {
		if sl.Name == kind {
			sl.Recipients = slices.DeleteFunc(slices.Clone(sl.Recipients), func(r string) bool { return r == recipient })
			gone[kind] = gone[kind] || recipient == "" || len(sl.Recipients) == 0
		}
		if !gone[sl.Name] {
			kept = append(kept, sl)
		}
	}
	if len(kept) == 0 {
		return nil, &LastSlotError{wayName(c.h.Slots[0].Name)}
	}
	return kept, nil
}

// rekey makes a new vault key for the slots that are kept and encrypts everything
// anew, for the generation that begins with the header's commit. A passphrase, if
// it is not empty, is the new one.
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
	var tried bool
	for _, sl := range kept {
		made, err := c.remake(ctx, next, sl, next.payload(sl.Name, vault), passphrase)
		if err != nil {
			return nil, &SlotError{wayName(sl.Name), err}
		}
		c.undo = append(c.undo, made.undo)
		files[sl.Name] = made.file
		tried = tried || made.untried == ""
		warnings = append(warnings, made.notes(sl)...)
	}
	if !tried {
		// Nobody may be able to open what would be left.
		return nil, &SlotError{wayName(kept[0].Name), errors.New(strings.Join(warnings, "; "))}
	}
	c.m.Next = k.fingerprint
	if err := c.remember(c.m); err != nil {
		c.logf("this machine will not remember the store: %v", err)
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
	return append(warnings, c.settle(ctx, next, k)...), nil
}

// begin makes the new generation's directory. It also says, to whoever comes after
// us if we are interrupted, that what keyrings hold for that generation is ours.
func (c *change) begin(ctx context.Context, next header) error {
	name := path.Dir(itemsDir(next.Gen))
	if _, err := c.d.Lstat(name); err == nil {
		c.dropKept(ctx, next, slotsOfKeyrings())
		if err := c.d.RemoveAll(name); err != nil {
			return err
		}
	}
	c.undo = append(c.undo, func() {
		if err := c.d.RemoveAll(name); err != nil {
			c.logf("%s is left over: %v", name, err)
		}
	})
	if err := c.d.mkdir(name); err != nil {
		return err
	}
	return c.d.sync(".")
}

// remake makes a slot for the new vault key, with the secret that it has.
func (c *change) remake(ctx context.Context, next header, sl slot, payload string, passphrase creds.Secret) (made, error) {
	k := kindOf(sl.Kind)
	switch {
	case k.create == nil:
		return made{}, &BackendError{Backend: sl.Kind, Reason: "this fob does not know it"}
	case sl.Kind != kindPassphrase:
		return k.create(ctx, c.Store, next, sl, payload)
	case passphrase.Reveal() != "":
		return c.makePassphrase(passphrase, sl, payload)
	case c.passphrase.Reveal() == "":
		secret, old, err := c.enterPassphrase(ctx, c.h, sl)
		if err == nil && old != c.h.payload(sl.Name, c.vault) {
			err = &DamagedError{slotFileName(c.h, sl), "it holds another vault key than this store's"}
		}
		if err != nil {
			return made{}, err
		}
		c.passphrase = secret
	}
	m, err := c.makePassphrase(c.passphrase, sl, payload)
	m.warnings = nil // it is no news
	return m, err
}

// copyItems encrypts every item anew, and reads it back. Sessions are a cache:
// what is wrong with one stops nothing.
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
		kind, ours := kindOfFile(file)
		switch {
		case !ours:
			continue
		case kind.parts() < 0:
			bad = errors.Join(bad, &FutureError{file})
			continue
		}
		err := c.copyItem(from, to, file, k)
		switch {
		case err == nil:
		case damagedItem(err) && kind == KindSession:
			c.logf("a cached session is dropped: %v", err)
		case damagedItem(err):
			bad = errors.Join(bad, err)
		default:
			return err
		}
	}
	if bad != nil {
		return &BeforeRekeyError{bad}
	}
	return to.sync(".")
}

func (c *change) copyItem(from, to dir, file string, k subkeys) error {
	it, err := readItem(from, file)
	if err != nil {
		return err
	}
	plain, err := it.open(c.keys.items[it.info.Kind], c.h.ID)
	if err != nil {
		return err
	}
	sealed := sealLine(k.items[it.info.Kind], c.h.ID, file, it.line, plain)
	if err := to.fill(file, sealed, it.info.Kind != KindSession); err != nil {
		return to.named(file, err)
	}
	again, err := readItem(to, file)
	if err != nil {
		return err
	}
	if got, err := again.open(k.items[it.info.Kind], c.h.ID); err != nil || !bytes.Equal(got, plain) {
		return fmt.Errorf("%s does not come back as it was written", file)
	}
	return nil
}

// settle does what follows the commit: this machine knows the new vault key, and
// nothing knows the old one. What fails is said, and is no failure.
func (c *change) settle(ctx context.Context, next header, k subkeys) (warnings []string) {
	if dropped, err := dropCopies(fmt.Sprintf("%s%s:%d:", copyPrefix, c.h.ID, c.h.Gen)); err != nil {
		c.logf("unlocked copies of the old vault key end by themselves: %v", err)
	} else if dropped > 0 {
		c.logf("%d unlocked copies of the old vault key dropped", dropped)
	}
	opener := c.opener
	if next.slot(opener.Name) < 0 {
		opener = next.Slots[max(0, slices.IndexFunc(next.Slots, func(sl slot) bool { return kindOf(sl.Kind).create != nil && kindOf(sl.Kind).usable(c.Store) }))]
	}
	m, err := c.m.admit(c.opts.Dir, next, k, opener)
	if err != nil {
		return []string{err.Error()} // cannot be: the header is one generation further
	}
	c.keep(next, k, m, opener)
	for _, name := range c.dropKept(ctx, c.h, c.h.Slots) {
		warnings = append(warnings, fmt.Sprintf("%s still has the item %q: delete it there", name, itemName(c.h)))
	}
	if err := c.sweepGenerations(c.d, next); err != nil {
		warnings = append(warnings, fmt.Sprintf("what the old vault key opens is still there: %v", err))
	}
	return warnings
}

// dropKept has keyrings forget a generation, and returns those that did not.
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

// slotsOfKeyrings are the slots that may have an item in a keyring.
func slotsOfKeyrings() []slot {
	var list []slot
	for _, k := range slotKinds() {
		if k.drop != nil {
			list = append(list, slot{Name: k.kind, Kind: k.kind})
		}
	}
	return list
}

// sweepGenerations removes those before h, which counts and has been verified. A
// later one is somebody's work.
func (s *Store) sweepGenerations(d dir, h header) error {
	gens, err := d.generations()
	if err != nil || len(gens) < 2 {
		return err
	}
	// Not before it is certain that the header which makes them old will be there.
	if err := d.sync("."); err != nil {
		return err
	}
	for _, gen := range gens {
		if gen < h.Gen {
			name := path.Dir(itemsDir(gen))
			err = errors.Join(err, d.named(name, d.RemoveAll(name)))
		}
	}
	return err
}
