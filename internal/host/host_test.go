package host

import (
	"errors"
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
		if got := (place{h.CI(), h.Container(), h.SSH(), h.desktop("linux")}); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.env, got, tt.want)
		}
	}
	// macOS has a desktop without a variable.
	for env, want := range map[string]bool{"": true, "CI=true": false, "SSH_CONNECTION=192.0.2.1": false, "SSH_TTY=/dev/ttys001 DISPLAY=:0": false} {
		if got := (Host{Getenv: Lookup(strings.Fields(env))}).desktop("darwin"); got != want {
			t.Errorf("macOS, %q: %v", env, got)
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
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no session bus")
	}
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

// The paths of the XDG specification and of the AWS SDKs. None depends on the current
// directory, unless a variable of the SDKs says so.
func TestPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other variables count there")
	}
	account := func() (login, home string) { return "jo", "/home/account" }
	none := func() (login, home string) { return "", "" }
	odd := func() (login, home string) { return "jo", "home" }
	for _, tt := range []struct {
		env, path string
		account   func() (login, home string)
		want      string
	}{
		{"HOME=/home/jo", "settings", account, "/home/jo/.config/fob/config.toml"},
		{"HOME=/home/jo XDG_CONFIG_HOME=/x", "settings", account, "/x/fob/config.toml"},
		{"HOME=/home/jo XDG_CONFIG_HOME=x", "settings", account, "/home/jo/.config/fob/config.toml"}, // relative: ignored
		{"HOME=/home/jo XDG_CONFIG_HOME=~/x", "settings", account, "/home/jo/.config/fob/config.toml"},
		{"HOME=/home/jo", "store", account, "/home/jo/.local/share/fob"},
		{"HOME=/home/jo XDG_DATA_HOME=/x", "store", account, "/x/fob"},
		{"HOME=/home/jo XDG_DATA_HOME=.", "store", account, "/home/jo/.local/share/fob"},
		{"HOME=/home/jo", "state", account, "/home/jo/.local/state/fob"},
		{"HOME=/home/jo XDG_STATE_HOME=/x", "state", account, "/x/fob"},
		{"HOME=/home/jo XDG_STATE_HOME=..", "state", account, "/home/jo/.local/state/fob"},
		{"HOME=/home/jo", "config", account, "/home/jo/.aws/config"},
		{"HOME=/home/jo AWS_CONFIG_FILE=~/c", "config", account, "/home/jo/c"},
		{"HOME=/home/jo AWS_CONFIG_FILE=~", "config", account, "/home/jo"},
		{"HOME=/home/jo AWS_CONFIG_FILE=c", "config", account, "c"},
		{"HOME=/home/jo", "credentials", account, "/home/jo/.aws/credentials"},
		{"HOME=/home/jo AWS_SHARED_CREDENTIALS_FILE=/x", "credentials", account, "/x"},
		{"HOME=/", "store", account, "/.local/share/fob"},

		// Without a home in the environment, that of the account counts; without one
		// there, none.
		{"", "settings", account, "/home/account/.config/fob/config.toml"},
		{"", "store", account, "/home/account/.local/share/fob"},
		{"HOME=", "state", account, "/home/account/.local/state/fob"},
		{"HOME=.", "config", account, "/home/account/.aws/config"},
		{"HOME=home/jo", "credentials", account, "/home/account/.aws/credentials"},
		{"HOME=~ AWS_CONFIG_FILE=~/c", "config", account, "/home/account/c"},
		{"", "settings", none, ""},
		{"", "store", none, ""},
		{"HOME=", "state", none, ""},
		{"HOME=.", "config", none, ""},
		{"HOME=home/jo", "credentials", odd, ""},
		{"AWS_CONFIG_FILE=~/c", "config", none, ""},
		{"AWS_CONFIG_FILE=~nobody-has-this-name/c", "config", account, ""},
		{"XDG_DATA_HOME=/x", "store", none, "/x/fob"},
		{"AWS_CONFIG_FILE=/x", "config", none, "/x"},
	} {
		h := Host{Getenv: Lookup(strings.Fields(tt.env)), Account: tt.account}
		got := map[string]string{
			"settings": h.SettingsPath(), "store": h.StorePath(), "state": h.StatePath(),
			"config": h.ConfigPath(), "credentials": h.CredentialsPath(),
		}[tt.path]
		if got != tt.want {
			t.Errorf("%q: %s is %q, want %q", tt.env, tt.path, got, tt.want)
		}
		// Fob stops where a place is not known. It can do without config.toml.
		err := h.Check()
		if _, ok := errors.AsType[*HomeError](err); tt.want == "" && tt.path != "settings" && !ok {
			t.Errorf("%q: %v", tt.env, err)
		}
		if tt.want != "" && strings.Contains(tt.env+tt.want, "/home/") && err != nil {
			t.Errorf("%q: %v", tt.env, err)
		}
	}
}

// The account of a user that the system knows is found, and the environment has no say
// in it.
func TestAccount(t *testing.T) {
	known, err := lookUpSelf()
	if err != nil {
		t.Skip("this user has no account: ", err)
	}
	t.Setenv("HOME", "/elsewhere")
	t.Setenv("USER", "eve")
	t.Setenv("LOGNAME", "eve")
	login, home := Host{Getenv: os.Getenv}.account()
	if !strings.HasSuffix(known.Username, login) || login == "" || home != known.HomeDir {
		t.Errorf("%q, %q, want %+v", login, home, known)
	}
	if path, err := (Host{Getenv: os.Getenv}).Expand("~" + login + "/x"); runtime.GOOS != "windows" && (err != nil || path != filepath.Join(home, "x")) {
		t.Errorf("%q, %v", path, err)
	}
}

// A shell, a cron job and a service of one user have the same login name.
func TestUser(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the variable counts there")
	}
	for _, tt := range []struct{ env, account, want string }{
		{"USER=jo LOGNAME=jo", "jo", "jo"},
		{"LOGNAME=jo", "jo", "jo"},
		{"", "jo", "jo"},
		{"USER=eve", "jo", "jo"},
		{"LOGNAME=jo", "", "jo"},
		{"USER=eve LOGNAME=jo", "", "jo"},
		{"USER=jo", "", "jo"},
		{"", "", ""},
	} {
		h := Host{Getenv: Lookup(strings.Fields(tt.env)), Account: func() (login, home string) { return tt.account, "" }}
		if got := h.User(); got != tt.want {
			t.Errorf("%q of %q: %q, want %q", tt.env, tt.account, got, tt.want)
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

// The first of several values of a variable counts, and an entry without a name
// does not.
func TestLookup(t *testing.T) {
	get := Lookup([]string{"A=1", "A=2", "B=x=y", "=C:=C:\\dir", "nothing", "E="})
	for name, want := range map[string]string{"A": "1", "B": "x=y", "": "", "nothing": "", "E": "", "F": ""} {
		if got := get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
