package backendtest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// The Secret Service on D-Bus.
const (
	SecretsName = "org.freedesktop.secrets"
	SecretsPath = "/org/freedesktop/secrets"
)

// Bus starts a bus of the test's own, in a home of its own.
func Bus(t testing.TB) (address string, env []string) {
	t.Helper()
	address, env, _ = startBus(t)
	return address, env
}

// KillableBus is Bus, and returns the bus daemon.
func KillableBus(t testing.TB) (address string, daemon *exec.Cmd) {
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
	cmd := exec.Command(Need(t, "dbus-daemon"), "--session", "--nofork", "--nopidfile",
		"--address=unix:path="+home+"/bus", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	env = []string{"HOME=" + home, "XDG_DATA_HOME=" + home + "/data", "XDG_CACHE_HOME=" + home + "/cache",
		"XDG_CONFIG_HOME=" + home + "/config", "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH")}
	cmd.Env = env
	Start(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(line)
	return address, append(env, "DBUS_SESSION_BUS_ADDRESS="+address), cmd
}

// WaitFor waits until a daemon has done something.
func WaitFor(t testing.TB, done func() bool) {
	t.Helper()
	for range 1000 {
		if done() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it does not come about")
}

// HasOwner reports whether a service is running.
func HasOwner(conn *dbus.Conn, name string) bool {
	var running bool
	return conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&running) == nil && running
}

// Start runs a daemon until the end of the test.
func Start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		// gnome-keyring-daemon 42 was seen to abort by itself, once in some
		// thousand calls on a busy machine: then what failed is not our doing.
		if cmd.Wait(); cmd.ProcessState.String() != "signal: killed" {
			t.Logf("%s %s: %v", cmd.Path, EndedByItself, cmd.ProcessState)
		}
	})
}

// GNOMEKeyring starts a keyring with the collection "login", unlocked.
func GNOMEKeyring(t testing.TB) (address string, call func(method string, args ...any) *dbus.Call) {
	t.Helper()
	d := NewGNOMEDesktop(t)
	return d.Address, d.Call
}

// GNOMEDesktop is the session of a person with a keyring.
type GNOMEDesktop struct {
	Address string
	// Keyrings is the directory of the files of the keyring.
	Keyrings string
	conn     *dbus.Conn
	env      []string
	daemon   *exec.Cmd
}

// NewGNOMEDesktop logs a person in.
func NewGNOMEDesktop(t testing.TB) *GNOMEDesktop {
	t.Helper()
	Need(t, "gnome-keyring-daemon")
	address, env := Bus(t)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &GNOMEDesktop{Address: address, Keyrings: strings.TrimPrefix(env[0], "HOME=") + "/data/keyrings", conn: conn, env: env}
	d.login(t)
	return d
}

// Relogin logs the person out, and in again.
func (d *GNOMEDesktop) Relogin(t testing.TB) {
	t.Helper()
	d.daemon.Process.Kill()
	WaitFor(t, func() bool { return !HasOwner(d.conn, SecretsName) })
	d.login(t)
}

func (d *GNOMEDesktop) login(t testing.TB) {
	t.Helper()
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Env = d.env
	cmd.Stdin = strings.NewReader("pw")
	Start(t, cmd)
	d.daemon = cmd
	// The daemon takes its name some milliseconds after it has started.
	WaitFor(t, func() bool {
		var path dbus.ObjectPath
		return HasOwner(d.conn, SecretsName) && d.Call("ReadAlias", "default").Store(&path) == nil && path != "/"
	})
}

// Call calls a method of the Secret Service.
func (d *GNOMEDesktop) Call(method string, args ...any) *dbus.Call {
	return d.conn.Object(SecretsName, SecretsPath).Call("org.freedesktop.Secret.Service."+method, 0, args...)
}

// SetDefault makes a collection the one for new items.
func (d *GNOMEDesktop) SetDefault(t testing.TB, collection string) {
	t.Helper()
	if err := d.Call("SetAlias", "default", dbus.ObjectPath(SecretsPath+"/collection/"+collection)).Err; err != nil {
		t.Fatal(err)
	}
}

// NewCollection makes a collection, unlocked, with the password "pw". gnome-keyring's own
// tests make one in this way, because it asks nobody.
func (d *GNOMEDesktop) NewCollection(t testing.TB, name string) dbus.ObjectPath {
	t.Helper()
	var session, made dbus.ObjectPath
	var none dbus.Variant
	if err := d.Call("OpenSession", "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		t.Fatal(err)
	}
	err := d.conn.Object(SecretsName, SecretsPath).Call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.CreateWithMasterPassword", 0,
		map[string]dbus.Variant{"org.freedesktop.Secret.Collection.Label": dbus.MakeVariant(name)},
		Secret{Session: session, Parameters: []byte{}, Value: []byte("pw"), ContentType: "text/plain"}).Store(&made)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Lock locks a collection.
func (d *GNOMEDesktop) Lock(t testing.TB, collection dbus.ObjectPath) {
	t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := d.Call("Lock", []dbus.ObjectPath{collection}).Store(&locked, &prompt); err != nil || len(locked) != 1 {
		t.Fatal(locked, err)
	}
}

// Silence is a socket that accepts connections and says nothing.
type Silence struct {
	Path   string
	Dialed chan struct{}
}

// SilentSocket listens until the end of the test.
func SilentSocket(t *testing.T) Silence {
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := Silence{dir + "/bus", make(chan struct{}, 100)}
	l, err := net.Listen("unix", s.Path)
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
			s.Dialed <- struct{}{}
		}
	}()
	return s
}

// Dials is how often somebody connected.
func (s Silence) Dials() int { return len(s.Dialed) }
