package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// doctorWith runs fob doctor after a script, as root with its own mounts, and under
// another program if the test names one.
func (w *world) doctorWith(t *testing.T, script string, by ...string) string {
	t.Helper()
	if exec.Command("unshare", "-rm", "true").Run() != nil {
		lacking(t, "namespace for mounts")
	}
	args := append([]string{"-rm", "sh", "-ec", script + `
		exec "$@"`, "sh"}, append(by, w.Fob, "doctor")...)
	cmd := exec.Command("unshare", args...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	text, _ := cmd.CombinedOutput() // a problem is exit code 1, which is an error here
	return string(text)
}

// If the file system of the store cannot lock, fob cannot keep out another machine that
// shares the store: doctor says so.
func TestDoctorTellsWhereLocksAre(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		lacking(t, "strace")
	}
	w := signedUp(t, false)
	row := regexp.MustCompile(`(?m)^advice +the file system of ~/.local/share/fob cannot lock: locks are in /run/user/0/fob-locks-[0-9a-f]+, `)
	const run = `mount -t tmpfs none /run; mkdir -m 700 /run/user /run/user/0`
	if text := w.doctorWith(t, run); row.MatchString(text) {
		t.Errorf("with locks:\n%s", text)
	}
	text := w.doctorWith(t, run, "strace", "-f", "-o", "/dev/null", "-P", w.Home+"/.local/share/fob/locks/store.lock", "-e", "inject=flock:error=EOPNOTSUPP")
	if !row.MatchString(text) {
		t.Errorf("without:\n%s", text)
	}
}

// Docker forbids the kernel's keyring, so FOB_UNLOCK_TTL does nothing there: doctor says
// what does.
func TestDoctorWithoutKernelKeyring(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		lacking(t, "strace")
	}
	w := signedUp(t, false).with("FOB_PASSPHRASE=", "FOB_UNLOCK_TTL=12h")
	row := "advice  running without the kernel's keyring, fob asks for the passphrase each time\n        > export FOB_PASSPHRASE_FILE=FILE\n"
	if text := w.doctorWith(t, ""); strings.Contains(text, row) {
		t.Errorf("with one:\n%s", text)
	}
	text := w.doctorWith(t, "", "strace", "-f", "-o", "/dev/null", "-e", "trace=keyctl", "-e", "inject=keyctl:error=EPERM")
	if !strings.Contains(text, row) {
		t.Errorf("without:\n%s", text)
	}
}

func TestDoctorCannotWrite(t *testing.T) {
	w := signedUp(t, false)
	text := w.doctorWith(t, `mount --bind . .; mount -o remount,bind,ro .; cd .`)
	if !regexp.MustCompile(`(?m)^wrong +cannot write to "~/.local/share/fob/g1/items": read-only file system\n +> copy the store `).MatchString(text) {
		t.Error(text)
	}
}
