package keyring

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = "/org/freedesktop/secrets"
)

// locateSecret finds the collection of an item, or the default one for a new
// item. The library knows collections by their real names only, and waits
// without end for a prompt that nobody can see: so both are settled before it
// is called.
func locateSecret(r request) (found, error) {
	fail := func(reason string) (found, error) { return found{}, &BackendError{r.Kind, reason} }
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return fail("the session bus cannot be reached")
	}
	var running bool
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&running); err != nil {
		return fail("the session bus does not answer")
	}
	if !running && !r.Display {
		// Calling it would start one that has no way to be unlocked.
		return fail("no keyring service runs on the session bus")
	}
	service := conn.Object(secretsName, secretsPath)
	collection := ""
	if r.Op == opSet {
		collection, err = defaultCollection(conn, service, r)
	} else {
		collection, err = collectionOf(service, r)
	}
	if err != nil {
		return found{}, err
	}
	return found{collection, leaving(conn, secretsName)}, nil
}

func collectionOf(service dbus.BusObject, r request) (string, error) {
	var unlocked, locked []dbus.ObjectPath
	err := service.Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"profile": r.Item}).Store(&unlocked, &locked)
	switch {
	case err != nil:
		return "", &BackendError{r.Kind, "the keyring service does not answer as it should"}
	case len(unlocked) > 0:
		return collectionName(unlocked[0]), nil
	case len(locked) > 0 && r.Prompt:
		return collectionName(locked[0]), nil
	case len(locked) > 0:
		return "", lockedSecrets(r, collectionName(locked[0]))
	}
	return "", missingItem(r)
}

func defaultCollection(conn *dbus.Conn, service dbus.BusObject, r request) (string, error) {
	var path dbus.ObjectPath
	err := service.Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&path)
	if err != nil || path == "/" {
		return "", &BackendError{r.Kind, "it has no default keyring"}
	}
	name := collectionName(path)
	locked, err := conn.Object(secretsName, path).GetProperty(lockedProperty)
	if err != nil {
		return "", &BackendError{r.Kind, "the keyring service does not answer as it should"}
	}
	if locked.Value() != false && !r.Prompt {
		return "", lockedSecrets(r, name)
	}
	return name, nil
}

const lockedProperty = "org.freedesktop.Secret.Collection.Locked"

func lockedSecrets(r request, collection string) error {
	return &LockedError{Slot: r.Kind, Reason: fmt.Sprintf("the desktop's keyring %q is locked", collection)}
}

// leaving closes when a name's owner leaves the bus, or the bus itself goes.
// Without a watch it never does: then there is only the person's patience.
func leaving(conn *dbus.Conn, name string) <-chan struct{} {
	gone := make(chan struct{})
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err := conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name))
	if err != nil {
		return nil
	}
	go func() {
		defer close(gone)
		for s := range signals {
			if len(s.Body) == 3 && s.Body[0] == name && s.Body[2] == "" {
				return
			}
		}
	}()
	return gone
}

// collectionName takes the name out of the path of a collection or an item:
// other bytes than letters and digits are "_xx" there.
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

// probeSecrets looks for the default collection. It starts no service.
func probeSecrets(ctx context.Context, address string) busState {
	return probe(ctx, address, func(ctx context.Context, conn *dbus.Conn) busState {
		running, err := hasOwner(ctx, conn, secretsName)
		if err != nil {
			return busSilent
		}
		if !running {
			var names []string
			if conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names) == nil && slices.Contains(names, secretsName) {
				return busActivatable
			}
			return busAbsent
		}
		var path dbus.ObjectPath
		err = conn.Object(secretsName, secretsPath).CallWithContext(ctx, "org.freedesktop.Secret.Service.ReadAlias", dbus.FlagNoAutoStart, "default").Store(&path)
		if err != nil {
			return busSilent
		}
		if path == "/" {
			return busHomeless
		}
		var locked bool
		err = conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart, "org.freedesktop.Secret.Collection", "Locked").Store(&locked)
		switch {
		case err != nil:
			return busSilent
		case locked:
			return busLocked
		}
		return busUnlocked
	})
}

func secretsReady(ctx context.Context, s *Store) (bool, string) {
	state := probeSecrets(ctx, s.opts.DBusAddress)
	return state == busUnlocked || state == busLocked && s.opts.Display, state.reason("the desktop's keyring")
}
