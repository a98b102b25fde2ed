//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	stdflag "flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/ststest"
	"fob/keyring/backend"
)

// The test binary is fob if it is started under that name or as one of fob's hidden
// processes.
// Started as pty or tty, it plays a person at a terminal.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case name == "fob" || len(os.Args) == 2 && (os.Args[1] == backend.ChildArg || os.Args[1] == renewArg || os.Args[1] == readBackArg):
		os.Exit(testProgram().run(os.Args))
	case name == "age-plugin-fobtest":
		os.Exit(pluginMain())
	case name == "pty" || name == "tty":
		os.Exit(terminalMain(os.Args))
	case name == "browser":
		os.Exit(browserMain(os.Args))
	}
	if code, ok := leaveTerminal(); ok {
		os.Exit(code)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each child sleeps for a second at its end
	unignoreSignals()
	raiseParallel()
	code := m.Run()
	if err := os.RemoveAll(builds.dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// browserMain is the BROWSER of the tests: it opens its argument as a browser does, and
// prints the text of the page on which it stops.
func browserMain(args []string) int {
	text, err := ststest.Browse(context.Background(), args[len(args)-1])
	fmt.Print(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return 0
}

// Variables that only testProgram reads: a test shortens with them what it would have
// to wait for.
const (
	testBudget   = "FOBTEST_BUDGET"   // how long an export may take
	testAnswer   = "FOBTEST_ANSWER"   // how long AWS may take to answer
	testPatience = "FOBTEST_PATIENCE" // how long a wait may take before fob says for what
	testPeriod   = "FOBTEST_PERIOD"   // of the codes of devices that fob creates
	testLoopback = "FOBTEST_LOOPBACK" // a browser can come back to this computer
	testTop      = "FOBTEST_TOP"      // the process that started the test, which a coding agent may have started
	testPause    = "FOBTEST_PAUSE"    // between two looks whether a code of a sign-in is confirmed
	testStill    = "FOBTEST_STILL"    // AWS's clock does not follow the pauses
	testClock    = "FOBTEST_CLOCK"    // what the clock shows all the time, RFC 3339
)

// testProgram is the fob of the tests.
func testProgram() program {
	duration := func(name string) time.Duration {
		d, err := time.ParseDuration(cmp.Or(os.Getenv(name), "0s"))
		if err != nil {
			panic(err)
		}
		return d
	}
	number := func(name string) int {
		n, err := strconv.Atoi(cmp.Or(os.Getenv(name), "0"))
		if err != nil {
			panic(err)
		}
		return n
	}
	p := program{workFactor: 10, budget: duration(testBudget), patience: duration(testPatience), devicePeriod: duration(testPeriod), loopback: os.Getenv(testLoopback) != "", judged: mustHelp, top: number(testTop)}
	if answer := duration(testAnswer); answer != 0 {
		p.limits = awsapi.Limits{Dial: answer, Answer: answer, Call: 3 * answer, Backoff: answer / 5}
	}
	if d := duration(testPause); d != 0 {
		p.pause = func(ctx context.Context, asked time.Duration) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(d):
				if os.Getenv(testStill) != "" {
					return nil
				}
				return advanceAWS(asked)
			}
		}
	}
	if clock := os.Getenv(testClock); clock != "" {
		now, err := time.Parse(time.RFC3339Nano, clock)
		if err != nil {
			panic(err)
		}
		p.now = func() time.Time { return now }
		p.limits.Now = p.now
		// It advances only while fob waits.
		p.wait = func(_ context.Context, d time.Duration, _ string) error {
			now = now.Add(d)
			return advanceAWS(d)
		}
	}
	return p
}

// advanceAWS moves the clock of the fake AWS.
func advanceAWS(d time.Duration) error {
	order := fmt.Sprintf(`{"op":"advance","by":%q}`, d)
	_, err := http.Post(os.Getenv("AWS_ENDPOINT_URL_STS")+"/_control", "application/json", strings.NewReader(order))
	return err
}

// unignoreSignals gives the children of the tests the default actions of these
// signals, though nohup or a script's & made this process ignore them: an ignored
// signal is inherited, a caught one is not.
func unignoreSignals() {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// raiseParallel lets more parallel tests run at once than there are processors, unless
// -parallel is given: most of them wait for a clock or for other processes.
func raiseParallel() {
	stdflag.Parse()
	given := false
	stdflag.Visit(func(f *stdflag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return
	}
	if err := stdflag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
}

// builds are the programs that were built for all tests.
var builds struct {
	once sync.Once
	dir  string
}

// builtWithRace reports whether this binary has the race detector.
func builtWithRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// plainBinary is this test binary without the race detector, which makes a process four
// times as slow: it is for tests that start hundreds. What goroutines of one fob do to
// each other is seen in the scripts, which use the binary itself, and in a few
// processes of every crowd.
var plainBinary = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil || !builtWithRace() {
		return self, err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return self, nil
	}
	name, err := buildFile("plain.test")
	if err != nil {
		return "", err
	}
	// With the flags of make build, so that both share the compiled packages.
	cmd := exec.Command("go", "test", "-trimpath", "-c", "-o", name, ".")
	cmd.Env = os.Environ()
	if runtime.GOOS == "linux" {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

// buildFile is the name for a program that is built once for all tests. TestMain
// removes it.
func buildFile(name string) (string, error) {
	var err error
	builds.once.Do(func() { builds.dir, err = os.MkdirTemp("", "fob-test-builds") })
	return filepath.Join(builds.dir, name), err
}

// leaveTerminal runs the tests in a session without a terminal if this session has
// one. Otherwise a fob that should find nobody to ask would ask the developer.
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
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // which Ctrl-C does not reach
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	go func() {
		for s := range signals {
			cmd.Process.Signal(s)
		}
	}()
	return exitCode(cmd.Wait()), true
}

// exitCode is the exit code of a command that has ended, as a shell reports it.
func exitCode(err error) int {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			panic(err) // it did not start
		}
		return 0
	}
	if w := exit.Sys().(syscall.WaitStatus); w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

// testPassphrase is the passphrase of every test. Nothing that fob prints may hold it.
const testPassphrase = "correct horse battery staple"

// A world is a home, a fake AWS with the demo world, and fob.
type world struct {
	Home string
	// Env is the whole environment of a command: fob comes first in its PATH, and it
	// has the passphrase of the store.
	Env []string
	AWS *ststest.Server
	// Fob is the absolute path of the program; Raced that of one with the race
	// detector, if the tests run with it.
	Fob, Raced string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w, err := makeWorld(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.AWS.Close() })
	return w
}

// makeWorld makes a world in a directory. Its fob has the race detector if raced is set and
// the tests run with it.
func makeWorld(dir string, raced bool) (*world, error) {
	w := &world{Home: filepath.Join(dir, "home"), Fob: filepath.Join(dir, "bin", "fob"), Raced: filepath.Join(dir, "raced", "fob")}
	for _, d := range []string{w.Home, filepath.Dir(w.Fob), filepath.Dir(w.Raced), filepath.Join(dir, "tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	plain, err := plainBinary()
	if err != nil {
		return nil, err
	}
	programs := map[string]string{w.Raced: self, w.Fob: plain}
	if raced {
		programs[w.Fob] = self
	}
	for _, name := range []string{"pty", "tty", "age-plugin-fobtest", "browser"} {
		programs[filepath.Join(filepath.Dir(w.Fob), name)] = plain
	}
	for name, binary := range programs {
		if err := os.Symlink(binary, name); err != nil {
			return nil, err
		}
	}
	if w.AWS, err = ststest.Start(ststest.Config{}); err != nil {
		return nil, err
	}
	w.Env = []string{
		"NO_COLOR=1", // most tests read words
		"HOME=" + w.Home,
		"GORACE=" + os.Getenv("GORACE"), // see TestMain
		"PATH=" + filepath.Dir(w.Fob) + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"TMPDIR=" + filepath.Join(dir, "tmp"),
		"TZ=UTC",
		"USER=jo",
		"SHELL=/bin/sh",
		"BROWSER=browser",
		testLoopback + "=1", // this machine may look like a container
		testTop + "=" + strconv.Itoa(os.Getpid()),
		"AWS_EC2_METADATA_DISABLED=true", // or an SDK without credentials asks the network
		"FOB_PASSPHRASE=" + testPassphrase,
		"FOB_UNLOCK_TTL=0", // leaves the developer's own kernel keyring alone
	}
	w.Env = append(w.Env, w.AWS.Environ()...)
	if v := os.Getenv("GOCOVERDIR"); v != "" {
		w.Env = append(w.Env, "GOCOVERDIR="+v)
	}
	// A user may not list their devices unless the test is about that: otherwise fob add
	// would find one for every key.
	w.AWS.Deny("ListMFADevices")
	return w, w.AWS.AddDemo()
}

// raced is the same world with the fob that has the race detector.
func (w *world) raced() *world {
	other := *w
	other.Fob = w.Raced
	other.Env = append(slices.Clone(w.Env), "PATH="+filepath.Dir(w.Raced)+string(filepath.ListSeparator)+filepath.Dir(w.Fob)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return &other
}

// setPeriod changes how long a code of the demo device lasts.
func setPeriod(aws *ststest.Server, d time.Duration) error {
	return aws.AddUser(ststest.User{
		ARN:  ststest.DemoUser,
		Keys: []creds.Key{{ID: ststest.DemoKeyID, Secret: creds.NewSecret(ststest.DemoSecret)}},
		MFA:  []ststest.Device{{Serial: ststest.DemoSerial, Seed: creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed), Period: d}}},
	})
}

// Run runs fob in the home, with an empty standard input and no terminal.
func (w *world) Run(args ...string) (stdout, stderr string, code int) { return w.RunWith("", args...) }

// RunWith is Run with a text on standard input.
func (w *world) RunWith(stdin string, args ...string) (stdout, stderr string, code int) {
	cmd := exec.Command(w.Fob, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.Home, w.Env, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	code = exitCode(cmd.Run())
	return out.String(), errs.String(), code
}

// The harness itself: fob runs, and no terminal is within reach.
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

// lacking skips a test that this machine cannot run. In CI the test fails.
func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FOB_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is needed (FOB_TEST_REQUIRE=1)", what)
	}
	t.Skipf("SKIPPED: NO %s HERE", strings.ToUpper(what))
}

// with returns the same world with other variables; an empty one counts as unset.
func (w *world) with(vars ...string) *world {
	other := *w
	other.Env = slices.Concat(w.Env, vars)
	return &other
}

// config appends to the AWS config.
func (w *world) config(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(w.Home, ".aws", "config")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
