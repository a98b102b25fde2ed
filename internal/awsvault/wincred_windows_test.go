package awsvault

import (
	"os"
	"testing"
)

// Real Windows, or wine: the user's own credentials, which are tidied.
func TestCredentialManager(t *testing.T) {
	v := vault{Backend: "wincred", Items: vaultItems()}
	w := world(t.TempDir(), nil)
	before, _ := List(t.Context(), w)
	store(t, v, os.Environ()...)
	defer func() {
		v.Remove = true
		store(t, v, os.Environ()...)
		if after, _ := List(t.Context(), w); len(after) != len(before) {
			t.Errorf("%v are left", after)
		}
	}()
	readAll(t, w, "dev", "team/dev 1")
}
