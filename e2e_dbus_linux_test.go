package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// Commands that need no desktop keyring do not touch one: a bus that accepts a
// connection and stays silent would hang them, and dbus-launch would leave a daemon
// behind for every call.
func TestNobodyDialsDBus(t *testing.T) {
	w := plainWorld(t).kernelCopies(t)  // fob lock would remove the developer's copies
	dir, err := os.MkdirTemp("", "fob") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	silent, err := net.Listen("unix", dir+"/bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	var dials atomic.Int32
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			dials.Add(1)
		}
	}()
	launched := filepath.Join(dir, "launched")
	if err := os.WriteFile(dir+"/dbus-launch", []byte("#!/bin/sh\necho >'"+launched+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	plain := w.Env
	for name, bus := range map[string][]string{
		"silent":    {"DBUS_SESSION_BUS_ADDRESS=unix:path=" + dir + "/bus"},
		"in a home": {"XDG_RUNTIME_DIR=" + dir},
		"none":      {},
		"launched":  {"DBUS_SESSION_BUS_ADDRESS=autolaunch:"},
		"dead":      {"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent"},
	} {
		w.Env = append(slices.Clone(plain), append(bus, "DISPLAY=:99", "PATH="+dir+":"+os.Getenv("PATH"))...)
		for _, line := range []string{"", "--help", "--version", "version", "help exec", "exec --help", "status", "status --json", "completion bash",
			"list", "list --json", "explain dev", "export --profile dev", "exec dev -- true", "clear", "lock", "nonsense"} {
			args := strings.Fields(line)
			known := len(args) == 0 || args[0][0] == '-' || args[0] == "help" || args[0] == "nonsense" ||
				slices.ContainsFunc(commands(), func(c command) bool { return c.is(args[0]) })
			if !known {
				continue
			}
			if _, stderr, code := w.Run(args...); code != 0 && line != "nonsense" && !strings.HasPrefix(line, "status") {
				t.Errorf("%s: fob %s: %d %s", name, line, code, stderr)
			}
		}
	}
	if n := dials.Load(); n != 0 {
		t.Errorf("the bus was dialled %d times", n)
	}
	if _, err := os.Lstat(launched); err == nil {
		t.Error("dbus-launch was run")
	}
	// To test the test: a command that looks for a keyring does dial.
	w.Env = append(slices.Clone(plain), "DISPLAY=:99", "DBUS_SESSION_BUS_ADDRESS=unix:path="+dir+"/bus")
	if stdout, _, _ := w.Run("store"); dials.Load() == 0 || !strings.Contains(stdout, "no answer for") {
		t.Errorf("nobody has dialled: this test proves nothing\n%s", stdout)
	}
}
