package keyring

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

func desktopSlotsUnderTest() []slotUnderTest {
	return []slotUnderTest{
		{"secret-service", startSecretService},
		{"kwallet", startKWallet},
		{"pass", startPass},
		{"keyctl", startKeyctl},
	}
}

// sessionBus starts a bus of the test's own, in a home of its own.
func sessionBus(t testing.TB) (address string, env []string) {
	t.Helper()
	address, env, _ = startBus(t)
	return address, env
}

func killableBus(t testing.TB) (address string, daemon *exec.Cmd) {
	t.Helper()
	address, _, daemon = startBus(t)
	return address, daemon
}

func startBus(t testing.TB) (address string, env []string, daemon *exec.Cmd) {
	t.Helper()
	home, err := os.MkdirTemp("", "fob") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	cmd := exec.Command(need(t, "dbus-daemon"), "--session", "--nofork", "--nopidfile",
		"--address=unix:path="+home+"/bus", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	env = []string{"HOME=" + home, "XDG_DATA_HOME=" + home + "/data", "XDG_CACHE_HOME=" + home + "/cache",
		"XDG_CONFIG_HOME=" + home + "/config", "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH")}
	cmd.Env = env
	start(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(line)
	return address, append(env, "DBUS_SESSION_BUS_ADDRESS="+address), cmd
}

// waitFor what a daemon does soon.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it does not come about")
}

// start runs a daemon until the end of the test.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		// gnome-keyring-daemon 42 was seen to abort by itself, once in some
		// thousand calls on a busy machine: then what failed is not our doing.
		if cmd.Wait(); cmd.ProcessState.String() != "signal: killed" {
			t.Logf("%s %s: %v", cmd.Path, endedByItself, cmd.ProcessState)
		}
	})
}

// gnomeKeyring starts a keyring with the collection "login", unlocked.
func gnomeKeyring(t testing.TB) (address string, call func(method string, args ...any) *dbus.Call) {
	t.Helper()
	daemon := need(t, "gnome-keyring-daemon")
	address, env := sessionBus(t)
	cmd := exec.Command(daemon, "--foreground", "--unlock", "--components=secrets")
	cmd.Env = env
	cmd.Stdin = strings.NewReader("pw")
	start(t, cmd)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	service := conn.Object(secretsName, secretsPath)
	call = func(method string, args ...any) *dbus.Call {
		return service.Call("org.freedesktop.Secret.Service."+method, 0, args...)
	}
	// The daemon takes its name some milliseconds after it has started.
	waitFor(t, func() bool {
		var path dbus.ObjectPath
		running, err := hasOwner(t.Context(), conn, secretsName)
		return running && err == nil && call("ReadAlias", "default").Store(&path) == nil && path != "/"
	})
	return address, call
}

// someItem is the item of no store.
func someItem() string { return backendItem(newHeader(1)) }

func startSecretService(t testing.TB) keeper {
	address, call := gnomeKeyring(t)
	k := backendKeeper("secret-service", func(o *Options) { o.DBusAddress = address })
	// Another user's session, as it were: a bus without a keyring.
	k.wrong, k.isWrong = func(o *Options) { o.DBusAddress, _ = sessionBus(t) }, is[*BackendError]
	k.lock = func(t *testing.T) func(*Options) {
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		collection := []dbus.ObjectPath{secretsPath + "/collection/login"}
		if err := call("Lock", collection).Store(&locked, &prompt); err != nil || len(locked) != 1 {
			t.Fatal(locked, err)
		}
		return func(*Options) {}
	}
	return k
}

// A locked keyring at a desktop, with its own window and a person who types.
func TestSecretServiceAtDesktop(t *testing.T) {
	display := xvfb(t)
	address, call := gnomeKeyring(t)
	use := func(o *Options) {
		o.Backend, o.Passphrase, o.DBusAddress, o.Display = "secret-service", nil, address, true
	}
	s := newStore(t, use)
	mustSetKey(t, s, "p", exampleKey)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The bus starts what shows the window.
	if err := conn.BusObject().Call("org.freedesktop.DBus.UpdateActivationEnvironment", 0, map[string]string{"DISPLAY": display}).Err; err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		keys []string
		want func(error) bool
	}{
		{"dismissed", []string{"Escape"}, is[*LockedError]},
		{"answered", []string{"p", "w", "Return"}, func(err error) bool { return err == nil }},
	} {
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		if err := call("Lock", []dbus.ObjectPath{secretsPath + "/collection/login"}).Store(&locked, &prompt); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		done := make(chan error, 1)
		go func() {
			_, _, err := again(s).Key(ctx, "p")
			done <- err
		}()
		err := press(t, display, tt.keys, done)
		cancel()
		if !tt.want(err) {
			t.Errorf("%s: %T %v", tt.name, err, err)
		}
	}
}

// press presses keys until something is done. There is a window before it has the
// keyboard, so it is for once a second.
func press(t *testing.T, display string, keys []string, done <-chan error) error {
	t.Helper()
	xdotool := need(t, "xdotool")
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(time.Second):
		}
		cmd := exec.Command(xdotool, append([]string{"key", "--delay", "30"}, keys...)...)
		cmd.Env = append(os.Environ(), "DISPLAY="+display)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%v: %s", err, out)
		}
	}
}

// xvfb starts an X server without a screen.
func xvfb(t *testing.T) (display string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(need(t, "Xvfb"), "-displayfd", "3", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	start(t, cmd)
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// An item is never replaced: it may be the only thing that opens a store.
func TestSecretServiceReplacesNothing(t *testing.T) {
	address, _ := gnomeKeyring(t)
	s := New(Options{Dir: storeDir(t), DBusAddress: address})
	r := request{Op: opSet, Kind: "secret-service", Item: someItem(), Payload: "one"}
	if _, err := s.inBackend(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Payload = "two"
	_, err := s.inBackend(t.Context(), r)
	wantErr[*BackendError](t, err)
	r.Op = opGet
	if got, err := s.inBackend(t.Context(), r); got != "one" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A desktop keyring that cannot answer is an error in time, and starts nothing.
func TestDeadBuses(t *testing.T) {
	silent := silentSocket(t)
	empty, _ := sessionBus(t)
	for name, address := range map[string]string{
		"nobody there": "unix:path=/nonexistent/bus",
		"no keyring":   empty,
		"no address":   "",
		"nonsense":     "what",
		"launches one": "autolaunch:",
		"disabled":     "disabled:",
	} {
		o := options(storeDir(t))
		o.Backend, o.DBusAddress = "secret-service", address
		_, err := New(o).Create(t.Context())
		wantErr[*BackendError](t, err)
		if _, err := os.Lstat(o.Dir + "/" + headerFile); err == nil {
			t.Errorf("%s: a store was made", name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	o := options(storeDir(t))
	o.Backend, o.DBusAddress = "secret-service", "unix:path="+silent.path
	if _, err := New(o).Create(ctx); err != context.DeadlineExceeded {
		t.Errorf("silent bus: %v", err)
	}
	if silent.dials() == 0 {
		t.Error("the child did not dial: this test proves nothing")
	}
	if testing.Short() {
		return
	}
	began := time.Now()
	_, err := New(o).Create(t.Context())
	wantErr[*BackendError](t, err)
	if took := time.Since(began); took < childDeadline || took > 2*childDeadline {
		t.Errorf("gave up after %v", took)
	}
}

type silence struct {
	path  string
	count chan struct{}
}

// silentSocket listens, accepts and says nothing.
func silentSocket(t *testing.T) silence {
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := silence{dir + "/bus", make(chan struct{}, 100)}
	l, err := net.Listen("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			s.count <- struct{}{}
		}
	}()
	return s
}

func (s silence) dials() int { return len(s.count) }

// A program that imports this package neither dials the bus nor starts one.
// Without the guard it would hang on the first and leak a daemon with the second.
func TestProgramStartsWithoutDBus(t *testing.T) {
	bin := t.TempDir()
	launched := filepath.Join(bin, "launched")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>'%s'\n", launched)
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	silent := silentSocket(t)
	for name, bus := range map[string][]string{
		"silent": {"DBUS_SESSION_BUS_ADDRESS=unix:path=" + silent.path},
		"none":   {},
		"empty":  {"DBUS_SESSION_BUS_ADDRESS="},
		"launch": {"DBUS_SESSION_BUS_ADDRESS=autolaunch:"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append([]string{"PATH=" + bin + ":/usr/bin:/bin", roleVariable + "=init", "DISPLAY=:99"}, bus...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	if silent.dials() > 0 {
		t.Error("the bus was dialled")
	}
	if out, err := os.ReadFile(launched); err == nil {
		t.Errorf("dbus-launch was run: %s", out)
	}
}

// What the child is given: its whole environment is the bus's address.
func TestChildEnvironment(t *testing.T) {
	t.Setenv("FOB_PASSPHRASE", "must not be inherited")
	silent := silentSocket(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		s := New(Options{Dir: storeDir(t), DBusAddress: "unix:path=" + silent.path, Getenv: os.Getenv})
		_, err := s.inBackend(ctx, request{Op: opGet, Kind: "secret-service", Item: someItem()})
		done <- err
	}()
	<-silent.count // it is running, and hangs
	found := false
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range procs {
		if cmdline, _ := os.ReadFile(file); bytes.HasSuffix(cmdline, []byte("\x00"+ChildArg+"\x00")) {
			env, _ := os.ReadFile(filepath.Dir(file) + "/environ")
			if !bytes.Contains(env, []byte(silent.path)) {
				continue // of another test run
			}
			found = true
			if want := "DBUS_SESSION_BUS_ADDRESS=unix:path=" + silent.path + "\x00"; string(env) != want {
				t.Errorf("environment %q", env)
			}
		}
	}
	if !found {
		t.Error("no child was found")
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
}

func TestCollectionName(t *testing.T) {
	for path, want := range map[dbus.ObjectPath]string{
		"/org/freedesktop/secrets/collection/login":           "login",
		"/org/freedesktop/secrets/collection/login/12":        "login",
		"/org/freedesktop/secrets/collection/Default_5fkey/1": "Default_key",
		"/org/freedesktop/secrets/collection/my_20keys":       "my keys",
		"/org/freedesktop/secrets/collection/a_b":             "a_b",
	} {
		if got := collectionName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
