package keyring

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fob/keyring/backend"
	"fob/keyring/backend/backendtest"
)

// The backends other than the Secret Service, for real.

func startKWallet(t testing.TB) fixture {
	address, call, relogin := backendtest.KWallet(t)
	k := backendFixture("kwallet", func(o *Options) { o.DBusAddress = address })
	k.relogin = relogin
	// Somebody who can make a wallet that opens without the owner's password has what any
	// program has that uses the wallet.
	k.forge = func(t testing.TB, item, payload string) func(*Options) {
		b, _ := backend.Of("kwallet")
		if _, err := b.Do(t.Context(), backend.World{DBusAddress: address}, backend.Request{Op: backend.Set, Item: item, Payload: payload}); err != nil {
			t.Fatal(err)
		}
		return nil
	}
	k.wrong, k.isWrong = func(o *Options) { o.DBusAddress, _ = backendtest.Bus(t) }, is[*BackendError]
	k.lock = func(t *testing.T) func(*Options) {
		if err := call("close", backendtest.WalletName, true).Err; err != nil {
			t.Fatal(err)
		}
		return func(*Options) {}
	}
	return k
}

func startPass(t testing.TB) fixture {
	env, lock := backendtest.PassStore(t)
	for name, value := range env {
		if name != "HOME" { // the developer's own, for Go
			t.Setenv(name, value)
		}
	}
	k := backendFixture("pass", func(o *Options) { o.Getenv = os.Getenv })
	k.wrong = func(o *Options) {
		o.Getenv = func(name string) string {
			if name == "GNUPGHOME" {
				return env["HOME"] // where there is no key
			}
			return env[name]
		}
	}
	k.isWrong = is[*LockedError]
	k.forge = func(t testing.TB, item, payload string) func(*Options) {
		backendtest.SealWithPublicKey(t, env, item, libraryItem(item, payload))
		return nil
	}
	k.lock = func(t *testing.T) func(*Options) {
		lock(t)
		return func(*Options) {}
	}
	return k
}

// libraryItem is a payload as the library writes it.
func libraryItem(item, payload string) string {
	return fmt.Sprintf(`{"Key":%q,"Data":%q,"Label":"fob"}`, item, base64.StdEncoding.EncodeToString([]byte(payload)))
}

// startKeyctl uses the keyring of the user who runs the tests, and removes its items.
func startKeyctl(t testing.TB) fixture {
	keyctl, _ := backend.Of("keyctl")
	if state := keyctl.State(t.Context(), backend.World{}); !state.Ready {
		backendtest.Lacking(t, "kernel keyring: "+state.Reason)
	}
	return backendFixture("keyctl", func(*Options) {})
}

// Other users can neither put an item where fob looks for it, nor read it there.
func TestKeyctlIsOurs(t *testing.T) {
	keyctlPath, setpriv := backendtest.Need(t, "keyctl"), backendtest.Need(t, "setpriv")
	if os.Getuid() != 0 {
		t.Skip("needs another user")
	}
	k := startKeyctl(t)
	s := newStore(t, k.options)
	t.Cleanup(func() { tidy(s) })
	ring, err := unix.KeyctlGetKeyringID(user, true)
	if err != nil {
		t.Fatal(err)
	}
	item, err := unix.KeyctlSearch(user, "user", itemOf(t, s), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"add", "user", backend.ItemName(storeID(t, s), 2), "forged", fmt.Sprint(ring)},
		{"link", "@s", fmt.Sprint(ring)},
		{"update", fmt.Sprint(item), "forged"},
		{"print", fmt.Sprint(item)},
	} {
		cmd := exec.Command(setpriv, append([]string{"--reuid", "65534", "--regid", "65534", "--clear-groups", keyctlPath}, args...)...)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "denied") {
			t.Errorf("%q: %s, %v", args, out, err)
		}
	}
}
