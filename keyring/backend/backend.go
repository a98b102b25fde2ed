// Package backend keeps one short text, the payload of a store's slot, as one
// item in a keyring of the system: the macOS Keychain, the Windows Credential
// Manager, a desktop keyring on D-Bus, pass, or the Linux kernel's keyring.
//
// It promises that an item is never replaced, that a call which needs a person
// fails with a *LockedError unless a prompt was allowed, and that a keyring that
// hangs, panics or opens a window costs at most a deadline: such keyrings are called
// in a hidden child process (see ChildMain). It does not decide which keyring is
// used, or whose turn it is to ask; package keyring does.
//
// The items of other programs can be read here, too, and not written (see Foreign).
//
// No other package imports github.com/99designs/keyring or godbus.
package backend

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	ring "github.com/99designs/keyring"
)

// Backend is a keyring that can hold a slot's payload as one item. To add one,
// add a row to All and to the conformance suite of package keyring.
type Backend struct {
	// Kind names it in headers, on the command line and in errors.
	Kind string
	// Child: it may hang or panic, so it is called in the hidden child.
	Child bool
	// Bus: it is reached by D-Bus. The library dials the bus before it is asked
	// to, so the address is given to nothing else.
	Bus bool
	// AsksAnyway: it may ask a person even if it is not locked.
	AsksAnyway bool
	// OneWriter: two processes must not write to it at the same time.
	OneWriter bool
	// Authentic: only programs that run as its user, in an unlocked keyring, can have made
	// an item. Where it is false, a file in the right place is taken for one.
	Authentic bool
	// Fragile says why a store should not have it as its only slot; "" if it may.
	Fragile string

	// system is the GOOS that has it; empty for every system but Windows.
	system string
	// program is what must be installed; empty if the library needs none.
	program string
	// environ lists the variables that the child needs. May be nil.
	environ func() []string
	// config configures the library for an item at the given location.
	config func(location string) ring.Config
	// locate says where an item is or will go, refuses what would hang, and opens
	// what is locked if a person may be asked. It runs in the same process as the
	// library. Nil: there is only one location.
	locate func(request) (location string, err error)
	// doubt looks again when the library fails, and says what is wrong. Nil: the
	// library is believed.
	doubt func(k ring.Keyring, r request, problem error) error
	// flush makes durable what was set. May be nil.
	flush func(request) error
	// state says whether it could open a slot here and now. Nil: Usable decides.
	state func(context.Context, World) State
	// foreign is the way to items of other programs. Nil: there is none.
	foreign *foreignDoor
}

// World is what a backend may use of the machine it runs on.
type World struct {
	// DBusAddress is the session bus; empty if there is none.
	DBusAddress string
	// Display: a person sits at a desktop that can show a prompt.
	Display bool
	// Getenv gives programs (pass) the few variables that they need; nil gives none.
	Getenv func(name string) string
	// Waiting is called when a keyring is called, which may ask a person if it is allowed
	// to, and what it returns when the answer is there. May be nil.
	Waiting func(kind string, asks bool) (done func())
}

func (w World) getenv(name string) string {
	if w.Getenv == nil {
		return ""
	}
	return w.Getenv(name)
}

// State says whether a backend could open a store here and now, and why or why not.
type State struct {
	Ready  bool
	Reason string
	Fix    string // a command that would make it ready; empty if there is none
}

// All returns the backends of all systems.
func All() []Backend {
	return []Backend{
		{Kind: "keychain", system: keychainSystem, Child: true, Authentic: true, environ: keychainVariables, config: keychainConfig, locate: locateKeychain, doubt: doubtKeychain, state: keychainState, foreign: &foreignDoor{config: keychainForeign, open: openKeychain, doubt: doubtForeignKeychain}},
		{Kind: "wincred", system: "windows", Authentic: true, config: wincredConfig, foreign: &foreignDoor{config: wincredForeign}},
		{Kind: "secret-service", system: "linux", Child: true, Bus: true, config: secretsConfig, locate: locateSecret, state: secretsState,
			foreign: &foreignDoor{service: secretsName, config: secretsForeign, names: secretNames, open: openCollection}},
		{Kind: "kwallet", system: "linux", Child: true, Bus: true, AsksAnyway: true, config: walletConfig, locate: locateWallet, flush: syncWallet, state: walletState,
			Fragile: "KWallet has lost entries when it was killed", foreign: &foreignDoor{service: walletService, config: walletForeign, names: walletNames, open: openForeignWallet}},
		{Kind: "pass", Child: true, program: "pass", environ: passVariables, OneWriter: true, config: passConfig, locate: locatePass, state: passState, foreign: &foreignDoor{config: passForeign, names: passNames, open: openPass}},
		{Kind: "keyctl", system: "linux", Authentic: true, config: keyctlConfig, state: keyctlState,
			Fragile: "the kernel forgets it when this machine restarts"},
	}
}

// Kinds returns the names of all backends, on any system.
func Kinds() []string {
	var kinds []string
	for _, b := range All() {
		kinds = append(kinds, b.Kind)
	}
	return kinds
}

// Of returns the backend of a kind.
func Of(kind string) (b Backend, ok bool) {
	for _, b := range All() {
		if b.Kind == kind {
			return b, true
		}
	}
	return Backend{}, false
}

func wincredConfig(string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.WinCredBackend}, WinCredPrefix: "fob", ServiceName: "store"}
}

func wincredForeign(f Foreign) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.WinCredBackend}, WinCredPrefix: f.Folder, ServiceName: f.Folder}
}

func secretsConfig(collection string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.SecretServiceBackend}, LibSecretCollectionName: collection}
}

func walletConfig(wallet string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.KWalletBackend}, ServiceName: wallet, KWalletAppID: "fob", KWalletFolder: "fob"}
}

func passConfig(dir string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.PassBackend}, PassDir: dir}
}

// keyctlConfig uses the user's keyring and gives the user all rights. With the
// kernel's default rights, a session with its own session keyring (systemd's
// KeyringMode=private, "su -") cannot read an item made in another session.
// ServiceName stays empty: with one, the library makes a keyring of that name
// and sets the permissions of the wrong keyring.
func keyctlConfig(string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.KeyCtlBackend}, KeyCtlScope: "user", KeyCtlPerm: 0x3f3f0000}
}

// Here reports whether this operating system can have it.
func (b Backend) Here() bool {
	return b.system == runtime.GOOS || b.system == "" && runtime.GOOS != "windows"
}

// Usable reports what can be known without calling anything.
func (b Backend) Usable(w World) bool {
	switch {
	case !b.Here():
		return false
	case b.Bus:
		return w.DBusAddress != ""
	case b.program != "":
		_, err := exec.LookPath(b.program)
		return err == nil
	}
	// A fob for macOS built without cgo has no keychain.
	return slices.Contains(ring.AvailableBackends(), ring.BackendType(b.Kind))
}

// State looks at the keyring, in less than a second. It starts nothing and asks
// nobody.
func (b Backend) State(ctx context.Context, w World) State {
	if b.state != nil {
		return b.state(ctx, w)
	}
	return State{Ready: b.Usable(w), Reason: "this fob was built without it"}
}

// ItemName names the item of a store's generation. It is written once and never
// changed, so an interrupted re-key cannot lose the old vault key.
func ItemName(storeID string, generation int) string {
	return fmt.Sprintf("fob/%s/%d", storeID, generation)
}

// isItemName accepts only what ItemName returns. Other names have no way in; but
// pass would write "../x" outside its directory.
func isItemName(name string) bool {
	rest, _ := strings.CutPrefix(name, "fob/")
	id, text, _ := strings.Cut(rest, "/")
	generation, err := strconv.Atoi(text)
	return err == nil && generation > 0 && len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" && name == ItemName(id, generation)
}

// Op is what a Request does.
type Op string

// The operations. Set never replaces an item; Remove of an item that is not
// there succeeds.
const (
	Get    Op = "get"
	Set    Op = "set"
	Remove Op = "remove"
)

// Request is one call to a keyring.
type Request struct {
	Op      Op     `json:"op"`
	Item    string `json:"item"`              // from ItemName
	Payload string `json:"payload,omitempty"` // for Set
	// Prompt: the keyring may ask a person, and the call waits for the answer.
	Prompt bool `json:"prompt,omitempty"`
}

// request is a Request with what the process that carries it out needs to know.
type request struct {
	Request
	Kind    string `json:"kind"`
	Address string `json:"address"`           // of the session bus
	Display bool   `json:"display,omitempty"` // there is a desktop

	// Foreign is for an item of another program, and Wanted for what is asked for there.
	Foreign *Foreign `json:"foreign,omitempty"`
	Wanted  []string `json:"wanted,omitempty"`
}

// Do carries out a request and returns the payload for Get. Without Prompt it
// takes at most Deadline. The error is a *LockedError, a *LostError, an *Error or
// the context's cause.
func (b Backend) Do(ctx context.Context, w World, r Request) (payload string, err error) {
	q := request{Request: r, Kind: b.Kind, Address: w.DBusAddress, Display: w.Display}
	if b.Child {
		a, err := b.callChild(ctx, w, q)
		return a.Payload, err
	}
	return b.serve(q)
}

// serve carries out a request with the library.
func (b Backend) serve(r request) (string, error) {
	if !isItemName(r.Item) {
		return "", &Error{Backend: r.Kind, Reason: fmt.Sprintf("%q is not the name of an item", r.Item)}
	}
	location := ""
	if b.locate != nil {
		var err error
		var lost *LostError
		switch location, err = b.locate(r); {
		case r.Op == Remove && errors.As(err, &lost):
			return "", nil
		case err != nil:
			return "", err
		}
	}
	if !b.Bus {
		return b.use(r, location)
	}
	// From here on nobody should be asked. The library would ask anyway, and then
	// wait for an answer that it cannot hear.
	type result struct {
		payload string
		err     error
	}
	done := make(chan result, 1)
	go func() {
		payload, err := b.use(r, location)
		done <- result{payload, err}
	}()
	select {
	case res := <-done:
		return res.payload, res.err
	case <-time.After(Deadline):
		return "", &Error{Backend: r.Kind, Reason: "no answer for " + Deadline.String()}
	}
}

// use opens the library's keyring and carries out the request in it.
func (b Backend) use(r request, location string) (string, error) {
	k, err := b.openRing(b.config(location))
	if err != nil {
		return "", err
	}
	if b.doubt != nil {
		k = doubted{k, func(problem error) error { return b.doubt(k, r, problem) }}
	}
	switch r.Op {
	case Get:
		item, err := k.Get(r.Item)
		if err != nil {
			return "", failure(r, err)
		}
		return string(item.Data), nil
	case Set:
		if _, err := k.Get(r.Item); err == nil {
			return "", &Error{Backend: r.Kind, Reason: fmt.Sprintf("it already has an item %q", r.Item)}
		} else if !errors.Is(err, ring.ErrKeyNotFound) {
			return "", failure(r, err)
		}
		err := k.Set(ring.Item{Key: r.Item, Data: []byte(r.Payload), Label: "fob"})
		if err == nil && b.flush != nil {
			return "", b.flush(r)
		}
		return "", failure(r, err)
	case Remove:
		// Some keyrings say that there was nothing to remove, and some do not.
		if err := k.Remove(r.Item); !errors.Is(err, ring.ErrKeyNotFound) {
			return "", failure(r, err)
		}
		return "", nil
	}
	return "", &Error{Backend: r.Kind, Reason: "unknown operation"}
}

// openRing opens the library's keyring.
func (b Backend) openRing(c ring.Config) (ring.Keyring, error) {
	k, err := ring.Open(c)
	// The library does not say what went wrong. The service was there a moment ago.
	for try := 1; err != nil && b.Bus && try < firstTries; try++ {
		time.Sleep(firstPause)
		k, err = ring.Open(c)
	}
	if err != nil {
		return nil, &Error{Backend: b.Kind, Reason: "it is not reachable"}
	}
	return k, nil
}

// doubted is a keyring whose errors are doubted.
type doubted struct {
	ring.Keyring
	doubt func(error) error
}

func (d doubted) Get(key string) (ring.Item, error) {
	item, err := d.Keyring.Get(key)
	return item, d.look(err)
}

func (d doubted) Set(item ring.Item) error { return d.look(d.Keyring.Set(item)) }

func (d doubted) Remove(key string) error { return d.look(d.Keyring.Remove(key)) }

func (d doubted) look(err error) error {
	if err != nil {
		err = d.doubt(err)
	}
	return err
}

// failure translates the library's errors. An exit status comes from a program
// (pass) that failed.
func failure(r request, err error) error {
	var exit *exec.ExitError
	var locked *LockedError
	var failed *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &locked), errors.As(err, &failed):
		return err
	case errors.Is(err, ring.ErrKeyNotFound):
		return &LostError{r.Kind, r.Item}
	case errors.As(err, &exit) && (r.Op == Get || r.Op == foreignItem):
		return lockedPass(r)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSYS):
		return &Error{Backend: r.Kind, Reason: notAllowed}
	}
	return &Error{Backend: r.Kind, Reason: err.Error()}
}

const notAllowed = "the system does not allow it here, as in most containers"
