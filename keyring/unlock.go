package keyring

import (
	"context"
	"errors"
	"maps"
	"time"
)

// held returns the subkey of a kind, if this process or the kernel has it since h was
// verified with its vault key; else nil.
func (s *Store) held(h header, kind Kind) []byte {
	kind = kind.subkey()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark == h.mark() && s.subkeys[kind] != nil {
		return s.subkeys[kind]
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
func (s *Store) hold(h header, subkeys map[Kind][]byte) {
	if mark := h.mark(); s.mark != mark {
		s.mark, s.subkeys = mark, map[Kind][]byte{}
	}
	maps.Copy(s.subkeys, subkeys)
}

// subkey returns the subkey of a kind for the vault key of h, and opens the store
// if necessary. If the store has another vault key by now, the error is errMoved.
func (s *Store) subkey(ctx context.Context, h header, kind Kind) ([]byte, error) {
	kind = kind.subkey()
	if key := s.held(h, kind); key != nil {
		return key, nil
	}
	s = s.within(ctx)
	ctx = s.WatchRefusals(ctx)
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
	done, err := s.takeTurn(ctx, sl)
	if err != nil {
		return nil, err
	}
	defer done()
	t, err := s.promptLock(ctx, h, m, sl)
	if err != nil {
		return nil, err
	}
	defer t.end()
	// While this call waited, somebody else may have opened the store, or changed it.
	if key := s.held(h, kind); key != nil {
		return key, nil
	}
	if s.moved(h) {
		return nil, errMoved
	}
	asks := s.opts.Ask != nil && s.asks(sl)
	if asks {
		if err := s.newRefusal(ctx); err != nil {
			return nil, err
		}
	}
	k, err := s.openUnlessHeld(ctx, h, m, sl, kind, t)
	if err == errHeld {
		return k.items[kind], nil
	}
	if err != nil {
		if asks {
			s.shareRefusal(err)
		}
		return nil, err
	}
	if m, err = s.admit(m, h, k, sl); err != nil {
		return nil, err
	}
	s.keep(h, k, m, sl)
	return k.items[kind], nil
}

// errMoved stays inside the package: who receives it starts over.
var errMoved = errors.New("the store's header was replaced in the meantime")

// errHeld stays inside the package: somebody who needed no person opened the store
// while this process was asking.
var errHeld = errors.New("the store was opened in the meantime")

// openUnlessHeld is open, and stops asking a person when the kernel has what was
// wanted: another process, which had the passphrase, has opened the store. Then the error
// is errHeld, and the subkeys are only that one.
func (s *Store) openUnlessHeld(ctx context.Context, h header, m memory, sl slot, kind Kind, t turn) (subkeys, error) {
	if !s.mayAsk(sl) || s.copyTTL(kind) <= 0 {
		return s.open(ctx, h, m, sl, t)
	}
	ctx, stop := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	var found []byte
	go func() {
		defer close(watched)
		for found = s.held(h, kind); found == nil; found = s.held(h, kind) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(heldPoll):
			}
		}
		stop(errHeld)
	}()
	k, err := s.open(ctx, h, m, sl, t)
	stop(nil)
	<-watched
	if err != nil && context.Cause(ctx) == errHeld {
		k, err = subkeys{items: map[Kind][]byte{kind: found}}, errHeld
		if s.opts.Notice != nil {
			s.opts.Notice("another fob has opened the store")
		}
	}
	return k, err
}

// heldPoll is how often a process that asks looks whether it still has to.
const heldPoll = 250 * time.Millisecond

// open gets the payload of a slot, derives the subkeys and verifies the header.
func (s *Store) open(ctx context.Context, h header, m memory, sl slot, t turn) (subkeys, error) {
	payload := t.served
	if payload == "" {
		s.logf("opening the store: %s", sl.Name)
		var err error
		payload, err = kindOf(sl.Kind).open(ctx, s, h, sl)
		t.hand(payload, err)
		if err != nil {
			return subkeys{}, err
		}
	}
	vault, k, err := h.unwrap(m, sl, payload)
	clear(vault)
	return k, err
}

// unwrap returns the vault key in a slot's payload, and verifies the header with it.
// If they do not match, the memory tells which of the two is wrong.
func (h header) unwrap(m memory, sl slot, payload string) (vault []byte, k subkeys, err error) {
	file := slotFileName(h, sl)
	vault, err = h.vaultKey(file, sl.Name, payload)
	if err != nil {
		return nil, subkeys{}, err
	}
	k = deriveSubkeys(vault, h.ID)
	err = h.verify(k)
	if err != nil && m.ID == h.ID && m.Gen == h.Gen && m.Fingerprint != k.fingerprint {
		err = &DamagedError{file, "its vault key is not this store's"}
	}
	return vault, k, err
}

func slotFileName(h header, sl slot) string { return slotsDir(h.Gen) + "/" + sl.Name }

// keep remembers an opened store: in this process, in this machine's memory and,
// for slots that are slow or ask, in the kernel, where the copies of other headers of
// this store are of no use any more. If that fails, the store is open all the same.
func (s *Store) keep(h header, k subkeys, m memory, sl slot) {
	s.mu.Lock()
	s.hold(h, k.items)
	s.mu.Unlock()
	switch old, err := s.recall(); {
	case err == nil && old.ID == m.ID && old.Gen > m.Gen:
		return // a re-key finished while we derived the key: what others keep is newer
	case err != nil || old != m:
		if err := s.remember(m); err != nil {
			s.logf("could not remember the store on this machine: %v", err)
		}
	}
	for _, kind := range kinds() {
		ttl := s.copyTTL(kind)
		if ttl <= 0 || !kindOf(sl.Kind).copies {
			continue
		}
		if err := saveCopy(copyName(h, kind), encodeCopy(k.items[kind], s.opts.Now().Add(ttl)), ttl); err != nil {
			s.logf("could not keep an unlocked copy in the kernel: %v", err)
		}
	}
	if dropped, err := dropCopies(copyPrefix+h.ID+":", copiesOf(h)); err != nil {
		s.logf("could not drop the unlocked copies of the header before, which will expire: %v", err)
	} else if dropped > 0 {
		s.logf("dropped %d unlocked copies of the header before", dropped)
	}
}

// takeTurn lets one goroutine at a time open the store through a slot; the others
// then find the subkeys in this process. One that needs no person does not wait
// for one that asks.
func (s *Store) takeTurn(ctx context.Context, sl slot) (done func(), err error) {
	turn := s.quietTurn
	if s.mayAsk(sl) {
		turn = s.askingTurn
	}
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// mayAsk reports whether opening a slot can take a person here.
func (s *Store) mayAsk(sl slot) bool {
	switch {
	case kindOf(sl.Kind).drop != nil:
		return s.mayPrompt()
	case s.opts.Ask == nil:
		return false
	}
	return s.asks(sl) || sl.Kind == kindAge && s.hasPlugin()
}

// nobody reports that there is nobody to ask.
func (s *Store) nobody(ctx context.Context) bool {
	return s.opts.Ask == nil || s.opts.Nobody != nil && s.opts.Nobody(ctx)
}

// promptLock lets one process at a time ask a person, or derive a key that the
// others then find in the kernel or are given. They are two locks: who needs no person
// does not wait for one who asks.
func (s *Store) promptLock(ctx context.Context, h header, m memory, sl slot) (turn, error) {
	name, asking := deriveLock, ""
	switch asks := s.asks(sl); {
	case !kindOf(sl.Kind).copies, asks && s.nobody(ctx): // the latter fails at once
		return turn{}, nil
	case asks:
		name, asking = unlockLock, "the passphrase"
	case sl.Kind == kindPassphrase:
		return s.deriveTurn(ctx, h, m, sl)
	case s.hasPlugin():
		name, asking = unlockLock, "what an age plugin needs"
	}
	release, err := s.bestEffortLock(ctx, name, asking)
	return turn{release: release}, err
}
