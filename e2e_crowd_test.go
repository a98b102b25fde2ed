//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
	"fob/keyring"
)

// Many processes that want the same thing at once. Each test runs once, and
// twenty times under make torture.

// often returns how many rounds there is time for.
func often(now, torture int) int {
	if os.Getenv("TORTURE") == "1" {
		return torture
	}
	return now
}

// rounds runs f in worlds of its own.
func rounds(t *testing.T, n int, f func(*testing.T, *world)) {
	for range n {
		f(t, devWorld(t))
		if t.Failed() {
			return
		}
	}
}

// devWorld has the demo key as profile dev, and two roles on it. Its store is locked.
func devWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, role := range []string{"a", "b"} {
		arn := "arn:aws:iam::222222222222:role/" + role
		if err := w.AWS.AddRole(ststest.Role{ARN: arn, Principals: []string{"arn:aws:iam::" + ststest.DemoAccount + ":root"}, MFA: true}); err != nil {
			t.Fatal(err)
		}
		w.config(t, "[profile "+role+"]\nfob_source_profile = dev\nfob_role_arn = "+arn+"\n")
	}
	w.config(t, "[profile dev]\nfob_mfa_serial = "+ststest.DemoSerial+"\n")
	w.must(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--no-config")
	w.AWS.ResetCalls()
	return w
}

// result is the output and the exit code of a process.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string { return fmt.Sprintf("exit code %d, %q", r.code, r.stderr) }

// problem says what is wrong with the message of a failure. It must be one line and
// hints, or nothing if a person gave up or the process was killed.
func (r result) problem() string {
	if strings.Contains(r.stderr, "panic:") || strings.Contains(r.stderr, "goroutine ") {
		return "a panic"
	}
	fails := r.code != 0 && r.code != exitInterrupted && r.code != 128+int(syscall.SIGKILL)
	if n := strings.Count("\n"+r.stderr, "\nfob: error: "); fails && n != 1 || !fails && n != 0 {
		return fmt.Sprintf("%d errors", n)
	}
	return ""
}

// input runs fob with something on its standard input.
func (w *world) input(stdin string, args ...string) result {
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := exitCode(cmd.Run())
	return result{stdout.String(), stderr.String(), code}
}

// must is input that must succeed; it returns the output.
func (w *world) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := w.input(stdin, args...)
	if r.code != 0 {
		t.Fatalf("fob %q: %v", args, r)
	}
	return r.stdout
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.Fob, args...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	return cmd
}

// calls returns the calls that AWS has executed since calls last ran.
func (w *world) calls() string {
	var actions []string
	for _, c := range w.AWS.Calls() {
		if c.Code != "" {
			actions = append(actions, c.Action)
		}
	}
	w.AWS.ResetCalls()
	slices.Sort(actions)
	return strings.Join(actions, " ")
}

// storeDir is where the store is.
func (w *world) storeDir() string { return filepath.Join(w.Home, ".local", "share", "fob") }

// store is the same store in this process, opened with the passphrase.
func (w *world) store() *keyring.Store { return keyring.New(w.storeOptions()) }

func (w *world) storeOptions() keyring.Options {
	return keyring.Options{
		Dir: w.storeDir(), StateDir: filepath.Join(w.Home, ".local", "state", "fob"),
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret(testPassphrase), true, nil },
	}
}

// A crowd is a number of processes that run at once. Their output goes to files, so that
// a test can look at it while they run.
type crowd struct {
	dir  string
	cmds []*exec.Cmd
}

// racedEvery is one in how many processes of a crowd has the race detector.
const racedEvery = 10

// crowdLimit ends a hang. It is long because a crowd keeps the machine busy.
const crowdLimit = 2 * time.Minute

func (w *world) crowd(t *testing.T, n int, args func(i int) []string) *crowd {
	t.Helper()
	c := &crowd{dir: t.TempDir()}
	ctx, cancel := context.WithTimeout(context.Background(), crowdLimit)
	t.Cleanup(cancel)
	for i := range n {
		cmd := exec.CommandContext(ctx, w.Fob, args(i)...)
		if i%racedEvery == 0 {
			cmd = exec.CommandContext(ctx, w.Raced, args(i)...)
		}
		cmd.Dir, cmd.Env = w.Home, w.Env
		cmd.Stdout, cmd.Stderr = c.create(t, "out", i), c.create(t, "err", i)
		c.cmds = append(c.cmds, cmd)
	}
	for _, cmd := range c.cmds {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *crowd) file(kind string, i int) string {
	return filepath.Join(c.dir, kind+"."+strconv.Itoa(i))
}

func (c *crowd) create(t *testing.T, kind string, i int) *os.File {
	t.Helper()
	f, err := os.Create(c.file(kind, i))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// await waits until n processes have printed a text on stderr (-v prints a lot).
func (c *crowd) await(t *testing.T, n int, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q of %d", text, n), func() bool {
		said := 0
		for i := range c.cmds {
			if strings.Contains(slurp(t, c.file("err", i)), text) {
				said++
			}
		}
		return said == n
	})
}

// end waits for all processes.
func (c *crowd) end(t *testing.T) []result {
	t.Helper()
	var results []result
	for i, cmd := range c.cmds {
		code := exitCode(cmd.Wait())
		r := result{slurp(t, c.file("out", i)), slurp(t, c.file("err", i)), code}
		if problem := r.problem(); problem != "" {
			t.Errorf("process %d: %s: %v", i, problem, r)
		}
		results = append(results, r)
	}
	return results
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually waits for something that must happen.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(crowdLimit); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// sameSession checks that all processes have credentials, and the same ones.
func sameSession(t *testing.T, results []result) {
	t.Helper()
	for i, r := range results {
		if r.code != 0 {
			t.Errorf("process %d: %v", i, r)
		} else if r.stdout != results[0].stdout || sessionOf(r.stdout).ID == "" {
			t.Errorf("process %d has another session", i)
		}
	}
}

// sessionOf reads what export prints.
func sessionOf(doc string) creds.Session {
	var d struct{ AccessKeyID, SecretAccessKey, SessionToken, AccountID string }
	if json.Unmarshal([]byte(doc), &d) != nil {
		return creds.Session{}
	}
	return creds.Session{Key: creds.Key{ID: d.AccessKeyID, Secret: creds.NewSecret(d.SecretAccessKey)}, Token: creds.NewSecret(d.SessionToken), AccountID: d.AccountID}
}

// countIn counts a text in the messages of all processes.
func countIn(results []result, text string) int {
	n := 0
	for _, r := range results {
		n += strings.Count(r.stderr, text)
	}
	return n
}

// unlocking is the message of a process that derives the vault key.
const unlocking = "fob: opening the store: "

// ownKernelKeyring makes a user namespace, whose kernel keyring is neither the
// developer's nor another test's, and returns the prefix of a command line that enters
// it. The command replaces the entering process.
func ownKernelKeyring(t *testing.T) []string {
	t.Helper()
	keep := exec.Command("unshare", "-Ur", "sh", "-c", "echo; exec cat")
	life, err := keep.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready, err := keep.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if keep.Start() != nil {
		lacking(t, "unshare")
	}
	t.Cleanup(func() { life.Close(); keep.Wait() })
	if n, _ := ready.Read(make([]byte, 1)); n == 0 {
		lacking(t, "user namespace")
	}
	return []string{"nsenter", "-t", strconv.Itoa(keep.Process.Pid), "-U", "--preserve-credentials"}
}

// kernelCopies returns the same world with a kernel keyring of its own, which keeps the
// store unlocked.
func (w *world) kernelCopies(t *testing.T) *world {
	t.Helper()
	inside, enter := *w, strings.Join(ownKernelKeyring(t), " ")
	wrap := func(program string) string {
		name := filepath.Join(t.TempDir(), "fob")
		script := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", enter, program)
		if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		return name
	}
	inside.Fob, inside.Raced = wrap(w.Fob), wrap(w.Raced)
	return inside.with("FOB_UNLOCK_TTL=1h", "FOB_UNLOCK_KEYS_TTL=1h", "PATH="+filepath.Dir(inside.Fob)+":"+os.Getenv("PATH"))
}

func exportDev(int) []string { return []string{"export", "--profile", "dev", "-v"} }

// Fifty processes, a cold cache and a locked store: one derivation, one code, one call.
func TestCrowdCold(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.kernelCopies(t).with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
		results := w.crowd(t, 50, exportDev).end(t)
		sameSession(t, results)
		if n := countIn(results, unlocking); n != 1 {
			t.Errorf("the store was unlocked %d times", n)
		}
		if calls := w.calls(); calls != "GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
		// With a cached session and a locked store, processes wait only for the store.
		w.must(t, "", "lock")
		results = w.crowd(t, 50, exportDev).end(t)
		sameSession(t, results)
		if n, calls := countIn(results, unlocking), w.calls(); n != 1 || calls != "" {
			t.Errorf("the store was unlocked %d times, AWS was called for %q", n, calls)
		}
	})
}

// Twenty-four processes and two roles on one key share the MFA session.
func TestCrowdRoles(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.kernelCopies(t).with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
		results := w.crowd(t, 24, func(i int) []string { return []string{"export", "--profile", "ab"[i%2 : i%2+1], "-v"} }).end(t)
		for role := range 2 {
			var same []result
			for i := role; i < len(results); i += 2 {
				same = append(same, results[i])
			}
			sameSession(t, same)
		}
		if n := countIn(results, unlocking); n != 1 {
			t.Errorf("the store was unlocked %d times", n)
		}
		if calls := w.calls(); calls != "AssumeRole AssumeRole GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// atTerminal runs an export of each profile on one terminal. The output goes to the
// files of a crowd, which end reads.
func (w *world) atTerminal(t *testing.T, profiles []string) (tty *terminal, end func() []result) {
	t.Helper()
	c := &crowd{dir: t.TempDir()}
	sh := exec.Command("/bin/sh", slices.Concat([]string{"-c", `dir=$1 plain=$2 raced=$3 every=$4 i=0
		shift 4
		for profile; do
			fob=$plain
			[ $((i%every)) != 0 ] || fob=$raced
			("$fob" export --profile "$profile" -v >"$dir/out.$i" 2>"$dir/err.$i"; echo $? >"$dir/code.$i") &
			i=$((i+1))
		done
		wait`, "sh", c.dir, w.Fob, w.Raced, strconv.Itoa(racedEvery)}, profiles)...)
	sh.Dir, sh.Env = w.Home, w.Env
	tty, err := startOnTerminal(sh, true)
	if err != nil {
		t.Fatal(err)
	}
	return tty, func() []result {
		t.Helper()
		if err := tty.wait(); err != nil {
			t.Fatalf("%v\n%s", err, tty.screen())
		}
		var results []result
		for i := range profiles {
			code, err := strconv.Atoi(strings.TrimSpace(slurp(t, c.file("code", i))))
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, result{slurp(t, c.file("out", i)), slurp(t, c.file("err", i)), code})
		}
		return results
	}
}

func mustTalk(t *testing.T, tty *terminal, text, answer string) {
	t.Helper()
	if err := tty.await(text); err != nil {
		t.Fatalf("%v\n%s", err, tty.screen())
	}
	if err := tty.answer(answer); err != nil {
		t.Fatal(err)
	}
}

const (
	askedPassphrase = "Passphrase for "
	askedCode       = "MFA code for dev"
)

// Fifty processes on one terminal: one question for the passphrase and one for the code.
func TestCrowdAtTerminal(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.kernelCopies(t).with("FOB_PASSPHRASE=")
		tty, end := w.atTerminal(t, slices.Repeat([]string{"dev"}, 50))
		mustTalk(t, tty, askedPassphrase, testPassphrase)
		mustTalk(t, tty, askedCode, w.AWS.Code(ststest.DemoSerial))
		sameSession(t, end())
		if n, m := strings.Count(tty.screen(), askedPassphrase), strings.Count(tty.screen(), askedCode); n != 1 || m != 1 {
			t.Errorf("%d questions for the passphrase, %d for a code:\n%s", n, m, tty.screen())
		}
		w.must(t, "", "lock")
		tty, end = w.atTerminal(t, slices.Repeat([]string{"dev"}, 50))
		mustTalk(t, tty, askedPassphrase, testPassphrase)
		sameSession(t, end())
		if n := strings.Count(tty.screen(), askedPassphrase); n != 1 {
			t.Errorf("%d questions for the passphrase:\n%s", n, tty.screen())
		}
		if calls := w.calls(); calls != "GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// fourProfiles adds eve, with her own device, and a role on her key: four profiles and
// two devices.
func (w *world) fourProfiles(t *testing.T) (profiles []string) {
	t.Helper()
	seed := creds.Seed{Secret: creds.NewSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")} // of RFC 6238
	if err := w.AWS.AddUser(ststest.User{ARN: eveARN, Keys: []creds.Key{eve}, MFA: []ststest.Device{{Serial: eveSerial, Seed: seed}}}); err != nil {
		t.Fatal(err)
	}
	w.config(t, "[profile eve]\nfob_mfa_serial = "+eveSerial+"\n[profile c]\nfob_source_profile = eve\nfob_role_arn = arn:aws:iam::222222222222:role/b\n")
	w.must(t, eve.ID+"\n"+eve.Secret.Reveal()+"\n", "add", "eve", "--stdin", "--no-config")
	w.AWS.ResetCalls()
	return []string{"dev", "a", "eve", "c"}
}

const eveSerial = "arn:aws:iam::111111111111:mfa/eve"

// twoCodes checks the result of fifty processes that each want one of four profiles.
func twoCodes(t *testing.T, w *world, results []result) {
	t.Helper()
	for profile := range 4 {
		var same []result
		for i := profile; i < len(results); i += 4 {
			same = append(same, results[i])
		}
		sameSession(t, same)
	}
	if calls, want := w.calls(), "AssumeRole AssumeRole GetSessionToken GetSessionToken"; calls != want {
		t.Errorf("AWS was called for %q, want %q", calls, want)
	}
}

// Fifty processes, four profiles and two devices on one terminal: one question for each
// device, one after the other, and fob sends each code once.
func TestCrowdOfTwoDevices(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		profiles := slices.Repeat(w.fourProfiles(t), 13)[:50]
		tty, end := w.atTerminal(t, profiles)
		left := []string{ststest.DemoSerial, eveSerial}
		for len(left) > 0 {
			if err := tty.await("MFA code for "); err != nil {
				t.Fatalf("%v\n%s", err, tty.screen())
			}
			if err := tty.await("): "); err != nil {
				t.Fatalf("%v\n%s", err, tty.screen())
			}
			questions := strings.Split(tty.screen(), "MFA code for ")
			i := slices.IndexFunc(left, func(serial string) bool { return strings.Contains(questions[len(questions)-1], serial) })
			if i < 0 {
				t.Fatalf("asked again:\n%s", tty.screen())
			}
			if err := tty.answer(w.AWS.Code(left[i])); err != nil {
				t.Fatal(err)
			}
			left = slices.Delete(left, i, i+1)
		}
		twoCodes(t, w, end())
		if n := strings.Count(tty.screen(), "MFA code for "); n != 2 {
			t.Errorf("%d questions:\n%s", n, tty.screen())
		}
	})
}

// The same without a terminal: two windows.
func TestCrowdOfTwoDevicesInWindows(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		profiles := w.fourProfiles(t)
		asked := filepath.Join(w.Home, "asked")
		askpass := filepath.Join(w.Home, "askpass")
		script := fmt.Sprintf("#!/bin/sh\necho \"$1\" | grep mfa/ >>%s\ncase $1 in *%s*) echo %s ;; *) echo %s ;; esac\n",
			asked, eveSerial, w.AWS.Code(eveSerial), w.AWS.Code(ststest.DemoSerial))
		if err := os.WriteFile(askpass, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		w = w.with("FOB_ASKPASS=" + askpass)
		twoCodes(t, w, w.crowd(t, 50, func(i int) []string { return []string{"export", "--profile", profiles[i%4], "-v"} }).end(t))
		windows := slices.Sorted(strings.Lines(slurp(t, asked)))
		if want := []string{eveSerial + "\n", ststest.DemoSerial + "\n"}; !slices.Equal(windows, want) {
			t.Errorf("asked for %q, want %q", windows, want)
		}
	})
}

// If a process is killed while it asks for the passphrase or the code, the next one
// asks.
func TestCrowdKilledWhileAsking(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.kernelCopies(t).with("FOB_PASSPHRASE=")
		tty, end := w.atTerminal(t, slices.Repeat([]string{"dev"}, 8))
		for _, question := range []struct{ text, lock, answer string }{
			{askedPassphrase, "unlock.lock", testPassphrase},
			{askedCode, "lock+ask-mfa-*.lock", w.AWS.Code(ststest.DemoSerial)},
		} {
			for range 2 {
				if err := tty.await(question.text); err != nil {
					t.Fatalf("%v\n%s", err, tty.screen())
				}
				pid := holder(t, w, question.lock)
				if pid == 0 {
					t.Fatalf("nobody holds %s", question.lock)
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			mustTalk(t, tty, question.text, question.answer)
		}
		killed := 0
		var rest []result
		for _, r := range end() {
			if r.code == 128+int(syscall.SIGKILL) {
				killed++
			} else {
				rest = append(rest, r)
			}
		}
		sameSession(t, rest)
		if killed != 4 || len(rest) != 4 {
			t.Errorf("%d killed, %d lived", killed, len(rest))
		}
		if calls := w.calls(); calls != "GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// holder returns the process that holds one of the store's locks; 0 if none does.
func holder(t *testing.T, w *world, pattern string) (pid int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.storeDir(), "locks", pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		var st syscall.Stat_t
		if syscall.Stat(path, &st) != nil {
			continue
		}
		// "1: FLOCK  ADVISORY  WRITE 1234 fe:00:56789 0 EOF"
		for line := range strings.Lines(slurp(t, "/proc/locks")) {
			f := strings.Fields(line)
			if len(f) < 6 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(st.Ino, 10)) {
				continue
			}
			if pid, err = strconv.Atoi(f[4]); err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

// holdDevice takes the lock of the demo device, so that a crowd waits for it.
func holdDevice(t *testing.T, w *world) (release func()) {
	t.Helper()
	lock, ok, err := w.store().TryLock("mfa-" + ststest.DemoSerial)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	return func() {
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	waiting      = "fob: waiting for another fob"
	waitingToAsk = waiting + " to ask a person"
)

// fob sends a code that AWS refuses once, and all processes take the refusal.
func TestCrowdWrongCode(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.kernelCopies(t)
		release := holdDevice(t, w)
		c := w.crowd(t, 50, func(i int) []string {
			if i%2 == 0 {
				return []string{"export", "--profile", "dev", "-v", "--mfa-code", wrongCode(w)}
			}
			return []string{"exec", "-v", "--mfa-code", wrongCode(w), "dev", "--", "true"}
		})
		c.await(t, len(c.cmds), waiting)
		release()
		for i, r := range c.end(t) {
			if want := []int{exitRefused, exitExec}[i%2]; r.code != want || r.stdout != "" {
				t.Errorf("process %d: %v", i, r)
			}
		}
		if calls := w.calls(); calls != "GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// wrongCode returns six digits that are not a code of the demo device, now or soon.
func wrongCode(w *world) string {
	step := w.AWS.Step(ststest.DemoSerial)
	for code := 123456; ; code++ {
		text := strconv.Itoa(code)
		if !slices.ContainsFunc([]int64{-2, -1, 0, 1, 2, 3, 4, 5, 6}, func(i int64) bool { return w.AWS.CodeAt(ststest.DemoSerial, step+i) == text }) {
			return text
		}
	}
}

// If the user closes a window, or does not know the passphrase, all processes that wait
// for the answer end.
func TestCrowdCancelled(t *testing.T) {
	const n = 50
	for _, question := range []struct {
		name, passphrase, answer string
		asked                    int
		codes                    map[int]int // how many end with each
		says                     string      // the message of those that waited
	}{
		{"passphrase", "", "exit 1", 1, map[int]int{exitInterrupted: 1, exitStore: n - 1}, "did not open the store: cancelled"},
		{"wrong passphrase", "", "echo nonsense", 3, map[int]int{exitStore: n}, "did not open the store: wrong passphrase"},
		{"code", testPassphrase, "exit 1", 1, map[int]int{exitInterrupted: 1, exitFailed: n - 1}, "got no session with " + ststest.DemoSerial + ": cancelled"},
	} {
		t.Run(question.name, func(t *testing.T) {
			rounds(t, often(1, 20), func(t *testing.T, w *world) {
				w = w.kernelCopies(t).with("FOB_ASKPASS="+filepath.Join(w.Home, "askpass"), "FOB_PASSPHRASE="+question.passphrase)
				asked, ready := filepath.Join(w.Home, "asked"), filepath.Join(w.Home, "ready")
				script := "#!/bin/sh\necho >>" + asked + "\nuntil [ -e " + ready + " ]; do sleep 0.02; done\n" + question.answer + "\n"
				if err := os.WriteFile(filepath.Join(w.Home, "askpass"), []byte(script), 0o700); err != nil {
					t.Fatal(err)
				}
				c := w.crowd(t, n, exportDev)
				c.await(t, n-1, waitingToAsk)
				if err := os.WriteFile(ready, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				results, codes := c.end(t), map[int]int{}
				for _, r := range results {
					codes[r.code]++
					if r.stdout != "" {
						t.Errorf("%v", r)
					}
				}
				if !maps.Equal(codes, question.codes) {
					t.Errorf("how many ended with each exit code: %v", codes)
				}
				if heard := countIn(results, question.says+"\nfob: hint: fob login dev\n"); heard != n-1 {
					t.Errorf("%d heard of it", heard)
				}
				if times := len(slurp(t, asked)); times != question.asked {
					t.Errorf("asked %d times", times)
				}
				if calls := w.calls(); calls != "" {
					t.Errorf("AWS was called for %q", calls)
				}
				// A later process asks again.
				if w.input("", "export", "dev"); len(slurp(t, asked)) != 2*question.asked {
					t.Error("not asked again")
				}
			})
		})
	}
}

// seeded stores the MFA secret, with a new code every second.
func (w *world) seeded(t *testing.T) {
	t.Helper()
	w.hurry(t)
	w.must(t, hurriedSeed, "mfa", "add", "dev", "--stdin", "--serial", ststest.DemoSerial)
}

// hurry gives the demo device a new code every second, like hurriedSeed.
func (w *world) hurry(t *testing.T) {
	t.Helper()
	if err := setPeriod(w.AWS, time.Second); err != nil {
		t.Fatal(err)
	}
}

const hurriedSeed = "otpauth://totp/x?period=1&secret=" + ststest.DemoSeed

// If the network failed for one process, the others still try.
func TestCrowdNetworkError(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w.seeded(t)
		release := holdDevice(t, w)
		c := w.crowd(t, 8, exportDev)
		c.await(t, len(c.cmds), waiting)
		w.AWS.Fail("GetSessionToken", ststest.Drop(), 3) // as often as the SDK tries
		release()
		var lucky []result
		for _, r := range c.end(t) {
			if r.code != exitUnreachable {
				lucky = append(lucky, r)
			}
		}
		if len(lucky) != 7 {
			t.Errorf("%d of 8 have a session", len(lucky))
		}
		sameSession(t, lucky)
		if calls := w.calls(); calls != "GetSessionToken" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// fob uses every code of an MFA secret once, whichever process asks.
func TestCrowdSeed(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w.seeded(t)
		seen := map[string]bool{}
		for _, r := range w.crowd(t, 5, func(int) []string { return []string{"mfa", "code", "dev"} }).end(t) {
			if r.code != 0 || seen[r.stdout] {
				t.Errorf("a code was given twice, or none: %v", r)
			}
			seen[r.stdout] = true
		}
	})
}

// fob records a code as used before AWS sees it, even if the process dies right after.
func TestCodeIsRememberedFirst(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		w = w.with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
		w.AWS.Fail("GetSessionToken", ststest.Slow(time.Hour), 1)
		cmd := w.command(exportDev(0)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a call", func() bool { return len(w.AWS.Calls()) > 0 })
		cmd.Process.Kill()
		cmd.Wait()
		w.AWS.ResetCalls()
		if r := w.input("", exportDev(0)...); r.code != exitUsage || !strings.Contains(r.stderr, "that code has been used") {
			t.Errorf("the code was sent again: %v", r)
		}
		if calls := w.calls(); calls != "" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}

// The record is on the disk, file and name, before the first byte goes to AWS.
func TestCodeIsSyncedFirst(t *testing.T) {
	needStrace(t)
	w := devWorld(t)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-qq", "-y", "-s", "16", "-e", "signal=none", "-e", "trace=fsync,renameat,renameat2,connect", "-o", trace,
		w.Fob, "export", "dev", "--mfa-code", w.AWS.Code(ststest.DemoSerial))
	cmd.Dir, cmd.Env = w.Home, w.Env
	if out, err := cmd.Output(); err != nil || sessionOf(string(out)).ID == "" {
		t.Fatalf("%s, %v", out, err)
	}
	var done []string
	for line := range strings.Lines(slurp(t, trace)) {
		switch locks := filepath.Join(w.storeDir(), "locks"); {
		case strings.Contains(line, "fsync(") && strings.Contains(line, locks+"/.tmp-"):
			done = append(done, "content")
		case strings.Contains(line, "rename") && strings.Contains(line, "lock+mfa-"):
			done = append(done, "rename")
		case strings.Contains(line, "fsync(") && strings.Contains(line, locks+">"):
			done = append(done, "name")
		case strings.Contains(line, "connect(") && strings.Contains(line, "AF_INET"):
			done = append(done, "connect")
		}
	}
	if want := []string{"content", "rename", "name", "connect"}; !slices.Equal(done, want) {
		t.Errorf("%q, want %q\n%s", done, want, slurp(t, trace))
	}
}

// From sending a code to saving its session, only SIGKILL stops fob: otherwise the code
// would be lost.
func TestSessionIsKeptThoughInterrupted(t *testing.T) {
	interrupt := func(s syscall.Signal) func(*testing.T, *exec.Cmd) {
		return func(t *testing.T, cmd *exec.Cmd) {
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Parallel()
	for name, stop := range map[string]func(*testing.T, *exec.Cmd){
		"SIGINT": interrupt(syscall.SIGINT), "SIGTERM": interrupt(syscall.SIGTERM), "SIGHUP": interrupt(syscall.SIGHUP),
		"reader gone": func(t *testing.T, cmd *exec.Cmd) { cmd.Stderr.(*os.File).Close() },
		"caller gone": func(t *testing.T, cmd *exec.Cmd) { cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rounds(t, often(1, 20), func(t *testing.T, w *world) {
				w = w.raced().with("FOB_MFA_CODE=" + w.AWS.Code(ststest.DemoSerial))
				w.AWS.Fail("GetSessionToken", ststest.Slow(2*time.Second), 1) // fob looks for its caller every second
				cmd := w.command(exportDev(0)...)
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
				eventually(t, "a call", func() bool { return len(w.AWS.Calls()) > 0 })
				stop(t, cmd)
				cmd.Wait()
				r.Close()
				w.AWS.ResetCalls()
				if r := w.with("FOB_MFA_CODE=").input("", exportDev(0)...); r.code != 0 {
					t.Errorf("the session was not kept: %v", r)
				}
				if calls := w.calls(); calls != "" {
					t.Errorf("AWS was called for %q", calls)
				}
			})
		})
	}
}
