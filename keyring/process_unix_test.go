//go:build unix

package keyring

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/keyring/backend/backendtest"
)

// Full disks, modes and owners.

// Without room the old value stays, and the error says why.
func TestFullDisk(t *testing.T) {
	mount := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(backendtest.Need(t, "mount"), "-t", "tmpfs", "-o", "size=64k,mode=700", "fob-test", mount).CombinedOutput(); err != nil {
		t.Logf("%s", out)
		backendtest.Lacking(t, "right to mount a tmpfs")
	}
	defer exec.Command("umount", "-l", mount).Run() // the Store keeps a directory open
	o := options(filepath.Join(mount, "fob"))
	o.StateDir = t.TempDir() + "/state"
	s := New(o)
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustSetKey(t, s, "p", exampleKey)
	big := creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret(strings.Repeat("x", 80<<10))}
	_, err := s.SetKey(t.Context(), "p", big, Info{})
	wantErr[*FullError](t, err)
	if k, _, err := s.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Errorf("the old key is lost: %v", err)
	}
	if left, _ := filepath.Glob(inStore(s, itemsDir(1)+"/.tmp-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := s.SetKey(t.Context(), "p", otherKey, Info{}); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestModes(t *testing.T) {
	syscall.Umask(0)
	defer syscall.Umask(0o022)
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	filepath.WalkDir(filepath.Dir(s.opts.Dir), func(path string, e os.DirEntry, err error) error {
		if err != nil || path == filepath.Dir(s.opts.Dir) {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, fi.Mode())
		}
		return nil
	})

	open := func() error { _, _, err := again(s).Key(t.Context(), "p"); return err }
	chmod := func(name string, mode os.FileMode) {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, good := range map[string]os.FileMode{
		s.opts.Dir:                            0o700,
		s.opts.StateDir:                       0o700,
		inStore(s, slotsDir(1)+"/passphrase"): 0o600,
	} {
		chmod(name, good|0o040)
		err := open()
		unsafe := wantErr[*UnsafeError](t, err)
		if want := fmt.Sprintf("chmod %o %s", good, cmdline.Quote(name)); unsafe.Path != name || unsafe.Fix != want {
			t.Errorf("%+v, want %s", unsafe, want)
		}
		chmod(name, good)
	}
	item := itemPath(t, s, KindKey, "p")
	chmod(item, 0o644)
	if err := open(); err != nil {
		t.Error(err)
	}
	if fi, err := os.Stat(item); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("an item was not tightened: %v, %v", fi.Mode(), err)
	}
}

// Another user's directory is not ours, whatever its mode.
func TestForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		backendtest.Lacking(t, "right to change owners")
	}
	s := newStore(t)
	if err := os.Chown(s.opts.Dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	_, err := s.Exists()
	wantErr[*UnsafeError](t, err)
	_, _, err = s.TryLock("x")
	wantErr[*UnsafeError](t, err)
}

// A store that cannot be written to can be read, without a lock.
func TestReadOnly(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	if err := os.RemoveAll(inStore(s, locksDir)); err != nil {
		t.Fatal(err)
	}
	dir := s.opts.Dir
	if out, err := exec.Command(backendtest.Need(t, "mount"), "--bind", "-o", "ro", dir, dir).CombinedOutput(); err != nil {
		t.Logf("%s", out)
		backendtest.Lacking(t, "right to bind mount")
	}
	defer exec.Command("umount", dir).Run()
	s = again(s)
	if k, _, err := s.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Error(err)
	}
	if _, err := s.SetKey(t.Context(), "p", otherKey, Info{}); err == nil {
		t.Error("written to a read-only disk")
	}
}

// Where the file system cannot lock, this user's runtime directory does; where
// there is none, nothing is written without a lock.
func TestNoLocks(t *testing.T) {
	strace := backendtest.Need(t, "strace")
	s := newStore(t)
	role := roleCommand(t, "churn", s.opts.Dir, "1")
	cmd := exec.Command(strace, append([]string{"-f", "-o", "/dev/null", "-P", inStore(s, locksDir+"/store.lock"), "-e", "inject=flock:error=EOPNOTSUPP"}, role.Args...)...)
	cmd.Env = role.Env
	out, err := cmd.CombinedOutput()
	spare := s.spareLocksDir()
	if _, infoErr := s.KeyInfo("p"); (err == nil) != (spare != "") || (err == nil) != (infoErr == nil) {
		t.Errorf("spare directory %q: %v, %v %s", spare, err, infoErr, out)
	}
	if spare != "" {
		os.RemoveAll(spare)
	}
}
