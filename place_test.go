package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/keyring"
)

// What of the environment says where fob runs.
func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		env     string
		want    keyring.Place
		desktop bool
	}{
		{"", keyring.Place{}, false},
		{"DISPLAY=:0", keyring.Place{}, true},
		{"WAYLAND_DISPLAY=wayland-0", keyring.Place{}, true},
		{"CI=true", keyring.Place{CI: true}, false},
		{"container=podman", keyring.Place{Container: true}, false},
		{"SSH_CONNECTION=192.0.2.1", keyring.Place{SSH: true}, false},
		{"SSH_TTY=/dev/pts/1 DISPLAY=localhost:10.0", keyring.Place{SSH: true}, false}, // ssh -X
		{"INVOCATION_ID=1 JOURNAL_STREAM=8:1", keyring.Place{}, false},                 // a systemd unit
	} {
		t.Run(tt.env, func(t *testing.T) {
			for _, name := range strings.Fields("DISPLAY WAYLAND_DISPLAY CI container SSH_CONNECTION SSH_TTY") {
				t.Setenv(name, "")
			}
			here := place() // this machine may be a container, or in Windows
			tt.want.Container = tt.want.Container || here.Container
			tt.want.WSL = here.WSL
			for _, entry := range strings.Fields(tt.env) {
				name, value, _ := strings.Cut(entry, "=")
				t.Setenv(name, value)
			}
			if got := place(); got != tt.want || atDesktop() != tt.desktop {
				t.Errorf("%+v, at a desktop: %v", got, atDesktop())
			}
		})
	}
	for kernel, want := range map[string]bool{
		"5.15.167.4-microsoft-standard-WSL2\n": true,
		"4.4.0-19041-Microsoft\n":              true,
		"6.1.0-26-amd64\n":                     false,
	} {
		if isWSL(kernel) != want {
			t.Errorf("%q", kernel)
		}
	}
}

// The session bus is where the variable says, else where systemd has it.
func TestDBusAddress(t *testing.T) {
	dir, err := os.MkdirTemp("", "fob") // a socket's name is to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	bus := filepath.Join(dir, "bus")
	if err := os.WriteFile(bus, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := dbusAddress(); got != "" {
		t.Errorf("a file: %q", got)
	}
	os.Remove(bus)
	l, err := net.Listen("unix", bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if got := dbusAddress(); got != "unix:path="+bus {
		t.Errorf("a socket: %q", got)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=x")
	if got := dbusAddress(); got != "unix:abstract=x" {
		t.Errorf("the variable: %q", got)
	}
}
