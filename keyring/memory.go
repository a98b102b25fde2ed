package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// memory is what this machine remembers of the store in one directory, outside
// of it, so that a store that was exchanged, rolled back or lost is noticed
// before anything is entrusted to it. It holds no secret. Without it, the first
// store that opens is trusted.
type memory struct {
	Dir  string `json:"dir"`
	ID   string `json:"id"`
	Gen  int    `json:"gen"`
	Slot string `json:"slot"` // what opens the store here, chosen once
	// Fingerprint is derived from the vault key. An age slot can be forged by
	// anyone who knows its public key; the fingerprint shows it.
	Fingerprint string `json:"fingerprint"`
}

// memoryFile gives each store directory a file of its own, so that no two
// writers need a lock between them.
func (s *Store) memoryFile() string {
	sum := sha256.Sum256([]byte(s.opts.Dir))
	return "store-" + hex.EncodeToString(sum[:8]) + ".json"
}

// recall returns the zero memory if this machine never opened the store.
func (s *Store) recall() (memory, error) {
	d, err := openDir(s.opts.StateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, err
	}
	defer d.Close()
	data, _, err := d.read(s.memoryFile(), maxSlotFile)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, err
	}
	var m memory
	if json.Unmarshal(data, &m) != nil || m.Dir != s.opts.Dir || !isStoreID(m.ID) || m.Gen < 1 {
		return memory{}, &DamagedError{filepath.Join(s.opts.StateDir, s.memoryFile()), "it is not what fob remembered of this store"}
	}
	return m, nil
}

func (s *Store) remember(m memory) error {
	d, err := makeDir(s.opts.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.write(s.memoryFile(), append(encodeJSON(m), '\n'), true)
}

// check compares a header that is not verified yet with the memory.
func (m memory) check(h header) error {
	switch {
	case m.ID == "":
		return nil
	case m.ID != h.ID:
		return &TrustError{m.Dir, "is not the one this machine knows"}
	case m.Gen > h.Gen:
		return &TrustError{m.Dir, "is older than the one this machine knows"}
	}
	return nil
}

// admit compares a verified header, opened through sl, with the memory, and
// returns what to remember from now on.
func (m memory) admit(dir string, h header, k subkeys, sl slot) (memory, error) {
	if err := m.check(h); err != nil {
		return memory{}, err
	}
	if m.ID != "" && m.Fingerprint != k.fingerprint && (m.Gen == h.Gen || !kindOf(sl.Kind).authentic) {
		return memory{}, &TrustError{dir, "has another vault key than this machine knows"}
	}
	now := memory{Dir: dir, ID: h.ID, Gen: h.Gen, Slot: m.Slot, Fingerprint: k.fingerprint}
	// --backend for once does not change what was chosen, if that still exists.
	if !slices.ContainsFunc(h.Slots, func(s slot) bool { return s.Name == m.Slot }) {
		now.Slot = sl.Name
	}
	return now, nil
}
