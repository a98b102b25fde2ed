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

	"fob/internal/input"
)

// Host is a computer as a program's environment describes it.
type Host struct {
	// Getenv looks a variable up; an unset one is "".
	Getenv func(name string) string
	// Account is this user's row of the system's password database, whatever the
	// environment says; "" is what it does not tell. Nil asks the system.
	Account func() (login, home string)
	// FullPaths has Tilde leave paths as they are, for programs.
	FullPaths bool
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
	kernel, _ := input.Read("/proc/sys/kernel/osrelease", 1<<10) // only Linux has it
	return isWSL(kernel)
}

// isWSL recognizes the kernel that Microsoft builds; WSL 1's has a capital letter.
func isWSL(kernel string) bool { return strings.Contains(strings.ToLower(kernel), "microsoft") }

// SSH reports whether the user sits at another computer. A display is then that
// computer's, not the one whose keyring would ask.
func (h Host) SSH() bool { return h.Getenv("SSH_CONNECTION") != "" || h.Getenv("SSH_TTY") != "" }

// Desktop reports whether the user sits at a desktop of this computer.
func (h Host) Desktop() bool { return h.desktop(runtime.GOOS) }

func (h Host) desktop(system string) bool {
	switch {
	case h.SSH():
		return false
	case system == "darwin":
		// It has no DISPLAY. If nobody is logged in at the screen, a window fails at once.
		return !h.CI()
	}
	return h.Getenv("DISPLAY") != "" || h.Getenv("WAYLAND_DISPLAY") != ""
}

// Loopback reports whether the user's browser can be opened here, and can come back to
// a program that listens on this computer.
func (h Host) Loopback() bool {
	switch {
	case h.SSH(), h.Getenv("SSH_CLIENT") != "", h.CI(), h.Getenv("CODESPACES") != "", h.Container(), h.WSL():
		return false
	}
	return h.Getenv("BROWSER") != "" || runtime.GOOS == "windows" || h.Desktop()
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
