package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// trust compares the result of reading the header with the memory. If the store is
// gone, exchanged or rolled back, it returns a *TrustError.
func (s *Store) trust(h header, err error) error {
	var missing *MissingError
	if err != nil && !errors.As(err, &missing) {
		return err
	}
	m, recalled := s.recall()
	switch {
	case recalled != nil:
		return recalled
	case missing == nil:
		return m.check(h)
	case m.ID != "":
		return &TrustError{s.opts.Dir, "is gone"}
	}
	return missing
}

// memory is what this machine remembers of the store in one directory. It is outside
// that directory and not secret. With it, fob notices that a store was exchanged,
// rolled back or lost before it stores anything there. Without it, fob trusts the
// first store that opens.
type memory struct {
	Dir  string `json:"dir"`
	ID   string `json:"id"`
	Gen  int    `json:"gen"`
	Slot string `json:"slot"` // opens the store here; chosen once
	// Fingerprint is derived from the vault key. Anyone who knows the public key of an
	// age slot can forge the slot, but then the fingerprint differs.
	Fingerprint string `json:"fingerprint"`
	// Next is the fingerprint of a re-key that this machine began. It is written before
	// the commit, so that a re-key that is killed just after it does not look forged.
	Next string `json:"next,omitempty"`
}

// memoryFile names a file for each store directory, so that writers of different
// stores need no lock between them.
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
	var damaged *DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return memory{}, err
	}
	var m memory
	if damaged != nil || json.Unmarshal(data, &m) != nil || m.Dir != s.opts.Dir || !isStoreID(m.ID) || m.Gen < 1 {
		return memory{}, &DamagedError{filepath.Join(s.opts.StateDir, s.memoryFile()), "it is not what fob wrote about this store"}
	}
	return m, nil
}

func (s *Store) remember(m memory) error {
	d, err := makeDir(s.opts.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	d.sweep(".")
	return d.write(s.memoryFile(), append(encodeJSON(m), '\n'), true)
}

// Trust makes this machine know the store in Dir as it is now, or forget a store that
// is gone. If that differs from what it remembers, Trust opens the store and calls
// agree with the difference; agree may refuse. changed reports whether there was a
// difference.
func (s *Store) Trust(ctx context.Context, agree func(problem string) error) (changed bool, err error) {
	h, err := s.header()
	doubt := s.trust(h, err)
	m, recalled := s.recall()
	if recalled != nil {
		doubt = recalled
	}
	var missing *MissingError
	switch gone := errors.As(err, &missing); {
	case gone && doubt == err:
		return false, missing
	case gone:
		if err := agree(doubt.Error()); err != nil {
			return false, err
		}
		return true, s.forget()
	case err != nil:
		return false, err
	}
	sl, err := s.choose(h, m)
	if err != nil {
		return false, err
	}
	// The memory is in doubt, so the store is not compared with it.
	k, err := s.open(ctx, h, memory{}, sl)
	if err != nil {
		return false, err
	}
	if doubt == nil {
		_, doubt = m.admit(s.opts.Dir, h, k, sl)
	}
	if doubt != nil {
		if err := agree(doubt.Error()); err != nil {
			return false, err
		}
	}
	now, err := memory{Slot: m.Slot}.admit(s.opts.Dir, h, k, sl)
	if err == nil && now != m {
		err = s.remember(now)
	}
	return doubt != nil || m.ID == "", err
}

// forget removes what this machine remembers of the store.
func (s *Store) forget() error {
	d, err := openDir(s.opts.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Remove(s.memoryFile()); err != nil {
		return err
	}
	return d.sync(".")
}

// check compares the memory with a header that is not verified yet.
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

// admit compares the memory with a verified header, opened through sl, and returns
// the new memory.
func (m memory) admit(dir string, h header, k subkeys, sl slot) (memory, error) {
	if err := m.check(h); err != nil {
		return memory{}, err
	}
	known := m.Fingerprint == k.fingerprint || m.Gen < h.Gen && m.Next == k.fingerprint
	if m.ID != "" && !known && (m.Gen == h.Gen || !kindOf(sl.Kind).authentic) {
		return memory{}, &TrustError{dir, "has a different vault key than this machine knows"}
	}
	now := memory{Dir: dir, ID: h.ID, Gen: h.Gen, Slot: m.Slot, Fingerprint: k.fingerprint}
	// Using --backend once does not change the chosen slot, if it still exists.
	if !slices.ContainsFunc(h.Slots, func(s slot) bool { return s.Name == m.Slot }) {
		now.Slot = sl.Name
	}
	return now, nil
}
