package host

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Which variables say where fob runs.
func TestPlace(t *testing.T) {
	type place struct{ CI, Container, SSH, Desktop bool }
	empty := Host{Getenv: func(string) string { return "" }}
	for _, tt := range []struct {
		env  string
		want place
	}{
		{"", place{}},
		{"DISPLAY=:0", place{Desktop: true}},
		{"WAYLAND_DISPLAY=wayland-0", place{Desktop: true}},
		{"CI=true", place{CI: true}},
		{"container=podman", place{Container: true}},
		{"SSH_CONNECTION=192.0.2.1", place{SSH: true}},
		{"SSH_TTY=/dev/pts/1 DISPLAY=localhost:10.0", place{SSH: true}}, // ssh -X
		{"INVOCATION_ID=1 JOURNAL_STREAM=8:1", place{}},                 // a systemd unit
	} {
		h := Host{Getenv: Lookup(strings.Fields(tt.env))}
		tt.want.Container = tt.want.Container || empty.Container() // this machine may be one
		if got := (place{h.CI(), h.Container(), h.SSH(), h.Desktop()}); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.env, got, tt.want)
		}
	}
	for kernel, want := range map[string]bool{
		"5.15.167.4-microsoft-standard-WSL2\n": true,
		"4.4.0-19041-Microsoft\n":              true,
		"6.1.0-26-amd64\n":                     false,
	} {
		if isWSL(kernel) != want {
			t.Errorf("%q", kernel)
		}
	}
}

// The session bus is where the variable says, else where systemd has it.
func TestDBusAddress(t *testing.T) {
	dir, err := os.MkdirTemp("", "fob") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	env := []string{"XDG_RUNTIME_DIR=" + dir}
	address := func() string { return Host{Getenv: Lookup(env)}.DBusAddress() }
	bus := filepath.Join(dir, "bus")
	if err := os.WriteFile(bus, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := address(); got != "" {
		t.Errorf("a file: %q", got)
	}
	os.Remove(bus)
	l, err := net.Listen("unix", bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if got := address(); got != "unix:path="+bus {
		t.Errorf("a socket: %q", got)
	}
	env = append(env, "DBUS_SESSION_BUS_ADDRESS=unix:abstract=x")
	if got := address(); got != "unix:abstract=x" {
		t.Errorf("the variable: %q", got)
	}
}

// The paths of the XDG specification and of the AWS SDKs.
func TestPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other variables count there")
	}
	for _, tt := range []struct{ env, path, want string }{
		{"", "settings", "/home/jo/.config/fob/config.toml"},
		{"XDG_CONFIG_HOME=/x", "settings", "/x/fob/config.toml"},
		{"XDG_CONFIG_HOME=x", "settings", "/home/jo/.config/fob/config.toml"}, // relative: ignored
		{"", "store", "/home/jo/.local/share/fob"},
		{"XDG_DATA_HOME=/x", "store", "/x/fob"},
		{"", "state", "/home/jo/.local/state/fob"},
		{"XDG_STATE_HOME=/x", "state", "/x/fob"},
		{"", "config", "/home/jo/.aws/config"},
		{"AWS_CONFIG_FILE=~/c", "config", "/home/jo/c"},
		{"AWS_CONFIG_FILE=c", "config", "c"},
		{"", "credentials", "/home/jo/.aws/credentials"},
		{"AWS_SHARED_CREDENTIALS_FILE=/x", "credentials", "/x"},
	} {
		h := Host{Getenv: Lookup([]string{"HOME=/home/jo", tt.env})}
		got := map[string]string{
			"settings": h.SettingsPath(), "store": h.StorePath(), "state": h.StatePath(),
			"config": h.ConfigPath(), "credentials": h.CredentialsPath(),
		}[tt.path]
		if got != tt.want {
			t.Errorf("%q: %s is %s, want %s", tt.env, tt.path, got, tt.want)
		}
	}
}

func TestTilde(t *testing.T) {
	h := Host{Getenv: Lookup([]string{"HOME=/home/jo"})}
	for path, want := range map[string]string{"/home/jo/x": "~/x", "/home/joe/x": "/home/joe/x", "/home/jo": "/home/jo", "/x": "/x"} {
		if got := h.Tilde(path); runtime.GOOS != "windows" && got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// The first of several values of a variable counts, and an entry without a name is
// none.
func TestLookup(t *testing.T) {
	get := Lookup([]string{"A=1", "A=2", "B=x=y", "=C:=C:\\dir", "nothing", "E="})
	for name, want := range map[string]string{"A": "1", "B": "x=y", "": "", "nothing": "", "E": "", "F": ""} {
		if got := get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
