package keyring

import (
	"context"
	"errors"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// What cannot be ended is left when its caller ends, and is not waited for any more.
func TestSlowly(t *testing.T) {
	var said []string
	s := New(Options{Waiting: func(text func() string) func() {
		said = append(said, text())
		return func() { said = append(said, "done") }
	}})
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	never := make(chan struct{})
	defer close(never)
	_, err := slowly(ctx, s, "working ...", func() (int, error) {
		stop(stopped)
		<-never
		return 1, nil
	})
	if err != stopped {
		t.Error(err)
	}
	n, err := slowly(t.Context(), s, "working ...", func() (int, error) { return 2, stopped })
	if n != 2 || err != stopped {
		t.Error(n, err)
	}
	if len(said) != 4 || said[0] != "working ..." || said[1] != "done" {
		t.Errorf("%q", said)
	}
}

// Each derivation from a passphrase is waited for, and each of age's plugins.
func TestSaysWhatIsSlow(t *testing.T) {
	var said []string
	s := newStore(t, func(o *Options) {
		o.Waiting = func(text func() string) func() {
			said = append(said, text())
			return func() {}
		}
	})
	mustSetKey(t, s, "p", exampleKey)
	if _, _, err := again(s).Key(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	if len(said) != 2 || said[0] != "encrypting with the passphrase ..." || said[1] != "opening the store ..." {
		t.Errorf("%q", said)
	}
	of := func(names ...string) (list []age.Identity) {
		for _, name := range names {
			i, err := plugin.NewIdentity(plugin.EncodeIdentity(name, []byte("x")), &plugin.ClientUI{})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, pluginIdentity{i})
		}
		return list
	}
	for want, identities := range map[string][]age.Identity{
		"waiting for age-plugin-tpm ...":                                     of("tpm"),
		"waiting for age-plugin-yubikey: touch your YubiKey?":                of("yubikey", "yubikey"),
		"waiting for age-plugin-se, age-plugin-yubikey: touch your YubiKey?": of("se", "yubikey"),
	} {
		if got := waitsFor(identities); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
