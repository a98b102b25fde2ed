package backend

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fob/keyring/backend/backendtest"
)

// An item is never replaced: it may be the only thing that opens a store.
func TestSecretServiceReplacesNothing(t *testing.T) {
	address, _ := backendtest.GNOMEKeyring(t)
	b, world := backendOf(t, "secret-service"), World{DBusAddress: address}
	r := Request{Op: Set, Item: someItem(), Payload: "one"}
	if _, err := b.Do(t.Context(), world, r); err != nil {
		t.Fatal(err)
	}
	r.Payload = "two"
	_, err := b.Do(t.Context(), world, r)
	wantErr[*Error](t, err)
	r.Op = Get
	if got, err := b.Do(t.Context(), world, r); got != "one" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// The library panics when an answer is not as expected, and prints the answer.
func TestChildPanics(t *testing.T) {
	address, f := backendtest.StartFakeSecrets(t, nil)
	f.Locked.Store(false)
	get := func() error {
		_, err := backendOf(t, "secret-service").Do(t.Context(), World{DBusAddress: address}, Request{Op: Get, Item: someItem()})
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	f.Nonsense.Store(true)
	if e := wantErr[*Error](t, get()); e.Reason != "its helper process died" {
		t.Error(e)
	}
	f.Nonsense.Store(false)
	f.Payload.Store(strings.Repeat("x", maxChildLine)) // more than is read
	if e := wantErr[*Error](t, get()); e.Reason != "its helper process died" {
		t.Error(e)
	}
}

// The child's whole environment is the address of the bus.
func TestChildEnvironment(t *testing.T) {
	t.Setenv("FOB_PASSPHRASE", "must not be inherited")
	silent := backendtest.SilentSocket(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		world := World{DBusAddress: "unix:path=" + silent.Path, Getenv: os.Getenv}
		_, err := backendOf(t, "secret-service").Do(ctx, world, Request{Op: Get, Item: someItem()})
		done <- err
	}()
	<-silent.Dialed // it is running, and hangs
	found := false
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range procs {
		if cmdline, _ := os.ReadFile(file); bytes.HasSuffix(cmdline, []byte("\x00"+ChildArg+"\x00")) {
			env, _ := os.ReadFile(filepath.Dir(file) + "/environ")
			if !bytes.Contains(env, []byte(silent.Path)) {
				continue // of another test run
			}
			found = true
			if want := "DBUS_SESSION_BUS_ADDRESS=unix:path=" + silent.Path + "\x00"; string(env) != want {
				t.Errorf("environment %q", env)
			}
		}
	}
	if !found {
		t.Error("no child was found")
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
}

// Programs that the child has started die with it.
func TestHangingPassIsKilled(t *testing.T) {
	dir := t.TempDir()
	backendtest.Write(t, dir+"/store/.gpg-id", "x")
	item := someItem()
	backendtest.Write(t, dir+"/store/"+item+".gpg", "x")
	fifo := dir + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	backendtest.Write(t, dir+"/bin/pass", "#!/bin/sh\nexec sleep 600 >"+fifo+"\n")
	if err := os.Chmod(dir+"/bin/pass", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
	t.Setenv("PASSWORD_STORE_DIR", dir+"/store")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := backendOf(t, "pass").Do(ctx, World{Getenv: os.Getenv}, Request{Op: Get, Item: item})
		done <- err
	}()
	end, err := os.Open(fifo) // it runs
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
	if n, err := end.Read(make([]byte, 1)); n != 0 || err == nil { // at its end
		t.Errorf("%d, %v", n, err)
	}
}

// pass gets neither the address of a bus, on which it could hang, nor a secret.
func TestPassEnvironment(t *testing.T) {
	t.Setenv("FOB_PASSPHRASE", "must not be inherited")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	world := World{DBusAddress: "unix:path=/nonexistent", Getenv: os.Getenv}
	for _, entry := range backendOf(t, "pass").childEnviron(world) {
		if strings.Contains(entry, "nonexistent") || strings.Contains(entry, "FOB_") {
			t.Error(entry)
		}
	}
}

func backendOf(t testing.TB, kind string) Backend {
	t.Helper()
	b, ok := Of(kind)
	if !ok {
		t.Fatalf("no backend %q", kind)
	}
	return b
}
