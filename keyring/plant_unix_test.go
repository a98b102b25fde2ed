//go:build unix

package keyring

import (
	"syscall"
	"testing"
)

func plantFIFO(t *testing.T, name string) {
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}
