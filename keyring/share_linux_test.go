package keyring

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/creds"
)

// sharer is a holder of the derive lock that has not opened the store yet.
type sharer struct {
	*Store
	h       header
	sl      slot
	payload string
	terms   terms
	holder  *holder
	lock    *Lock
}

func newSharer(t *testing.T, s *Store) *sharer {
	t.Helper()
	h, err := s.header()
	if err != nil {
		t.Fatal(err)
	}
	sh := &sharer{Store: s, h: h, sl: h.Slots[0]}
	secret, payload, err := s.enterPassphrase(t.Context(), h, sh.sl)
	if err != nil {
		t.Fatal(err)
	}
	file, err := s.slotFile(slotFileName(h, sh.sl))
	if err != nil {
		t.Fatal(err)
	}
	sh.payload, sh.terms = payload, terms{secret, file, h.mark()}
	if sh.lock, _, err = s.tryLock(deriveLock, false); err != nil || sh.lock == nil {
		t.Fatal("no lock", err)
	}
	t.Cleanup(func() { sh.lock.Unlock() })
	return sh
}

func (sh *sharer) share(t *testing.T, w terms) {
	t.Helper()
	var err error
	if sh.holder, err = sh.startSharing(w); err != nil {
		t.Fatal(err)
	}
}

// opening is another process that opens the store.
func opening(t *testing.T, s *Store, edit ...func(*Options)) (done chan error, derived *atomic.Int32) {
	t.Helper()
	derived = &atomic.Int32{}
	waits := make(chan bool)
	var once sync.Once
	p := again(s, append(edit, func(o *Options) {
		o.Log = func(format string, _ ...any) {
			switch {
			case strings.HasPrefix(format, "opening the store"):
				derived.Add(1)
			case format == "waiting for another fob":
				once.Do(func() { close(waits) })
			}
		}
	})...)
	done = make(chan error, 1)
	go func() {
		k, _, err := p.Key(t.Context(), "p")
		if err == nil && !sameKey(k, exampleKey) {
			err = fmt.Errorf("another key")
		}
		done <- err
	}()
	<-waits
	return done, derived
}

// connected waits until a holder has heard from n waiters.
func (sh *sharer) connected(t *testing.T, n int32) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); sh.holder.waiters.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d waiters, want %d", sh.holder.waiters.Load(), n)
		}
	}
}

// Who derives the key serves those who wait and have the same passphrase. A path
// longer than a socket's may be works, too.
func TestShared(t *testing.T) {
	s := newStore(t, func(o *Options) { o.Dir = filepath.Join(o.Dir, strings.Repeat("d", 120)) })
	mustSetKey(t, s, "p", exampleKey)
	sh := newSharer(t, s)
	sh.share(t, sh.terms)
	var all []chan error
	for range 5 {
		done, derived := opening(t, s)
		defer func() {
			if n := derived.Load(); n != 0 {
				t.Errorf("a waiter derived the key %d times", n)
			}
		}()
		all = append(all, done)
	}
	sh.connected(t, 5)
	sh.holder.hand(sh.payload, nil)
	for _, done := range all {
		if err := <-done; err != nil { // and the lock is still held
			t.Error(err)
		}
	}
}

// If the passphrase is wrong, it is so for all who have it, and nobody tries again.
func TestSharedWrongPassphrase(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	sh := newSharer(t, s)
	w := sh.terms
	w.secret = creds.NewSecret("another passphrase")
	sh.share(t, w)
	done, derived := opening(t, s, byPassphrase("another passphrase"))
	sh.connected(t, 1)
	sh.holder.hand("", ErrWrongPassphrase)
	wantErr[*WrongPassphraseError](t, <-done)
	if derived.Load() != 0 {
		t.Error("it tried the passphrase again")
	}
}

// A holder that is not what it seems gives a waiter nothing to believe: the waiter
// opens the store itself when it has the lock.
func TestShareImpostor(t *testing.T) {
	for name, with := range map[string]func(sh *sharer, w *terms) (payload string){
		"another passphrase": func(sh *sharer, w *terms) string { w.secret = creds.NewSecret("a guess"); return sh.payload },
		"another header":     func(sh *sharer, w *terms) string { w.mark = strings.Repeat("0", 32); return sh.payload },
		"another slot file":  func(sh *sharer, w *terms) string { w.file = []byte("age"); return sh.payload },
		"another vault key":  func(sh *sharer, _ *terms) string { return sh.h.payload(sh.sl.Name, make([]byte, keySize)) },
		"nothing to say":     func(*sharer, *terms) string { return "" },
		"long":               func(*sharer, *terms) string { return strings.Repeat("x", 1<<15) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			mustSetKey(t, s, "p", exampleKey)
			sh := newSharer(t, s)
			w := sh.terms
			payload := with(sh, &w)
			sh.share(t, w)
			done, derived := opening(t, s)
			sh.connected(t, 1)
			sh.holder.hand(payload, nil)
			select {
			case err := <-done:
				t.Fatalf("it did not wait for the lock: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			sh.lock.Unlock()
			if err := <-done; err != nil || derived.Load() != 1 {
				t.Errorf("%v after %d derivations", err, derived.Load())
			}
		})
	}
}

// Who cannot prove the passphrase gets the salt and nothing else; and what passes
// between two who have it does not hold the payload.
func TestShareTakesAProof(t *testing.T) {
	s := newStore(t)
	sh := newSharer(t, s)
	talk := func(waiter terms) (heard []byte, payload string, err error) {
		here, there := net.Pipe()
		h := &holder{terms: sh.terms, salt: make([]byte, shareSize), known: make(chan struct{}), answer: append([]byte{shareOpened}, sh.payload...)}
		h.key = func() []byte { return sh.terms.key(h.salt) }
		close(h.known)
		go func() { h.send(there); there.Close() }()
		wire := &wiretap{Conn: here}
		payload, err = waiter.receive(wire)
		return wire.heard.Bytes(), payload, err
	}
	heard, payload, err := talk(sh.terms)
	if err != nil || payload != sh.payload || bytes.Contains(heard, []byte(payload)) || len(heard) <= shareSize {
		t.Errorf("%v, %d bytes", err, len(heard))
	}
	for name, change := range map[string]func(*terms){
		"passphrase": func(w *terms) { w.secret = creds.NewSecret("a guess") },
		"header":     func(w *terms) { w.mark = strings.Repeat("0", 32) },
		"slot file":  func(w *terms) { w.file = []byte("age") },
	} {
		w := sh.terms
		change(&w)
		if heard, payload, err := talk(w); err == nil || payload != "" || len(heard) != shareSize {
			t.Errorf("another %s: %d bytes, %v", name, len(heard), err)
		}
	}
}

// wiretap keeps what was received.
type wiretap struct {
	net.Conn
	heard bytes.Buffer
}

func (w *wiretap) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.heard.Write(p[:n])
	return n, err
}

// Where the kernel keeps no copy, many who open the store at once do not all derive.
func TestManyShare(t *testing.T) {
	s := newStore(t, func(o *Options) { o.WorkFactor = 15 })
	mustSetKey(t, s, "p", exampleKey)
	const n = 30
	var derived atomic.Int32
	var all sync.WaitGroup
	for range n {
		p := again(s, func(o *Options) {
			o.Log = func(format string, _ ...any) {
				if strings.HasPrefix(format, "opening the store") {
					derived.Add(1)
				}
			}
		})
		all.Go(func() {
			if _, _, err := p.Key(t.Context(), "p"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := derived.Load(); got > n/3 {
		t.Errorf("%d derivations for %d", got, n)
	}
}

// A socket that a killed process leaves behind is open to nobody, whatever its mode: its
// directory is private, and is reported if it is not.
func TestLeftSocket(t *testing.T) {
	s := newStore(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: inStore(s, locksDir+"/"+shareSocket), Net: "unix"})
	if err != nil {
		t.Skip(err) // the path is too long for one
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := os.Chmod(inStore(s, locksDir+"/"+shareSocket), 0o755); err != nil {
		t.Fatal(err)
	}
	if loose, err := s.Loose(); err != nil || len(loose) != 0 {
		t.Errorf("%v, %v", loose, err)
	}
	if err := os.Chmod(inStore(s, locksDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if loose, err := s.Loose(); err != nil || len(loose) != 1 || loose[0].Path != inStore(s, locksDir) {
		t.Errorf("%v, %v", loose, err)
	}
}
