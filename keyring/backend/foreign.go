package backend

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	ring "github.com/99designs/keyring"
	"github.com/godbus/dbus/v5"

	"fob/internal/creds"
)

// Other programs keep items with the library that fob has, too. This is the way to read
// them; there is none to write them.

// Foreign is where another program keeps its items.
type Foreign struct {
	// Place is the collection of the Secret Service, the wallet, the name of the keychain
	// or the directory of pass.
	Place string `json:"place"`
	// Folder is the folder in the wallet, the directory in pass, or the service that
	// items of a keychain and of the Credential Manager are for.
	Folder string `json:"folder"`
	// Program is what to call in place of pass; empty for pass.
	Program string `json:"program,omitempty"`
	// Shared: other programs have items there, too, and only names tell them apart.
	Shared bool `json:"shared,omitempty"`
}

const (
	foreignNames Op = "names"
	foreignItem  Op = "item"
)

// foreignDoor is the way to the items of other programs in a backend.
type foreignDoor struct {
	// service is the name on the session bus of what must not be started.
	service string
	config  func(Foreign) ring.Config
	// names lists items. What is locked tells only which of the wanted names it has, and
	// is a *LockedError beside them. Nil: the library lists them, and asks nobody.
	names func(request) ([]string, error)
	// open has what is locked opened, if a person may be asked. Nil: nothing is locked.
	open func(request) error
	// doubt looks again when the library fails, as Backend's does. May be nil.
	doubt func(k ring.Keyring, r request, problem error) error
}

// Names lists the items of another program. It decrypts nothing and starts no service,
// and asks only with prompt. What is locked, or shared with other programs, tells only
// which of the wanted names it has; beside these, a *LockedError says that there may be
// more. Other errors are those of Do.
func (b Backend) Names(ctx context.Context, w World, f Foreign, wanted []string, prompt bool) ([]string, error) {
	if !b.Reachable(ctx, w, f) {
		return nil, nil
	}
	a, err := b.doForeign(ctx, w, request{Request: Request{Op: foreignNames, Prompt: prompt}, Foreign: &f, Wanted: wanted})
	names := slices.DeleteFunc(a.Names, isItemName) // fob's own, by the same library
	slices.Sort(names)
	return slices.Compact(names), err
}

// Item reads an item of another program: the name that it has inside, if the backend
// keeps one there, and its data. Errors are those of Do.
func (b Backend) Item(ctx context.Context, w World, f Foreign, name string, prompt bool) (inside string, data creds.Secret, err error) {
	a, err := b.doForeign(ctx, w, request{Request: Request{Op: foreignItem, Item: name, Prompt: prompt}, Foreign: &f})
	return a.Inside, creds.NewSecret(a.Payload), err
}

// Reachable reports whether other programs' items can be looked for, and starts nothing.
func (b Backend) Reachable(ctx context.Context, w World, f Foreign) bool {
	if f.Program != "" {
		b.program = f.Program
	}
	return b.foreign != nil && b.Usable(w) && (!b.Bus || isRunning(ctx, w.DBusAddress, b.foreign.service))
}

func (b Backend) doForeign(ctx context.Context, w World, r request) (answer, error) {
	r.Kind, r.Address, r.Display = b.Kind, w.DBusAddress, w.Display
	if b.Child {
		return b.callChild(ctx, w, r)
	}
	return b.serveForeign(r)
}

// isRunning asks the bus, which starts nothing.
func isRunning(ctx context.Context, address, service string) bool {
	return probe(ctx, address, func(ctx context.Context, conn *dbus.Conn) BusState {
		if running, err := hasOwner(ctx, conn, service); err != nil || !running {
			return BusAbsent
		}
		return BusUnlocked
	}) == BusUnlocked
}

// serveForeign carries out a request for the items of another program.
func (b Backend) serveForeign(r request) (a answer, err error) {
	door := b.foreign
	if r.Op == foreignNames && door.names != nil {
		a.Names, err = door.names(r)
		return a, err
	}
	if door.open != nil {
		if err := door.open(r); err != nil {
			return a, err
		}
	}
	if !b.Bus {
		return b.useForeign(r)
	}
	// As in serve: the library may wait for an answer that it cannot hear.
	type result struct {
		answer
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := b.useForeign(r)
		done <- result{a, err}
	}()
	select {
	case res := <-done:
		return res.answer, res.err
	case <-time.After(Deadline):
		return a, &Error{Backend: r.Kind, Reason: "no answer for " + Deadline.String()}
	}
}

func (b Backend) useForeign(r request) (a answer, err error) {
	k, err := b.openRing(b.foreign.config(*r.Foreign))
	if err != nil {
		return a, err
	}
	if r.Op == foreignNames {
		if a.Names, err = k.Keys(); err != nil {
			err = &Error{Backend: r.Kind, Reason: err.Error()}
		}
		return a, err
	}
	item, err := k.Get(r.Item)
	var notJSON *json.SyntaxError
	var notItem *json.UnmarshalTypeError
	switch {
	case err == nil:
		return answer{Inside: item.Key, Payload: string(item.Data)}, nil
	case errors.As(err, &notJSON), errors.As(err, &notItem):
		// The library's words quote what it has decrypted: somebody's password.
		return a, &Error{Backend: r.Kind, Reason: "an item of another program"}
	case b.foreign.doubt != nil:
		err = b.foreign.doubt(k, r, err)
	}
	return a, failure(r, err)
}
