package keyring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
)

// held returns the subkey of a kind for the vault key of h, if this process or
// the kernel has it; else nil.
func (s *Store) held(h header, kind Kind) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == h.ID && s.gen == h.Gen && s.keys[kind] != nil {
		return s.keys[kind]
	}
	if s.copyTTL(kind) <= 0 {
		return nil
	}
	key, _ := decodeCopy(loadCopy(copyName(h, kind)))
	if key != nil {
		s.hold(h, map[Kind][]byte{kind: key})
	}
	return key
}

// hold keeps subkeys in this process. The caller has locked s.mu.
func (s *Store) hold(h header, keys map[Kind][]byte) {
	if s.id != h.ID || s.gen != h.Gen {
		s.id, s.gen, s.keys = h.ID, h.Gen, map[Kind][]byte{}
	}
	maps.Copy(s.keys, keys)
}

// key returns the subkey of a kind for the vault key of h, and unlocks the store
// if need be. If the store has another vault key by now, the error is
// errMoved.
func (s *Store) key(ctx context.Context, h header, kind Kind) ([]byte, error) {
	if key := s.held(h, kind); key != nil {
		return key, nil
	}
	m, err := s.recall()
	if err == nil {
		err = m.check(h)
	}
	if err != nil {
		return nil, err
	}
	sl, err := s.choose(h, m)
	if err != nil {
		return nil, err
	}
	release, err := s.gate(ctx, sl)
	if err != nil {
		return nil, err
	}
	defer release()
	// Whoever was before us may have opened the store, or changed it.
	if key := s.held(h, kind); key != nil {
		return key, nil
	}
	if s.moved(h) {
		return nil, errMoved
	}
	asks := s.opts.Ask != nil && s.asks(sl)
	if problem := s.heardNo(); asks && problem != "" {
		return nil, &SharedError{Problem: problem}
	}
	k, err := s.open(ctx, h, m, sl)
	if err != nil {
		if asks {
			s.shareNo(err)
		}
		return nil, err
	}
	if m, err = m.admit(s.opts.Dir, h, k, sl); err != nil {
		return nil, err
	}
	s.keep(h, k, m, sl)
	return k.items[kind], nil
}

// errMoved never leaves the package: its receivers begin again.
var errMoved = errors.New("the store was re-keyed meanwhile")

// open derives the subkeys from what a slot keeps, and verifies the header with them.
func (s *Store) open(ctx context.Context, h header, m memory, sl slot) (subkeys, error) {
	s.logf("opening the store: %s", sl.Name)
	payload, err := kindOf(sl.Kind).open(ctx, s, h, sl)
	if err != nil {
		return subkeys{}, err
	}
	vault, k, err := h.unwrap(m, sl, payload)
	clear(vault)
	return k, err
}

// unwrap takes the vault key out of a slot's payload and verifies the header with
// it. Of the two, the memory knows which one is wrong.
func (h header) unwrap(m memory, sl slot, payload string) (vault []byte, k subkeys, err error) {
	file := slotFileName(h, sl)
	vault, err = h.vaultKey(file, sl.Name, payload)
	if err != nil {
		return nil, subkeys{}, err
	}
	k = deriveSubkeys(vault, h.ID)
	err = h.verify(k)
	if err != nil && m.ID == h.ID && m.Gen == h.Gen && m.Fingerprint != k.fingerprint {
		err = &DamagedError{file, "it holds another vault key than this store's"}
	}
	return vault, k, err
}

func slotFileName(h header, sl slot) string { return slotsDir(h.Gen) + "/" + sl.Name }

// keep remembers an opened store: in this process, in this machine's memory and,
// for slots that are slow or ask, in the kernel. What fails is no reason to
// withhold what was opened.
func (s *Store) keep(h header, k subkeys, m memory, sl slot) {
	s.mu.Lock()
	s.hold(h, k.items)
	s.mu.Unlock()
	// Whoever derived for long must not take back what a re-key wrote meanwhile.
	if old, err := s.recall(); err != nil || old != m && !(old.ID == m.ID && old.Gen > m.Gen) {
		if err := s.remember(m); err != nil {
			s.logf("this machine will not remember the store: %v", err)
		}
	}
	for _, kind := range kinds() {
		ttl := s.copyTTL(kind)
		if ttl <= 0 || !kindOf(sl.Kind).copies {
			continue
		}
		if err := saveCopy(copyName(h, kind), encodeCopy(k.items[kind], s.opts.Now().Add(ttl)), ttl); err != nil {
			s.logf("the kernel keeps no unlocked copy: %v", err)
		}
	}
}

// gate lets one process at a time ask a person, or derive a key that the next
// will find in the kernel. Without a copy to be found everyone has to derive,
// and only memory is the limit: 128 MiB each.
func (s *Store) gate(ctx context.Context, sl slot) (release func(), err error) {
	if !kindOf(sl.Kind).copies {
		return func() {}, nil
	}
	asks := s.asks(sl)
	if asks && s.opts.Ask == nil {
		return func() {}, nil // it will fail at once
	}
	name := unlockLock
	if sl.Kind == kindPassphrase && !asks && s.opts.UnlockTTL <= 0 {
		name = fmt.Sprintf("derive%d", rand.IntN(min(runtime.NumCPU(), 4)))
	}
	return s.courtesy(ctx, name)
}
