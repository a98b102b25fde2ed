// Package host knows where fob runs: the user's directories, the kind of place
// (CI job, container, WSL, SSH session, desktop) and the process that asked. It also
// protects this process's memory.
//
// It reads the environment that its caller passes, never the process's own, so that
// variables that main removed stay removed.
package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Host is a computer as a program's environment describes it.
type Host struct {
	// Getenv looks a variable up; an unset one is "".
	Getenv func(name string) string
}

// Home is the user's home directory.
func (h Host) Home() string {
	if dir := h.home(); dir != "" {
		return dir
	}
	return "." // errors surface later, when a file under it is opened
}

func (h Host) home() string {
	if runtime.GOOS == "windows" {
		return h.Getenv("USERPROFILE")
	}
	return h.Getenv("HOME")
}

// SettingsPath is fob's config.toml.
func (h Host) SettingsPath() string {
	return filepath.Join(h.xdg("XDG_CONFIG_HOME", ".config"), "fob", "config.toml")
}

// StorePath is the directory of the store.
func (h Host) StorePath() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(h.Getenv("LOCALAPPDATA"), "fob")
	}
	return filepath.Join(h.xdg("XDG_DATA_HOME", ".local/share"), "fob")
}

// StatePath is the directory of what fob remembers and no one else needs: no
// secrets.
func (h Host) StatePath() string {
	return filepath.Join(h.xdg("XDG_STATE_HOME", ".local/state"), "fob")
}

// ConfigPath is the AWS config file, CredentialsPath the AWS credentials file.
func (h Host) ConfigPath() string { return h.awsPath("AWS_CONFIG_FILE", "config") }

// CredentialsPath is the AWS credentials file.
func (h Host) CredentialsPath() string {
	return h.awsPath("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

// xdg follows the XDG Base Directory Specification: a relative path is ignored.
func (h Host) xdg(env, below string) string {
	if dir := h.Getenv(env); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(h.Home(), filepath.FromSlash(below))
}

func (h Host) awsPath(env, name string) string {
	if path := h.Getenv(env); path != "" {
		return h.Expand(path)
	}
	return filepath.Join(h.Home(), ".aws", name)
}

// Expand replaces a leading ~/ with the home directory.
func (h Host) Expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(h.Home(), rest)
	}
	return path
}

// Tilde shortens a path for a person: the opposite of Expand.
func (h Host) Tilde(path string) string {
	if home := h.home(); home != "" && home != "/" {
		if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok {
			return "~" + string(filepath.Separator) + rest
		}
	}
	return path
}

// User is the name of the user who is logged in; "" if no variable has it.
func (h Host) User() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := h.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// Shell is the user's shell.
func (h Host) Shell() string {
	name, fallback := "SHELL", "/bin/sh"
	if runtime.GOOS == "windows" {
		name, fallback = "COMSPEC", "cmd.exe"
	}
	if shell := h.Getenv(name); shell != "" {
		return shell
	}
	return fallback
}

// CI reports whether fob runs in a CI job.
func (h Host) CI() bool { return h.Getenv("CI") != "" }

// Container reports whether fob runs in a container.
func (h Host) Container() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Lstat(mark); err == nil {
			return true
		}
	}
	return h.Getenv("container") != ""
}

// WSL reports whether fob runs on Linux inside Windows.
func (h Host) WSL() bool {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only Linux has it
	return isWSL(string(kernel))
}

// isWSL recognizes the kernel that Microsoft builds; WSL 1's has a capital letter.
func isWSL(kernel string) bool { return strings.Contains(strings.ToLower(kernel), "microsoft") }

// SSH reports whether the user sits at another computer. A display is then that
// computer's, not the one whose keyring would ask.
func (h Host) SSH() bool { return h.Getenv("SSH_CONNECTION") != "" || h.Getenv("SSH_TTY") != "" }

// Desktop reports whether the user sits at a desktop of this computer.
func (h Host) Desktop() bool {
	return !h.SSH() && (h.Getenv("DISPLAY") != "" || h.Getenv("WAYLAND_DISPLAY") != "")
}

// DBusAddress is the session bus; "" if there is none.
func (h Host) DBusAddress() string {
	if address := h.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	bus := filepath.Join(h.Getenv("XDG_RUNTIME_DIR"), "bus")
	if fi, err := os.Stat(bus); err != nil || fi.Mode().Type() != os.ModeSocket || !filepath.IsAbs(bus) {
		return ""
	}
	return "unix:path=" + bus
}
