package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/ststest"
)

// Whatever stands where fob reads a file, it ends at once: with an error that names the
// file, or because it does not need it.
func TestFilesOfAnyKind(t *testing.T) {
	w := plainWorld(t)
	dir, err := os.MkdirTemp("", "fob") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	kinds := map[string]func(path string) error{
		"device":    func(path string) error { return os.Symlink("/dev/zero", path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"socket": func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
		"huge file": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		},
	}
	config := func(text string) string {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "AWS_CONFIG_FILE=" + path
	}
	for name, make := range kinds {
		bad := filepath.Join(dir, strings.Fields(name)[0])
		if err := make(bad); err != nil {
			t.Fatal(err)
		}
		role := "[profile role]\nfob_source_profile = dev\nfob_role_arn = " + ststest.DemoRole + "\n"
		xdg := filepath.Join(t.TempDir(), "fob")
		if err := os.Mkdir(xdg, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bad, filepath.Join(xdg, "config.toml")); err != nil {
			t.Fatal(err)
		}
		for what, row := range map[string]struct {
			env  []string
			args []string
			code int
		}{
			"config":        {[]string{"AWS_CONFIG_FILE=" + bad}, []string{"export", "dev"}, exitFailed},
			"credentials":   {[]string{"AWS_SHARED_CREDENTIALS_FILE=" + bad}, []string{"export", "dev"}, exitFailed},
			"shown config":  {[]string{"AWS_CONFIG_FILE=" + bad}, []string{"list"}, exitFailed},
			"fob_policy":    {[]string{config(role + "fob_policy = " + bad + "\n")}, []string{"export", "role"}, exitFailed},
			"--policy":      {[]string{config(role)}, []string{"export", "role", "--policy", bad}, exitUsage},
			"ca_bundle":     {[]string{config("[profile dev]\nca_bundle = " + bad + "\n")}, []string{"export", "dev", "--fresh"}, exitFailed},
			"AWS_CA_BUNDLE": {[]string{"AWS_CA_BUNDLE=" + bad}, []string{"export", "dev", "--fresh"}, exitFailed},
			"config.toml":   {[]string{"XDG_CONFIG_HOME=" + filepath.Dir(xdg)}, []string{"list"}, exitFailed},
			"passphrase":    {[]string{"FOB_PASSPHRASE_FILE=" + bad}, []string{"export", "dev", "--fresh"}, exitStore},
			"identity":      {[]string{"FOB_AGE_IDENTITY=" + bad}, []string{"--backend", "age", "add", "new", "--stdin", "--no-verify"}, exitStore},
		} {
			env := append(row.env, "FOB_UNLOCK_TTL=0")
			if what == "passphrase" || what == "identity" {
				env = append(env, "FOB_PASSPHRASE=")
			}
			if what == "identity" {
				env = append(env, "XDG_DATA_HOME="+filepath.Join(t.TempDir(), "data"), "XDG_STATE_HOME="+filepath.Join(t.TempDir(), "state"))
			}
			started := time.Now()
			r := w.with(env...).input(owners[0].stdin(), row.args...)
			if r.code != row.code || r.problem() != "" || !strings.Contains(r.stderr, "not a regular file") && !strings.Contains(r.stderr, "larger than") {
				t.Errorf("%s as %s: %v", name, what, r)
			}
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("%s as %s: %s", name, what, took)
			}
		}
		// What others left in the directory of what fob remembers does not hold it up.
		state := t.TempDir()
		if err := os.MkdirAll(filepath.Join(state, "fob"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bad, filepath.Join(state, "fob", "export-0123456789abcdef.json")); err != nil {
			t.Fatal(err)
		}
		if r := w.with("XDG_STATE_HOME="+state).input("", "doctor"); r.problem() != "" || strings.Contains(r.stdout, "0123456789abcdef") {
			t.Errorf("%s as a last failure: %v", name, r)
		}
	}
}

// A shell's <(command) is a file that can be read once, for what a person names in
// a command line.
func TestProcessSubstitution(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		lacking(t, "bash")
	}
	w := plainWorld(t)
	w.config(t, "[profile role]\nfob_source_profile = dev\nfob_role_arn = "+ststest.DemoRole+"\n")
	for _, line := range []string{
		`fob explain role --policy <(echo '{"Version":"2012-10-17"}') --json`,
		`FOB_PASSPHRASE= FOB_PASSPHRASE_FILE=<(echo "$P") fob export dev --fresh`,
		`FOB_PASSPHRASE= FOB_PASSPHRASE_FD=3 fob export dev --fresh 3< <(echo "$P")`,
		`echo '{"Version":"2012-10-17"}' | fob explain role --policy /dev/stdin`,
		`AWS_CONFIG_FILE=<(echo '[profile dev]') fob export dev`,
	} {
		cmd := exec.Command(bash, "-c", line)
		cmd.Dir, cmd.Env = w.Home, append(slices.Clone(w.Env), "P="+testPassphrase)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if out, err := cmd.Output(); err != nil || len(out) == 0 {
			t.Errorf("%s: %v, %s%s", line, err, out, errs.String())
		}
	}
}

// Input without an end is refused, wherever fob takes some.
func TestEndlessInput(t *testing.T) {
	w := plainWorld(t)
	for line, code := range map[string]int{
		"FOB_PASSPHRASE= FOB_PASSPHRASE_FD=3 fob export dev --fresh 3</dev/zero": exitStore,
		"fob add new --stdin --no-verify </dev/zero":                             exitUsage,
		"fob mfa add dev --stdin --serial GAHT12345678 </dev/zero":               exitUsage,
		"fob store passphrase --stdin </dev/zero":                                exitStore,
	} {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Env = w.Home, w.Env
		out, err := cmd.CombinedOutput()
		if got := exitCode(err); got != code || !strings.HasPrefix(string(out), "fob: error: ") || len(out) > 1000 {
			t.Errorf("%s: exit code %d, %s", line, got, out)
		}
	}
}
