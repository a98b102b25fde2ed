package backend

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	ring "github.com/99designs/keyring"

	"fob/internal/cmdline"
)

// pass (passwordstore.org) keeps items as files that gpg encrypts. gpg's agent
// asks for the passphrase, in a window; on a terminal the user runs pass
// themselves.

// passVariables decide where pass and gpg look, and where a window can open.
func passVariables() []string {
	return []string{
		"HOME", "PATH", "LANG", "GNUPGHOME",
		"PASSWORD_STORE_DIR", "PASSWORD_STORE_GPG_OPTS", "PASSWORD_STORE_SIGNING_KEY", "PASSWORD_STORE_UMASK",
		"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
	}
}

// passInit is the command that makes a password store.
const passInit = "pass init GPG-ID"

func passDir(getenv func(string) string) string {
	if dir := getenv("PASSWORD_STORE_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(getenv("HOME"), ".password-store")
}

// passProblem says why pass cannot be used; "" if it can.
func passProblem(dir string) string {
	if !filepath.IsAbs(dir) { // the current directory's would be anybody's
		return fmt.Sprintf("%q, the password store, is not an absolute path", dir)
	}
	for _, name := range []string{".gpg-id", "fob/.gpg-id"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("no password store is set up in %q", dir)
}

// locatePass also tells gpg whether it may ask. It runs in the child, and changes
// only the child's environment.
func locatePass(r request) (string, error) {
	dir := passDir(os.Getenv)
	if problem := passProblem(dir); problem != "" {
		return "", &Error{Backend: r.Kind, Reason: problem, Fix: passInit}
	}
	tellGPG(r)
	return dir, nil
}

func tellGPG(r request) {
	if r.Prompt {
		os.Setenv("DBUS_SESSION_BUS_ADDRESS", r.Address) // for a window of GNOME's
	} else {
		os.Setenv("PASSWORD_STORE_GPG_OPTS", os.Getenv("PASSWORD_STORE_GPG_OPTS")+" --pinentry-mode error")
	}
}

func lockedPass(r request) error {
	reason := "gpg cannot decrypt it without asking, or does not have the key"
	if r.Prompt {
		reason = "gpg did not decrypt it: no passphrase, or the wrong key"
	}
	show := "pass show " + r.Item
	if f := r.Foreign; f != nil {
		show = "pass show " + cmdline.Quote(path.Join(f.Folder, r.Item))
		if f.Place != passDir(os.Getenv) {
			show = "PASSWORD_STORE_DIR=" + cmdline.Quote(f.Place) + " " + show
		}
	}
	return &LockedError{Slot: r.Kind, Reason: reason, Fix: show + " >/dev/null"}
}

func passState(_ context.Context, w World) State {
	if _, err := exec.LookPath("pass"); err != nil {
		return State{Ready: false, Reason: "pass is not installed"}
	}
	if problem := passProblem(passDir(w.getenv)); problem != "" {
		return State{Ready: false, Reason: problem, Fix: passInit}
	}
	return State{Ready: true, Reason: "a password store is set up"}
}

func passForeign(f Foreign) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.PassBackend}, PassDir: f.Place, PassPrefix: f.Folder, PassCmd: f.Program}
}

// openPass refuses names that pass would take for an option, or for a place elsewhere.
func openPass(r request) error {
	switch item := filepath.Join(r.Foreign.Folder, r.Item); {
	case !filepath.IsAbs(r.Foreign.Place):
		return &Error{Backend: r.Kind, Reason: fmt.Sprintf("%q, the password store, is not an absolute path", r.Foreign.Place)}
	case !filepath.IsLocal(r.Item) || !filepath.IsLocal(item) || strings.HasPrefix(item, "-"):
		return &Error{Backend: r.Kind, Reason: fmt.Sprintf("%q is not the name of an item", r.Item)}
	}
	tellGPG(r)
	return nil
}

// passNames looks at the names of files.
func passNames(r request) (names []string, err error) {
	if r.Foreign.Shared {
		return slices.DeleteFunc(slices.Clone(r.Wanted), func(name string) bool {
			info, err := os.Stat(filepath.Join(r.Foreign.Place, r.Foreign.Folder, name+".gpg"))
			return !filepath.IsLocal(name) || err != nil || !info.Mode().IsRegular()
		}), nil
	}
	k, err := ring.Open(passForeign(*r.Foreign))
	if err == nil {
		names, err = k.Keys()
	}
	if err != nil {
		return nil, &Error{Backend: r.Kind, Reason: err.Error()}
	}
	return names, nil
}
