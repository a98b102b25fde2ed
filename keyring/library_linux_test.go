package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend"
	"fob/keyring/backend/backendtest"
)

// Faults of the library and of keyrings. They must lead to an error in time, and
// lose nothing.

// Everything that a desktop may do with a prompt.
func TestPrompt(t *testing.T) {
	get := func(ctx context.Context, address string, edit ...func(*Options)) (string, error) {
		o := Options{Dir: storeDir(t), DBusAddress: address, Display: true}
		for _, e := range edit {
			e(&o)
		}
		return New(o).inBackend(ctx, "secret-service", backend.Request{Op: backend.Get, Item: someItem()})
	}
	t.Run("answered", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) { f.Answer(false) })
		if got, err := get(t.Context(), address); got != "the payload" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("dismissed", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) { f.Answer(true) })
		_, err := get(t.Context(), address)
		wantErr[*LockedError](t, err)
	})
	t.Run("dismissed for all who waited", func(t *testing.T) {
		const waiters = 5
		var asked, waiting atomic.Int32
		asking, answered := make(chan struct{}), make(chan struct{})
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) {
			if asked.Add(1) == 1 {
				close(asking)
			}
			<-answered
			f.Answer(true)
		})
		dir := storeDir(t)
		errs := make(chan error)
		one := func() {
			var first sync.Once
			_, err := get(t.Context(), address, func(o *Options) {
				o.Dir = dir
				o.Log = func(format string, _ ...any) {
					if !strings.HasPrefix(format, "waiting for another fob") {
						return
					}
					first.Do(func() {
						if waiting.Add(1) == waiters {
							close(answered)
						}
					})
				}
			})
			errs <- err
		}
		go one()
		<-asking
		for range waiters {
			go one()
		}
		shared := 0
		for range waiters + 1 {
			var heard *SharedError
			if err := <-errs; errors.As(err, &heard) {
				shared++
			} else {
				wantErr[*LockedError](t, err)
			}
		}
		if asked.Load() != 1 || shared != waiters {
			t.Errorf("asked %d times, %d of %d took the answer over", asked.Load(), shared, waiters)
		}
	})
	t.Run("the service dies", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) { f.Conn.Close() })
		_, err := get(t.Context(), address)
		wantErr[*BackendError](t, err)
	})
	t.Run("the bus dies", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) { f.Kill() })
		_, err := get(t.Context(), address)
		wantErr[*BackendError](t, err)
	})
	t.Run("nobody looks", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) {})
		nobodyLooks(t, "secret-service", address, someItem())
	})
	t.Run("until time is up", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) {})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := get(ctx, address)
		wantErr[*UnansweredError](t, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) { t.Error("it was made to ask") })
		for _, quiet := range []func(*Options){
			func(o *Options) { o.Display = false },
			func(o *Options) { o.NoPrompt = true },
			func(o *Options) { *o = New(*o).Quiet().opts },
		} {
			_, err := get(t.Context(), address, quiet)
			wantErr[*LockedError](t, err)
		}
	})
}

// nobodyLooks has a keyring ask, and nobody answer: the person at the terminal is
// told, and can end it.
func nobodyLooks(t *testing.T, kind, address, item string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := ""
	s := New(Options{Dir: storeDir(t), DBusAddress: address, Display: true, Waiting: func(text func() string) func() {
		told = text()
		time.AfterFunc(time.Second, cancel)
		return func() { told += " [over]" }
	}})
	if _, err := s.inBackend(ctx, kind, backend.Request{Op: backend.Get, Item: item}); err != context.Canceled {
		t.Errorf("%T %v", err, err)
	}
	if want := "waiting for your desktop: " + SlotTitle(kind) + " is asking (Ctrl-C stops) [over]"; told != want {
		t.Errorf("%q, want %q", told, want)
	}
}

// The library asks KDE to open the wallet, and waits forever.
func TestKWalletNobodyLooks(t *testing.T) {
	address, call, _ := backendtest.KWallet(t)
	s := newStore(t, func(o *Options) { o.Backend, o.Passphrase, o.DBusAddress = "kwallet", nil, address })
	if err := call("close", backendtest.WalletName, true).Err; err != nil {
		t.Fatal(err)
	}
	nobodyLooks(t, "kwallet", address, itemOf(t, s))
}

// Without a default collection the library would make one, for which it asks.
func TestSecretServiceWithoutDefault(t *testing.T) {
	address, f := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) { t.Error("it was made to ask") })
	f.NoCollection.Store(true)
	if got := backend.SecretService(t.Context(), address); got != backend.BusNoCollection {
		t.Errorf("probe: state %d", got)
	}
	for _, display := range []bool{false, true} {
		o := options(storeDir(t))
		o.Backend, o.DBusAddress, o.Display = "secret-service", address, display
		_, err := New(o).Create(t.Context())
		if e := wantErr[*BackendError](t, err); e.Reason != "it has no default keyring" {
			t.Error(err)
		}
	}
}

// A user who makes another collection the default one still has their store.
func TestSecretServiceOtherDefault(t *testing.T) {
	d := backendtest.NewGNOMEDesktop(t)
	use := func(o *Options) { o.Backend, o.Passphrase, o.DBusAddress = "secret-service", nil, d.Address }
	before := newStore(t, use)
	mustSetKey(t, before, "p", exampleKey)
	other := d.NewCollection(t, "my keys")
	if err := d.Call("SetAlias", "default", other).Err; err != nil {
		t.Fatal(err)
	}
	after := newStore(t, use)
	mustSetKey(t, after, "p", exampleKey)
	for _, s := range []*Store{before, after} {
		if k, _, err := again(s).Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
			t.Error(err)
		}
	}
	var unlocked, locked []dbus.ObjectPath
	err := d.Call("SearchItems", map[string]string{"profile": itemOf(t, after)}).Store(&unlocked, &locked)
	if err != nil || len(unlocked) != 1 || !strings.HasPrefix(string(unlocked[0]), string(other)+"/") {
		t.Errorf("%s is not in %s: %v", unlocked, other, err)
	}
}

// KWallet writes its file some seconds after it was told to; fob does not wait for that.
func TestKWalletIsWritten(t *testing.T) {
	address, _, _ := backendtest.KWallet(t)
	use := func(o *Options) { o.Backend, o.Passphrase, o.DBusAddress = "kwallet", nil, address }
	newStore(t, use)
	home := filepath.Dir(strings.TrimPrefix(strings.SplitN(address, ",", 2)[0], "unix:path="))
	text, err := os.ReadFile(home + "/data/kwalletd/kdewallet.kwl")
	if err != nil {
		t.Fatal(err)
	}
	before := len(text)
	newStore(t, use)
	if text, err = os.ReadFile(home + "/data/kwalletd/kdewallet.kwl"); err != nil || len(text) <= before {
		t.Errorf("%d bytes and then %d, %v", before, len(text), err)
	}
}

// Without a wallet KDE's assistant would make one; fob does not call for it.
func TestKWalletWithoutWallet(t *testing.T) {
	daemon := backendtest.Need(t, "kwalletd5")
	address, env := backendtest.Bus(t)
	cmd := exec.Command(daemon)
	cmd.Env = append(env, "QT_QPA_PLATFORM=offscreen")
	backendtest.Start(t, cmd)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	backendtest.WaitFor(t, func() bool { return backendtest.HasOwner(conn, backendtest.WalletService) })
	for _, display := range []bool{false, true} {
		o := options(storeDir(t))
		o.Backend, o.DBusAddress, o.Display = "kwallet", address, display
		_, err := New(o).Create(t.Context())
		if e := wantErr[*BackendError](t, err); e.Reason != "there is no wallet kdewallet" {
			t.Error(err)
		}
	}
}

// gpg overwrites in place: of two writers the file can be garbage, which nobody
// is told. So one is first, and the others find it there.
func TestPassWriters(t *testing.T) {
	k := startPass(t)
	o := options(storeDir(t))
	k.options(&o)
	item := someItem()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []string
	for _, payload := range []string{"a", strings.Repeat("b", 300), strings.Repeat("c", 3000), strings.Repeat("d", 30000)} {
		wg.Go(func() {
			_, err := New(o).inBackend(t.Context(), "pass", backend.Request{Op: backend.Set, Item: item, Payload: payload})
			if err == nil {
				mu.Lock()
				won = append(won, payload)
				mu.Unlock()
			} else if !is[*BackendError](err) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
	wg.Wait()
	got, err := New(o).inBackend(t.Context(), "pass", backend.Request{Op: backend.Get, Item: item})
	if err != nil || len(won) != 1 || got != won[0] {
		t.Errorf("%d writers won; %d bytes, %v", len(won), len(got), err)
	}
}

// That pass is installed does not mean that it is used.
func TestPassWithoutStore(t *testing.T) {
	backendtest.Need(t, "pass")
	home := t.TempDir()
	dir := storeDir(t)
	s := New(Options{Dir: dir, StateDir: dir + "-state", Backend: "pass", Getenv: func(name string) string {
		return map[string]string{"HOME": home, "PATH": os.Getenv("PATH")}[name]
	}})
	_, err := s.Create(t.Context())
	if e := wantErr[*BackendError](t, err); !strings.Contains(e.Reason, "no password store") || e.Fix != "pass init GPG-ID" {
		t.Error(err)
	}
}

// A hint that helps a person to continue.
func TestLockedPassSaysHow(t *testing.T) {
	k := startPass(t)
	s := newStore(t, k.options)
	k.lock(t)
	_, err := again(s).Create(t.Context())
	if e := wantErr[*LockedError](t, err); e.Fix != "pass show "+itemOf(t, s)+" >/dev/null" {
		t.Errorf("%+v", e)
	}
}

// In a session of its own (systemd's KeyringMode=private, "su -") the kernel
// denies what belongs to another, unless it is made for the user.
func TestKeyctlInAnotherSession(t *testing.T) {
	k := startKeyctl(t)
	keyctl := backendtest.Need(t, "keyctl")
	dir := storeDir(t)
	cmd := exec.Command(keyctl, "session", "-", os.Args[0], dir, "keyctl", "", "there", "")
	cmd.Env = append(os.Environ(), roleVariable+"=conform")
	out, err := cmd.CombinedOutput()
	o := options(dir)
	k.options(&o)
	t.Cleanup(func() { tidy(New(o)) })
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, _, err := New(o).Key(t.Context(), "there"); err != nil {
		t.Error(err)
	}
	cmd = exec.Command(keyctl, "session", "-", os.Args[0], dir, "keyctl", "", "back", "")
	cmd.Env = append(os.Environ(), roleVariable+"=conform")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// The effect of Docker's default seccomp profile, and of a user's quota of keys.
func TestKeyctlIsForbidden(t *testing.T) {
	strace := backendtest.Need(t, "strace")
	for fault, want := range map[string]string{
		"keyctl,add_key,request_key:error=EPERM": "does not allow it here",
		"add_key:error=EDQUOT":                   "quota exceeded",
	} {
		dir := storeDir(t)
		cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "inject="+fault, os.Args[0], dir, "keyctl", "", "p", "")
		cmd.Env = append(os.Environ(), roleVariable+"=conform")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: %s", fault, err, out)
		}
		if _, err := os.Lstat(dir + "/" + headerFile); err == nil {
			t.Errorf("%s: a store was made", fault)
		}
	}
}

// A store that only a fragile keyring opens is made with a warning.
func TestFragileBackendsWarn(t *testing.T) {
	k := startKeyctl(t)
	o := options(storeDir(t))
	k.options(&o)
	made, err := New(o).Create(t.Context())
	t.Cleanup(func() { tidy(New(o)) })
	if err != nil || len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], "restarts") {
		t.Errorf("%+v, %v", made, err)
	}
}

// The kernel's keyring as a second slot, next to a passphrase.
func TestKeyctlBesideAnother(t *testing.T) {
	startKeyctl(t)
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	done, err := s.AddSlot(t.Context(), "keyctl")
	t.Cleanup(func() { tidy(s) })
	if err != nil || len(done.Warnings) != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	noPassphrase := func(o *Options) { o.Passphrase = nil }
	if k, _, err := again(s, noPassphrase).Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Error(err)
	}
	// The machine was started again.
	tidy(s)
	_, _, err = again(s).Key(t.Context(), "p")
	wantErr[*LostError](t, err)
	if k, _, err := again(s, func(o *Options) { o.Backend = "file" }).Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Error(err)
	}
	if _, err := again(s, func(o *Options) { o.Backend = "file" }).AddSlot(t.Context(), "keyctl"); err != nil {
		t.Error(err)
	}
	if _, _, err := again(s, noPassphrase).Key(t.Context(), "p"); err != nil {
		t.Error(err)
	}
}

// What doc/format.md says of where items are, for who has lost fob.
func TestItemsWithoutFob(t *testing.T) {
	pass, kernel := startPass(t), startKeyctl(t)
	keyctl := backendtest.Need(t, "keyctl")
	for _, tt := range []struct {
		k    fixture
		show func(item string) *exec.Cmd
		read func(out []byte) string
	}{
		{pass, func(item string) *exec.Cmd { return exec.Command("pass", "show", item) }, func(out []byte) string {
			var item struct{ Data []byte }
			if err := json.Unmarshal(out, &item); err != nil {
				t.Error(err)
			}
			return string(item.Data)
		}},
		{kernel, func(item string) *exec.Cmd {
			return exec.Command("sh", "-ec", `exec "$1" pipe "$("$1" search @u user "$2")"`, "sh", keyctl, item)
		}, func(out []byte) string { return string(out) }},
	} {
		s := newStore(t, tt.k.options)
		t.Cleanup(func() { tidy(s) })
		out, err := tt.show(itemOf(t, s)).Output()
		h, _ := s.header()
		if got := tt.read(out); err != nil || !strings.HasPrefix(got, "fob-vault-key-1 "+h.ID+" 1 ") || strings.Contains(got, "\n") {
			t.Errorf("%v: %v", h.Slots, err)
		}
	}
}

// someItem is the name of an item that no store has.
func someItem() string { return itemName(newHeader(1)) }
