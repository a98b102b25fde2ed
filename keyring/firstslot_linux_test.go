package keyring

import (
	"os/exec"
	"testing"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend"
	"fob/keyring/backend/backendtest"
)

// A keyring that could be started is not.
func TestProbeActivatesNothing(t *testing.T) {
	address, env := backendtest.Bus(t)
	home := env[0][len("HOME="):]
	mark := home + "/started"
	backendtest.Write(t, home+"/data/dbus-1/services/fake.service", "[D-BUS Service]\nName="+backendtest.SecretsName+"\nExec=/bin/touch "+mark+"\n")
	backendtest.Write(t, home+"/data/dbus-1/services/wallet.service", "[D-BUS Service]\nName="+backendtest.WalletService+"\nExec=/bin/touch "+mark+"\n")
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.BusObject().Call("org.freedesktop.DBus.ReloadConfig", 0).Err; err != nil {
		t.Fatal(err)
	}
	backendtest.WaitFor(t, func() bool { return backend.SecretService(t.Context(), address) == backend.BusActivatable })
	for _, display := range []bool{false, true} {
		s := New(Options{Dir: storeDir(t), DBusAddress: address, Display: display})
		s.Describe(t.Context())
	}
	o := options(storeDir(t))
	o.Backend, o.DBusAddress = "secret-service", address
	_, err = New(o).Create(t.Context())
	wantErr[*BackendError](t, err)
	o.Backend = "kwallet"
	_, err = New(o).Create(t.Context())
	wantErr[*BackendError](t, err)
	if out, err := exec.Command("ls", mark).Output(); err == nil {
		t.Errorf("a service was started: %s", out)
	}
}

// What chooses for a desktop looks at it; elsewhere nobody dials.
func TestChoiceDialsOnDesktopsOnly(t *testing.T) {
	silent := backendtest.SilentSocket(t)
	o := options(storeDir(t))
	o.Passphrase, o.DBusAddress = nil, "unix:path="+silent.Path
	New(o).facts(t.Context())
	o.Display = true
	o.Place = func() Place { return Place{SSH: true} }
	New(o).facts(t.Context())
	if n := silent.Dials(); n != 0 {
		t.Errorf("%d dials", n)
	}
	o.Place = nil
	if f := New(o).facts(t.Context()); f.secrets != backend.BusSilent || silent.Dials() != 1 {
		t.Errorf("%+v, %d dials", f, silent.Dials())
	}
}

func TestBackendStates(t *testing.T) {
	address, _ := backendtest.GNOMEKeyring(t)
	s := New(Options{Dir: storeDir(t), DBusAddress: address})
	got := s.backendStates(t.Context())
	for kind, state := range got {
		if state.Reason == "" {
			t.Errorf("%s: no reason", kind)
		}
	}
	for kind, ready := range map[string]bool{"secret-service": true, "kwallet": false, "pass": false} {
		if got[kind].Ready != ready {
			t.Errorf("%s: %+v", kind, got[kind])
		}
	}
	if len(got) != 4 {
		t.Errorf("%v: Windows's and macOS's too?", got)
	}
}
