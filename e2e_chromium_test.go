//go:build unix

package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/ststest"
)

// The page that the browser shows at the end of a sign-in, in a real Chromium: it opens
// the address that fob gives it, and comes back to fob.
func TestChromium(t *testing.T) {
	t.Parallel()
	// A Chromium that may not write where tests do is of no use.
	program := need(t, "chromium", "--headless=new", "--no-sandbox", "--user-data-dir="+t.TempDir(), "--dump-dom", "about:blank")
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"sign-in", testPageDone},
		{"denied", testPageDenied},
		{"wrong state", testPageWrongState},
		{"hostile words", testPageHostile},
		{"closed tab", testPageClosed},
		{"console", testPageConsole},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newChromium(t, program))
		})
	}
}

// chromium is a world whose BROWSER is Chromium without a window. A tab is closed once
// its page is shown.
type chromium struct {
	*world
	script, dir string
	fob         *exec.Cmd
	stderr      bytes.Buffer
}

const signInConfig = `[sso-session corp]
sso_start_url = ` + ststest.DemoStartURL + `
sso_region = ` + ststest.DemoSSORegion + `

[profile ops]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = AdministratorAccess
region = eu-west-1
`

func newChromium(t *testing.T, program string) *chromium {
	t.Helper()
	w := newWorld(t)
	b := &chromium{world: w, dir: t.TempDir()}
	b.script = filepath.Join(b.dir, "browser")
	// It leaves the address, the page, what Chromium complains about, and an end mark.
	script := "#!/bin/sh\ncd " + b.dir + "\nprintf %s \"$1\" >address\n" + program +
		" --headless=new --no-sandbox --disable-gpu --no-first-run --enable-logging=stderr --user-data-dir=profile" +
		" --dump-dom \"$1\" >page 2>log\n: >shown\n"
	if err := os.WriteFile(b.script, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	b.world = w.with("BROWSER=" + b.script)
	if err := os.MkdirAll(filepath.Join(w.Home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.setConfig(t, signInConfig)
	return b
}

// login starts fob login.
func (b *chromium) login(t *testing.T, profile string) {
	t.Helper()
	b.fob = exec.Command(b.Fob, "login", profile)
	b.fob.Dir, b.fob.Env, b.fob.Stderr = b.Home, b.Env, &b.stderr
	b.fob.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := b.fob.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.fob.Process.Kill() })
}

// ends waits for fob, and returns its exit code and words.
func (b *chromium) ends() (code int, stderr string) { return exitCode(b.fob.Wait()), b.stderr.String() }

// page waits until a page is shown, and returns it. The browser may have nothing to
// complain about on fob's page.
func (b *chromium) page(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	shown := filepath.Join(b.dir, "shown")
	for _, err := os.Stat(shown); err != nil; _, err = os.Stat(shown) {
		if ctx.Err() != nil {
			t.Fatalf("no page after a minute; fob says %s", &b.stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := os.Remove(shown); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.read(t, "log"), "\n") {
		if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "404 (Not Found)") { // it asks for an icon
			t.Errorf("the browser complains: %s", line)
		}
	}
	return b.read(t, "page")
}

func (b *chromium) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// open opens an address as a person does.
func (b *chromium) open(t *testing.T, address string) string {
	t.Helper()
	if out, err := exec.Command(b.script, address).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return b.page(t)
}

func wantPage(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("the page has no %q:\n%s", w, page)
		}
	}
}

func (b *chromium) person(t *testing.T, does ststest.Answer) {
	t.Helper()
	if err := b.AWS.SetPerson(ststest.Person{Does: does}); err != nil {
		t.Fatal(err)
	}
}

func testPageDone(t *testing.T, b *chromium) {
	b.login(t, "ops")
	wantPage(t, b.page(t), "<h1>Back to the terminal</h1>", "You can close this tab.")
	if code, stderr := b.ends(); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func testPageDenied(t *testing.T, b *chromium) {
	b.person(t, ststest.Deny)
	b.login(t, "ops")
	wantPage(t, b.page(t), "<h1>Sign-in not completed</h1>", "access_denied: The user denied access")
	if code, stderr := b.ends(); code == 0 || !strings.Contains(stderr, "access_denied: The user denied access") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// Somebody else's answer does not end the wait: the right one does, in another tab.
func testPageWrongState(t *testing.T, b *chromium) {
	b.person(t, ststest.WrongState)
	b.login(t, "ops")
	wantPage(t, b.page(t), "<h1>Not this sign-in</h1>", "is still waiting")
	b.person(t, ststest.Approve)
	wantPage(t, b.open(t, b.read(t, "address")), "<h1>Back to the terminal</h1>")
	if code, stderr := b.ends(); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// Words that come with the address are only words: nothing in them runs or is followed.
func testPageHostile(t *testing.T, b *chromium) {
	b.person(t, ststest.Nobody)
	b.login(t, "ops")
	b.page(t)
	asked, err := url.Parse(b.read(t, "address"))
	if err != nil {
		t.Fatal(err)
	}
	words := `<script>document.title="mine"</script><img src=x onerror='document.title="mine"'>`
	back := asked.Query().Get("redirect_uri") + "?" + url.Values{
		"state": {asked.Query().Get("state")}, "error": {words}, "error_description": {"\x1b[31m" + words},
	}.Encode()
	page := b.open(t, back)
	wantPage(t, page, "<title>fob: Sign-in not completed</title>", "&lt;script&gt;", "&lt;img src=x")
	if code, stderr := b.ends(); code == 0 || strings.Contains(stderr, "\x1b") {
		t.Errorf("exit code %d: %q", code, stderr)
	}
}

// Nobody answers, and the tab is closed: fob waits until the person gives up there too,
// and the next sign-in works.
func testPageClosed(t *testing.T, b *chromium) {
	b.person(t, ststest.Nobody)
	b.login(t, "ops")
	wantPage(t, b.page(t), "Allow this program")
	if err := b.fob.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code, stderr := b.ends(); code != 130 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	asked, err := url.Parse(b.read(t, "address"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := ststest.Browse(context.Background(), asked.Query().Get("redirect_uri")); err == nil {
		t.Errorf("still there: %s", text)
	}
	b.person(t, ststest.Approve)
	b.login(t, "ops")
	wantPage(t, b.page(t), "<h1>Back to the terminal</h1>")
	if code, stderr := b.ends(); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func testPageConsole(t *testing.T, b *chromium) {
	b.setConfig(t, "[profile ops]\nfob_login_session = "+ststest.DemoUser+"\nregion = eu-west-1\n")
	b.login(t, "ops")
	wantPage(t, b.page(t), "<h1>Back to the terminal</h1>")
	if code, stderr := b.ends(); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
