//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fob/internal/ststest"
	"fob/keyring/backend"
)

// The test binary is fob when it is called by that name, or as fob's hidden
// child; as pty or tty it is a person at a terminal.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case name == "fob" || len(os.Args) == 2 && os.Args[1] == backend.ChildArg:
		os.Exit(program{workFactor: 10}.run(os.Args))
	case name == "age-plugin-fobtest":
		os.Exit(pluginMain())
	case name == "pty" || name == "tty":
		os.Exit(terminalMain(os.Args))
	}
	if code, ok := leaveTerminal(); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// leaveTerminal runs the tests in a session without a terminal if this one has
// one: a fob that is to find nobody to ask would ask the developer.
func leaveTerminal() (code int, ok bool) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, false
	}
	tty.Close()
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	go func() {
		for s := range signals {
			cmd.Process.Signal(s) // Ctrl-C does not reach another session
		}
	}()
	return exitCode(cmd.Wait()), true
}

// exitCode of a command that has ended, as a shell would have it.
func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			panic(err) // it could not be started
		}
		return 0
	}
	if w := exit.Sys().(syscall.WaitStatus); w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

// Every test's passphrase. Nothing that fob prints may hold it.
const testPassphrase = "correct horse battery staple"

// A world is a home, a fake AWS with the demo world, and fob.
type world struct {
	Home string
	// Env is the whole environment for a command: fob is the first in its PATH,
	// and the passphrase of the store is in it.
	Env []string
	AWS *ststest.Server
	Fob string // absolute path
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := makeWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.AWS.Close() })
	return w
}

func makeWorld(dir string) (*world, error) {
	w := &world{Home: filepath.Join(dir, "home"), Fob: filepath.Join(dir, "bin", "fob")}
	for _, d := range []string{w.Home, filepath.Dir(w.Fob), filepath.Join(dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"fob", "pty", "tty", "age-plugin-fobtest"} {
		if err := os.Symlink(exe, filepath.Join(filepath.Dir(w.Fob), name)); err != nil {
			return nil, err
		}
	}
	if w.AWS, err = ststest.Start(ststest.Config{}); err != nil {
		return nil, err
	}
	w.Env = []string{
		"HOME=" + w.Home,
		"GORACE=atexit_sleep_ms=0", // not a second for each process under -race
		"PATH=" + filepath.Dir(w.Fob) + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"TMPDIR=" + filepath.Join(dir, "tmp"),
		"TZ=UTC",
		"USER=jo",
		"SHELL=/bin/sh",
		"AWS_ENDPOINT_URL_STS=" + w.AWS.URL,
		"AWS_ENDPOINT_URL_IAM=" + w.AWS.URL,
		"AWS_EC2_METADATA_DISABLED=true", // or SDKs without credentials ask the network
		"FOB_PASSPHRASE=" + testPassphrase,
		"FOB_UNLOCK_TTL=0", // the developer's own kernel keyring is left alone
	}
	for _, name := range []string{"GOCOVERDIR", "GORACE"} {
		if v := os.Getenv(name); v != "" {
			w.Env = append(w.Env, name+"="+v)
		}
	}
	// Users may not look for their devices, unless a test is about that: else every
	// key that is added would come with one.
	w.AWS.Deny("ListMFADevices")
	return w, w.AWS.AddDemo()
}

// Run runs fob in the home, with nothing on its standard input and no terminal.
func (w *world) Run(args ...string) (stdout, stderr string, code int) {
	cmd := exec.Command(w.Fob, args...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	code = exitCode(cmd.Run())
	return out.String(), errs.String(), code
}

// The harness itself: fob is the program, and no terminal is in reach.
func TestWorld(t *testing.T) {
	w := newWorld(t)
	if stdout, stderr, code := w.Run("version"); stdout != "fob devel\n" || stderr != "" || code != 0 {
		t.Errorf("got %q, %q, %d", stdout, stderr, code)
	}
	_, stderr, code := w.Run("add", "dev")
	if code != exitNoPerson || !strings.HasPrefix(stderr, "fob: error: ") || strings.Count(stderr, "\n") > 2 {
		t.Errorf("without a terminal: %q, %d", stderr, code)
	}
}

// lacking ends a test that this machine cannot run; where that is no excuse, it
// fails.
func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FOB_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is needed (FOB_TEST_REQUIRE=1)", what)
	}
	t.Skipf("SKIPPED: NO %s HERE", strings.ToUpper(what))
}
