package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/keyring/backend/backendtest"
)

// What an attacker who may write into the store, or bad luck, can do to it:
// every outcome is the right value, an error that names the file, or a cache miss.

// mutations of a file: every bit of interest flipped, and cut at every length.
func mutations(data []byte) map[string][]byte {
	m := map[string][]byte{}
	step := 1
	if runtime.GOOS == "windows" {
		step = 7 // how files are read does not depend on the system, and wine takes 20 ms for one
	}
	for i := 0; i < len(data); i += step {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			flipped := bytes.Clone(data)
			flipped[i] ^= bit
			m[fmt.Sprintf("%#x flipped at %d", bit, i)] = flipped
		}
		m[fmt.Sprintf("cut at %d", i)] = data[:i]
	}
	m["longer"] = append(bytes.Clone(data), 0)
	m["doubled"] = append(bytes.Clone(data), data...)
	return m
}

func TestDamagedKey(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	mustSetKey(t, s, "other", otherKey)
	file := itemPath(t, s, KindKey, "p")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range mutations(data) {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		k, _, err := s.Key(t.Context(), "p")
		if err == nil || !damagedItem(err) || !strings.Contains(err.Error(), `key of "p"`) && !strings.Contains(err.Error(), "key+p") || k.ID != "" {
			t.Fatalf("%s: %v, %v", name, k, err)
		}
		if k, _, err := s.Key(t.Context(), "other"); err != nil || !sameKey(k, otherKey) {
			t.Fatalf("%s: and the other key: %v", name, err)
		}
	}
}

func TestDamagedSession(t *testing.T) {
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SaveSession(t.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{itemPath(t, s, KindSession, "p", "1"), itemPath(t, s, KindKey, "p")} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range mutations(data) {
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			sess, _, err := s.Session(t.Context(), "p", "1")
			if err == nil && sess.Token.Equal(exampleSession(time.Now()).Token) {
				continue // a change in the key's file that does not matter to the session
			}
			var none *NotFoundError
			if !errors.As(err, &none) {
				t.Fatalf("%s of %s: %v", name, filepath.Base(file), err)
			}
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedHeaderAndSlot(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	for _, name := range []string{headerFile, slotsDir(1) + "/passphrase"} {
		file := inStore(s, name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for mutation, bad := range mutations(data) {
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			k, _, err := again(s).Key(t.Context(), "p")
			if err == nil {
				t.Fatalf("%s of %s: opened, %v", mutation, name, k)
			}
			var trust *TrustError // another ID or an older generation
			var noSlot *NoSlotError
			var items *DamagedError // another generation
			if errors.Is(err, ErrWrongPassphrase) && name != headerFile {
				continue // a damaged salt
			}
			if !strings.Contains(err.Error(), name) && !errors.As(err, &trust) && !errors.As(err, &noSlot) && !errors.As(err, &items) {
				t.Fatalf("%s of %s: %v", mutation, name, err)
			}
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := again(s).Key(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
}

func TestExchangedItems(t *testing.T) {
	ctx := t.Context()
	s, foreign := newStore(t), newStore(t)
	mustSetKey(t, s, "dev", exampleKey)
	mustSetKey(t, s, "prod", otherKey)
	mustSetKey(t, foreign, "prod", exampleKey)
	ends := time.Now().Add(time.Hour)
	for _, id := range []string{"1", "2"} {
		if err := s.SaveSession(ctx, "x", id, "", exampleSession(ends)); err != nil {
			t.Fatal(err)
		}
	}
	dev, prod := itemPath(t, s, KindKey, "dev"), itemPath(t, s, KindKey, "prod")
	s1, s2 := itemPath(t, s, KindSession, "x", "1"), itemPath(t, s, KindSession, "x", "2")
	for _, tt := range []struct{ from, to string }{
		{dev, prod},
		{itemPath(t, foreign, KindKey, "prod"), prod},
		{s1, s2},
		{s1, prod},
	} {
		good, err := os.ReadFile(tt.to)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tt.to, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if tt.to == prod {
			_, _, err := s.Key(ctx, "prod")
			wantErr[*DamagedError](t, err)
		} else {
			_, _, err := s.Session(ctx, "x", "2")
			wantErr[*NotFoundError](t, err)
		}
		if err := os.WriteFile(tt.to, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The header's words of another item under the right name.
	good, err := os.ReadFile(prod)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(good, []byte(otherKey.ID), []byte(exampleKey.ID), 1)
	if err := os.WriteFile(prod, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Key(ctx, "prod")
	wantErr[*DamagedError](t, err)
}

// Another store's slot file under our header, and the other way round.
func TestExchangedSlots(t *testing.T) {
	s, foreign := newStore(t), newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	for _, name := range []string{slotsDir(1) + "/passphrase", headerFile} {
		data, err := os.ReadFile(inStore(foreign, name))
		if err != nil {
			t.Fatal(err)
		}
		good, err := os.ReadFile(inStore(s, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(inStore(s, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err = again(s).Key(t.Context(), "p")
		var damaged *DamagedError
		var trust *TrustError
		if !errors.As(err, &damaged) && !errors.As(err, &trust) {
			t.Errorf("%s: %v", name, err)
		}
		// Also where this machine remembers nothing.
		_, _, err = again(s, func(o *Options) { o.StateDir = tempDir(t) + "/x" }).Key(t.Context(), "p")
		wantErr[*DamagedError](t, err)
		if err := os.WriteFile(inStore(s, name), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A stranger who may write to the store and knows an age recipient, which is
// public, can make all of a store: only the vault key they cannot make.
func TestStrangersSlot(t *testing.T) {
	ctx := t.Context()
	unknown := func(o *Options) { o.StateDir += "-new" } // another machine, which never opened it
	forge := func(t *testing.T, s *Store, h header, files ...string) {
		t.Helper()
		vault := bytes.Repeat([]byte{7}, keySize)
		k := deriveSubkeys(vault, h.ID)
		recipient, err := parseRecipient(h.Slots[1].Recipients[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		slot, err := sealAge(h.payload("age", vault), recipient)
		if err != nil {
			t.Fatal(err)
		}
		info := Info{Kind: KindKey, Name: "p", KeyID: otherKey.ID, Rev: "r"}
		forged := map[string][]byte{
			headerFile:                 h.encode(k),
			slotsDir(h.Gen) + "/age":   slot,
			itemsDir(h.Gen) + "/key+p": sealItem(k.items[KindKey], h.ID, "key+p", info, packKey(otherKey)),
		}
		for _, name := range files {
			if err := os.MkdirAll(filepath.Dir(inStore(s, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(inStore(s, name), forged[name], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := func(t *testing.T, s *Store) {
		t.Helper()
		k, _, get := s.Key(ctx, "p")
		_, set := s.SetKey(ctx, "q", exampleKey, Info{Rev: revOf(s, "q")})
		_, add := s.AddSlot(ctx, foreignRecipient(t))
		_, rekey := s.RemoveSlot(ctx, "file")
		for i, err := range []error{get, set, add, rekey} {
			var damaged *DamagedError
			var trust *TrustError
			if !errors.As(err, &damaged) && !errors.As(err, &trust) {
				t.Errorf("%d: %T %v, %q", i, err, err, k.ID)
			}
		}
	}
	slot, items := slotsDir(1)+"/age", itemsDir(1)+"/key+p"

	t.Run("slot", func(t *testing.T) {
		s := twoWays(t)
		h, _ := s.header()
		forge(t, s, h, slot)
		_, _, err := again(s, byAge).Key(ctx, "p")
		if d := wantErr[*DamagedError](t, err); d.File != slot {
			t.Error(err)
		}
		refused(t, again(s, byAge))
		refused(t, again(s, byAge, unknown))
		furnished(t, again(s, byPassphrase(testPassphrase)))
	})
	t.Run("slot and header", func(t *testing.T) {
		s := twoWays(t)
		h, _ := s.header()
		forge(t, s, h, slot, headerFile, items)
		refused(t, again(s, byAge))
		refused(t, again(s, byPassphrase(testPassphrase)))
		refused(t, again(s, byPassphrase(testPassphrase), unknown))
	})
	t.Run("next generation", func(t *testing.T) {
		s := twoWays(t)
		h, _ := s.header()
		h.Gen = 2
		forge(t, s, h, slotsDir(2)+"/age", headerFile, itemsDir(2)+"/key+p")
		refused(t, again(s, byAge))
	})
	t.Run("his recipient in the header", func(t *testing.T) {
		s := twoWays(t)
		h, _ := s.header()
		h.Slots[1].Recipients = append(h.Slots[1].Recipients, foreignRecipient(t))
		line := append(encodeJSON(h), '\n')
		if err := os.WriteFile(inStore(s, headerFile), append(line, b64.EncodeToString(h.tag)+"\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, way := range []func(*Options){byAge, byPassphrase(testPassphrase)} {
			refused(t, again(s, way))
			refused(t, again(s, way, unknown))
		}
		if got := tree(t, s); slices.Contains(got, "g2") {
			t.Errorf("a vault key was made for him: %q", got)
		}
	})
}

// A file that is not regular is refused without waiting or following a link.
func TestPlantedFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no FIFOs, and links need a privilege")
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	plants := map[string]func(t *testing.T, name string){
		"FIFO":        plantFIFO,
		"device":      plantDevice,
		"device link": plantLink("/dev/zero"),
		"symlink":     plantLink(outside),
		"inside link": plantLink("key+real"),
		"dangling":    plantLink("nowhere"),
		"loop":        plantLink("key+p"),
		"directory": func(t *testing.T, name string) {
			if err := os.Mkdir(name, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"huge": func(t *testing.T, name string) {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(name, 1<<40); err != nil {
				backendtest.Lacking(t, "file system that takes a huge file")
			}
		},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{headerFile, slotsDir(1) + "/passphrase", itemsDir(1) + "/key+p"} {
				s := newStore(t)
				mustSetKey(t, s, "p", exampleKey)
				mustSetKey(t, s, "real", exampleKey)
				if err := os.Remove(inStore(s, file)); err != nil {
					t.Fatal(err)
				}
				plant(t, inStore(s, file))
				_, _, err := again(s).Key(t.Context(), "p")
				wantErr[*DamagedError](t, err)
			}
		})
	}
	t.Run("written over", func(t *testing.T) {
		s := newStore(t)
		plantLink(outside)(t, itemPath(t, s, KindKey, "p"))
		mustSetKey(t, s, "p", exampleKey)
		if data, err := os.ReadFile(outside); string(data) != "x" || err != nil {
			t.Errorf("the link's target now holds %q, %v", data, err)
		}
		if _, _, err := s.Key(t.Context(), "p"); err != nil {
			t.Error(err)
		}
	})
}

// The same where a directory has to be, a lock, or this machine's memory: nothing
// waits, nothing is made elsewhere, and the problem is named.
func TestPlantedDirectories(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no FIFOs, and links need a privilege")
	}
	outside := t.TempDir()
	if err := os.Chmod(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	key := func(s *Store) error { _, _, err := s.Key(t.Context(), "p"); return err }
	infos := func(s *Store) error { _, err := s.Infos(KindKey); return err }
	write := func(s *Store) error {
		_, err := s.SetKey(t.Context(), "q", otherKey, Info{Rev: revOf(s, "q")})
		return err
	}
	rekey := func(s *Store) error { _, err := s.NewPassphrase(t.Context(), creds.NewSecret(newWords)); return err }
	lock := func(s *Store) error {
		l, _, err := s.TryLock("x")
		if err == nil {
			l.Unlock()
		}
		return err
	}
	state := func(s *Store) error { _, err := s.LockState("x"); return err }
	memory := func(s *Store) string { return filepath.Join(s.opts.StateDir, s.memoryFile()) }
	for _, tt := range []struct {
		name string
		path func(*Store) string
		fail []func(*Store) error // those that need it; the others work
	}{
		{"store", func(s *Store) string { return s.opts.Dir }, []func(*Store) error{key, infos, write, rekey}},
		{"generation", func(s *Store) string { return inStore(s, "g1") }, []func(*Store) error{key, infos, write, rekey}},
		{"items", func(s *Store) string { return inStore(s, "g1/items") }, []func(*Store) error{key, infos, write, rekey}},
		{"slots", func(s *Store) string { return inStore(s, "g1/slots") }, []func(*Store) error{key, write, rekey}},
		{"locks", func(s *Store) string { return inStore(s, "locks") }, []func(*Store) error{write, rekey, lock}},
		{"store lock", func(s *Store) string { return inStore(s, "locks/store.lock") }, []func(*Store) error{write, rekey}},
		{"lock", func(s *Store) string { return inStore(s, "locks/lock+x.lock") }, []func(*Store) error{lock}},
		{"state", func(s *Store) string { return inStore(s, "locks/lock+x.state") }, []func(*Store) error{state}},
		{"memory", memory, []func(*Store) error{key, infos, write, rekey}},
	} {
		for plant, f := range map[string]func(*testing.T, string){
			"FIFO": plantFIFO, "link": plantLink(outside), "dangling": plantLink(outside + "/nowhere"), "device": plantDevice,
		} {
			t.Run(tt.name+" "+plant, func(t *testing.T) {
				s := newStore(t)
				mustSetKey(t, s, "p", exampleKey)
				path := tt.path(s)
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				f(t, path)
				for i, do := range tt.fail {
					err := do(again(s))
					var damaged *DamagedError
					var unsafe *UnsafeError
					var trust *TrustError // the store is elsewhere, or nowhere
					if !errors.As(err, &damaged) && !errors.As(err, &unsafe) && !errors.As(err, &trust) || damagedItem(err) {
						t.Errorf("%d: %T %v", i, err, err)
					}
					if err != nil && damaged != nil && !strings.HasSuffix(path, damaged.File) {
						t.Errorf("%d: another file is named: %v", i, err)
					}
				}
				if len(tt.fail) < 4 && tt.name != "slots" {
					if err := key(again(s)); err != nil {
						t.Errorf("reading needs it: %v", err)
					}
				}
			})
		}
	}
	if made, err := os.ReadDir(outside); err != nil || len(made) > 0 {
		t.Errorf("made elsewhere: %v, %v", made, err)
	}
}

func plantLink(target string) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFutureStore(t *testing.T) {
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SaveSession(t.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	future := func(file, old, new string) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	future(itemPath(t, s, KindSession, "p", "1"), "fob1 ", "fob2 ")
	_, _, err := s.Session(t.Context(), "p", "1")
	wantErr[*NotFoundError](t, err)
	future(itemPath(t, s, KindKey, "p"), "fob1 ", "fob12 ")
	_, _, err = s.Key(t.Context(), "p")
	wantErr[*FutureError](t, err)
	future(inStore(s, headerFile), `"fob":1`, `"fob":2`)
	_, _, err = s.Session(t.Context(), "p", "1")
	wantErr[*FutureError](t, err)
	_, err = s.Exists()
	wantErr[*FutureError](t, err)
	_, err = s.Create(t.Context())
	wantErr[*FutureError](t, err)
}

func TestTemporaryFilesAreSwept(t *testing.T) {
	s := newStore(t)
	old := time.Now().Add(-2 * time.Hour)
	write := func(name string, age time.Time) string {
		file := inStore(s, itemsDir(1)+"/"+name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, age, age); err != nil {
			t.Fatal(err)
		}
		return file
	}
	goes := []string{write(".tmp-1", old), write("session+p+1", time.Now().Add(-3*24*time.Hour))}
	stays := []string{write(".tmp-2", time.Now()), write("session+q+2", old), write("key+session", time.Now().Add(-1000*time.Hour))}
	if _, err := s.Infos(KindKey); err == nil {
		t.Error("an empty file is a key")
	}
	if _, err := os.Lstat(goes[0]); err != nil {
		t.Error("reading removed a file")
	}
	mustSetKey(t, s, "p", exampleKey)
	// And in this machine's memory, when that is written.
	temp := filepath.Join(s.opts.StateDir, ".tmp-3")
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(temp, old, old); err != nil {
		t.Fatal(err)
	}
	m, err := s.recall()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.remember(m); err != nil {
		t.Fatal(err)
	}
	goes = append(goes, temp)
	for _, file := range goes {
		if _, err := os.Lstat(file); err == nil {
			t.Errorf("%s is still there", file)
		}
	}
	for _, file := range stays {
		if _, err := os.Lstat(file); err != nil {
			t.Error(err)
		}
	}
}
