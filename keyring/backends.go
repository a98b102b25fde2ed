package keyring

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

// backend is a keyring that can hold a slot's payload as one item. A new one is
// a row in backends and joins the conformance suite.
type backend struct {
	kind string
	// system is the GOOS that has it; empty for all but Windows.
	system string
	// child: it may hang or panic, and is called in the hidden child.
	child bool
	// bus: it is reached by D-Bus. The library dials before it is asked to, so
	// nothing else may know the address.
	bus bool
	// environ are the variables that it is given, if it is a program. May be nil.
	environ func() []string
	// asks: it may ask a person even if it is not locked, so that one caller at a
	// time has to do.
	asks bool
	// serial: it cannot bear two writers.
	serial bool
	// config is the library's, for an item in the given place.
	config func(place string) ring.Config
	// locate says where an item is or will go, refuses what would hang, and opens
	// what is locked if a person may be asked. It runs where the library runs.
	// Nil: there is one place only.
	locate func(request) (place string, err error)
	// settle makes durable what was set. May be nil.
	settle func(request) error
	// state says whether it could open a slot here and now. Nil: usable says all.
	state func(context.Context, *Store) (ready bool, reason string)
	// frail says why a store should not have this slot alone; "" if it may.
	frail string
}

func backends() []backend {
	return []backend{
		{kind: "keychain", system: "darwin", config: keychainConfig},
		{kind: "wincred", system: "windows", config: wincredConfig},
		{kind: "secret-service", system: "linux", child: true, bus: true, config: secretsConfig, locate: locateSecret, state: secretsReady},
		{kind: "kwallet", system: "linux", child: true, bus: true, asks: true, config: walletConfig, locate: locateWallet, settle: syncWallet, state: walletReady,
			frail: "KWallet has lost entries when it was killed"},
		{kind: "pass", child: true, environ: passVariables, serial: true, config: passConfig, locate: locatePass, state: passReady},
		{kind: "keyctl", system: "linux", config: keyctlConfig, state: keyctlReady,
			frail: "the kernel forgets it when this machine restarts"},
	}
}

func keychainConfig(string) ring.Config {
	return ring.Config{
		AllowedBackends:                []ring.BackendType{ring.KeychainBackend},
		ServiceName:                    "fob",
		KeychainTrustApplication:       true, // or macOS would ask at every call
		KeychainAccessibleWhenUnlocked: true,
	}
}

func wincredConfig(string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.WinCredBackend}, WinCredPrefix: "fob", ServiceName: "store"}
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

// keyctlConfig: the user's keyring, and all rights for the user. With the
// kernel's default a session keyring of its own (systemd's KeyringMode=private,
// "su -") is denied what another session has put there. No ServiceName: the
// library makes a keyring of that name with the permissions of a wrong one.
func keyctlConfig(string) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.KeyCtlBackend}, KeyCtlScope: "user", KeyCtlPerm: 0x3f3f0000}
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
	return slotKind{kind: b.kind, authentic: true, usable: b.usable, create: createInBackend, open: openInBackend, drop: dropInBackend}
}

// here reports whether this system can have it.
func (b backend) here() bool {
	return b.system == runtime.GOOS || b.system == "" && runtime.GOOS != "windows"
}

// usable is what can be known without calling anything.
func (b backend) usable(s *Store) bool {
	switch {
	case !b.here():
		return false
	case b.bus:
		return s.opts.DBusAddress != ""
	case b.child:
		_, err := exec.LookPath(b.kind)
		return err == nil
	}
	// A fob for macOS built without cgo has no keychain.
	return slices.Contains(ring.AvailableBackends(), ring.BackendType(b.kind))
}

// backendItem names the item. A generation's item is written once and never
// changed, so an interrupted re-key cannot lose the old one.
func backendItem(h header) string { return fmt.Sprintf("fob/%s/%d", h.ID, h.Gen) }

// isItem reports whether backendItem made the name. Other names do not come in
// anywhere; but pass would write "../x" outside of its directory.
func isItem(name string) bool {
	rest, _ := strings.CutPrefix(name, "fob/")
	id, gen, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(gen)
	return err == nil && n > 0 && isStoreID(id) && name == backendItem(header{ID: id, Gen: n})
}

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
	m := made{undo: undo}
	others := slices.ContainsFunc(h.Slots, func(other slot) bool { return other.Name != sl.Name })
	if b, _ := backendOf(sl.Kind); b.frail != "" && !others {
		m.warnings = append(m.warnings, fmt.Sprintf("only %s opens this store, and %s", sl.Kind, b.frail))
	}
	return m, nil
}

func openInBackend(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	return s.inBackend(ctx, request{Op: opGet, Kind: sl.Kind, Item: backendItem(h)})
}

// inBackend has a request done without a question and, if it takes one and there
// is a desktop to show it, with it: one process at a time.
func (s *Store) inBackend(ctx context.Context, r request) (string, error) {
	b, ok := backendOf(r.Kind)
	switch {
	case !ok || !b.here():
		return "", &BackendError{r.Kind, "this system has none"}
	case !b.usable(s):
		return "", &BackendError{r.Kind, b.look(ctx, s).reason}
	}
	if !b.child {
		return b.serve(r)
	}
	prompt := s.opts.Display && !s.opts.NoPrompt
	if !b.asks || !prompt {
		payload, err := s.inTurn(ctx, b, r)
		var locked *LockedError
		if !prompt || !errors.As(err, &locked) {
			return payload, err
		}
	}
	r.Prompt = true
	payload, err := s.inTurn(ctx, b, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &UnansweredError{r.Kind}
	}
	return payload, err
}

// inTurn has a request done by a child when it is its turn. gnome-keyring 42
// aborts when many call at once, gpg's agent takes one after the other, and of
// those who may ask only one does. Nobody waits long for a bus that is silent.
func (s *Store) inTurn(ctx context.Context, b backend, r request) (string, error) {
	if b.serial && r.Op != opGet {
		l, err := s.lock(ctx, b.kind, false)
		if err != nil {
			return "", err
		}
		defer l.Unlock()
	}
	name, turn := "child", ctx
	switch {
	case r.Prompt:
		name = "prompt"
	case b.bus:
		var cancel context.CancelFunc
		turn, cancel = context.WithTimeout(ctx, childDeadline)
		defer cancel()
	}
	release, err := s.courtesy(turn, name)
	switch {
	case err == nil:
		defer release()
	case ctx.Err() != nil:
		return "", err
	}
	if !r.Prompt {
		return s.call(ctx, b, r)
	}
	if problem := s.heardNo(); problem != "" {
		return "", &SharedError{Problem: problem}
	}
	payload, err := s.call(ctx, b, r)
	if err != nil {
		s.shareNo(err)
	}
	return payload, err
}

// serve does a request with the library.
func (b backend) serve(r request) (string, error) {
	if !isItem(r.Item) {
		return "", &BackendError{r.Kind, fmt.Sprintf("%q is no name of an item", r.Item)}
	}
	place := ""
	if b.locate != nil {
		var err error
		var lost *LostError
		switch place, err = b.locate(r); {
		case r.Op == opRemove && errors.As(err, &lost):
			return "", nil
		case err != nil:
			return "", err
		}
	}
	if !b.bus {
		return b.do(r, place)
	}
	// Nobody is to be asked any more, but the library would ask, and would wait
	// for an answer that it cannot hear.
	type result struct {
		payload string
		err     error
	}
	done := make(chan result, 1)
	go func() {
		payload, err := b.do(r, place)
		done <- result{payload, err}
	}()
	select {
	case res := <-done:
		return res.payload, res.err
	case <-time.After(childDeadline):
		return "", &BackendError{r.Kind, "no answer for " + childDeadline.String()}
	}
}

func (b backend) do(r request, place string) (string, error) {
	k, err := ring.Open(b.config(place))
	// The library keeps to itself what went wrong. The service was there a moment ago.
	for try := 1; err != nil && b.bus && try < firstTries; try++ {
		time.Sleep(firstPause)
		k, err = ring.Open(b.config(place))
	}
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
		if _, err := k.Get(r.Item); err == nil {
			return "", &BackendError{r.Kind, fmt.Sprintf("it has an item %q already", r.Item)}
		} else if !errors.Is(err, ring.ErrKeyNotFound) {
			return "", backendFailure(r, err)
		}
		err := k.Set(ring.Item{Key: r.Item, Data: []byte(r.Payload), Label: "fob"})
		if err == nil && b.settle != nil {
			return "", b.settle(r)
		}
		return "", backendFailure(r, err)
	case opRemove:
		// Some say that there was nothing to remove, and some do not.
		if err := k.Remove(r.Item); !errors.Is(err, ring.ErrKeyNotFound) {
			return "", backendFailure(r, err)
		}
		return "", nil
	}
	return "", &BackendError{r.Kind, "unknown operation"}
}

// backendFailure words the library's errors. A program that failed is an exit status.
func backendFailure(r request, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ring.ErrKeyNotFound):
		return &LostError{r.Kind, r.Item}
	case errors.As(err, &exit) && r.Op == opGet:
		return lockedPass(r)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSYS):
		return &BackendError{r.Kind, "the system does not allow it here, as in most containers"}
	}
	return &BackendError{r.Kind, err.Error()}
}
