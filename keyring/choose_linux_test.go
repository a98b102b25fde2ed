package keyring

import (
	"os/exec"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// What a probe finds, for real, and that it starts nothing.
func TestProbe(t *testing.T) {
	silent := silentSocket(t)
	empty, _ := sessionBus(t)
	unlocked, call := gnomeKeyring(t)
	for _, tt := range []struct {
		name, address string
		want          busState
	}{
		{"no bus", "", busNone},
		{"disabled", "disabled:", busNone},
		{"one that would be launched", "autolaunch:", busNone},
		{"one that runs a program", "unixexec:path=/bin/false", busNone},
		{"dead address", "unix:path=/nonexistent/bus", busDead},
		{"silent", "unix:path=" + silent.path, busSilent},
		{"no keyring", empty, busAbsent},
		{"unlocked", unlocked, busUnlocked},
	} {
		began := time.Now()
		got := probeSecrets(t.Context(), tt.address)
		if took := time.Since(began); took > 5*probeTime {
			t.Errorf("%s: it took %v", tt.name, took)
		}
		if tt.address == empty && got == busActivatable {
			got = busAbsent // this machine could start one
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.reason("it"), tt.want.reason("it"))
		}
	}
	var paths []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := call("Lock", []dbus.ObjectPath{secretsPath + "/collection/login"}).Store(&paths, &prompt); err != nil {
		t.Fatal(err)
	}
	if got := probeSecrets(t.Context(), unlocked); got != busLocked {
		t.Errorf("locked: %s", got.reason("it"))
	}
}

// A keyring that could be started is not.
func TestProbeActivatesNothing(t *testing.T) {
	address, env := sessionBus(t)
	home := env[0][len("HOME="):]
	mark := home + "/started"
	write(t, home+"/data/dbus-1/services/fake.service", "[D-BUS Service]\nName="+secretsName+"\nExec=/bin/touch "+mark+"\n")
	write(t, home+"/data/dbus-1/services/wallet.service", "[D-BUS Service]\nName="+walletService+"\nExec=/bin/touch "+mark+"\n")
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.BusObject().Call("org.freedesktop.DBus.ReloadConfig", 0).Err; err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return probeSecrets(t.Context(), address) == busActivatable })
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
	silent := silentSocket(t)
	o := options(storeDir(t))
	o.Passphrase, o.DBusAddress = nil, "unix:path="+silent.path
	New(o).facts(t.Context())
	o.Display = true
	o.Place = func() Place { return Place{SSH: true} }
	New(o).facts(t.Context())
	if n := silent.dials(); n != 0 {
		t.Errorf("%d dials", n)
	}
	o.Place = nil
	if f := New(o).facts(t.Context()); f.secrets != busSilent || silent.dials() != 1 {
		t.Errorf("%+v, %d dials", f, silent.dials())
	}
}

func TestKeepers(t *testing.T) {
	address, _ := gnomeKeyring(t)
	s := New(Options{Dir: storeDir(t), DBusAddress: address})
	got := s.keepers(t.Context())
	for kind, state := range got {
		if state.reason == "" {
			t.Errorf("%s: no reason", kind)
		}
	}
	for kind, ready := range map[string]bool{"secret-service": true, "kwallet": false, "pass": false} {
		if got[kind].ready != ready {
			t.Errorf("%s: %+v", kind, got[kind])
		}
	}
	if len(got) != 4 {
		t.Errorf("%v: Windows's and macOS's too?", got)
	}
}
