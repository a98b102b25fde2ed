package backend

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend/backendtest"
)

// A probe finds the state of a real bus and starts nothing.
func TestProbe(t *testing.T) {
	silent := backendtest.SilentSocket(t)
	empty, _ := backendtest.Bus(t)
	unlocked, call := backendtest.GNOMEKeyring(t)
	inMemory := backendtest.NewGNOMEDesktop(t)
	inMemory.SetDefault(t, "session")
	for _, tt := range []struct {
		name, address string
		want          BusState
	}{
		{"no bus", "", BusNone},
		{"disabled", "disabled:", BusNone},
		{"one that would be launched", "autolaunch:", BusNone},
		{"one that runs a program", "unixexec:path=/bin/false", BusNone},
		{"dead address", "unix:path=/nonexistent/bus", BusDead},
		{"silent", "unix:path=" + silent.Path, BusSilent},
		{"no keyring", empty, BusAbsent},
		{"unlocked", unlocked, BusUnlocked},
		{"in memory", inMemory.Address, BusForgets},
	} {
		began := time.Now()
		got := SecretService(t.Context(), tt.address)
		if took := time.Since(began); took > 5*probeTime {
			t.Errorf("%s: it took %v", tt.name, took)
		}
		if tt.address == empty && got == BusActivatable {
			got = BusAbsent // this machine could start one
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.reason("it"), tt.want.reason("it"))
		}
	}
	var paths []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := call("Lock", []dbus.ObjectPath{backendtest.SecretsPath + "/collection/login"}).Store(&paths, &prompt); err != nil {
		t.Fatal(err)
	}
	if got := SecretService(t.Context(), unlocked); got != BusLocked {
		t.Errorf("locked: %s", got.reason("it"))
	}
}

// A program that imports this package neither dials the bus nor starts one.
// Without the guard it would hang on the first and leak a daemon with the second.
func TestProgramStartsWithoutDBus(t *testing.T) {
	bin := t.TempDir()
	launched := filepath.Join(bin, "launched")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>'%s'\n", launched)
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	silent := backendtest.SilentSocket(t)
	for name, bus := range map[string][]string{
		"silent": {"DBUS_SESSION_BUS_ADDRESS=unix:path=" + silent.Path},
		"none":   {},
		"empty":  {"DBUS_SESSION_BUS_ADDRESS="},
		"launch": {"DBUS_SESSION_BUS_ADDRESS=autolaunch:"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append([]string{"PATH=" + bin + ":/usr/bin:/bin", nothingVariable + "=1", "DISPLAY=:99"}, bus...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	if silent.Dials() > 0 {
		t.Error("the bus was dialled")
	}
	if out, err := os.ReadFile(launched); err == nil {
		t.Errorf("dbus-launch was run: %s", out)
	}
}
