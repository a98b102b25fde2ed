package keyring

import (
	"os"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend/backendtest"
)

// A collection that lasts until log-out does not get what opens a store, whether fob
// chooses it, the user names it or another slot is there: nothing is put there.
func TestVolatileCollection(t *testing.T) {
	d := backendtest.NewGNOMEDesktop(t)
	d.SetDefault(t, "session")
	desktop := func(o *Options) { o.Passphrase, o.DBusAddress, o.Display = nil, d.Address, true }
	o := options(storeDir(t))
	desktop(&o)
	o.Backend = "secret-service"
	_, err := New(o).Create(t.Context())
	if e := wantErr[*BackendError](t, err); !strings.Contains(e.Reason, "when you log out") {
		t.Error(e)
	}
	if _, err := os.Lstat(o.Dir + "/" + headerFile); err == nil {
		t.Error("a store was made")
	}
	said := ""
	s := newStore(t, desktop, func(o *Options) {
		o.Ask = (&person{answers: []string{testPassphrase, testPassphrase}}).ask
		o.Chose = func(slot, why string) { said = slot + ": " + why }
	})
	if said != "passphrase: the desktop keyring forgets everything at log-out" {
		t.Errorf("said %q", said)
	}
	_, err = again(s, desktop, func(o *Options) { o.Passphrase = fixed(testPassphrase) }).AddSlot(t.Context(), "secret-service")
	wantErr[*BackendError](t, err)
	var unlocked, locked []dbus.ObjectPath
	if err := d.Call("SearchItems", map[string]string{}).Store(&unlocked, &locked); err != nil || len(unlocked)+len(locked) > 0 {
		t.Errorf("items: %v, %v, %v", unlocked, locked, err)
	}
}

// Everything else that can be a store's only slot is there after the person has logged
// out and in again.
func TestSlotsSurviveLogout(t *testing.T) {
	for _, tt := range slotsUnderTest() {
		t.Run(tt.kind, func(t *testing.T) {
			k := tt.start(t)
			s := newStore(t, k.options)
			t.Cleanup(func() { tidy(s) })
			mustSetKey(t, s, "p", exampleKey)
			if k.relogin != nil {
				k.relogin(t)
			}
			if got, _, err := again(s).Key(t.Context(), "p"); err != nil || !sameKey(got, exampleKey) {
				t.Error(err)
			}
		})
	}
}
