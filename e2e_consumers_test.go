//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// The AWS CLI and SDKs as their makers ship them, each with its default chain of
// credentials: what they take from fob, and what they do when fob fails. They talk to
// ststest.
func TestConsumers(t *testing.T) {
	t.Parallel()
	for _, c := range []consumer{
		{name: "aws", find: awsCLI},
		{name: "boto3", find: boto3, tells: true},
		{name: "go", find: goSDK, tells: true},
		{name: "js", find: jsSDK, tells: true, hides: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.argv = c.find(t)
			for _, test := range []struct {
				name string
				run  func(*testing.T, consumer)
			}{
				{"identity", testIdentity},
				{"own role", testOwnRole},
				{"terminal", testTerminal},
				{"no terminal", testNoTerminal},
				{"background", testBackground},
				{"leftover", testLeftover},
				{"shadowed", testShadowed},
				{"odd path", testOddPath},
			} {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, c)
				})
			}
		})
	}
}

// A consumer is a program that prints an identity.
type consumer struct {
	name string
	find func(*testing.T) []string // its command line
	argv []string
	// tells means that it also prints what its SDK knows about the credentials.
	tells bool
	// hides means that it does not show fob's messages.
	hides bool
}

func awsCLI(t *testing.T) []string {
	t.Helper()
	aws := need(t, "aws", "--version")
	return []string{aws, "sts", "get-caller-identity", "--query", "{arn: Arn}", "--output", "json"}
}

// programs is the directory of our own consumers.
func programs(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/consumers")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func boto3(t *testing.T) []string {
	t.Helper()
	python := need(t, "python3", "-c", "import boto3")
	return []string{python, filepath.Join(programs(t), "whoami.py")}
}

// need finds a program that works. In CI a missing program is a failure.
func need(t *testing.T, name string, try ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		var out []byte
		if out, err = exec.Command(path, try...).CombinedOutput(); err != nil {
			err = fmt.Errorf("%s: %w\n%s", name, err, out)
		}
	}
	missing(t, err)
	return path
}

// missing ends the test if there is an error.
func missing(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("FOB_TEST_REQUIRE") == "1":
		t.Fatal("needed (FOB_TEST_REQUIRE=1): ", err)
	default:
		t.Skip("SKIPPED, NOTHING TESTED: ", err)
	}
}

// goSDK is the program that uses the AWS SDK for Go.
func goSDK(t *testing.T) []string {
	t.Helper()
	program, err := buildGoSDK()
	missing(t, err)
	return []string{program}
}

// buildGoSDK builds the program in a module of its own, so that fob does not depend on
// the SDK's default chain.
var buildGoSDK = sync.OnceValues(func() (string, error) {
	program, err := buildFile("gosdk")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = "testdata/consumers/gosdk"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build in %s: %w\n%s", cmd.Dir, err, out)
	}
	return program, nil
})

// jsSDK returns the program in dir. In CI, where no test may be skipped, it fetches the
// packages; elsewhere the developer runs npm ci.
func jsSDK(t *testing.T) []string {
	t.Helper()
	node := need(t, "node", "--version")
	dir := filepath.Join(programs(t), "jssdk")
	missing(t, jsPackages(dir))
	return []string{node, "--no-warnings", filepath.Join(dir, "whoami.js")} // node warns about its own version
}

// npm makes tests that run side by side wait for the one that fetches the packages.
var npm sync.Mutex

func jsPackages(dir string) error {
	npm.Lock()
	defer npm.Unlock()
	_, err := os.Stat(filepath.Join(dir, "node_modules"))
	if err != nil && os.Getenv("FOB_TEST_REQUIRE") == "1" {
		cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = dir
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("npm ci: %w\n%s", err, out)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w (npm ci --ignore-scripts)", err)
	}
	return err
}

// A result is what a consumer printed.
type identity struct {
	ARN     string    `json:"arn"`
	Account string    `json:"account"`
	Expires time.Time `json:"expires"`
	Keys    []string  `json:"keys"`
}

const (
	devARN    = ststest.DemoUser
	deployARN = "arn:aws:sts::222222222222:assumed-role/deploy/jo"
)

// signedUp is a world with a key as dev and a role on top of it as deploy. With an MFA
// secret, fob asks nobody for a code.
func signedUp(t *testing.T, seed bool) *world {
	t.Helper()
	w := newWorld(t)
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	w.do(t, key, "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial, "--region", "us-east-1")
	w.do(t, "", "add", "deploy", "--source", "dev", "--role", ststest.DemoRole, "--region", "us-east-1")
	if seed {
		w.do(t, ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
	}
	w.AWS.ResetCalls()
	return w
}

// do runs fob, which must succeed, and returns its messages.
func (w *world) do(t *testing.T, stdin string, args ...string) (stderr string) {
	t.Helper()
	cmd := exec.Command(w.Fob, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.Home, w.Env, strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("fob %q: %v\n%s", args, err, errs.String())
	}
	return errs.String()
}

// fobsCalls returns fob's calls to AWS, without the consumers', since it last ran.
func (w *world) fobsCalls() string {
	var actions []string
	for _, c := range w.AWS.Calls() {
		if c.Action != "GetCallerIdentity" {
			actions = append(actions, c.Action)
		}
	}
	w.AWS.ResetCalls()
	return strings.Join(actions, " ")
}

// consumerTime is enough for a consumer on a busy machine, and less than one that waits
// for input takes.
const consumerTime = 2 * time.Minute

// consume runs a consumer in the home and without a terminal. Its standard input has
// one line and no end: fob would hang if it waited for the end, and steal the line if
// it read.
func (w *world) consume(t *testing.T, env []string, argv ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), consumerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = w.Home, slices.Concat(w.Env, env)
	in, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer end.Close()
	const line = "for whoever reads next\n"
	if _, err := end.WriteString(line); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	code = exitCode(cmd.Run())
	if ctx.Err() != nil {
		t.Fatalf("%q does not end; so far\n%s%s", argv, out.String(), errs.String())
	}
	end.Close()
	if left, err := io.ReadAll(in); err != nil || string(left) != line {
		t.Errorf("left on standard input: %q, %v", left, err)
	}
	w.checkNoSecret(t, out.String()+errs.String())
	return out.String(), errs.String(), code
}

// onTerminal is consume with a controlling terminal, which is not one of the three
// streams, and with a person who follows the dialogue (see terminalMain).
func (w *world) onTerminal(t *testing.T, dialogue, profile string, argv ...string) (stdout, stderr string, code int, screen string) {
	t.Helper()
	script := filepath.Join(w.Home, "dialogue")
	if err := os.WriteFile(script, []byte(dialogue), 0o600); err != nil {
		t.Fatal(err)
	}
	tty := filepath.Join(filepath.Dir(w.Fob), "tty")
	env := []string{"AWS_PROFILE=" + profile, "FAKE_AWS=" + w.AWS.URL}
	stdout, stderr, code = w.consume(t, env, append([]string{tty, script}, argv...)...)
	text, err := os.ReadFile(filepath.Join(w.Home, "screen"))
	if err != nil {
		t.Fatal(err)
	}
	return stdout, stderr, code, string(text)
}

func (w *world) checkNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{ststest.DemoSecret, ststest.DemoSeed, testPassphrase, "IQoJb3JpZ2luX2Vj"} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is shown: %s...", secret[:8])
		}
	}
}

func read(t *testing.T, stdout, stderr string, code int) identity {
	t.Helper()
	var id identity
	if err := json.Unmarshal([]byte(stdout), &id); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	return id
}

// Identities through credential_process, exec and roles. fob makes each session once,
// whichever program asks.
func testIdentity(t *testing.T, c consumer) {
	w := signedUp(t, true)
	// fob inherits AWS_PROFILE, and serves the profile on its command line.
	appendFile(t, filepath.Join(w.Home, ".aws/config"),
		"\n[profile other]\nregion = us-east-1\ncredential_process = "+w.Fob+" export --profile dev\n")
	foreign := []string{
		"AWS_PROFILE=nobody", "AWS_ACCESS_KEY_ID=AKIAI44QH8DHBEXAMPLE", "AWS_SECRET_ACCESS_KEY=none",
		"AWS_SESSION_TOKEN=none", "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z", "AWS_ACCOUNT_ID=333333333333",
	}
	through := func(profile string) []string { return append([]string{w.Fob, "exec", profile, "--"}, c.argv...) }
	for _, step := range []struct {
		name  string
		env   []string
		argv  []string
		arn   string
		life  time.Duration
		calls string
	}{
		{"cold, in many words", []string{"AWS_PROFILE=dev", "FOB_VERBOSE=1"}, c.argv, devARN, 12 * time.Hour, "GetSessionToken"},
		{"warm", []string{"AWS_PROFILE=dev"}, c.argv, devARN, 12 * time.Hour, ""},
		{"other section", []string{"AWS_PROFILE=other"}, c.argv, devARN, 12 * time.Hour, ""},
		{"role", []string{"AWS_PROFILE=deploy"}, c.argv, deployARN, time.Hour, "AssumeRole"},
		{"warm role", []string{"AWS_PROFILE=deploy"}, c.argv, deployARN, time.Hour, ""},
		{"exec", nil, through("dev"), devARN, 12 * time.Hour, ""},
		{"exec of a role", nil, through("deploy"), deployARN, time.Hour, ""},
		{"exec among foreign variables", foreign, through("deploy"), deployARN, time.Hour, ""},
	} {
		stdout, stderr, code := w.consume(t, step.env, step.argv...)
		id := read(t, stdout, stderr, code)
		if id.ARN != step.arn {
			t.Errorf("%s: %s, want %s", step.name, id.ARN, step.arn)
		}
		if calls := w.fobsCalls(); calls != step.calls {
			t.Errorf("%s: fob called %q, want %q", step.name, calls, step.calls)
		}
		if !c.tells {
			continue
		}
		if account := strings.Split(step.arn, ":")[4]; id.Account != account {
			t.Errorf("%s: account %q, want %s", step.name, id.Account, account)
		}
		// The Go SDK does not read the variables with the expiration.
		if left := time.Until(id.Expires); left > step.life || left < step.life-2*consumerTime {
			if !(id.Expires.IsZero() && step.argv[0] == w.Fob && c.name == "go") {
				t.Errorf("%s: ends in %s, want %s", step.name, left, step.life)
			}
		}
	}
}

func appendFile(t *testing.T, path, text string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(before, text...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fob asks for the code on the terminal, once, although every stream is a pipe.
func testTerminal(t *testing.T, c consumer) {
	for _, way := range []struct {
		name, profile, arn, calls string
		exec                      bool
	}{
		{"process", "dev", devARN, "GetSessionToken", false},
		{"role", "deploy", deployARN, "GetSessionToken AssumeRole", false},
		{"exec", "dev", devARN, "GetSessionToken", true},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := signedUp(t, false)
			argv := c.argv
			if way.exec {
				argv = append([]string{w.Fob, "exec", way.profile, "--"}, c.argv...)
			}
			stdout, stderr, code, screen := w.onTerminal(t, "MFA code => $CODE", way.profile, argv...)
			if id := read(t, stdout, stderr, code); id.ARN != way.arn {
				t.Errorf("%s, want %s", id.ARN, way.arn)
			}
			if stderr != "" {
				t.Errorf("standard error: %q", stderr)
			}
			if n := strings.Count(screen, "MFA code"); n != 1 {
				t.Errorf("asked %d times:\n%s", n, screen)
			}
			// The prompt names the program that the user started, not the SDK's shell.
			if strings.Contains(screen, "for sh:") {
				t.Errorf("for whom?\n%s", screen)
			}
			if calls := w.fobsCalls(); calls != way.calls {
				t.Errorf("fob called %q, want %q", calls, way.calls)
			}
		})
	}
}

// Nobody to ask: fob fails quickly, says what to type, and prints no document. How
// much of that the user sees depends on the SDK.
func testNoTerminal(t *testing.T, c consumer) {
	w := signedUp(t, false)
	began := time.Now()
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=deploy"}, c.argv...)
	if took := time.Since(began); took > exportBudget/2 {
		t.Errorf("it took %s", took)
	}
	if code == 0 || stdout != "" {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if shown := strings.Contains(stderr, "fob: error: ") && strings.Contains(stderr, "fob login deploy"); shown == c.hides {
		t.Errorf("fob's words are shown: %v, want %v\n%s", shown, !c.hides, stderr)
	}
	stdout, stderr, code = w.consume(t, nil, append([]string{w.Fob, "exec", "deploy", "--"}, c.argv...)...)
	if code != exitExec || stdout != "" || strings.Count(stderr, "\n") != 2 || !strings.HasSuffix(stderr, "fob: hint: fob login deploy\n") {
		t.Errorf("exec: %d, %q, %q", code, stdout, stderr)
	}
	if calls := w.fobsCalls(); calls != "" {
		t.Errorf("fob called %q", calls)
	}
}

// In the background a question would stop fob, and the SDK would wait forever.
func testBackground(t *testing.T, c consumer) {
	w := signedUp(t, false)
	// With -m a job has a process group of its own.
	argv := append([]string{"/bin/sh", "-mc", `"$@" & wait $!`, "sh"}, c.argv...)
	stdout, stderr, code, screen := w.onTerminal(t, "", "dev", argv...)
	if code == 0 || stdout != "" {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if !c.hides && !strings.Contains(stderr, "background") {
		t.Errorf("standard error: %s", stderr)
	}
	if screen != "" {
		t.Errorf("on the screen:\n%s", screen)
	}
}

// Nobody to ask, and a session about to expire: fob hands it out and the SDKs accept
// it, although botocore asks for another one each time.
func testLeftover(t *testing.T, c consumer) {
	w := signedUp(t, false)
	for _, step := range []struct {
		life time.Duration
		ok   bool
	}{
		{9 * time.Minute, true},
		{3*time.Minute + consumerTime/2, true},
		{time.Minute, false},
	} {
		w.AWS.SetSessionLife(step.life)
		w.do(t, "", "login", "dev", "--fresh", "--mfa-code", w.AWS.Code(ststest.DemoSerial))
		w.AWS.ResetCalls()
		stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=dev"}, c.argv...)
		if step.ok {
			if id := read(t, stdout, stderr, code); id.ARN != devARN {
				t.Errorf("with %s left: %s", step.life, id.ARN)
			}
		} else if code == 0 || stdout != "" {
			t.Errorf("with %s left: exit code %d, %q", step.life, code, stdout)
		}
		if calls := w.fobsCalls(); calls != "" {
			t.Errorf("with %s left fob called %q", step.life, calls)
		}
	}
}

// Every SDK prefers a static key of the same name to a credential_process. fob can
// only say so.
func testShadowed(t *testing.T, c consumer) {
	w := newWorld(t)
	addEve(t, w)
	if err := os.Mkdir(filepath.Join(w.Home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	appendFile(t, filepath.Join(w.Home, ".aws/credentials"),
		"[dev]\naws_access_key_id = "+eve.ID+"\naws_secret_access_key = "+eve.Secret.Reveal()+"\n")
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	said := w.do(t, key, "add", "dev", "--stdin", "--mfa-serial", "none", "--region", "us-east-1")
	if !strings.Contains(said, "fob: warning: ") || !strings.Contains(said, "~/.aws/credentials") {
		t.Errorf("no warning: %s", said)
	}
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=dev"}, c.argv...)
	if id := read(t, stdout, stderr, code); id.ARN != eveARN {
		t.Errorf("%s, want %s", id.ARN, eveARN)
	}
	stdout, stderr, code = w.consume(t, nil, append([]string{w.Fob, "exec", "dev", "--"}, c.argv...)...)
	if id := read(t, stdout, stderr, code); id.ARN != devARN {
		t.Errorf("exec: %s, want %s", id.ARN, devARN)
	}
}

// Every consumer assumes a role by itself with a session of fob's, made with MFA, if the
// role's section has the device in fob's spelling, as fob doctor advises. In its own the
// Go SDK fails; the AWS CLI would ask.
func testOwnRole(t *testing.T, c consumer) {
	w := signedUp(t, true)
	for _, name := range []string{"mfa_serial", "fob_mfa_serial"} {
		appendFile(t, filepath.Join(w.Home, ".aws/config"),
			"\n[profile "+name+"]\nregion = us-east-1\nsource_profile = dev\nrole_arn = "+ststest.DemoRole+"\n"+name+" = "+ststest.DemoSerial+"\n")
	}
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=fob_mfa_serial"}, c.argv...)
	if id := read(t, stdout, stderr, code); !strings.HasPrefix(id.ARN, strings.TrimSuffix(deployARN, "jo")) {
		t.Errorf("%s, want the role", id.ARN)
	}
	if told, _, _ := w.Run("doctor", "fob_mfa_serial"); !strings.Contains(told, "AWS CLI, boto3, Go SDK (Terraform), JavaScript SDK, Java SDK: assumes "+ststest.DemoRole+" with fob") {
		t.Errorf("doctor says %s", told)
	}
	if c.name != "go" {
		return
	}
	if stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=mfa_serial"}, c.argv...); code == 0 {
		t.Errorf("with a device: %s%s", stdout, stderr)
	}
	if told, _, _ := w.Run("doctor", "mfa_serial"); !strings.Contains(told, "Go SDK (Terraform), JavaScript SDK: assumes "+ststest.DemoRole+" with fob (~/.aws/config:3), and fails") {
		t.Errorf("doctor says %s", told)
	}
}

// Every consumer starts a fob whose path needs quotes.
func testOddPath(t *testing.T, c consumer) {
	w := newWorld(t)
	dir := filepath.Join(w.Home, "it's (x86) & c#1, 100%", "größe")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(dir, "fob")
	if err := os.Symlink(w.Fob, odd); err != nil {
		t.Fatal(err)
	}
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	odder := *w
	odder.Fob = odd
	odder.do(t, key, "add", "dev=1", "--stdin", "--mfa-serial", "none", "--region", "us-east-1")
	// The Go SDK finds no section whose name is quoted, so it stands under another name.
	config := filepath.Join(w.Home, ".aws/config")
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, bytes.Replace(text, []byte(`"dev=1"]`), []byte("dev]"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=dev"}, c.argv...)
	if id := read(t, stdout, stderr, code); id.ARN != devARN {
		t.Errorf("%s, want %s", id.ARN, devARN)
	}
}

// eve is another user, with the other example key of AWS's documentation.
var eve = creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}

const eveARN = "arn:aws:iam::111111111111:user/eve"

func addEve(t *testing.T, w *world) {
	t.Helper()
	if err := w.AWS.AddUser(ststest.User{ARN: eveARN, Keys: []creds.Key{eve}}); err != nil {
		t.Fatal(err)
	}
}

// If nobody can be asked for the code or for the passphrase, fob says so at once, in one
// line and a hint. It does not touch the terminal.
func TestNobodyIsThere(t *testing.T) {
	need(t, "setsid", "--version")
	w := signedUp(t, false)
	sh := func(script string) []string {
		return []string{"/bin/sh", "-c", script, "sh", w.Fob, "export", "--profile", "dev"}
	}
	cron := []string{"env", "-i", "AWS_ENDPOINT_URL_STS=" + w.AWS.URL}
	for _, v := range w.Env {
		if strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "FOB_PASSPHRASE=") || strings.HasPrefix(v, "FOB_BACKEND=") {
			cron = append(cron, v)
		}
	}
	for _, way := range []struct {
		name string
		argv []string
		env  []string
		why  string
		hint string // the kernel keeps nothing here, so a sign-in would not open the store
	}{
		{"a session of its own", sh(`exec setsid -w "$@"`), nil, "there is no terminal or display to ask on", "fob login dev"},
		{"the background", sh(`set -m; "$@" & wait $!`), nil, "fob cannot ask: running in the background, no display", "fob login dev"},
		{"nohup in the background", sh(`set -m; nohup "$@" & wait $!`), nil, "fob cannot ask: running in the background, no display", "fob login dev"},
		{"cron", append(cron, sh(`exec setsid -w "$@"`)...), nil, "there is no terminal or display to ask on", "fob login dev"},
		{"a locked store", sh(`exec setsid -w "$@"`), []string{"FOB_PASSPHRASE="}, "no controlling terminal, no display", "export FOB_PASSPHRASE_FILE=FILE   reads the passphrase from a file"},
		{"a locked store, in the background", sh(`set -m; "$@" & wait $!`), []string{"FOB_PASSPHRASE="}, "running in the background, no display", "export FOB_PASSPHRASE_FILE=FILE   reads the passphrase from a file"},
	} {
		t.Run(way.name, func(t *testing.T) {
			quickest := time.Hour
			for range 3 { // the machine may be busy with other tests
				there := *w
				there.Env = slices.Concat(w.Env, way.env)
				began := time.Now()
				stdout, stderr, code, screen := there.onTerminal(t, "", "dev", way.argv...)
				quickest = min(quickest, time.Since(began))
				if code != exitNoPerson || stdout != "" || screen != "" {
					t.Fatalf("exit code %d, %q, the screen %q\n%s", code, stdout, screen, stderr)
				}
				lines := strings.Split(strings.TrimPrefix(stderr, "nohup: ignoring input\n"), "\n")
				if len(lines) != 3 || !strings.HasPrefix(lines[0], "fob: error: ") || !strings.HasSuffix(lines[0], way.why) || lines[1] != "fob: hint: "+way.hint {
					t.Fatalf("it said\n%s", stderr)
				}
			}
			if quickest > time.Second {
				t.Errorf("it took %s", quickest)
			}
		})
	}
}

// When fob fails, the JavaScript SDK says nothing and uses the next credentials that its
// chain finds: another identity than the profile's.
func TestConsumerGoesOn(t *testing.T) {
	t.Parallel()
	argv := jsSDK(t)
	w := signedUp(t, false)
	addEve(t, w)
	container := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(rw).Encode(map[string]string{
			"AccessKeyId": eve.ID, "SecretAccessKey": eve.Secret.Reveal(), "Token": "",
			"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	defer container.Close()
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=dev", "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + container.URL}, argv...)
	if id := read(t, stdout, stderr, code); id.ARN != eveARN || stderr != "" {
		t.Errorf("%s, %q: if this SDK has learned to stop, say so in the manual", id.ARN, stderr)
	}
}

// The Go SDK kills its shell after a minute, but not the shell's children. So a question
// that nobody answers must end before that.
func TestConsumerUnanswered(t *testing.T) {
	t.Parallel()
	argv := goSDK(t)
	out, err := exec.Command(argv[0], "timeout").Output()
	if err != nil {
		t.Fatal(err)
	}
	timeout, err := time.ParseDuration(strings.TrimSpace(string(out)))
	if err != nil || exportBudget > timeout-5*time.Second {
		t.Errorf("the SDK waits for %v (%v), an export for %v", timeout, err, exportBudget)
	}
	// With less than 10 s left, fob asks nobody.
	w := signedUp(t, false).with(testBudget + "=14s")
	stdout, stderr, code, screen := w.onTerminal(t, "MFA code", "dev", argv...)
	if code == 0 || stdout != "" || !strings.Contains(stderr, "exit status 4") || !strings.Contains(stderr, "fob: hint: fob login dev\n") {
		t.Errorf("%d, %q, %s", code, stdout, stderr)
	}
	if n := strings.Count(screen, "MFA code"); n != 1 {
		t.Errorf("asked %d times:\n%s", n, screen)
	}
}

// A program is killed while fob asks on its behalf: fob ends too, although the SDK's
// shell stays, and restores the terminal.
func TestConsumerKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells whose shell it is")
	}
	// A question turns the echo off.
	const script = `"$@" & program=$!
		until stty -a </dev/tty | grep -q -e -echo\ ; do sleep 0.1; done
		kill -9 $program
		while stty -a </dev/tty | grep -q -e -echo\ ; do sleep 0.1; done`
	for _, find := range []func(*testing.T) []string{boto3, goSDK, jsSDK} {
		argv := find(t)
		w := signedUp(t, false)
		began := time.Now()
		_, stderr, code, screen := w.onTerminal(t, "MFA code", "dev", append([]string{"/bin/sh", "-c", script, "sh"}, argv...)...)
		if took := time.Since(began); took > exportBudget*3/4 {
			t.Errorf("%s: fob stayed for %s; exit code %d, %q, screen:\n%s", argv[0], took, code, stderr, screen)
		}
	}
}

// A program outlives its credentials, twice: fob renews sessions that expire after
// seconds from the MFA session, and every call succeeds.
func TestConsumerRenews(t *testing.T) {
	t.Parallel()
	argv := boto3(t)
	w := signedUp(t, true)
	w.do(t, "", "login", "dev")
	const life = 5 * time.Second
	w.AWS.SetSessionLife(life)
	w.AWS.ResetCalls()
	stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=deploy"}, append(argv, fmt.Sprint((2*life+life/2).Seconds()))...)
	id := read(t, stdout, stderr, code)
	if id.ARN != deployARN || len(id.Keys) < 3 {
		t.Errorf("%s with %d keys", id.ARN, len(id.Keys))
	}
	for _, c := range w.AWS.Calls() {
		if c.Code != "OK" || c.Action == "GetSessionToken" {
			t.Errorf("%s: %s", c.Action, c.Code)
		}
	}
}

// Whatever goes wrong, fob prints nothing on standard output, which SDKs quote in their
// errors, and less on standard error than a pipe holds, because the SDKs for Java and
// Ruby read it only after fob has exited. This test takes the most verbose failure.
func TestExportFailures(t *testing.T) {
	const pipe = 64 << 10
	long := strings.Repeat("x", 1<<20)
	process := func(line string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.setConfig(t, "[profile bad]\ncredential_process = "+line+"\n") }
	}
	config := func(text string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.setConfig(t, text) }
	}
	var chain strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&chain, "[profile p%d]\nsource_profile = p%d\nrole_arn = %s\nduration_seconds = 43200\n", i, i+1, ststest.DemoRole)
	}
	for _, test := range []struct {
		name    string
		prepare func(*testing.T, *world)
		args    []string
		code    int
	}{
		{"no profile named", nil, nil, exitUsage},
		{"no such profile", nil, []string{"--profile", "prdo"}, exitNoProfile},
		{"hostile profile", nil, []string{"--profile", strings.Repeat("\x1b[31m", 20_000)}, exitNoProfile},
		{"short", nil, []string{"--profile", "dev", "--duration", "15m"}, exitUsage},
		{"no such format", nil, []string{"--profile", "dev", "--format", long[:100_000]}, exitUsage},
		{"malformed config", config(long), []string{"--profile", "dev"}, exitFailed},
		{"long role", config("[profile bad]\nsource_profile = dev\nrole_arn = " + long + "\n"), []string{"--profile", "bad"}, exitFailed},
		{"long region", config("[profile bad]\nregion = " + long + "\nsource_profile = dev\nrole_arn = " + ststest.DemoRole), []string{"--profile", "bad"}, exitFailed},
		{"long source", config("[profile bad]\nsource_profile = " + long + "\nrole_arn = " + ststest.DemoRole), []string{"--profile", "bad"}, exitNoProfile},
		{"long chain", config(chain.String()), []string{"--profile", "p0"}, exitNoProfile},
		{"long loop", config(chain.String() + "[profile p2000]\nsource_profile = p0\nrole_arn = " + ststest.DemoRole), []string{"--profile", "p0"}, exitFailed},
		{"nobody to ask", nil, []string{"--profile", "dev"}, exitNoPerson},
		{"wrong code", nil, []string{"--profile", "dev", "--mfa-code", "000000"}, exitRefused},
		{"no code", nil, []string{"--profile", "dev", "--mfa-code", long[:100_000]}, exitUsage},
		{"wrong passphrase", func(t *testing.T, w *world) { w.Env = append(w.Env, "FOB_PASSPHRASE=another") }, []string{"--profile", "dev"}, exitStore},
		{"no store", func(t *testing.T, w *world) { os.RemoveAll(filepath.Join(w.Home, ".local")) }, []string{"--profile", "dev"}, exitNoProfile},
		{"deleted key", func(t *testing.T, w *world) { w.AWS.DeleteKey(ststest.DemoKeyID) }, []string{"--profile", "plain"}, exitRefused},
		{"no network", func(t *testing.T, w *world) { w.AWS.Close() }, []string{"--profile", "plain"}, exitUnreachable},
		{"portal", func(t *testing.T, w *world) { w.AWS.Fail("", ststest.Portal(), ststest.Always) }, []string{"--profile", "plain"}, exitUnreachable},
		{"failing process", process(`sh -c "echo '{\"Version\":1,'; exit 3"`), []string{"--profile", "bad"}, exitFailed},
		{"talkative process", process("echo " + ststest.DemoSecret), []string{"--profile", "bad"}, exitFailed},
		{"shouting process", process("head -c 10000000 /dev/zero >&2; false"), []string{"--profile", "bad"}, exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := signedUp(t, false)
			w.do(t, "", "add", "plain", "--source", "dev", "--role", ststest.DemoRole, "--mfa-serial", "none")
			if test.prepare != nil {
				test.prepare(t, w)
			}
			stdout, stderr, code := w.consume(t, nil, append([]string{w.Fob, "export", "-v"}, test.args...)...)
			if stdout != "" || len(stderr) > pipe/2 || code != test.code {
				t.Errorf("%d bytes, %d bytes, exit code %d, want %d", len(stdout), len(stderr), code, test.code)
			}
			t.Logf("%.600s", stderr)
		})
	}
}

func (w *world) setConfig(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.Home, ".aws/config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
