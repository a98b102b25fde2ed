package backend

import (
	"strings"
	"testing"

	ring "github.com/99designs/keyring"
	"github.com/godbus/dbus/v5"
)

// The library uses the first backend of those it is allowed, and its file backend
// loses items that two processes write at once. So it is allowed exactly one.
func TestOneBackendEach(t *testing.T) {
	for _, b := range All() {
		if got := b.config("").AllowedBackends; len(got) != 1 || string(got[0]) != b.Kind || got[0] == ring.FileBackend {
			t.Errorf("%s: %v", b.Kind, got)
		}
	}
}

// pass would write "../x" outside of its directory.
func TestItemNames(t *testing.T) {
	for _, b := range All() {
		for _, item := range []string{"", "fob", "../x", "fob/../../x/1", strings.Replace(someItem(), "fob/", "fob/../", 1), someItem() + "/..", someItem() + "\n", "fob/x/1"} {
			_, err := b.serve(request{Request: Request{Op: Get, Item: item}, Kind: b.Kind})
			if e := wantErr[*Error](t, err); !strings.Contains(e.Reason, "not the name") {
				t.Errorf("%s, %q: %v", b.Kind, item, err)
			}
		}
	}
}

func TestCollectionName(t *testing.T) {
	for path, want := range map[dbus.ObjectPath]string{
		"/org/freedesktop/secrets/collection/login":           "login",
		"/org/freedesktop/secrets/collection/login/12":        "login",
		"/org/freedesktop/secrets/collection/Default_5fkey/1": "Default_key",
		"/org/freedesktop/secrets/collection/my_20keys":       "my keys",
		"/org/freedesktop/secrets/collection/a_b":             "a_b",
	} {
		if got := collectionName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
