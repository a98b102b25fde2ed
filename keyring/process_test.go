package keyring

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	id := storeID(t, made)
	if again, err := again(made).Create(t.Context()); err != nil || storeID(t, made) != id || again.Slot != "passphrase" {
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
	together(t, crowdSize(), "churn", s.opts.Dir, strconv.Itoa(often(5, 200)))
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

// crowdSize is how many processes are a crowd. wine does not replace a file that
// somebody has open, as Windows does, so that of 64 some would wait too long.
func crowdSize() int {
	if runtime.GOOS == "windows" {
		return 8
	}
	return 64
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
	mustSetToken(t, s, exampleToken("1", portalEnds))
	rekeys := often(3, 200)
	var wg sync.WaitGroup
	var looks atomic.Int64
	for range crowdSize() {
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

// A process that is killed while it writes, creates or re-keys leaves the old or the
// new, and nothing in the way of the next.
func TestKill(t *testing.T) {
	set := newStore(t)
	mustSetKey(t, set, "p", exampleKey)
	refresh := newStore(t)
	mustSetToken(t, refresh, exampleToken("1", portalEnds))
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
		{"refresh", refresh.opts.Dir, often(50, 5000), 3 * time.Millisecond, func(t *testing.T) {
			got, _, err := refresh.Token(t.Context(), portal, portalID)
			if err != nil || !sameToken(got, exampleToken("1", portalEnds)) && !sameToken(got, exampleToken("2", portalEnds)) {
				t.Errorf("sign-in: %v", err)
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
				before := storeID(t, s)
				c, err := s.Create(t.Context())
				if adopted := storeID(t, s) == before; err != nil || adopted != (i < len(made)) {
					t.Errorf("store %d of %d: %+v, %v", i, len(made), c, err)
				}
				mustSetKey(t, s, "p", exampleKey)
			}
			removeAll(t, stores)
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

// If no store can be made, nobody is asked for a passphrase.
func TestCreateRefusesEarly(t *testing.T) {
	file := filepath.Join(tempDir(t), "file")
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
