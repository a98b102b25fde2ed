package keyring

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"time"

	"fob/internal/term"
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

// copyTTL is how long the kernel keeps the subkey of a kind. Seeds make second
// factors: never.
func (s *Store) copyTTL(kind Kind) time.Duration {
	switch kind {
	case KindSession:
		return s.opts.UnlockTTL
	case KindKey:
		return s.opts.UnlockKeysTTL
	}
	return 0
}

// copyName names a copy in the kernel. The generation is part of it, so that an
// old vault key's copy is never taken for the new one's.
func copyName(h header, kind Kind) string {
	return fmt.Sprintf("%s%s:%d:%s", copyPrefix, h.ID, h.Gen, kind)
}

const copyPrefix = "fob:"

const copySize = keySize + 8

// encodeCopy is what the kernel keeps: a subkey and, for fob store, when it will
// be forgotten, which the kernel tells nobody.
func encodeCopy(key []byte, ends time.Time) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(key), uint64(ends.Unix()))
}

// decodeCopy returns nil for what is no copy.
func decodeCopy(data []byte) (key []byte, ends time.Time) {
	if len(data) != copySize {
		return nil, time.Time{}
	}
	return data[:keySize:keySize], time.Unix(int64(binary.BigEndian.Uint64(data[keySize:])), 0)
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

// asks reports whether a slot takes a passphrase that was not given beforehand.
func (s *Store) asks(sl slot) bool {
	if sl.Kind != kindPassphrase {
		return false
	}
	_, given, _ := s.givenPassphrase()
	return !given
}

// no is how a person was last asked in vain, by fob or by a desktop's keyring: the
// state of the unlock lock.
type no struct {
	Seq     int    `json:"seq"` // counts them
	Problem string `json:"problem"`
}

// lastNo is the zero no if there was none, or if it cannot be read: then the
// question is asked, as it would have been without it.
func (s *Store) lastNo() no {
	var last no
	if state, err := s.lockState(unlockLock); err == nil {
		_ = json.Unmarshal(state, &last)
	}
	return last
}

// waits remembers the last no of the time when this process first had to wait for
// another, whichever lock that is: the question may come behind a caller's.
func (s *Store) waits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil {
		last := s.lastNo()
		s.before = &last
	}
}

// heardNo is the problem of a no that came while this process waited, or "": so
// fifty do not ask one after the other what was answered already.
func (s *Store) heardNo() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil {
		return ""
	}
	last := s.lastNo()
	if last.Seq == s.before.Seq {
		return ""
	}
	return last.Problem
}

// shareNo tells those who wait for the lock of the question, which the caller
// holds, why the store was not opened, if that was a person's doing.
func (s *Store) shareNo(err error) {
	last := s.lastNo()
	var locked *LockedError
	switch {
	case errors.As(err, &locked) && locked.Declined:
		last.Problem = locked.Reason
	case errors.Is(err, term.ErrCancelled):
		last.Problem = "cancelled"
	case errors.Is(err, ErrWrongPassphrase):
		last.Problem = ErrWrongPassphrase.Error()
	default:
		return // another may have a terminal, or more time
	}
	last.Seq++
	state, err := json.Marshal(last)
	if err == nil {
		err = s.setLockState(unlockLock, state)
	}
	if err != nil {
		s.logf("the answer is not shared: %v", err)
	}
}

// courtesy takes a lock that saves others trouble but protects nothing: where it
// cannot be had (a store on a read-only disk), work goes on without.
func (s *Store) courtesy(ctx context.Context, name string) (release func(), err error) {
	l, ok, err := s.tryLock(name, false)
	if err == nil && !ok {
		s.logf("waiting for another fob")
		l, err = s.lock(ctx, name, false)
	}
	switch {
	case err == nil:
		return func() { l.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, err
	}
	s.logf("no lock %q: %v", name, err)
	return func() {}, nil
}

// Forget drops what this process and the kernel know of opened stores, and
// returns how many copies the kernel had. It takes those of other stores too:
// to forget too much costs one question, to forget too little may cost a key.
func (s *Store) Forget() (int, error) {
	s.mu.Lock()
	s.id, s.keys = "", nil
	s.mu.Unlock()
	return dropCopies(copyPrefix)
}
