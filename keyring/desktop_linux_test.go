package keyring

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend"
	"fob/keyring/backend/backendtest"
)

func desktopSlotsUnderTest() []slotUnderTest {
	return []slotUnderTest{
		{"secret-service", startSecretService},
		{"kwallet", startKWallet},
		{"pass", startPass},
		{"keyctl", startKeyctl},
	}
}

func startSecretService(t testing.TB) fixture {
	d := backendtest.NewGNOMEDesktop(t)
	k := backendFixture("secret-service", func(o *Options) { o.DBusAddress = d.Address })
	k.relogin = d.Relogin
	// gnome-keyring takes a file without a password for a keyring, and opens it at a
	// desktop without asking.
	k.forge = func(t testing.TB, item, payload string) func(*Options) {
		backendtest.Write(t, d.Keyrings+"/forged.keyring", fmt.Sprintf("[keyring]\ndisplay-name=forged\n\n[1]\nitem-type=0\ndisplay-name=fob\nsecret=%s\n\n"+
			"[1:attribute0]\nname=profile\ntype=string\nvalue=%s\n", libraryItem(item, payload), item))
		d.Relogin(t)
		return func(o *Options) { o.Display = true }
	}
	// Like another user's session: a bus without a keyring.
	k.wrong, k.isWrong = func(o *Options) { o.DBusAddress, _ = backendtest.Bus(t) }, is[*BackendError]
	k.lock = func(t *testing.T) func(*Options) {
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		collection := []dbus.ObjectPath{backendtest.SecretsPath + "/collection/login"}
		if err := d.Call("Lock", collection).Store(&locked, &prompt); err != nil || len(locked) != 1 {
			t.Fatal(locked, err)
		}
		return func(*Options) {}
	}
	return k
}

// A locked keyring at a desktop, with its own window and a person who types.
func TestSecretServiceAtDesktop(t *testing.T) {
	display := xvfb(t)
	address, call := backendtest.GNOMEKeyring(t)
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
		if err := call("Lock", []dbus.ObjectPath{backendtest.SecretsPath + "/collection/login"}).Store(&locked, &prompt); err != nil {
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
	xdotool := backendtest.Need(t, "xdotool")
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
	cmd := exec.Command(backendtest.Need(t, "Xvfb"), "-displayfd", "3", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	backendtest.Start(t, cmd)
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// A desktop keyring that cannot answer is an error in time, and starts nothing.
func TestDeadBuses(t *testing.T) {
	silent := backendtest.SilentSocket(t)
	empty, _ := backendtest.Bus(t)
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
	o.Backend, o.DBusAddress = "secret-service", "unix:path="+silent.Path
	if _, err := New(o).Create(ctx); err != context.DeadlineExceeded {
		t.Errorf("silent bus: %v", err)
	}
	if silent.Dials() == 0 {
		t.Error("the child did not dial: this test proves nothing")
	}
	if testing.Short() {
		return
	}
	began := time.Now()
	_, err := New(o).Create(t.Context())
	wantErr[*BackendError](t, err)
	if took := time.Since(began); took < backend.Deadline || took > 2*backend.Deadline {
		t.Errorf("gave up after %v", took)
	}
}
