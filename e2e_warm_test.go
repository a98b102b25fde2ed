//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
	"fob/keyring"
)

// warmWorld has the demo key as dev and a role on it as deploy, sessions of
// both, and a store that the kernel keeps unlocked; fob is the release.
func warmWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Fob = release(t)
	w = w.kernelCopies(t)
	w.must(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial, "--region", "eu-west-1")
	w.must(t, "", "add", "deploy", "--source", "dev", "--role", ststest.DemoRole, "--region", "eu-west-1")
	w.must(t, ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
	w.must(t, "", "export", "--profile", "deploy")
	w.must(t, "", "export", "--profile", "dev")
	w.AWS.ResetCalls()
	return w
}

// An export of a cached session from an unlocked store opens these files in this
// order, and nothing else: there is no credentials file. Times differ between machines; this does not.
func TestWarmExport(t *testing.T) {
	needStrace(t)
	w := warmWorld(t)
	w.config(t, "[sso-session corp]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+
		"\n[profile ops]\nsso_session = corp\nsso_account_id = "+ststest.DemoAccount+"\nsso_role_name = ReadOnlyAccess\n")
	person := w.with("BROWSER=" + filepath.Join(filepath.Dir(w.Home), "bin", "browser"))
	person.Fob = w.Raced // which believes that a browser can come back to it
	person.must(t, "", "login", "ops")
	w.AWS.ResetCalls()
	for profile, items := range map[string][]string{
		"dev":    {`key\+dev`, `session\+dev\+[0-9a-f]{32}`},
		"deploy": {`key\+dev`, `session\+dev\+[0-9a-f]{32}`},
		"ops":    {`session\+ops\+[0-9a-f]{32}`},
	} {
		tr := w.systemCalls(t, "export", "--profile", profile)
		want := append([]string{
			`\.aws/config`,
			`\.local/share/fob`, "store", "g1", "items",
			`\.local/state/fob`, `store-[0-9a-f]{16}\.json`,
		}, items...)
		if got := opened(tr, w.Home); !slices.EqualFunc(got, want, func(name, pattern string) bool {
			return regexp.MustCompile("^" + pattern + "$").MatchString(name)
		}) {
			t.Errorf("%s: opened %q, want %q", profile, got, want)
		}
		// No network, no directory listed, no other process, nothing written to disk.
		for _, call := range []string{"socket", "connect", "getdents64", "execve", "vfork", "mkdirat", "renameat", "unlinkat", "flock", "fsync", "add_key"} {
			if n := strings.Count(tr, " "+call+"("); n != 0 {
				t.Errorf("%s: %d calls of %s", profile, n, call)
			}
		}
		if n := strings.Count(tr, " write(1"); n != 1 {
			t.Errorf("%s: stdout was written in %d pieces", profile, n)
		}
		// One copy of a subkey: the sessions', not the keys'.
		if n := strings.Count(tr, " keyctl("); n != 2 {
			t.Errorf("%s: %d calls of keyctl, want a search and a read", profile, n)
		}
	}
	if calls := w.AWS.Calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// systemCalls returns fob's own system calls, one per line.
func (w *world) systemCalls(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", append([]string{"-f", "-qq", "-s", "300", "-e", "signal=none", "-o", file, w.Fob}, args...)...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	if out, err := cmd.Output(); err != nil || len(out) == 0 {
		t.Fatalf("fob %q: %s, %v", args, out, err)
	}
	all := slurp(t, file)
	// The shell and nsenter come before.
	exec := strings.LastIndex(all, " execve(")
	return all[exec+strings.IndexByte(all[exec:], '\n'):]
}

// fob list opens each of a thousand items once, and asks nothing.
func TestListLooksOnce(t *testing.T) {
	needStrace(t)
	w := plainWorld(t)
	store, want := w.store(), []string{"key+dev"}
	for i := range 333 {
		name := fmt.Sprintf("p%03d", i)
		info, err := store.SetKey(t.Context(), name, owners[0].key, keyring.Info{Account: owners[0].account})
		if err == nil {
			err = store.SetSeed(t.Context(), name, creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed)})
		}
		if err == nil {
			err = store.SaveSession(t.Context(), name, "0af1", info.Rev, creds.Session{Key: owners[0].key, Expires: time.Now().Add(time.Hour)})
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, "key+"+name, "seed+"+name, "session+"+name+"+0af1")
	}
	slices.Sort(want)
	w = w.with("FOB_PASSPHRASE=")
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"store"}} {
		tr := w.systemCalls(t, args...)
		items := slices.DeleteFunc(opened(tr, w.Home), func(name string) bool { return !strings.Contains(name, "+") })
		slices.Sort(items)
		if !slices.Equal(items, want) {
			t.Errorf("%q: %d items were opened, want each of %d once", args, len(items), len(want))
		}
		if n := strings.Count(tr, " newfstatat("); n > len(want)+100 {
			t.Errorf("%q: %d looks at files", args, n)
		}
		for _, call := range []string{"flock", "mkdirat", "renameat", "unlinkat", "fsync", "add_key", "connect"} {
			if n := strings.Count(tr, " "+call+"("); n != 0 {
				t.Errorf("%q: %d calls of %s", args, n, call)
			}
		}
	}
}

var openLine = regexp.MustCompile(` openat\((?:AT_FDCWD|\d+), "([^"]*)"`)

// opened returns the files that fob opened, relative to home if they are inside, without
// those of the Go runtime.
func opened(trace, home string) []string {
	var names []string
	for line := range strings.Lines(trace) {
		m := openLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[1], "/proc/self/") || strings.HasPrefix(m[1], "/sys/") {
			continue
		}
		names = append(names, strings.TrimPrefix(m[1], home+"/"))
	}
	return names
}

// Nothing cached, a user with MFA and a role: two calls on one connection.
func TestColdChain(t *testing.T) {
	w := signedUp(t, true)
	w.must(t, "", "export", "--profile", "deploy")
	calls := w.AWS.Calls()
	if len(calls) != 2 || calls[0].Action != "GetSessionToken" || calls[1].Action != "AssumeRole" {
		t.Fatalf("AWS was called for %v", calls)
	}
	if calls[0].Conn != calls[1].Conn {
		t.Errorf("connections %d and %d", calls[0].Conn, calls[1].Conn)
	}
}
