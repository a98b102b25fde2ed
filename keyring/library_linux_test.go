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
	"syscall"
	"testing"
	"time"

	ring "github.com/99designs/keyring"
	"github.com/godbus/dbus/v5"
)

// What the library and the keyrings do wrong, and what comes of it here: an
// error, in time, and nothing lost.

// fakeSecrets is a Secret Service whose only collection and item are locked.
// onPrompt is what happens when it is asked to ask.
type fakeSecrets struct {
	conn     *dbus.Conn
	kill     func() // the bus
	onPrompt func(f *fakeSecrets)
	homeless atomic.Bool // there is no default collection
	locked   atomic.Bool
	payload  atomic.Value // string
	nonsense atomic.Bool  // it answers what nobody expects
}

const (
	fakeCollection = secretsPath + "/collection/login"
	fakeItem       = fakeCollection + "/1"
	fakePrompt     = secretsPath + "/prompt/p1"
)

type fakeProperties struct{ *fakeSecrets }

func (p fakeProperties) Get(_, name string) (dbus.Variant, *dbus.Error) {
	switch {
	case p.nonsense.Load():
		return dbus.MakeVariant("nonsense"), nil
	case name == "Collections":
		return dbus.MakeVariant([]dbus.ObjectPath{fakeCollection}), nil
	case name == "Locked":
		return dbus.MakeVariant(p.locked.Load()), nil
	}
	return dbus.Variant{}, dbus.MakeFailedError(errors.New("no such property"))
}

type fakeService struct{ *fakeSecrets }

func (s fakeService) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) {
	if s.homeless.Load() {
		return "/", nil
	}
	return fakeCollection, nil
}

func (s fakeService) SearchItems(map[string]string) (unlocked, locked []dbus.ObjectPath, err *dbus.Error) {
	if s.locked.Load() {
		return nil, []dbus.ObjectPath{fakeItem}, nil
	}
	return []dbus.ObjectPath{fakeItem}, nil, nil
}

func (fakeService) Unlock([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return nil, fakePrompt, nil
}

func (fakeService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), secretsPath + "/session/s1", nil
}

type fakeCollectionObject struct{ *fakeSecrets }

func (fakeCollectionObject) SearchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	return []dbus.ObjectPath{fakeItem}, nil
}

type fakeItemObject struct{ *fakeSecrets }

type fakeSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

func (i fakeItemObject) GetSecret(session dbus.ObjectPath) (fakeSecret, *dbus.Error) {
	return fakeSecret{session, nil, encodeJSON(map[string]any{"Key": "k", "Data": []byte(i.payload.Load().(string))}), "application/json"}, nil
}

type fakePromptObject struct{ *fakeSecrets }

func (p fakePromptObject) Prompt(string) *dbus.Error {
	go p.onPrompt(p.fakeSecrets)
	return nil
}

// answer is told to all on the bus, as KDE and KeePassXC do: the library does not hear it.
func (f *fakeSecrets) answer(dismissed bool) {
	f.locked.Store(dismissed)
	f.conn.Emit(fakePrompt, "org.freedesktop.Secret.Prompt.Completed", dismissed, dbus.MakeVariant(""))
}

func startFakeSecrets(t *testing.T, onPrompt func(*fakeSecrets)) (address string, f *fakeSecrets) {
	t.Helper()
	address, daemon := killableBus(t)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f = &fakeSecrets{conn: conn, kill: func() { daemon.Process.Kill() }, onPrompt: onPrompt}
	f.locked.Store(true)
	f.payload.Store("the payload")
	for _, e := range []struct {
		object any
		path   dbus.ObjectPath
		name   string
	}{
		{fakeService{f}, secretsPath, "org.freedesktop.Secret.Service"},
		{fakeProperties{f}, secretsPath, "org.freedesktop.DBus.Properties"},
		{fakeCollectionObject{f}, fakeCollection, "org.freedesktop.Secret.Collection"},
		{fakeProperties{f}, fakeCollection, "org.freedesktop.DBus.Properties"},
		{fakeItemObject{f}, fakeItem, "org.freedesktop.Secret.Item"},
		{fakeProperties{f}, fakeItem, "org.freedesktop.DBus.Properties"},
		{fakePromptObject{f}, fakePrompt, "org.freedesktop.Secret.Prompt"},
	} {
		if err := conn.Export(e.object, e.path, e.name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.RequestName(secretsName, 0); err != nil {
		t.Fatal(err)
	}
	return address, f
}

// What a desktop may do with a prompt.
func TestPrompt(t *testing.T) {
	get := func(ctx context.Context, address string, edit ...func(*Options)) (string, error) {
		o := Options{Dir: storeDir(t), DBusAddress: address, Display: true}
		for _, e := range edit {
			e(&o)
		}
		return New(o).inBackend(ctx, request{Op: opGet, Kind: "secret-service", Item: someItem()})
	}
	t.Run("answered", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(f *fakeSecrets) { f.answer(false) })
		if got, err := get(t.Context(), address); got != "the payload" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("dismissed", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(f *fakeSecrets) { f.answer(true) })
		_, err := get(t.Context(), address)
		wantErr[*LockedError](t, err)
	})
	t.Run("dismissed for all who waited", func(t *testing.T) {
		const waiters = 5
		var asked, waiting atomic.Int32
		asking, answered := make(chan struct{}), make(chan struct{})
		address, _ := startFakeSecrets(t, func(f *fakeSecrets) {
			if asked.Add(1) == 1 {
				close(asking)
			}
			<-answered
			f.answer(true)
		})
		dir := storeDir(t)
		errs := make(chan error)
		one := func() {
			var first sync.Once
			_, err := get(t.Context(), address, func(o *Options) {
				o.Dir = dir
				o.Log = func(format string, _ ...any) {
					if format != "waiting for another fob" {
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
		address, _ := startFakeSecrets(t, func(f *fakeSecrets) { f.conn.Close() })
		_, err := get(t.Context(), address)
		wantErr[*BackendError](t, err)
	})
	t.Run("the bus dies", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(f *fakeSecrets) { f.kill() })
		_, err := get(t.Context(), address)
		wantErr[*BackendError](t, err)
	})
	t.Run("nobody looks", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(*fakeSecrets) {})
		nobodyLooks(t, "secret-service", address, someItem())
	})
	t.Run("until time is up", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(*fakeSecrets) {})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := get(ctx, address)
		wantErr[*UnansweredError](t, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		address, _ := startFakeSecrets(t, func(*fakeSecrets) { t.Error("it was made to ask") })
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
	began := time.Now()
	var told time.Duration
	s := New(Options{Dir: storeDir(t), DBusAddress: address, Display: true, Waiting: func(slot string) {
		if slot != kind {
			t.Errorf("waiting for %q", slot)
		}
		told = time.Since(began)
		cancel()
	}})
	if _, err := s.inBackend(ctx, request{Op: opGet, Kind: kind, Item: item}); err != context.Canceled {
		t.Errorf("%T %v", err, err)
	}
	if told < waitingAfter {
		t.Errorf("told after %v", told)
	}
}

// The library asks KDE to open the wallet, and waits for ever.
func TestKWalletNobodyLooks(t *testing.T) {
	address, call := kwallet(t)
	s := newStore(t, func(o *Options) { o.Backend, o.Passphrase, o.DBusAddress = "kwallet", nil, address })
	if err := call("close", walletName, true).Err; err != nil {
		t.Fatal(err)
	}
	nobodyLooks(t, "kwallet", address, itemOf(t, s))
}

// Without a default collection the library would make one, for which it asks.
func TestSecretServiceWithoutDefault(t *testing.T) {
	address, f := startFakeSecrets(t, func(*fakeSecrets) { t.Error("it was made to ask") })
	f.homeless.Store(true)
	if got := probeSecrets(t.Context(), address); got != busHomeless {
		t.Errorf("probe: %s", got.reason("it"))
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

// A user who makes another collection the default one still has his store.
func TestSecretServiceOtherDefault(t *testing.T) {
	address, call := gnomeKeyring(t)
	use := func(o *Options) { o.Backend, o.Passphrase, o.DBusAddress = "secret-service", nil, address }
	before := newStore(t, use)
	mustSetKey(t, before, "p", exampleKey)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// What gnome-keyring's own tests make one by, because it asks nobody.
	var session dbus.ObjectPath
	var none dbus.Variant
	service := conn.Object(secretsName, secretsPath)
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		t.Fatal(err)
	}
	var other dbus.ObjectPath
	err = service.Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.CreateWithMasterPassword", 0,
		map[string]dbus.Variant{"org.freedesktop.Secret.Collection.Label": dbus.MakeVariant("my keys")},
		fakeSecret{session, []byte{}, []byte("pw"), "text/plain"}).Store(&other)
	if err != nil {
		t.Fatal(err)
	}
	if err := call("SetAlias", "default", other).Err; err != nil {
		t.Fatal(err)
	}
	after := newStore(t, use)
	mustSetKey(t, after, "p", exampleKey)
	for _, s := range []*Store{before, after} {
		if k, _, err := again(s).Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
			t.Error(err)
		}
	}
	item, _, err := findItem(conn, request{Item: itemOf(t, after)})
	if err != nil || !strings.HasPrefix(string(item), string(other)+"/") {
		t.Errorf("%s is not in %s: %v", item, other, err)
	}
}

// Of "what is available" the library takes the first, and file, which loses what
// two write at once, is among them: it is told of one, and never of that.
func TestOneBackendEach(t *testing.T) {
	for _, b := range backends() {
		if got := b.config("").AllowedBackends; len(got) != 1 || string(got[0]) != b.kind || got[0] == ring.FileBackend {
			t.Errorf("%s: %v", b.kind, got)
		}
	}
}

// The library panics at answers that it did not expect, and says what they were.
func TestChildPanics(t *testing.T) {
	address, f := startFakeSecrets(t, nil)
	f.locked.Store(false)
	get := func() error {
		s := New(Options{Dir: storeDir(t), DBusAddress: address})
		_, err := s.inBackend(t.Context(), request{Op: opGet, Kind: "secret-service", Item: someItem()})
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	f.nonsense.Store(true)
	if e := wantErr[*BackendError](t, get()); e.Reason != "its helper process died" {
		t.Error(e)
	}
	f.nonsense.Store(false)
	f.payload.Store(strings.Repeat("x", maxChildLine)) // more than is read
	if e := wantErr[*BackendError](t, get()); e.Reason != "its helper process died" {
		t.Error(e)
	}
}

// KWallet writes its file some seconds after it was told to; fob does not wait for that.
func TestKWalletIsWritten(t *testing.T) {
	address, _ := kwallet(t)
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
	daemon := need(t, "kwalletd5")
	address, env := sessionBus(t)
	cmd := exec.Command(daemon)
	cmd.Env = append(env, "QT_QPA_PLATFORM=offscreen")
	start(t, cmd)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	waitFor(t, func() bool {
		running, err := hasOwner(t.Context(), conn, walletService)
		return running && err == nil
	})
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
			_, err := New(o).inBackend(t.Context(), request{Op: opSet, Kind: "pass", Item: item, Payload: payload})
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
	got, err := New(o).inBackend(t.Context(), request{Op: opGet, Kind: "pass", Item: item})
	if err != nil || len(won) != 1 || got != won[0] {
		t.Errorf("%d writers won; %d bytes, %v", len(won), len(got), err)
	}
}

// pass would write "../x" outside of its directory.
func TestItemNames(t *testing.T) {
	for _, b := range backends() {
		for _, item := range []string{"", "fob", "../x", "fob/../../x/1", strings.Replace(someItem(), "fob/", "fob/../", 1), someItem() + "/..", someItem() + "\n", "fob/x/1"} {
			_, err := b.serve(request{Op: opGet, Kind: b.kind, Item: item})
			if e := wantErr[*BackendError](t, err); !strings.Contains(e.Reason, "no name") {
				t.Errorf("%s, %q: %v", b.kind, item, err)
			}
		}
	}
}

// That pass is installed does not mean that it is used.
func TestPassWithoutStore(t *testing.T) {
	need(t, "pass")
	home := t.TempDir()
	s := New(Options{Dir: storeDir(t), Backend: "pass", Getenv: func(name string) string {
		return map[string]string{"HOME": home, "PATH": os.Getenv("PATH")}[name]
	}})
	_, err := s.Create(t.Context())
	if e := wantErr[*BackendError](t, err); !strings.Contains(e.Reason, "pass init") {
		t.Error(err)
	}
}

// A hint with which a person can go on.
func TestLockedPassSaysHow(t *testing.T) {
	k := startPass(t)
	s := newStore(t, k.options)
	k.lock(t)
	_, err := again(s).Create(t.Context())
	if e := wantErr[*LockedError](t, err); e.Fix != "pass show "+itemOf(t, s)+" >/dev/null" {
		t.Errorf("%+v", e)
	}
}

// pass is given neither a bus to hang on nor a secret of fob's.
func TestPassEnvironment(t *testing.T) {
	t.Setenv("FOB_PASSPHRASE", "must not be inherited")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	b, _ := backendOf("pass")
	s := New(Options{DBusAddress: "unix:path=/nonexistent", Getenv: os.Getenv})
	for _, entry := range s.childEnviron(b) {
		if strings.Contains(entry, "nonexistent") || strings.Contains(entry, "FOB_") {
			t.Error(entry)
		}
	}
}

// In a session of its own (systemd's KeyringMode=private, "su -") the kernel
// denies what belongs to another, unless it is made for the user.
func TestKeyctlInAnotherSession(t *testing.T) {
	k := startKeyctl(t)
	keyctl := need(t, "keyctl")
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

// Docker's default seccomp profile, as it were, and a user's quota of keys.
func TestKeyctlIsForbidden(t *testing.T) {
	strace := need(t, "strace")
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

// A store that only a frail keyring opens is made with a warning.
func TestFrailKeepersWarn(t *testing.T) {
	k := startKeyctl(t)
	o := options(storeDir(t))
	k.options(&o)
	made, err := New(o).Create(t.Context())
	t.Cleanup(func() { tidy(New(o)) })
	if err != nil || len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], "restarts") {
		t.Errorf("%+v, %v", made, err)
	}
}

// The kernel's keyring beside a passphrase: what it is for.
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
	keyctl := need(t, "keyctl")
	for _, tt := range []struct {
		k    keeper
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

// What the child has started goes with it.
func TestHangingPassIsKilled(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/store/.gpg-id", "x")
	item := someItem()
	write(t, dir+"/store/"+item+".gpg", "x")
	fifo := dir + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/bin/pass", "#!/bin/sh\nexec sleep 600 >"+fifo+"\n")
	if err := os.Chmod(dir+"/bin/pass", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
	t.Setenv("PASSWORD_STORE_DIR", dir+"/store")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := New(Options{Dir: storeDir(t), Getenv: os.Getenv}).inBackend(ctx, request{Op: opGet, Kind: "pass", Item: item})
		done <- err
	}()
	end, err := os.Open(fifo) // it runs
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
	if n, err := end.Read(make([]byte, 1)); n != 0 || err == nil { // at its end
		t.Errorf("%d, %v", n, err)
	}
}
