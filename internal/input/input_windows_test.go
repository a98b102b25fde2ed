package input

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A file that a virus scanner has open is read when that closes it.
func TestReadHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ, 0, nil, syscall.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { syscall.CloseHandle(h) })
	if text, err := Read(path, 100); text != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// Patience ends.
func TestRetryEnds(t *testing.T) {
	began, calls := time.Now(), 0
	err := Retry(func() error {
		calls++
		return errSharing
	})
	if took := time.Since(began); err != errSharing || calls < 10 || took < 2*time.Second || took > 10*time.Second {
		t.Errorf("%v after %d calls and %s", err, calls, took)
	}
}
