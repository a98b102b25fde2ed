package main

import (
	"os/exec"
	"regexp"
	"testing"
)

// Where the file system of the store cannot lock, another machine that shares it
// is not kept out: somebody should know.
func TestDoctorTellsWhereLocksAre(t *testing.T) {
	w := signedUp(t, false)
	row := regexp.MustCompile(`(?m)^advice  store +the file system of ~/.local/share/fob cannot lock: locks are in /run/user/0/fob-locks-[0-9a-f]+, `)
	// A /run of its own, for root's runtime directory.
	doctor := func(trace ...string) string {
		t.Helper()
		const script = `mount -t tmpfs none /run && mkdir -p -m 700 /run/user /run/user/0 && exec "$@"`
		cmd := exec.Command("unshare", append(append([]string{"-rm", "sh", "-c", script, "sh"}, trace...), w.Fob, "doctor")...)
		cmd.Dir, cmd.Env = w.Home, w.Env
		stdout, err := cmd.CombinedOutput()
		if err != nil {
			t.Log(string(stdout))
			lacking(t, "namespace with a mount, or strace")
		}
		return string(stdout)
	}
	if text := doctor(); row.MatchString(text) {
		t.Errorf("with locks:\n%s", text)
	}
	text := doctor("strace", "-f", "-o", "/dev/null", "-P", w.Home+"/.local/share/fob/locks/store.lock", "-e", "inject=flock:error=EOPNOTSUPP")
	if !row.MatchString(text) {
		t.Errorf("without:\n%s", text)
	}
}
