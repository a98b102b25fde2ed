package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"fob/keyring/backend"
)

// A slot whose payload is one item in a keyring of the system. Package backend
// makes each call; whose turn it is, and who may be asked, is decided here.

func backendSlot(b backend.Backend) slotKind {
	return slotKind{
		kind: b.Kind, authentic: b.Authentic,
		usable: func(s *Store) bool { return b.Usable(s.World()) },
		create: createInBackend, open: openInBackend, drop: dropInBackend,
	}
}

// World is what a backend may use, also for what other programs keep there.
func (s *Store) World() backend.World {
	waiting := func(kind string, asks bool) (done func()) {
		return s.waiting(func() string {
			if asks {
				return "waiting for your desktop: " + SlotTitle(kind) + " is asking (Ctrl-C stops)"
			}
			return "waiting for " + SlotTitle(kind) + " ..."
		})
	}
	return backend.World{DBusAddress: s.opts.DBusAddress, Display: s.opts.Display, Getenv: s.opts.Getenv, Waiting: waiting}
}

func itemName(h header) string { return backend.ItemName(h.ID, h.Gen) }

func createInBackend(ctx context.Context, s *Store, h header, sl slot, payload string) (made, error) {
	item := itemName(h)
	if _, err := s.inBackend(ctx, sl.Kind, backend.Request{Op: backend.Set, Item: item, Payload: payload}); err != nil {
		return made{}, err
	}
	undo := func() { dropInBackend(context.Background(), s, h, sl) }
	// Another process reads it back: an item that is only cached does not count.
	again, err := s.inBackend(ctx, sl.Kind, backend.Request{Op: backend.Get, Item: item})
	if err == nil && again != payload {
		err = &BackendError{Backend: sl.Kind, Reason: "it does not return what was stored"}
	}
	if err != nil {
		undo()
		return made{}, err
	}
	m := made{undo: undo}
	others := slices.ContainsFunc(h.Slots, func(other slot) bool { return other.Name != sl.Name })
	if b, _ := backend.Of(sl.Kind); b.Fragile != "" && !others {
		m.warnings = append(m.warnings, fmt.Sprintf("only %s opens this store, and %s", sl.Kind, b.Fragile))
	}
	return m, nil
}

func openInBackend(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	return s.inBackend(ctx, sl.Kind, backend.Request{Op: backend.Get, Item: itemName(h)})
}

// dropInBackend asks nobody: an item that is left over does not open anything any more.
func dropInBackend(ctx context.Context, s *Store, h header, sl slot) error {
	_, err := s.Quiet().inBackend(ctx, sl.Kind, backend.Request{Op: backend.Remove, Item: itemName(h)})
	return err
}

// inBackend carries out a request without a prompt. If that takes a person and
// there is a desktop, it does so again with a prompt, one process at a time.
func (s *Store) inBackend(ctx context.Context, kind string, r backend.Request) (string, error) {
	b, ok := backend.Of(kind)
	switch {
	case !ok || !b.Here():
		return "", &BackendError{Backend: kind, Reason: notHere}
	case !b.Usable(s.World()):
		state := b.State(ctx, s.World())
		return "", &BackendError{Backend: kind, Reason: state.Reason, Fix: state.Fix}
	}
	if !b.Child {
		return b.Do(ctx, s.World(), r)
	}
	prompt := s.mayPrompt()
	ctx = s.WatchRefusals(ctx)
	if !b.AsksAnyway || !prompt {
		payload, err := s.inTurn(ctx, b, r)
		var locked *LockedError
		if !prompt || !errors.As(err, &locked) {
			return payload, err
		}
	}
	r.Prompt = true
	payload, err := s.inTurn(ctx, b, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &UnansweredError{kind}
	}
	return payload, err
}

// mayPrompt reports whether a keyring may show its prompt.
func (s *Store) mayPrompt() bool { return s.opts.Display && !s.opts.NoPrompt }

// inTurn carries out a request when it is this process's turn. gnome-keyring 42
// aborts when many processes call at once, gpg's agent serves one at a time, and
// only one process may prompt. Nobody waits long for a bus that does not answer.
func (s *Store) inTurn(ctx context.Context, b backend.Backend, r backend.Request) (string, error) {
	if b.OneWriter && r.Op != backend.Get {
		l, err := s.lock(ctx, b.Kind, false, nil)
		if err != nil {
			return "", err
		}
		defer l.Unlock()
	}
	if !r.Prompt && !b.Bus && !b.OneWriter {
		return b.Do(ctx, s.World(), r) // macOS's keychain serves many at once
	}
	name, asking, turn := "child", "", ctx
	switch {
	case r.Prompt:
		name, asking = "prompt", "leave to use "+b.Kind
	case b.Bus:
		var cancel context.CancelFunc
		turn, cancel = context.WithTimeout(ctx, backend.Deadline)
		defer cancel()
	}
	release, err := s.bestEffortLock(turn, name, asking)
	switch {
	case err == nil:
		defer release()
	case ctx.Err() != nil:
		return "", err
	}
	if !r.Prompt {
		return b.Do(ctx, s.World(), r)
	}
	if err := s.newRefusal(ctx); err != nil {
		return "", err
	}
	payload, err := b.Do(ctx, s.World(), r)
	if err != nil {
		s.shareRefusal(err)
	}
	return payload, err
}

// BackendKinds returns the names of all keyrings that can open a store, on any system.
func BackendKinds() []string { return backend.Kinds() }

// backendStates looks at every keyring that this system can have, in less than a
// second. It starts none and asks nobody.
func (s *Store) backendStates(ctx context.Context) map[string]backend.State {
	all := map[string]backend.State{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, b := range backend.All() {
		if !b.Here() {
			continue
		}
		wg.Go(func() {
			state := b.State(ctx, s.World())
			mu.Lock()
			defer mu.Unlock()
			all[b.Kind] = state
		})
	}
	wg.Wait()
	return all
}
