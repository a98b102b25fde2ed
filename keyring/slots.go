package keyring

import (
	"context"
	"slices"

	"fob/keyring/backend"
)

// slotKind is a kind of slot: a way to keep a payload (see header.payload).
type slotKind struct {
	kind string
	// authentic: only the owner can have made such a slot. For others, anybody who may
	// write the right file can: encryption to a public key needs no secret.
	authentic bool
	// copies: opening is slow or needs a person, so the kernel may keep the subkeys.
	copies bool
	// usable reports whether this machine could open such a slot at all.
	usable func(*Store) bool
	// create stores a new payload and reads it back. If it returns a file, that becomes
	// the slot's file; undo undoes what it did outside the store.
	create func(ctx context.Context, s *Store, h header, sl slot, payload string) (made, error)
	open   func(ctx context.Context, s *Store, h header, sl slot) (payload string, err error)
	// drop removes what the slot has outside the store. Nil: it has nothing there.
	drop func(ctx context.Context, s *Store, h header, sl slot) error
}

type made struct {
	file     []byte
	undo     func()
	warnings []string
	// untested says why the slot could not be opened as a test; nil if it was.
	untested error
}

func slotKinds() []slotKind {
	kinds := []slotKind{{
		kind:      kindPassphrase,
		authentic: true,
		copies:    true,
		usable:    func(*Store) bool { return true },
		create:    createPassphrase,
		open:      openPassphrase,
	}, {
		kind:   kindAge,
		copies: true,
		usable: func(s *Store) bool { return s.opts.AgeIdentity != "" },
		create: createAge,
		open:   openAge,
	}}
	for _, b := range backend.All() {
		kinds = append(kinds, backendSlot(b))
	}
	return kinds
}

// kindOf returns the zero slotKind for an unknown kind, perhaps one of a newer fob.
func kindOf(kind string) slotKind {
	for _, k := range slotKinds() {
		if k.kind == kind {
			return k
		}
	}
	return slotKind{}
}

// opensAgain fails if all slots of h are files that are gone. The store may be open for
// hours without any: what is stored then would be lost when that ends.
func (s *Store) opensAgain(h header) (lost error) {
	for _, sl := range h.Slots {
		if k := kindOf(sl.Kind); k.open == nil || k.drop != nil {
			return nil // not a file, as far as this fob knows
		}
		err := s.slotFileProblem(h, sl)
		if err == nil {
			return nil
		}
		if lost == nil {
			lost = err
		}
	}
	return lost
}

// slotFileProblem says what is wrong with a slot's file, as far as can be known without
// its secret.
func (s *Store) slotFileProblem(h header, sl slot) error {
	file, err := s.slotFile(slotFileName(h, sl))
	if err == nil && !isAge(file) {
		err = &DamagedError{slotFileName(h, sl), "it is not an age file"}
	}
	return err
}

// wanted is the kind of slot that the user named; "" for auto.
func (s *Store) wanted() string {
	switch s.opts.Backend {
	case "", "auto":
		return ""
	case "file":
		return kindPassphrase
	}
	return s.opts.Backend
}

// choose picks the slot to open the store with: the one that the user named, the one
// that this machine chose before, or the only one that could work here. It never
// falls back to another slot.
func (s *Store) choose(h header, m memory) (slot, error) {
	var names []string
	var fits []slot
	for _, sl := range h.Slots {
		names = append(names, wayName(sl.Name))
		k := kindOf(sl.Kind)
		switch want := s.wanted(); {
		case k.open == nil:
		case want == "" && sl.Name == m.Slot:
			return sl, nil
		case want == "" && k.usable(s), want == sl.Kind:
			fits = append(fits, sl)
		}
	}
	if i := slices.IndexFunc(fits, func(sl slot) bool { return sl.Name == m.Slot }); i >= 0 {
		return fits[i], nil
	}
	switch len(fits) {
	case 0:
		return slot{}, &NoSlotError{s.opts.Backend, names}
	case 1:
		return fits[0], nil
	}
	names = nil
	for _, sl := range fits {
		names = append(names, wayName(sl.Name))
	}
	return slot{}, &ChoiceError{names}
}
