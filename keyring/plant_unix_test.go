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
	if err := makeZero(unix.Mknod, name); err != nil {
		t.Log(err)
		backendtest.Lacking(t, "right to make devices")
	}
}

// makeZero converts the number of the device to the type that this system has for it.
func makeZero[D int | uint64](mknod func(string, uint32, D) error, name string) error {
	return mknod(name, unix.S_IFCHR|0o600, D(unix.Mkdev(1, 5)))
}
