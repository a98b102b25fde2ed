//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A program that asks does not outlive its question: whichever way fob ends, the window
// closes. The program's children die with it, except after SIGKILL, which leaves fob no
// time: then only the program itself dies.
func TestPromptersEnd(t *testing.T) {
	signal := func(s syscall.Signal) func(t *testing.T, fob, parent *os.Process) {
		return func(t *testing.T, fob, _ *os.Process) {
			if err := fob.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Parallel()
	for _, c := range []struct {
		name  string
		alone bool // the program has no children
		end   func(t *testing.T, fob, parent *os.Process)
	}{
		{"SIGINT", false, signal(syscall.SIGINT)},
		{"SIGTERM", false, signal(syscall.SIGTERM)},
		{"SIGHUP", false, signal(syscall.SIGHUP)},
		{"SIGKILL", true, signal(syscall.SIGKILL)},
		{"the program that asked is gone", false, func(t *testing.T, _, parent *os.Process) {
			if err := parent.Kill(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := signedUp(t, false).raced()
			// The pipe has a writer as long as one of the processes lives.
			alive := filepath.Join(w.Home, "alive")
			if err := syscall.Mkfifo(alive, 0o600); err != nil {
				t.Fatal(err)
			}
			askpass := filepath.Join(w.Home, "askpass")
			script := "sleep 600 & wait"
			if c.alone {
				script = "exec sleep 600"
			}
			if err := os.WriteFile(askpass, fmt.Appendf(nil, "#!/bin/sh\nexec >%s\n%s\n", alive, script), 0o700); err != nil {
				t.Fatal(err)
			}
			pid := filepath.Join(w.Home, "pid")
			// The outer shell stays because it has another command. In the background fob would
			// ignore SIGINT.
			parent := exec.Command("/bin/sh", "-c", `sh -c 'echo $$ >"$1"; exec "$0" export --profile dev' "$0" "$1"; exit`, w.Fob, pid)
			parent.Dir, parent.Env = w.Home, append(w.Env, "FOB_ASKPASS="+askpass)
			parent.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			defer parent.Wait()
			defer parent.Process.Kill()
			window, err := os.Open(alive) // waits for the program
			if err != nil {
				t.Fatal(err)
			}
			defer window.Close()
			var fob int
			if _, err := fmt.Sscan(slurp(t, pid), &fob); err != nil {
				t.Fatal(err)
			}
			process, err := os.FindProcess(fob)
			if err != nil {
				t.Fatal(err)
			}
			defer process.Kill()
			c.end(t, process, parent.Process)
			closed := make(chan error, 1)
			go func() { _, err := window.Read(make([]byte, 1)); closed <- err }()
			select {
			case err := <-closed:
				if err != io.EOF {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Error("the window is still open")
			}
		})
	}
}
