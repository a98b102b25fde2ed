//go:build unix

package keyring

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fob/keyring/backend/backendtest"
)

func plantFIFO(t *testing.T, name string) {
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}

// plantDevice makes /dev/zero.
func plantDevice(t *testing.T, name string) {
	if err := unix.Mknod(name, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))); err != nil {
		t.Log(err)
		backendtest.Lacking(t, "right to make devices")
	}
}
