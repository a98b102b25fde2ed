package keyring

import (
	"context"
	"errors"
	"fmt"

	ring "github.com/99designs/keyring"
)

// backend is an operating system's keyring that can hold a slot's payload as one
// item. A new one is a row in backends and joins the conformance suite.
type backend struct {
	kind string
	// config is the library's, for an item in the given collection.
	config func(collection string) ring.Config
	// locate says where an item is or will go, and refuses what would hang or
	// ask; it runs where the library runs. Nil: there is one place only.
	locate func(ring request) (collection string, err error)
	usable func(*Store) bool
}

func backends() []backend {
	return []backend{{
		kind: "secret-service",
		config: func(collection string) ring.Config {
			return ring.Config{
				AllowedBackends:         []ring.BackendType{ring.SecretServiceBackend},
				LibSecretCollectionName: collection,
			}
		},
		locate: locateSecret,
		usable: func(s *Store) bool { return s.opts.DBusAddress != "" },
	}}
}

func backendOf(kind string) (backend, bool) {
	for _, b := range backends() {
		if b.kind == kind {
			return b, true
		}
	}
	return backend{}, false
}

func (b backend) slotKind() slotKind {
	return slotKind{kind: b.kind, authentic: true, usable: b.usable, create: createInBackend, open: openInBackend}
}

// backendItem names the item. A generation's item is written once and never
// changed, so an interrupted re-key cannot lose the old one.
func backendItem(h header) string { return fmt.Sprintf("fob/%s/%d", h.ID, h.Gen) }

func createInBackend(ctx context.Context, s *Store, h header, sl slot, payload string) (made, error) {
	item := backendItem(h)
	if _, err := s.inBackend(ctx, request{Op: opSet, Kind: sl.Kind, Item: item, Payload: payload}); err != nil {
		return made{}, err
	}
	undo := func() { s.Quiet().inBackend(context.Background(), request{Op: opRemove, Kind: sl.Kind, Item: item}) }
	// By another process: what was only cached does not count.
	again, err := s.inBackend(ctx, request{Op: opGet, Kind: sl.Kind, Item: item})
	if err == nil && again != payload {
		err = &BackendError{sl.Kind, "it does not give back what was put in"}
	}
	if err != nil {
		undo()
		return made{}, err
	}
	return made{undo: undo}, nil
}

func openInBackend(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	return s.inBackend(ctx, request{Op: opGet, Kind: sl.Kind, Item: backendItem(h)})
}

// inBackend has a request done without a question and, if it takes one and there
// is a desktop to show it, with it: one process at a time.
func (s *Store) inBackend(ctx context.Context, r request) (string, error) {
	r.Address = s.opts.DBusAddress
	payload, err := s.call(ctx, r)
	var locked *LockedError
	if !s.opts.Display || !errors.As(err, &locked) {
		return payload, err
	}
	release, err := s.courtesy(ctx, "prompt")
	if err != nil {
		return "", err
	}
	defer release()
	r.Prompt = true
	return s.call(ctx, r)
}

// serve does a request with the library. It runs in the child.
func (b backend) serve(r request) (string, error) {
	collection := ""
	if b.locate != nil {
		var err error
		if collection, err = b.locate(r); err != nil {
			return "", err
		}
	}
	k, err := ring.Open(b.config(collection))
	if err != nil {
		return "", &BackendError{r.Kind, "it is not reachable"}
	}
	switch r.Op {
	case opGet:
		item, err := k.Get(r.Item)
		if err != nil {
			return "", backendFailure(r, err)
		}
		return string(item.Data), nil
	case opSet:
		if _, err := k.Get(r.Item); !errors.Is(err, ring.ErrKeyNotFound) {
			return "", &BackendError{r.Kind, fmt.Sprintf("it has an item %q already", r.Item)}
		}
		return "", backendFailure(r, k.Set(ring.Item{Key: r.Item, Data: []byte(r.Payload), Label: "fob"}))
	case opRemove:
		return "", backendFailure(r, k.Remove(r.Item))
	}
	return "", &BackendError{r.Kind, "unknown operation"}
}

// backendFailure words the library's errors. A dismissed prompt is an object
// that does not exist at "/".
func backendFailure(r request, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ring.ErrKeyNotFound):
		return missingItem(r)
	case r.Prompt:
		return &LockedError{r.Kind, "its prompt was dismissed or failed: " + err.Error()}
	}
	return &BackendError{r.Kind, err.Error()}
}

func missingItem(r request) error {
	return &BackendError{r.Kind, fmt.Sprintf("it has no item %q", r.Item)}
}
