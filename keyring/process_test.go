//go:build unix

package keyring

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fob/internal/creds"
)

func roleCommand(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// together runs n processes at once and reports those that fail.
func together(t *testing.T, n int, role string, args ...string) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if out, err := roleCommand(t, role, args...).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
}

// Of many creators one wins, and all the others use its store.
func TestCreateAtOnce(t *testing.T) {
	const n = 20
	for range often(1, 100) {
		dir := storeDir(t)
		together(t, n, "create", dir)
		s := New(options(dir))
		infos, err := s.Infos(KindKey)
		if err != nil || len(infos) != n {
			t.Errorf("%d keys, %v", len(infos), err)
		}
		for _, i := range infos {
			if k, _, err := s.Key(t.Context(), i.Name); err != nil || !sameKey(k, exampleKey) {
				t.Errorf("%q: %v", i.Name, err)
			}
		}
		if left, _ := filepath.Glob(dir + "/.tmp-*"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// A loser who brought another passphrase does not change the winner's store.
func TestCreateAdopts(t *testing.T) {
	made := newStore(t)
	if again, err := again(made).Create(t.Context()); err != nil || !again.Adopted || again.Slot != "passphrase" {
		t.Errorf("%+v, %v", again, err)
	}
	_, err := again(made, func(o *Options) { o.Passphrase = fixed("another") }).Create(t.Context())
	wantErr[*WrongPassphraseError](t, err)
	_, err = again(made, func(o *Options) { o.Backend = "secret-service" }).Create(t.Context())
	wantErr[*NoSlotError](t, err)
}

func TestManyWriters(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	together(t, 64, "churn", s.opts.Dir, strconv.Itoa(often(5, 200)))
	k, _, err := s.Key(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	// Each writer wrote its process ID with zeros before it, in a length of its own.
	if strings.Trim(k.Secret.Reveal(), "0123456789") != "" {
		t.Error("a torn value")
	}
	if left, _ := filepath.Glob(inStore(s, itemsDir(1)+"/.tmp-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// While 64 processes read and write, the store is re-keyed over and over. They see
// the old store or the new one, never neither, and do not keep the re-key waiting.
func TestCrowdDuringRekeys(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", otherKey)
	info := mustSetKey(t, s, "q", exampleKey)
	if err := s.SetSeed(t.Context(), serial, seed); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSession(t.Context(), "q", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	rekeys := often(5, 200)
	var wg sync.WaitGroup
	var looks atomic.Int64
	for range 64 {
		wg.Go(func() {
			out, err := roleCommand(t, "crowd", s.opts.Dir).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			n, _ := strconv.Atoi(strings.TrimSpace(string(out)))
			looks.Add(int64(n))
		})
	}
	for range rekeys {
		if _, err := again(s).NewPassphrase(t.Context(), creds.NewSecret(testPassphrase)); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(s.opts.Dir+"-stop", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	h, err := s.header()
	if err != nil || h.Gen != rekeys+1 {
		t.Errorf("generation %d, %v", h.Gen, err)
	}
	if gens, err := filepath.Glob(inStore(s, "g*")); err != nil || len(gens) != 1 {
		t.Errorf("left: %v, %v", gens, err)
	}
	t.Logf("%d re-keys, %d reads and writes, none torn", rekeys, looks.Load())
}

// Killed at any moment, whoever writes, creates or re-keys leaves the old or the
// new, and nothing in the way of the next.
func TestKill(t *testing.T) {
	set := newStore(t)
	mustSetKey(t, set, "p", exampleKey)
	rekey := newStore(t)
	furnish(t, rekey)
	stores := storeDir(t)
	for _, tt := range []struct {
		role, dir string
		kills     int
		within    time.Duration
		check     func(t *testing.T)
	}{
		{"set", set.opts.Dir, often(100, 5000), 3 * time.Millisecond, func(t *testing.T) {
			if k, _, err := set.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) && !sameKey(k, otherKey) {
				t.Errorf("%v, %v", k.ID, err)
			}
		}},
		{"rekey", rekey.opts.Dir, often(50, 3000), 20 * time.Millisecond, func(t *testing.T) {
			furnished(t, again(rekey))
			mustSetKey(t, again(rekey), "q", otherKey)
			h, err := rekey.header()
			if gens, _ := filepath.Glob(inStore(rekey, "g*")); err != nil || len(gens) > 2 {
				t.Errorf("generation %d, left: %v, %v", h.Gen, gens, err)
			}
		}},
		{"found", stores, often(50, 3000), 20 * time.Millisecond, func(t *testing.T) {
			made, err := filepath.Glob(filepath.Join(stores, "*", headerFile))
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(made) + 1 { // and the one that was in the making
				s := New(options(filepath.Join(stores, strconv.Itoa(i))))
				if c, err := s.Create(t.Context()); err != nil || c.Adopted != (i < len(made)) {
					t.Errorf("store %d of %d: %+v, %v", i, len(made), c, err)
				}
				mustSetKey(t, s, "p", exampleKey)
			}
			if err := os.RemoveAll(stores); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.role, func(t *testing.T) {
			for i := range tt.kills {
				cmd := roleCommand(t, tt.role, tt.dir)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				bufio.NewReader(out).ReadString('\n')
				time.Sleep(rand.N(tt.within))
				cmd.Process.Kill()
				cmd.Wait()
				if tt.check(t); t.Failed() {
					t.Fatalf("after %d kills", i+1)
				}
			}
			t.Logf("%d kills survived", tt.kills)
		})
	}
}

// often is how many rounds there is time for.
func often(now, torture int) int {
	if os.Getenv("TORTURE") != "" {
		return torture
	}
	return now
}

// Without room the old value stays, and the error says why.
func TestFullDisk(t *testing.T) {
	mount := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(need(t, "mount"), "-t", "tmpfs", "-o", "size=64k,mode=700", "fob-test", mount).CombinedOutput(); err != nil {
		t.Logf("%s", out)
		lacking(t, "right to mount a tmpfs")
	}
	defer exec.Command("umount", mount).Run()
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
		if want := fmt.Sprintf("chmod %o '%s'", good, name); unsafe.Path != name || unsafe.Fix != want {
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
		lacking(t, "right to change owners")
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

// Where no store can be made nobody is asked for a passphrase.
func TestCreateRefusesEarly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &person{answers: []string{"one one one one", "one one one one"}}
	o := options(filepath.Join(file, "fob"))
	p.instead(&o)
	if _, err := New(o).Create(t.Context()); err == nil || len(p.asked) > 0 {
		t.Errorf("%v, asked %v", err, p.asked)
	}
}

// A store that cannot be written to can be read, without a lock.
func TestReadOnly(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	if err := os.RemoveAll(inStore(s, locksDir)); err != nil {
		t.Fatal(err)
	}
	dir := s.opts.Dir
	if out, err := exec.Command(need(t, "mount"), "--bind", "-o", "ro", dir, dir).CombinedOutput(); err != nil {
		t.Logf("%s", out)
		lacking(t, "right to bind mount")
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
	strace := need(t, "strace")
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
