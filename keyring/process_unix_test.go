//go:build unix

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
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
	_, err := s.SetKey(t.Context(), "p", big, Info{Rev: revOf(s, "p")})
	wantErr[*FullError](t, err)
	if k, _, err := s.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Errorf("the old key is lost: %v", err)
	}
	if left, _ := filepath.Glob(inStore(s, itemsDir(1)+"/.tmp-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := s.SetKey(t.Context(), "p", otherKey, Info{Rev: revOf(s, "p")}); err != nil {
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
	if _, err := s.SetKey(t.Context(), "p", otherKey, Info{Rev: revOf(s, "p")}); err == nil {
		t.Error("written to a read-only disk")
	}
}

// Where the file system cannot lock, this user's runtime directory does, whatever path
// leads to the store; where there is none, nothing is written without a lock, and the
// error says what is missing.
func TestNoLocks(t *testing.T) {
	private := func(t *testing.T, dir string) error { return os.Mkdir(dir, 0o700) }
	for _, row := range []struct {
		name string
		make func(t *testing.T, dir string) error
		ok   bool
	}{
		{"private", private, true},
		{"missing", func(*testing.T, string) error { return nil }, false},
		{"open to others", func(_ *testing.T, dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o755)) }, false},
		{"a file", func(_ *testing.T, dir string) error { return os.WriteFile(dir, nil, 0o600) }, false},
		{"a link", func(t *testing.T, dir string) error { return os.Symlink(t.TempDir(), dir) }, false},
	} {
		for _, errno := range []syscall.Errno{syscall.ENOLCK, syscall.EOPNOTSUPP, syscall.ENOSYS} {
			t.Run(row.name+"/"+errno.Error(), func(t *testing.T) {
				made := newStore(t)
				instead := filepath.Join(t.TempDir(), "user")
				if err := row.make(t, instead); err != nil {
					t.Fatal(err)
				}
				lockless := func(dir string) *Store {
					s := again(made, func(o *Options) { o.Dir = dir })
					s.runtimeDir = instead
					s.testOnlyFlock = func(path string) (bool, error) {
						if strings.HasPrefix(path, instead) {
							return false, nil
						}
						return false, &fs.PathError{Op: "flock", Path: path, Err: errno}
					}
					return s
				}
				s := lockless(made.opts.Dir)
				_, err := s.SetKey(t.Context(), "p", exampleKey, Info{Rev: revOf(s, "p")})
				if !row.ok {
					e := wantErr[*NoLocksError](t, err)
					if e.Dir != made.opts.Dir || e.Instead != instead {
						t.Errorf("%+v", e)
					}
					if _, err := made.KeyInfo("p"); err == nil {
						t.Error("written without a lock")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				// Two paths of one store have one lock.
				link := filepath.Join(t.TempDir(), "link")
				if err := os.Symlink(made.opts.Dir, link); err != nil {
					t.Fatal(err)
				}
				l, ok, err := s.TryLock("x")
				if !ok || err != nil {
					t.Fatal(ok, err)
				}
				if _, ok, err := lockless(link).TryLock("x"); ok || err != nil {
					t.Errorf("locked twice: %v, %v", ok, err)
				}
				if err := l.Unlock(); err != nil {
					t.Fatal(err)
				}
				if dir, err := s.LocksDir(t.Context()); err != nil || !strings.HasPrefix(dir, instead) {
					t.Errorf("%s, %v", dir, err)
				}
			})
		}
	}
}

// An interrupted lock is tried again; any other error names the file.
func TestLockFails(t *testing.T) {
	s := newStore(t)
	interrupted := 3
	s.testOnlyFlock = func(string) (bool, error) {
		if interrupted--; interrupted > 0 {
			return false, syscall.EINTR
		}
		return false, nil
	}
	l, err := s.Lock(t.Context(), "x", nil)
	if err != nil || interrupted > 0 {
		t.Fatal(err)
	}
	l.Unlock()
	s.testOnlyFlock = func(string) (bool, error) { return false, syscall.EIO }
	_, err = s.Lock(t.Context(), "x", nil)
	if file := wantErr[*fs.PathError](t, err); !strings.HasPrefix(file.Path, inStore(s, locksDir)) || !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
}
