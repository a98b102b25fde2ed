package keyring

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fob/keyring/backend/backendtest"
)

// kept makes a store whose unlocked copies the kernel keeps. They are dropped at the
// end. A test of Forget drops those of other tests, too, which may run beside this one
// in another package.
func kept(t testing.TB) *Store {
	t.Helper()
	probe := copyPrefix + "test"
	if err := saveCopy(probe, []byte("x"), time.Minute); err != nil {
		backendtest.Lacking(t, "kernel keyring")
	}
	dropCopies(probe, "")
	s := newStore(t, func(o *Options) { o.UnlockTTL, o.UnlockKeysTTL = time.Hour, time.Hour })
	id := storeID(t, s)
	t.Cleanup(func() { dropCopies(copyPrefix+id+":", "") })
	return s
}

func TestUnlockedCopy(t *testing.T) {
	ctx := t.Context()
	s := kept(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SetSeed(ctx, serial, seed); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSession(ctx, "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	mustSetToken(t, s, exampleToken("1", portalEnds))
	p := &person{}
	fresh := func(edit ...func(*Options)) *Store { return again(s, append(edit, p.instead)...) }
	// What opens sessions makes the next ones: with a sign-in, nobody is asked for that.
	withoutKeys := fresh(func(o *Options) { o.UnlockKeysTTL = 0 })
	if got, _, err := withoutKeys.Token(ctx, portal, portalID); err != nil || !sameToken(got, exampleToken("1", portalEnds)) {
		t.Error(err)
	}
	mustSetToken(t, withoutKeys, exampleToken("2", portalEnds))
	if _, _, err := withoutKeys.Key(ctx, "p"); err != errGone {
		t.Errorf("a sign-in opened a key: %v", err)
	}
	p.asked = nil
	if _, _, err := fresh().Session(ctx, "p", "1"); err != nil {
		t.Error(err)
	}
	if k, _, err := fresh().Key(ctx, "p"); err != nil || !sameKey(k, exampleKey) {
		t.Error(err)
	}
	if _, err := fresh().SetKey(ctx, "q", otherKey, Info{}); err != nil {
		t.Error(err)
	}
	if len(p.asked) > 0 {
		t.Errorf("asked %+v", p.asked)
	}
	// Never for a seed; never if not wanted; not after Forget.
	if _, err := fresh().Seed(ctx, serial); err != errGone {
		t.Errorf("a seed came without a question: %v", err)
	}
	if _, _, err := fresh(func(o *Options) { o.UnlockTTL = 0 }).Session(ctx, "p", "1"); err != errGone {
		t.Errorf("a copy was used that is not wanted: %v", err)
	}
	other := fresh()
	other.Key(ctx, "p")
	if n, err := other.Forget(); n < 2 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	for _, s := range []*Store{other, fresh()} {
		if _, _, err := s.Key(ctx, "p"); err != errGone {
			t.Errorf("not forgotten: %v", err)
		}
		if _, _, err := s.Token(ctx, portal, portalID); err != errGone {
			t.Errorf("the sign-in is not forgotten: %v", err)
		}
	}
	if n, err := other.Forget(); n != 0 || err != nil {
		t.Errorf("forgot %d more, %v", n, err)
	}
}

func TestUnlockedCopyLimits(t *testing.T) {
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	h, err := s.header()
	if err != nil {
		t.Fatal(err)
	}
	id, err := unix.KeyctlSearch(user, "user", copyName(h, KindKey), 0)
	if err != nil {
		t.Fatal(err)
	}
	about, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	if err != nil || strings.Split(about, ";")[3] != "3f000000" {
		t.Errorf("%q, %v", about, err)
	}
	for _, kind := range []Kind{KindSeed, KindToken} {
		if _, err := unix.KeyctlSearch(user, "user", copyName(h, kind), 0); err == nil {
			t.Errorf("a copy of its own for the kind %s", kind)
		}
	}
	// /proc/keys says how long.
	keys, err := os.ReadFile("/proc/keys")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(keys)) {
		if strings.Contains(line, copyPrefix+h.ID) && strings.Contains(line, " perm ") {
			t.Errorf("without an end: %s", line)
		}
	}
	if err := saveCopy(copyPrefix+"ends", make([]byte, keySize), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for wait := 0; loadCopy(copyPrefix+"ends") != nil; wait++ {
		if wait > 200 {
			t.Fatal("it does not end")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A session keyring of its own does not lead to the user's.
func TestUnlockedCopyInPrivateSession(t *testing.T) {
	keyctlPath := backendtest.Need(t, "keyctl")
	s := kept(t)
	mustSetKey(t, s, "p", exampleKey)
	log := filepath.Join(t.TempDir(), "log")
	for _, args := range [][]string{{"session", "-"}, {"session", "fob-test"}} {
		role := roleCommand(t, "open", s.opts.Dir, "1h", log)
		cmd := exec.Command(keyctlPath, append(args, role.Args...)...)
		cmd.Env = role.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	if data, _ := os.ReadFile(log); len(data) > 0 {
		t.Errorf("%s", data)
	}
	if _, err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	role := roleCommand(t, "open", s.opts.Dir, "1h", log)
	cmd := exec.Command(keyctlPath, append([]string{"session", "-"}, role.Args...)...)
	cmd.Env = role.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if _, _, err := again(s, func(o *Options) { o.Passphrase = nil }).Key(t.Context(), "p"); err != nil {
		t.Errorf("a copy made in a private session does not serve others: %v", err)
	}
}

// BenchmarkWarmSession is what every credential_process call costs: no
// derivation, no lock, no listing.
func BenchmarkWarmSession(b *testing.B) {
	s := kept(b)
	info := mustSetKey(b, s, "p", exampleKey)
	if err := s.SaveSession(b.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		fresh := again(s, func(o *Options) { o.Passphrase = nil })
		if _, _, err := fresh.Session(b.Context(), "p", "1"); err != nil {
			b.Fatal(err)
		}
	}
}
