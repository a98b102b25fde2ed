package keyring

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pass (passwordstore.org) keeps items as files that gpg encrypts. What asks for
// the passphrase is gpg's agent, in a window; on a terminal pass itself is the
// one to ask.

// passVariables decide where pass and gpg look, and where a window can open.
func passVariables() []string {
	return []string{
		"HOME", "PATH", "LANG", "GNUPGHOME",
		"PASSWORD_STORE_DIR", "PASSWORD_STORE_GPG_OPTS", "PASSWORD_STORE_SIGNING_KEY", "PASSWORD_STORE_UMASK",
		"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
	}
}

func passDir(getenv func(string) string) string {
	return cmp.Or(getenv("PASSWORD_STORE_DIR"), filepath.Join(getenv("HOME"), ".password-store"))
}

// passProblem says why there is no store of pass's to write to; "" if there is.
func passProblem(dir string) string {
	for _, name := range []string{".gpg-id", "fob/.gpg-id"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("no password store is set up in %q (pass init)", dir)
}

// locatePass also tells gpg whether it may ask. It runs in the child, whose
// environment is its own.
func locatePass(r request) (string, error) {
	dir := passDir(os.Getenv)
	if problem := passProblem(dir); problem != "" {
		return "", &BackendError{r.Kind, problem}
	}
	if r.Prompt {
		os.Setenv("DBUS_SESSION_BUS_ADDRESS", r.Address) // for a window of GNOME's
	} else {
		os.Setenv("PASSWORD_STORE_GPG_OPTS", os.Getenv("PASSWORD_STORE_GPG_OPTS")+" --pinentry-mode error")
	}
	return dir, nil
}

func lockedPass(r request) error {
	reason := "gpg does not decrypt it without asking, or lacks its key"
	if r.Prompt {
		reason = "gpg did not decrypt it: no passphrase, or not its key"
	}
	return &LockedError{Slot: r.Kind, Reason: reason, Fix: "pass show " + r.Item + " >/dev/null"}
}

func passReady(_ context.Context, s *Store) (bool, string) {
	if _, err := exec.LookPath("pass"); err != nil {
		return false, "pass is not installed"
	}
	if problem := passProblem(passDir(s.getenv)); problem != "" {
		return false, problem
	}
	return true, "a password store is set up"
}
