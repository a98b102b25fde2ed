package keyring

import (
	"context"
	"slices"
	"time"

	"fob/keyring/backend"
)

// Description is what fob knows about a store without opening it.
type Description struct {
	Dir string
	// Exists is false if there is no store yet; then only Ways and Problem count.
	Exists bool
	ID     string // 32 hex digits
	Gen    int    // how many vault keys the store has had
	// Fingerprint is that of the vault key, if this machine has opened the store. On
	// another machine it is the same.
	Fingerprint string
	// Ways are the slots, in their order, and then the other kinds that this fob
	// knows for this system.
	Ways []Way
	// Items counts the items of each kind, without sessions and sign-ins that have
	// expired, and without registrations.
	Items map[Kind]int
	// Unlocked says until when the kernel keeps the subkey of a kind.
	Unlocked map[Kind]time.Time
	// Conflicts are files that hold an item under another name than its own.
	Conflicts []Conflict
	// Problem says why the store, or some of its items, cannot be used; nil if they can.
	Problem error
}

// Way is a way to open the store, or one that could be added.
type Way struct {
	Name string // as in fob store and --backend
	// Slot: the store has this slot. Used: this machine opens the store with it.
	Slot, Used bool
	// Recipients are those of an age slot.
	Recipients []string
	// Problem says why it does not work here and now; empty if there is no known reason.
	Problem string
}

// OnlyKeyring is the keyring that is the store's only slot; "" if there is another
// slot.
func (d Description) OnlyKeyring() string {
	var slots []string
	for _, way := range d.Ways {
		if way.Slot {
			slots = append(slots, way.Name)
		}
	}
	if len(slots) == 1 && slices.Contains(BackendKinds(), slots[0]) {
		return slots[0]
	}
	return ""
}

// OnlyMemory reports whether without these slots only the kernel's memory would open the
// store, until the next restart.
func (d Description) OnlyMemory(without ...string) bool {
	var left []string
	for _, way := range d.Ways {
		if way.Slot && !slices.Contains(without, way.Name) {
			left = append(left, way.Name)
		}
	}
	return slices.Equal(left, []string{"keyctl"})
}

// Describe looks at the store, and for less than a second at the keyrings. It opens,
// starts and changes nothing and asks nobody.
func (s *Store) Describe(ctx context.Context) Description {
	d := Description{Dir: s.opts.Dir, Items: map[Kind]int{}, Unlocked: map[Kind]time.Time{}}
	h, err := s.trusted()
	if !absent(err) {
		d.Problem = err
	}
	d.Exists, d.ID, d.Gen = h.ID != "", h.ID, h.Gen
	m, _ := s.recall() // trusted has said what is wrong with it
	if m.ID == h.ID && m.Gen == h.Gen {
		d.Fingerprint = m.Fingerprint
	}
	states := s.backendStates(ctx)
	for _, sl := range h.Slots {
		d.Ways = append(d.Ways, Way{
			Name: wayName(sl.Name), Slot: true, Used: sl.Name == m.Slot,
			Recipients: sl.Recipients, Problem: s.slotProblem(h, sl, states),
		})
	}
	for _, k := range slotKinds() {
		if _, here := states[k.kind]; h.slot(k.kind) < 0 && (here || k.drop == nil) {
			d.Ways = append(d.Ways, Way{Name: wayName(k.kind), Problem: s.kindProblem(k, states)})
		}
	}
	if err != nil {
		return d
	}
	known := map[string]bool{} // files whose names are those of their items
	for _, kind := range kinds() {
		infos, err := s.Infos(kind)
		for _, i := range infos {
			known[i.file()] = true
			if i.lives(s.opts.Now()) {
				d.Items[kind]++
			}
		}
		if err != nil && !kind.fromSignIn() {
			d.Problem = err
		}
		if key, ends := decodeCopy(loadCopy(copyName(h, kind))); key != nil {
			d.Unlocked[kind] = ends
		}
	}
	d.Conflicts, _ = s.conflicts(known) // the items have said what is wrong with their directory
	return d
}

// wayName is the name of a slot for users: the slot "passphrase" is their backend
// "file".
func wayName(slot string) string {
	if slot == kindPassphrase {
		return "file"
	}
	return slot
}

func (s *Store) slotProblem(h header, sl slot, states map[string]backend.State) string {
	k := kindOf(sl.Kind)
	if k.open == nil {
		return "made by a newer fob"
	}
	if k.drop == nil {
		if err := s.slotFileProblem(h, sl); err != nil {
			return err.Error()
		}
	}
	return s.kindProblem(k, states)
}

// kindProblem says why a kind of slot cannot be used here and now; "" if it can.
func (s *Store) kindProblem(k slotKind, states map[string]backend.State) string {
	state, here := states[k.kind]
	switch {
	case here && state.Ready, k.kind == kindPassphrase, k.kind == kindAge && k.usable(s):
		return ""
	case here:
		return state.Reason
	case k.kind == kindAge:
		return noIdentityFile
	}
	return notHere
}

// unusable returns kindProblem as an error. called is the user's name for the slot.
func (s *Store) unusable(ctx context.Context, k slotKind, called string) error {
	if k.kind == "" {
		return &UnknownBackendError{called}
	}
	states := s.backendStates(ctx)
	return &BackendError{Backend: called, Reason: s.kindProblem(k, states), Fix: states[k.kind].Fix}
}

const (
	notHere        = "not available on this system"
	noIdentityFile = "no identity file (FOB_AGE_IDENTITY)"
)

// SlotTitle says in a few words what a slot is: "the macOS Keychain". name is a
// Way's.
func SlotTitle(name string) string {
	switch name {
	case "file":
		return "a passphrase"
	case "age":
		return "age keys, also in hardware such as a YubiKey"
	case "secret-service":
		return "the desktop keyring"
	case "keychain":
		return "the macOS Keychain"
	case "wincred":
		return "the Windows Credential Manager"
	case "kwallet":
		return "the KDE wallet"
	case "pass":
		return "the password manager pass"
	case "keyctl":
		return "kernel memory, until the next restart"
	}
	return "unknown to this version of fob"
}
