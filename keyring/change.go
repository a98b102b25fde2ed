package keyring

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fob/internal/creds"
)

// Changes of the slots. Each ends with one commit, which replaces the header, and
// touches nothing before it that the old header refers to. A new slot gets the
// present vault key. If a slot is removed, or its secret changes, there is a new
// vault key and a new generation, in which every item is encrypted again: the old
// secret then opens nothing that is still used.

// Change says what a change of slots did.
type Change struct {
	Slot string
	// Rekeyed: there is a new vault key.
	Rekeyed bool
	// Repaired: the slot was in the header already, but had been lost.
	Repaired bool
	// Chosen: from now on, this machine opens the store with the slot.
	Chosen bool
	// Warnings are sentences for the user.
	Warnings []string
}

// change is a change that is being made, with the store open.
type change struct {
	*Store
	d      dir
	h      header
	m      memory
	opener slot
	vault  []byte
	keys   subkeys
	// passphrase opened the store; empty if another slot did.
	passphrase creds.Secret
	undo       []func()
}

// parseWay returns the kind of slot, or the age recipient, that a user named.
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
	return "", "", &UnknownBackendError{way}
}

// slot returns the index of the slot called name, or -1.
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

// notes are the warnings about a new slot.
func (m made) notes(sl slot) []string {
	if m.untested == nil {
		return m.warnings
	}
	return append(m.warnings, fmt.Sprintf("could not test %s: %v", sl.Name, m.untested))
}

// changeSlots opens the store and runs f, one process at a time. First it calls look
// with the header; look may refuse, or name the slot that must not open the store
// because it is about to be made.
func (s *Store) changeSlots(ctx context.Context, look func(header) (except string, err error), f func(*change) error) error {
	if _, err := s.trusted(); err != nil {
		return err // before a useless lock file is made
	}
	ctx = s.WatchRefusals(ctx)
	l, err := s.askLock(ctx, slotsLock, "a change of what opens the store", nil)
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

// unlock opens the store for its vault key, which is cached nowhere.
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
	t, err := c.promptLock(ctx, c.h, c.m, c.opener)
	if err != nil {
		return err
	}
	defer t.end()
	payload := t.served
	switch {
	case payload != "":
		c.passphrase, _, err = c.givenPassphrase() // which is what it was handed over for
	case c.opener.Kind == kindPassphrase:
		c.logf("opening the store: %s", c.opener.Name)
		c.passphrase, payload, err = c.enterPassphrase(ctx, c.h, c.opener)
	default:
		c.logf("opening the store: %s", c.opener.Name)
		payload, err = kindOf(c.opener.Kind).open(ctx, c.Store, c.h, c.opener)
	}
	if err != nil {
		return err
	}
	if c.vault, c.keys, err = c.h.unwrap(c.m, c.opener, payload); err != nil {
		return err
	}
	c.m, err = c.admit(c.m, c.h, c.keys, c.opener)
	return err
}

// alone runs f while nobody else writes. It fails if the header has changed since
// the store was opened.
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
	if now.mark() != c.h.mark() {
		return &DamagedError{headerFile, "something other than fob has changed it in the meantime"}
	}
	return f()
}

// commit replaces the header. If that fails although the new header is there (only
// its directory could not be synced), nothing may be undone.
func (c *change) commit(next header, k subkeys) error {
	text := next.encode(k)
	now, err := parseHeader(text)
	if err != nil {
		return err // or it could never be read again
	}
	err = c.d.write(headerFile, text, true)
	if err == nil {
		c.undo = nil
		return nil
	}
	there, unread := c.headerIn(c.d)
	if unread != nil && !absent(unread) || there.mark() == now.mark() {
		c.undo = nil
	}
	return err
}
