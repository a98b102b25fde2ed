//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
	"fob/keyring"
)

// Crowds of every source that is not a stored key: the first process does the work,
// and asks the person if it takes one; the others wait and take the result.

// program writes a shell script into the home directory and returns its path.
func (w *world) program(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.Home, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Fifty processes start another tool's credential_process once, also if they want
// different roles on top of it.
func TestCrowdProcess(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		// What the tool prints is the session of a user, so that it may assume the roles.
		session := sessionOf(w.with("FOB_MFA_CODE="+w.AWS.Code(ststest.DemoSerial)).must(t, "", "export", "dev"))
		w.must(t, "", "clear")
		w.AWS.ResetCalls()
		run := w.program(t, "tool", fmt.Sprintf("echo run >>%s/runs\nsleep 0.3\n"+
			`printf '{"Version":1,"AccessKeyId":"%%s","SecretAccessKey":"%%s","SessionToken":"%%s","Expiration":"2100-01-01T00:00:00Z"}' '%s' '%s' '%s'`+"\n",
			w.Home, session.ID, session.Secret.Reveal(), session.Token.Reveal()))
		w.config(t, "[profile tool]\ncredential_process = "+run+"\n")
		for _, role := range []string{"a", "b"} {
			w.config(t, "[profile tool-"+role+"]\nfob_source_profile = tool\nfob_role_arn = arn:aws:iam::222222222222:role/"+role+"\n")
		}
		w = w.kernelCopies(t)
		profiles := []string{"tool", "tool-a", "tool-b"}
		crowdOf(t, w, profiles)
		if runs := slurp(t, filepath.Join(w.Home, "runs")); runs != "run\n" {
			t.Errorf("the process ran %d times", strings.Count(runs, "\n"))
		}
		if calls := w.calls(); calls != "AssumeRole AssumeRole" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// portalWorld has n profiles of one portal, p0 and so on, each with a role of its own,
// and no store yet.
func portalWorld(t *testing.T, n int) *world {
	t.Helper()
	w := newWorld(t)
	w.config(t, "[sso-session corp]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+"\n")
	for i := range n {
		set := ststest.PermissionSet{StartURL: ststest.DemoStartURL, Account: fmt.Sprintf("%012d", 444400000000+i%5), Name: fmt.Sprintf("Role%d", i)}
		if err := w.AWS.AddPermissionSet(set); err != nil {
			t.Fatal(err)
		}
		w.config(t, fmt.Sprintf("[profile p%d]\nsso_session = corp\nsso_account_id = %s\nsso_role_name = %s\n", i, set.Account, set.Name))
	}
	return w
}

// theSignIn is the only sign-in in the store.
func (w *world) theSignIn(t *testing.T) (creds.Token, keyring.Info) {
	t.Helper()
	store := w.store()
	infos, err := store.Infos(keyring.KindToken)
	if err != nil {
		t.Fatal(err)
	}
	infos = slices.DeleteFunc(infos, func(i keyring.Info) bool { return i.Expires.IsZero() }) // a registration
	if len(infos) != 1 {
		t.Fatalf("%d sign-ins are stored", len(infos))
	}
	token, info, err := store.Token(t.Context(), infos[0].Name, infos[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return token, info
}

// age makes the sign-in in the store as old as one that ends in left, and forgets what
// was made with it, and when it was last renewed.
func (w *world) age(t *testing.T, left time.Duration) {
	t.Helper()
	token, info := w.theSignIn(t)
	token.Expires = time.Now().Add(left)
	if token.Session.ID != "" {
		token.Session.Expires = token.Expires
	}
	o := w.storeOptions()
	o.Now = func() time.Time { return time.Now().Add(left - time.Hour) } // when it was made
	if _, err := keyring.New(o).SetToken(t.Context(), info.Name, info.ID, token, info); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store().RemoveAllSessions(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.storeDir(), "locks", "lock+sign-in-"+info.ID+".state")); err != nil {
		t.Fatal(err)
	}
}

// times is how often each call was made since times last ran.
func (w *world) times() map[string]int {
	n := map[string]int{}
	for _, action := range strings.Fields(w.calls()) {
		n[action]++
	}
	return n
}

// Fifty processes that want fifty roles of one portal, with no store, no registration
// and no sign-in: one of them makes the store and opens the browser.
func TestCrowdPortal(t *testing.T) {
	const n = 50
	for range often(1, 20) {
		w := portalWorld(t, n)
		for i, r := range w.crowd(t, n, func(i int) []string { return []string{"login", "-v", fmt.Sprintf("p%d", i)} }).end(t) {
			if r.code != 0 {
				t.Errorf("process %d: %v", i, r)
			}
		}
		if got := w.times(); got["RegisterClient"] != 1 || got["Authorize"] != 1 || got["CreateToken"] != 1 || got["GetRoleCredentials"] != n {
			t.Errorf("AWS was called: %v", got)
		}
		// From then on, nothing calls AWS.
		for i, r := range w.crowd(t, n, func(i int) []string { return []string{"export", "-v", fmt.Sprintf("p%d", i)} }).end(t) {
			if r.code != 0 || sessionOf(r.stdout).ID == "" {
				t.Errorf("process %d: %v", i, r)
			}
		}
		if got := w.times(); len(got) != 0 {
			t.Errorf("AWS was called: %v", got)
		}
		if t.Failed() {
			return
		}
	}
}

// signedInWorld is a portalWorld in which p0 is signed in.
func signedInWorld(t *testing.T, n int) *world {
	t.Helper()
	w := portalWorld(t, n)
	w.must(t, "", "login", "p0")
	w.AWS.ResetCalls()
	return w
}

// An old token that AWS has not replaced yet is replaced once; its refresh token works
// once, too. It is the same if AWS alone knows that a token is of no use any more.
func TestCrowdPortalRenews(t *testing.T) {
	const n = 50
	for _, tt := range []struct {
		name string
		old  func(t *testing.T, w *world)
		most int // calls for role credentials
	}{
		{"due", func(t *testing.T, w *world) { w.age(t, 5*time.Minute) }, n},
		{"expired", func(t *testing.T, w *world) { w.age(t, -time.Hour) }, n},
		{"rejected", func(t *testing.T, w *world) { w.age(t, 30*time.Minute); w.AWS.RevokeTokens() }, 2 * n},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range often(1, 20) {
				w := signedInWorld(t, n)
				tt.old(t, w)
				before, _ := w.theSignIn(t)
				for i, r := range w.crowd(t, n, func(i int) []string { return []string{"export", "-v", fmt.Sprintf("p%d", i)} }).end(t) {
					if r.code != 0 || sessionOf(r.stdout).ID == "" {
						t.Errorf("process %d: %v", i, r)
					}
				}
				got := w.times()
				if roles := got["GetRoleCredentials"]; got["CreateToken"] != 1 || roles < n || roles > tt.most || len(got) != 2 {
					t.Errorf("AWS was called: %v", got)
				}
				after, _ := w.theSignIn(t)
				if after.Refresh.Equal(before.Refresh) || after.Access.Equal(before.Access) {
					t.Error("the sign-in in the store is the old one")
				}
				// And the refresh token that is there works.
				w.age(t, 0)
				w.must(t, "", "export", "p0")
				if t.Failed() {
					return
				}
			}
		})
	}
}

// What only a person can do is not asked for under export, and not tried either.
func TestCrowdPortalSignedOut(t *testing.T) {
	const n = 50
	for range often(1, 20) {
		w := portalWorld(t, n)
		for i, r := range w.crowd(t, n, func(i int) []string { return []string{"export", fmt.Sprintf("p%d", i)} }).end(t) {
			want := fmt.Sprintf("fob: error: p%d is not signed in to Identity Center (corp)\nfob: hint: fob login p%d\n", i, i)
			if r.code != exitNoPerson || r.stdout != "" || r.stderr != want {
				t.Errorf("process %d: %v", i, r)
			}
		}
		if got := w.times(); len(got) != 0 {
			t.Errorf("AWS was called: %v", got)
		}
	}
}

// slowBrowser is a browser that opens a page when ready has been called.
func (w *world) slowBrowser(t *testing.T) (_ *world, ready func()) {
	t.Helper()
	file := filepath.Join(w.Home, "ready")
	path := w.program(t, "slow-browser", "until [ -e "+file+" ]; do [ -d "+w.Home+" ] || exit; sleep 0.05; done\nexec browser \"$@\"\n")
	return w.with("BROWSER=" + path), func() {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// If the person refuses, that holds for all who wait. If the process that opened the
// browser is killed, the next one opens it.
func TestCrowdPortalRefused(t *testing.T) {
	const n = 50
	for _, tt := range []struct {
		name string
		// end ends the wait for the browser, which the process first opened.
		end    func(t *testing.T, w *world, first *os.Process, ready func())
		codes  []int // of first and of the others
		says   string
		tokens int
	}{
		{"denied", func(t *testing.T, w *world, _ *os.Process, ready func()) {
			if err := w.AWS.SetPerson(ststest.Person{Does: ststest.Deny}); err != nil {
				t.Fatal(err)
			}
			ready()
		}, []int{exitRefused, exitRefused}, "did not sign in to Identity Center (corp): the sign-in to Identity Center (corp) was not completed: access_denied", 0},
		{"interrupted", func(t *testing.T, _ *world, first *os.Process, _ func()) {
			if err := first.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}, []int{exitInterrupted, exitFailed}, "did not sign in to Identity Center (corp): cancelled", 0},
		{"killed", func(t *testing.T, _ *world, first *os.Process, ready func()) {
			if err := first.Kill(); err != nil {
				t.Fatal(err)
			}
			ready()
		}, []int{128 + int(syscall.SIGKILL), 0}, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range often(1, 20) {
				w, ready := portalWorld(t, n).slowBrowser(t)
				c := w.crowd(t, n, func(i int) []string { return []string{"login", "-v", fmt.Sprintf("p%d", i)} })
				c.await(t, n-1, waitingToAsk)
				first := slices.IndexFunc(c.cmds, func(cmd *exec.Cmd) bool {
					return !strings.Contains(slurp(t, c.file("err", slices.Index(c.cmds, cmd))), waitingToAsk)
				})
				eventually(t, "a browser", func() bool {
					return strings.Contains(slurp(t, c.file("err", first)), "Opening your browser")
				})
				tt.end(t, w, c.cmds[first].Process, ready)
				for i, r := range c.end(t) {
					want, says := tt.codes[1], tt.says
					if i == first {
						want, says = tt.codes[0], ""
					}
					if r.code != want || !strings.Contains(r.stderr, says) {
						t.Errorf("process %d: %v", i, r)
					}
				}
				if got := w.times(); got["RegisterClient"] != 1 || got["CreateToken"] != tt.tokens {
					t.Errorf("AWS was called: %v", got)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// From asking AWS for the next refresh token to storing it, only SIGKILL stops fob: the
// old one is of no use any more.
func TestRefreshIsKeptThoughInterrupted(t *testing.T) {
	t.Parallel()
	interrupt := func(s syscall.Signal) func(*testing.T, *exec.Cmd) {
		return func(t *testing.T, cmd *exec.Cmd) {
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, stop := range map[string]func(*testing.T, *exec.Cmd){
		"SIGINT": interrupt(syscall.SIGINT), "SIGTERM": interrupt(syscall.SIGTERM), "SIGHUP": interrupt(syscall.SIGHUP),
		"reader gone": func(t *testing.T, cmd *exec.Cmd) { cmd.Stderr.(*os.File).Close() },
		"caller gone": func(t *testing.T, cmd *exec.Cmd) { cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range often(1, 20) {
				w := signedInWorld(t, 1).raced()
				w.age(t, -time.Minute)
				before, _ := w.theSignIn(t)
				w.AWS.Fail("CreateToken", ststest.Slow(2*time.Second), 1) // fob looks for its caller every second
				cmd := w.command("export", "-v", "p0")
				if name == "caller gone" { // a shell that does not exec its last command
					cmd.Path, cmd.Args = "/bin/sh", slices.Concat([]string{"sh", "-c", `"$@"; exit`, "sh"}, cmd.Args)
				}
				r, stderr, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				cmd.Stderr = stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				stderr.Close()
				cmd.Stderr = r
				eventually(t, "a call", func() bool { return w.times()["CreateToken"] > 0 })
				stop(t, cmd)
				cmd.Wait()
				r.Close()
				eventually(t, "the next sign-in", func() bool {
					after, _ := w.theSignIn(t)
					return !after.Refresh.Equal(before.Refresh)
				})
				w.age(t, 0)
				w.must(t, "", "export", "p0")
			}
		})
	}
}

// webWorld has a role for a web identity, whose token a program prints that notes each
// run, and two roles on top.
func webWorld(t *testing.T) (w *world, profiles []string) {
	t.Helper()
	w = devWorld(t) // its store is there: what was made is kept
	token, err := w.AWS.WebToken(ststest.DemoClaims())
	if err != nil {
		t.Fatal(err)
	}
	mint := w.program(t, "mint", "echo run >>"+w.Home+"/runs\nsleep 0.3\necho "+token+"\n")
	w.config(t, "[profile web]\nrole_arn = "+ststest.DemoWebRole+"\nweb_identity_token_process = "+mint+"\n")
	for _, name := range []string{"x", "y"} {
		arn := "arn:aws:iam::333333333333:role/" + name
		if err := w.AWS.AddRole(ststest.Role{ARN: arn, Principals: []string{ststest.DemoWebRole}}); err != nil {
			t.Fatal(err)
		}
		w.config(t, "[profile web-"+name+"]\nsource_profile = web\nrole_arn = "+arn+"\n")
	}
	return w, []string{"web", "web-x", "web-y"}
}

// Fifty processes and one web identity, also with roles on top of it: the token is read
// once, and AWS gets it once.
func TestCrowdWebIdentity(t *testing.T) {
	for range often(1, 20) {
		w, profiles := webWorld(t)
		w = w.kernelCopies(t)
		crowdOf(t, w, profiles)
		if runs := slurp(t, filepath.Join(w.Home, "runs")); runs != "run\n" {
			t.Errorf("the token was read %d times", strings.Count(runs, "\n"))
		}
		if calls := w.calls(); calls != "AssumeRole AssumeRole AssumeRoleWithWebIdentity" {
			t.Errorf("AWS was called for %q", calls)
		}
		if t.Failed() {
			return
		}
	}
}

// crowdOf has fifty processes export profiles in turn: each of them is one session.
func crowdOf(t *testing.T, w *world, profiles []string) {
	t.Helper()
	results := w.crowd(t, 50, func(i int) []string { return []string{"export", "--profile", profiles[i%len(profiles)], "-v"} }).end(t)
	for p := range profiles {
		var same []result
		for i := p; i < len(results); i += len(profiles) {
			same = append(same, results[i])
		}
		sameSession(t, same)
	}
}

// consoleWorld has a console sign-in, with two roles on top of it.
func consoleWorld(t *testing.T) (w *world, profiles []string) {
	t.Helper()
	w = newWorld(t)
	w.config(t, "[profile ops]\nfob_login_session = "+ststest.DemoUser+"\n")
	for _, name := range []string{"x", "y"} {
		arn := "arn:aws:iam::333333333333:role/" + name
		if err := w.AWS.AddRole(ststest.Role{ARN: arn, Principals: []string{"arn:aws:iam::" + ststest.DemoAccount + ":root"}}); err != nil {
			t.Fatal(err)
		}
		w.config(t, "[profile ops-"+name+"]\nfob_source_profile = ops\nfob_role_arn = "+arn+"\n")
	}
	return w, []string{"ops", "ops-x", "ops-y"}
}

// Fifty processes and one sign-in to the console: one browser, and one renewal when the
// credentials are old.
func TestCrowdConsole(t *testing.T) {
	const n = 50
	for range often(1, 20) {
		w, profiles := consoleWorld(t)
		for i, r := range w.crowd(t, n, func(i int) []string { return []string{"login", "-v", profiles[i%3]} }).end(t) {
			if r.code != 0 {
				t.Errorf("process %d: %v", i, r)
			}
		}
		if calls := w.calls(); calls != "AssumeRole AssumeRole AuthorizeConsole CreateOAuth2Token" {
			t.Errorf("AWS was called for %q", calls)
		}
		for _, left := range []time.Duration{2 * time.Minute, -time.Minute} {
			before, _ := w.theSignIn(t)
			w.age(t, left)
			for i, r := range w.crowd(t, n, func(i int) []string { return []string{"export", "-v", profiles[i%3]} }).end(t) {
				if r.code != 0 || sessionOf(r.stdout).ID == "" {
					t.Errorf("process %d: %v", i, r)
				}
			}
			if calls := w.calls(); calls != "AssumeRole AssumeRole CreateOAuth2Token" {
				t.Errorf("%v left: AWS was called for %q", left, calls)
			}
			if after, _ := w.theSignIn(t); after.Refresh.Equal(before.Refresh) {
				t.Error("the sign-in in the store is the old one")
			}
		}
		if t.Failed() {
			return
		}
	}
}

// The sign-in that AWS's tools share is renewed once for fifty processes, also where fob
// has no store, and the file is always one that those tools can use.
func TestCrowdConsoleOfAWS(t *testing.T) {
	const n = 50
	cache := func(w *world) string { return filepath.Join(w.Home, ".aws", "login", "cache") }
	for _, store := range []bool{true, false} {
		t.Run(fmt.Sprintf("store=%v", store), func(t *testing.T) {
			for range often(1, 20) {
				w := newWorld(t)
				w.config(t, "[profile ops]\nlogin_session = "+ststest.DemoUser+"\n")
				if store {
					w.must(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--no-config")
				}
				for _, life := range []time.Duration{4 * time.Minute, 30 * time.Second} { // some left, and too little
					w.AWS.SetSessionLife(life)
					if err := w.AWS.CLILogin(cache(w), ststest.DemoUser); err != nil {
						t.Fatal(err)
					}
					w.AWS.SetSessionLife(0)
					if _, err := w.store().RemoveAllSessions(); err != nil {
						t.Fatal(err)
					}
					w.AWS.ResetCalls()
					for i, r := range w.crowd(t, n, func(int) []string { return []string{"export", "-v", "ops"} }).end(t) {
						if r.code != 0 || sessionOf(r.stdout).ID == "" {
							t.Errorf("process %d: %v", i, r)
						}
					}
					if calls := w.calls(); calls != "CreateOAuth2Token" {
						t.Errorf("%v left: AWS was called for %q", life, calls)
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
