package awsconfig

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A file that a virus scanner has open is replaced when that closes it.
func TestWriteHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[default]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []uint32{0, syscall.FILE_SHARE_READ} {
		h, err := syscall.CreateFile(name, syscall.GENERIC_READ, share, nil, syscall.OPEN_EXISTING, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(200*time.Millisecond, func() { syscall.CloseHandle(h) })
		old, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(path, []byte(old.Text), []byte(old.Text+"region = eu-west-1\n")); err != nil {
			t.Errorf("share mode %d: %v", share, err)
		}
	}
	if f, err := Read(path); err != nil || f.Text != "[default]\nregion = eu-west-1\nregion = eu-west-1\n" {
		t.Errorf("%q, %v", f.Text, err)
	}
}
