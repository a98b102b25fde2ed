package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// Where nobody says what the home directory is, the current directory is not taken for
// it: no file there is read or made, and no process that a config there names is run.
func TestNoHome(t *testing.T) {
	w := nobodyWorld(t)
	dir := filepath.Join(w.Home, "repository")
	evil := "[profile evil]\nregion = eu-west-1\ncredential_process = touch " + filepath.Join(w.Home, "ran") + "\n"
	for name, text := range map[string]string{
		".aws/config":                evil,
		".aws/credentials":           "[plain]\naws_access_key_id = " + ststest.DemoKeyID + "\naws_secret_access_key = " + ststest.DemoSecret + "\n",
		".config/fob/config.toml":    "bogus = true\n",
		"fob/config.toml":            "bogus = true\n",
		".local/share/fob/store":     "{}\n",
		".local/state/fob/store.txt": "",
		"~/.aws/config":              evil,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := w.asNobody(t, "", "chmod", "0777", "."); code != 0 {
		t.Fatal(out)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	before := tree(t, w.Home)
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	run := func(env []string, args ...string) (string, int) {
		cmd := w.nobodys(w.Fob, args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(key)
		cmd.Env = slices.Concat(slices.DeleteFunc(slices.Clone(w.Env), func(v string) bool { return strings.HasPrefix(v, "HOME=") }), env)
		out, err := cmd.CombinedOutput()
		return string(out), exitCode(err)
	}
	for _, env := range [][]string{
		nil, {"HOME="}, {"HOME=."}, {"HOME=~"}, {"HOME=fob"},
		{"XDG_DATA_HOME=.", "XDG_STATE_HOME=.", "XDG_CONFIG_HOME=."},
		{"AWS_CONFIG_FILE=~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE=~/.aws/credentials"},
		{"AWS_CONFIG_FILE=~nobody-has-this-name/.aws/config", "HOME=" + w.Home},
	} {
		for _, args := range [][]string{
			{"export", "--profile", "evil"}, {"export", "plain", "-n"}, {"exec", "evil", "--", "true"}, {"login", "evil"}, {"explain", "evil"},
			{"add", "dev", "--stdin", "--no-verify"}, {"remove", "plain", "--yes"}, {"clear"}, {"mfa", "code", "plain"},
			{"list"}, {"status"}, {"store"}, {"lock"}, {"doctor"},
		} {
			out, code := run(env, args...)
			if code != exitFailed && code != exitExec || !strings.HasPrefix(out, "fob: error: no home directory") {
				t.Errorf("%q fob %q: exit code %d, %s", env, args, code, out)
			}
		}
		for _, args := range [][]string{
			{}, {"--help"}, {"export", "--help"}, {"help", "add"}, {"--version"}, {"version"}, {"completion", "bash"}, {"__complete", "=", "export"},
		} {
			if out, code := run(env, args...); code != 0 || strings.Contains(out, "fob: error") || strings.Contains(out, "evil") {
				t.Errorf("%q fob %q: exit code %d, %s", env, args, code, out)
			}
		}
	}
	if after := tree(t, w.Home); !slices.Equal(before, after) {
		t.Errorf("files in the current directory:\n%q, want\n%q", after, before)
	}
	// A home that does not exist, or that others own, can be read, and is not written to.
	for _, home := range []string{"/nonexistent", "/", "/proc"} {
		env := []string{"HOME=" + home}
		for _, args := range [][]string{{"list"}, {"store"}, {"explain", "dev"}} {
			if out, code := run(env, args...); code != 0 && code != exitNoProfile || strings.Contains(out, "denied") {
				t.Errorf("%q fob %q: exit code %d, %s", env, args, code, out)
			}
		}
		out, code := run(env, "add", "dev", "--stdin", "--no-verify")
		if code != exitStore || !strings.HasPrefix(out, "fob: error: cannot create ") || !strings.Contains(out, "fob: hint: XDG_DATA_HOME names another place") {
			t.Errorf("%q: exit code %d, %s", env, code, out)
		}
	}
	// A home is not needed where every place has a name of its own.
	env := []string{
		"XDG_DATA_HOME=" + w.Home + "/data", "XDG_STATE_HOME=" + w.Home + "/state",
		"AWS_CONFIG_FILE=" + w.Home + "/config", "AWS_SHARED_CREDENTIALS_FILE=" + w.Home + "/credentials",
	}
	for _, args := range [][]string{{"add", "dev", "--stdin", "--no-verify"}, {"list"}, {"explain", "dev"}, {"doctor"}} {
		if out, code := run(env, args...); strings.Contains(out, "fob: error") {
			t.Errorf("fob %q: exit code %d, %s", args, code, out)
		}
	}
}

// sudo -E leaves root's files in a user's home. fob then says what to type, and once that
// is done it works.
func TestFilesOfRoot(t *testing.T) {
	w := nobodyWorld(t)
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	if _, stderr, code := w.RunWith(key, "add", "dev", "--stdin"); code != 0 {
		t.Fatal(stderr)
	}
	self := strconv.Itoa(nobody) // who has no account
	for _, args := range [][]string{{"list"}, {"exec", "dev", "--", "true"}, {"add", "other", "--stdin"}, {"store"}} {
		for tries := 0; ; tries++ {
			out, code := w.asNobody(t, key, w.Fob, args...)
			if code == 0 {
				break
			}
			_, hint, ok := strings.Cut(out, "fob: hint: sudo ")
			line, why, _ := strings.Cut(hint, "   ")
			if !ok || tries > 4 || !strings.HasPrefix(line, "chown -R "+self+" "+w.Home+"/.") || why != "root owns it: fob ran under sudo\n" {
				t.Fatalf("fob %q: %s", args, out)
			}
			if text, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
				t.Fatal(string(text))
			}
		}
	}
	// Root does not use a store of nobody's.
	if _, stderr, code := w.Run("exec", "dev", "--", "true"); code != exitExec || !strings.Contains(stderr, "fob: hint: run fob as "+self+", without sudo\n") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// tree lists the files below a directory.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
