package keyring

import (
	"encoding/hex"
	"fmt"
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
func locateSecret(r request) (string, error) {
	fail := func(reason string) (string, error) { return "", &BackendError{r.Kind, reason} }
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
		// Calling it would start one that has no way to be unlocked.
		return fail("no keyring service runs on the session bus")
	}
	service := conn.Object(secretsName, secretsPath)
	if r.Op == opSet {
		return defaultCollection(conn, service, r)
	}
	var unlocked, locked []dbus.ObjectPath
	err = service.Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"profile": r.Item}).Store(&unlocked, &locked)
	switch {
	case err != nil:
		return fail("the keyring service does not answer as it should")
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
	locked, err := conn.Object(secretsName, path).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		return "", &BackendError{r.Kind, "the keyring service does not answer as it should"}
	}
	if locked.Value() != false && !r.Prompt {
		return "", lockedSecrets(r, name)
	}
	return name, nil
}

func lockedSecrets(r request, collection string) error {
	return &LockedError{r.Kind, fmt.Sprintf("the desktop's keyring %q is locked", collection)}
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
