package keyring

import (
	"bytes"
	"context"
	"errors"
	"slices"
)

// AddSlot adds a slot, or makes one again that was lost. way is "file", a kind of
// slot or an age recipient; the slot's secret, if it has one, comes from Options as
// for a new store. The store is opened with Options.Backend, or with the slot that
// this machine uses, but not with the slot that is added.
func (s *Store) AddSlot(ctx context.Context, way string) (Change, error) {
	kind, recipient, err := parseWay(way)
	if err != nil {
		return Change{}, err
	}
	k := kindOf(kind)
	if kind != kindAge && !k.usable(s) {
		return Change{}, s.unusable(ctx, k, way)
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
		// A user who adds this machine's keyring wants it to open the store here.
		if done.Chosen = kindOf(sl.Kind).drop != nil && c.m.Slot != sl.Name; done.Chosen {
			c.m.Slot = sl.Name
			err = c.remember(c.m)
		}
		c.keep(c.h, c.keys, c.m, c.opener)
		return err
	})
	return done, err
}

// addRecipients adds recipients to an age slot, and reports whether there were new
// ones.
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

// intact reports whether a slot still exists, as far as can be known without a
// person.
func (s *Store) intact(ctx context.Context, h header, sl slot) bool {
	if kindOf(sl.Kind).drop == nil { // it is a file
		return s.slotFileProblem(h, sl) == nil
	}
	payload, err := kindOf(sl.Kind).open(ctx, s, h, sl)
	if err == nil {
		_, err = h.vaultKey(slotFileName(h, sl), sl.Name, payload)
	}
	return err == nil
}

// add makes a slot for the present vault key, and commits it; c.h is then the new header.
func (c *change) add(ctx context.Context, k slotKind, sl slot) (made, error) {
	payload := c.h.payload(sl.Name, c.vault)
	if k.drop != nil {
		// Remove what an interrupted change left, or an item that is damaged.
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
	next = next.sealed(c.keys)
	err = c.alone(ctx, func() error {
		if made.file != nil {
			file := slotFileName(next, sl)
			if err := c.d.write(file, made.file, true); err != nil {
				return err
			}
			if again, err := c.slotFile(file); err != nil || !bytes.Equal(again, made.file) {
				return errors.Join(&DamagedError{file, "it does not read back as written"}, err)
			}
		}
		return c.commit(next, c.keys)
	})
	if err == nil {
		c.h = next
	}
	return made, err
}
