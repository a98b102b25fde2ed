package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
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
		return &TrustError{Dir: s.opts.Dir, Problem: "is gone"}
	}
	return missing
}

// memory is what this machine remembers of the store in one directory. It is outside
// that directory and not secret. With it, fob notices that a store was exchanged,
// rolled back, forged or lost before it stores anything there. Without it, fob trusts
// the first store that a slot proves to be the owner's.
type memory struct {
	Dir  string `json:"dir"`
	ID   string `json:"id"`
	Gen  int    `json:"gen"`
	Slot string `json:"slot"` // opens the store here; chosen once
	// Fingerprint is derived from the vault key. Some slots can be forged (see slotKind),
	// but then the fingerprint differs.
	Fingerprint string `json:"fingerprint"`
}

// memoryFile names a file for each store directory, so that writers of different
// stores need no lock between them.
func (s *Store) memoryFile() string {
	sum := sha256.Sum256([]byte(s.opts.Dir))
	return "store-" + hex.EncodeToString(sum[:8]) + ".json"
}

// madeFile has the last vault key that this machine made. It is written before the
// header, so that a creation or a re-key that is killed just after its commit does not
// look forged; and it is a file of its own, so that nobody who opens the store in the
// meantime and remembers it overwrites it.
func (s *Store) madeFile() string { return strings.TrimSuffix(s.memoryFile(), ".json") + ".made" }

// recall returns the zero memory if this machine never opened the store.
func (s *Store) recall() (memory, error) { return s.recallFrom(s.memoryFile()) }

func (s *Store) recallFrom(file string) (memory, error) {
	d, err := openDir(s.opts.StateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, err
	}
	defer d.Close()
	data, _, err := d.read(file, maxSlotFile)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	var damaged *DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return memory{}, err
	}
	var m memory
	if damaged != nil || json.Unmarshal(data, &m) != nil || m.Dir != s.opts.Dir || !isStoreID(m.ID) || m.Gen < 1 {
		return memory{}, &DamagedError{filepath.Join(s.opts.StateDir, file), "it is not what fob wrote about this store"}
	}
	return m, nil
}

// Machine is this machine's name, which other machines with the same store do not have. It
// is random, and made when it is first asked for. What is noted under it can be undone only
// under it, so it is never replaced, not even if it cannot be read.
func (s *Store) Machine() (string, error) {
	d, err := makeDir(s.opts.StateDir)
	if err != nil {
		return "", err
	}
	defer d.Close()
	const file, size = "machine", 26 // of rand.Text
	text, _, err := d.read(file, 2*size)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.create(file, []byte(rand.Text()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		text, _, err = d.read(file, 2*size) // perhaps another process was first
	}
	if err == nil && len(bytes.TrimSpace(text)) != size {
		err = &DamagedError{file, "it is not the name that fob gave this machine"}
	}
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		damaged.File = filepath.Join(s.opts.StateDir, file)
	}
	return string(bytes.TrimSpace(text)), err
}

func (s *Store) remember(m memory) error { return s.rememberIn(s.memoryFile(), m) }

// rememberMade remembers the vault key of h, which this machine has made, before the
// commit of h. If that fails and no slot of h proves who made it, nobody could open the
// store without fob store trust: then the error is returned.
func (s *Store) rememberMade(h header, k subkeys) error {
	err := s.rememberIn(s.madeFile(), memory{Dir: s.opts.Dir, ID: h.ID, Gen: h.Gen, Fingerprint: k.fingerprint})
	if err != nil && h.proof() != "" {
		s.logf("could not remember the store on this machine: %v", err)
		return nil
	}
	return err
}

// proof is an authentic slot of h; "" if there is none.
func (h header) proof() string {
	i := slices.IndexFunc(h.Slots, func(sl slot) bool { return kindOf(sl.Kind).authentic })
	if i < 0 {
		return ""
	}
	return wayName(h.Slots[i].Name)
}

func (s *Store) rememberIn(file string, m memory) error {
	d, err := makeDir(s.opts.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	d.sweep(".")
	return d.write(file, append(encodeJSON(m), '\n'), true)
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
	k, err := s.open(ctx, h, memory{}, sl, turn{})
	if err != nil {
		return false, err
	}
	if doubt == nil {
		_, doubt = s.admit(m, h, k, sl)
	}
	if doubt != nil {
		problem := doubt.Error()
		if t, ok := errors.AsType[*TrustError](doubt); ok && t.Fingerprint != "" {
			problem += " (fingerprint " + t.Fingerprint + ")"
		}
		if err := agree(problem); err != nil {
			return false, err
		}
	}
	now := m.of(s.opts.Dir, h, k, sl)
	if now != m {
		err = s.remember(now)
	}
	return doubt != nil || now.Fingerprint != m.Fingerprint, err
}

// forget removes what this machine remembers of the store.
func (s *Store) forget() error {
	d, err := openDir(s.opts.StateDir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Remove(s.madeFile()); err != nil && !absent(err) {
		return err
	}
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
		return &TrustError{Dir: m.Dir, Problem: "is not the one this machine knows"}
	case m.Gen > h.Gen:
		return &TrustError{Dir: m.Dir, Problem: "is older than the one this machine knows"}
	}
	return nil
}

// admit compares the memory with a verified header, opened through sl, and returns
// the new memory.
//
// The header proves that its writer knows the vault key. That is the owner if this
// machine knows the vault key, or if nobody else could have made the slot. Anybody can
// encrypt a vault key of their own to a public key, and seal a header with it.
func (s *Store) admit(m memory, h header, k subkeys, sl slot) (memory, error) {
	if err := m.check(h); err != nil {
		return memory{}, err
	}
	doubt := &TrustError{Dir: s.opts.Dir, Fingerprint: k.fingerprint}
	switch {
	case m.Fingerprint == k.fingerprint:
		return m.of(s.opts.Dir, h, k, sl), nil
	case m.Gen == h.Gen:
		doubt.Problem = "has a different vault key than this machine knows"
		return memory{}, doubt
	case kindOf(sl.Kind).authentic, s.made(h, k):
		return m.of(s.opts.Dir, h, k, sl), nil
	case m.ID == "":
		doubt.Problem = "is new to this machine"
	default:
		doubt.Problem = "has a vault key that this machine does not know"
	}
	doubt.Problem += ", and " + wayName(sl.Name) + " cannot prove who made it"
	doubt.Proof = h.proof()
	return memory{}, doubt
}

// made reports whether this machine made the vault key of h.
func (s *Store) made(h header, k subkeys) bool {
	made, err := s.recallFrom(s.madeFile())
	if err != nil {
		s.logf("not knowing whether this machine made the vault key: %v", err)
	}
	return made.ID == h.ID && made.Gen == h.Gen && made.Fingerprint == k.fingerprint
}

// of is the memory of the store with header h, opened through sl.
func (m memory) of(dir string, h header, k subkeys, sl slot) memory {
	now := memory{Dir: dir, ID: h.ID, Gen: h.Gen, Slot: m.Slot, Fingerprint: k.fingerprint}
	// Using --backend once does not change the chosen slot, if it still exists.
	if h.slot(m.Slot) < 0 {
		now.Slot = sl.Name
	}
	return now
}
