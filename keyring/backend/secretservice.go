package backend

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ring "github.com/99designs/keyring"
	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = "/org/freedesktop/secrets"

	// sessionCollection is in the memory of the service, until the person logs out. It is
	// the default where there is no keyring yet: on machines without a screen, and where
	// people are logged in without a password.
	sessionCollection = secretsPath + "/collection/session"
)

// locateSecret finds the collection of an item, or the default one for a new
// item, and has it unlocked if a person may be asked. The library cannot do
// either: it knows collections only by their real names, and it misses the end
// of a prompt if that is broadcast or if the service dies.
func locateSecret(r request) (string, error) {
	fail := func(reason string) (string, error) { return "", &Error{Backend: r.Kind, Reason: reason} }
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return fail("the session bus cannot be reached")
	}
	defer conn.Close()
	var running bool
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&running); err != nil {
		return fail("the session bus does not answer")
	}
	if !running && !r.Display {
		// A call would start a service that nobody could unlock.
		return fail("no keyring service is running on the session bus")
	}
	find := findItem
	if r.Op == Set {
		find = findDefault
	}
	path, locked, err := find(conn, r)
	if err != nil {
		return "", err
	}
	name := collectionName(path)
	switch {
	case !locked:
		return name, nil
	case !r.Prompt:
		return "", lockedSecrets(r, name)
	}
	return name, unlockSecrets(conn, path, r)
}

func findItem(conn *dbus.Conn, r request) (item dbus.ObjectPath, isLocked bool, err error) {
	var unlocked, locked []dbus.ObjectPath
	err = serviceCall(conn, "SearchItems", map[string]string{"profile": r.Item}).Store(&unlocked, &locked)
	switch {
	case err != nil:
		return "", false, badAnswer(r, err)
	case len(unlocked) > 0:
		return unlocked[0], false, nil
	case len(locked) > 0:
		return locked[0], true, nil
	}
	return "", false, &LostError{r.Kind, r.Item}
}

func findDefault(conn *dbus.Conn, r request) (collection dbus.ObjectPath, isLocked bool, err error) {
	err = serviceCall(conn, "ReadAlias", "default").Store(&collection)
	if err != nil || collection == "/" {
		return "", false, &Error{Backend: r.Kind, Reason: "it has no default keyring"}
	}
	var session dbus.ObjectPath
	err = serviceCall(conn, "ReadAlias", "session").Store(&session)
	if collection == sessionCollection || err == nil && collection == session {
		return "", false, &Error{Backend: r.Kind, Reason: "it would forget the item when you log out: its default keyring is only in memory"}
	}
	locked, err := conn.Object(secretsName, collection).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		return "", false, badAnswer(r, err)
	}
	return collection, locked.Value() != false, nil
}

// badAnswer quotes the service or the bus: neither has been told a secret yet.
func badAnswer(r request, err error) error {
	return &Error{Backend: r.Kind, Reason: "unexpected response from the keyring service: " + err.Error()}
}

// When many processes call at once, gnome-keyring 42 sometimes answers the first
// call of one with "unknown method". It knows the method a moment later.
const (
	firstTries = 5
	firstPause = 20 * time.Millisecond
)

func serviceCall(conn *dbus.Conn, method string, args ...any) *dbus.Call {
	for try := 1; ; try++ {
		call := conn.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service."+method, 0, args...)
		var failed dbus.Error
		if try == firstTries || !errors.As(call.Err, &failed) || failed.Name != "org.freedesktop.DBus.Error.UnknownMethod" {
			return call
		}
		time.Sleep(firstPause)
	}
}

// unlockSecrets has the service ask a person, and waits as long as that takes.
func unlockSecrets(conn *dbus.Conn, path dbus.ObjectPath, r request) error {
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := serviceCall(conn, "Unlock", []dbus.ObjectPath{path}).Store(&unlocked, &prompt); err != nil {
		return badAnswer(r, err)
	}
	if prompt == "/" {
		return nil
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err := errors.Join(
		conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.Secret.Prompt"), dbus.WithMatchObjectPath(prompt)),
		conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)),
		conn.Object(secretsName, prompt).Call("org.freedesktop.Secret.Prompt.Prompt", 0, "").Err,
	)
	if err != nil {
		return &Error{Backend: r.Kind, Reason: "the keyring service cannot ask"}
	}
	for s := range signals { // until the bus goes
		switch {
		case s.Path == prompt && s.Name == "org.freedesktop.Secret.Prompt.Completed" && len(s.Body) > 0:
			if s.Body[0] == false {
				return nil
			}
			return &LockedError{Slot: r.Kind, Reason: "its prompt was dismissed", Declined: true}
		case s.Name == "org.freedesktop.DBus.NameOwnerChanged":
			return &Error{Backend: r.Kind, Reason: "the keyring service ended while it was asking"}
		}
	}
	return &Error{Backend: r.Kind, Reason: "the session bus ended while the keyring was asking"}
}

func lockedSecrets(r request, collection string) error {
	return &LockedError{Slot: r.Kind, Reason: fmt.Sprintf("the desktop keyring %q is locked", collection)}
}

// collectionName returns the name in the path of a collection or an item. Bytes
// that are not letters or digits are "_xx" in the path.
func collectionName(path dbus.ObjectPath) string {
	name, _ := strings.CutPrefix(string(path), secretsPath+"/collection/")
	name, _, _ = strings.Cut(name, "/")
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i+2 < len(name) {
			if x, err := hex.DecodeString(name[i+1 : i+3]); err == nil {
				b.WriteByte(x[0])
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// SecretService looks for the default collection of the Secret Service, for at
// most 0.4 s. It starts no service.
func SecretService(ctx context.Context, address string) BusState {
	return probe(ctx, address, func(ctx context.Context, conn *dbus.Conn) BusState {
		running, err := hasOwner(ctx, conn, secretsName)
		if err != nil {
			return BusSilent
		}
		if !running {
			var names []string
			if conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names) == nil && slices.Contains(names, secretsName) {
				return BusActivatable
			}
			return BusAbsent
		}
		var path dbus.ObjectPath
		err = conn.Object(secretsName, secretsPath).CallWithContext(ctx, "org.freedesktop.Secret.Service.ReadAlias", dbus.FlagNoAutoStart, "default").Store(&path)
		if err != nil {
			return BusSilent
		}
		switch path {
		case "/":
			return BusNoCollection
		case sessionCollection:
			return BusForgets
		}
		var locked bool
		err = conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart, "org.freedesktop.Secret.Collection", "Locked").Store(&locked)
		switch {
		case err != nil:
			return BusSilent
		case locked:
			return BusLocked
		}
		return BusUnlocked
	})
}

func secretsState(ctx context.Context, w World) State {
	return SecretService(ctx, w.DBusAddress).of("the desktop keyring", w)
}

func secretsForeign(f Foreign) ring.Config { return secretsConfig(f.Place) }

// secretNames are the names in a collection. A locked one has only those of it that a
// search finds: their attributes are kept as hashes.
func secretNames(r request) (names []string, err error) {
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return nil, &Error{Backend: r.Kind, Reason: "the session bus cannot be reached"}
	}
	defer conn.Close()
	path, locked, err := findCollection(conn, r)
	if path == "" || err != nil {
		return nil, err
	}
	if locked && r.Prompt {
		err = unlockSecrets(conn, path, r)
		locked = err != nil
	}
	if !locked && !r.Foreign.Shared {
		return allItems(conn, path, r)
	}
	if locked && err == nil {
		err = lockedSecrets(r, r.Foreign.Place)
	}
	for _, name := range r.Wanted {
		var unlocked, still []dbus.ObjectPath
		if err := serviceCall(conn, "SearchItems", map[string]string{"profile": name}).Store(&unlocked, &still); err != nil {
			return nil, badAnswer(r, err)
		}
		if slices.ContainsFunc(append(unlocked, still...), func(item dbus.ObjectPath) bool { return strings.HasPrefix(string(item), string(path)+"/") }) {
			names = append(names, name)
		}
	}
	return names, err
}

// findCollection finds a collection by the name in its path, as the library does; "" if
// there is none.
func findCollection(conn *dbus.Conn, r request) (path dbus.ObjectPath, locked bool, err error) {
	all, err := conn.Object(secretsName, secretsPath).GetProperty("org.freedesktop.Secret.Service.Collections")
	if err != nil {
		return "", false, badAnswer(r, err)
	}
	paths, _ := all.Value().([]dbus.ObjectPath)
	for _, path := range paths {
		if collectionName(path) != r.Foreign.Place {
			continue
		}
		locked, err := conn.Object(secretsName, path).GetProperty("org.freedesktop.Secret.Collection.Locked")
		if err != nil {
			return "", false, badAnswer(r, err)
		}
		return path, locked.Value() != false, nil
	}
	return "", false, nil
}

// allItems are the names of the library's items in a collection that is open. Others
// have no such attribute.
func allItems(conn *dbus.Conn, collection dbus.ObjectPath, r request) (names []string, err error) {
	items, err := conn.Object(secretsName, collection).GetProperty("org.freedesktop.Secret.Collection.Items")
	if err != nil {
		return nil, badAnswer(r, err)
	}
	paths, _ := items.Value().([]dbus.ObjectPath)
	for _, item := range paths {
		found, err := conn.Object(secretsName, item).GetProperty("org.freedesktop.Secret.Item.Attributes")
		if err != nil {
			continue // it was removed meanwhile
		}
		attributes, _ := found.Value().(map[string]string)
		if name := attributes["profile"]; name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// openCollection has a collection unlocked: the library misses the end of a prompt.
func openCollection(r request) error {
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return &Error{Backend: r.Kind, Reason: "the session bus cannot be reached"}
	}
	defer conn.Close()
	switch path, locked, err := findCollection(conn, r); {
	case err != nil:
		return err
	case path == "":
		return &LostError{r.Kind, r.Item}
	case locked && !r.Prompt:
		return lockedSecrets(r, r.Foreign.Place)
	case locked:
		return unlockSecrets(conn, path, r)
	}
	return nil
}
