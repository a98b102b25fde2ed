//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
	"fob/keyring"
)

// Commands that move keys in several steps, interrupted at every step: by kill -9, by AWS
// and by the disk. No key is lost, none is nameless, and the next run finishes.

// An errand is such a command in a world of its own.
type errand struct {
	*world
	args []string
	// holds fails the test unless each key can be used and named now.
	holds func(t *testing.T)
	// finish has the next run finish, and fails the test unless everything is as if nothing
	// had happened.
	finish func(t *testing.T)
	// said is what fob said when it was interrupted.
	said *strings.Builder
	// over reports that there is nothing left to do, where doing it again fails; nil if it
	// does not.
	over func(t *testing.T) bool
}

// An interruption is one way in which an errand ends early, or goes wrong on its way.
type interruption struct {
	name string
	run  func(t *testing.T, e errand) (struck bool)
}

// answerLimit shortens how long AWS may take in errands: the same call is tried three times.
const answerLimit = 300 * time.Millisecond

// byAWS are the interruptions by what happens at each of so many calls.
func byAWS(calls int) (all []interruption) {
	for n := 1; n <= calls; n++ {
		all = append(all,
			interruption{fmt.Sprintf("killed before call %d", n), killAtCall(n, ststest.Drop())},
			interruption{fmt.Sprintf("killed while call %d is answered", n), killAtCall(n, ststest.Slow(time.Hour))},
			interruption{fmt.Sprintf("the answer to call %d is lost", n), failAt(n, ststest.Lost(), 1)},
			interruption{fmt.Sprintf("call %d is denied", n), failAt(n, ststest.Refuse(403, "AccessDenied", "User is not authorized to perform this"), 1)},
			interruption{fmt.Sprintf("AWS is broken from call %d on", n), failAt(n, ststest.Status(500), ststest.Always)},
			interruption{fmt.Sprintf("AWS is gone from call %d on", n), failAt(n, ststest.Drop(), ststest.Always)},
			interruption{fmt.Sprintf("no answer from call %d on", n), failAt(n, ststest.Lost(), ststest.Always)},
		)
	}
	return all
}

// bySystem are the interruptions by what happens at the first system calls of each thread.
func bySystem(most int) (all []interruption) {
	failures := map[string][]string{
		"openat": {"ENOSPC", "EIO", "EROFS"}, "renameat": {"ENOSPC", "EIO"}, "unlinkat": {"EIO", "EROFS"}, "fsync": {"EIO", "ENOSPC"},
		"write": {"ENOSPC", "EIO"}, "fchmod": {"EPERM"}, "flock": {"EIO"}, "execve": {"ENOMEM"},
	}
	for n := 1; n <= most; n++ {
		for _, call := range slices.Sorted(maps.Keys(failures)) {
			all = append(all, interruption{fmt.Sprintf("killed at %s %d", call, n), inject(call, "signal=KILL", n)})
			for _, failure := range failures[call] {
				all = append(all, interruption{fmt.Sprintf("%s at %s %d", failure, call, n), inject(call, "error="+failure, n)})
			}
		}
	}
	return all
}

// dice choose what these tests interrupt: the same in each run, and anything for TORTURE.
var dice = rand.New(rand.NewPCG(uint64(often(1, int(time.Now().UnixNano()))), 0))

// some are n of all interruptions, evenly; all of them for TORTURE.
func some(all []interruption, n int) (chosen []interruption) {
	every := often(max(1, len(all)/max(1, n)), 1)
	for i := every / 2; i < len(all); i += every {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// failAt has AWS fail at the n-th call.
func failAt(n int, f ststest.Fault, times int) func(*testing.T, errand) bool {
	return func(t *testing.T, e errand) bool {
		defer e.AWS.Heal()
		e.planFault(n, f, times)
		r := e.input("", e.args...)
		if r.code != 0 && r.problem() != "" {
			t.Errorf("%v", r)
		}
		fmt.Fprintf(e.said, "%v\n%v\n", r, e.AWS.Calls())
		return slices.ContainsFunc(e.AWS.Calls(), func(c ststest.Call) bool { return c.Fault == f.String() })
	}
}

// planFault plans a fault for the n-th call from now on.
func (w *world) planFault(n int, f ststest.Fault, times int) {
	w.AWS.ResetCalls()
	if n > 1 {
		w.AWS.Fail("", ststest.Slow(0), n-1)
	}
	w.AWS.Fail("", f, times)
}

// killAtCall kills fob when AWS gets the n-th call, after f.
func killAtCall(n int, f ststest.Fault) func(*testing.T, errand) bool {
	return func(t *testing.T, e errand) bool {
		defer e.AWS.Heal()
		e.planFault(n, f, 1)
		v := e.victim(crowdLimit, "", e.args...)
		ended := make(chan struct{})
		if err := v.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { v.cmd.Wait(); close(ended) }()
		for {
			select {
			case <-ended:
				return false
			case <-time.After(time.Millisecond):
			}
			if len(e.AWS.Calls()) >= n {
				v.cmd.Process.Kill()
				<-ended
				return true
			}
		}
	}
}

// killAt kills fob after a while.
func killAt(fatal time.Duration) func(*testing.T, errand) bool {
	return func(t *testing.T, e errand) bool {
		v := e.victim(fatal, "", e.args...)
		if err := v.run(); err != nil { // there may be nothing to do any more
			fmt.Fprintln(e.said, err)
		}
		return v.killed
	}
}

// inject has the n-th system call of a name fail in each thread of fob and of what it starts,
// or kills that.
func inject(call, failure string, n int) func(*testing.T, errand) bool {
	return func(t *testing.T, e errand) bool {
		args := []string{"-f", "-qq", "-o", filepath.Join(t.TempDir(), "trace"), "-e", "signal=none", "-e", "trace=" + call,
			"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, failure, n), e.Fob}
		cmd := exec.Command("strace", append(args, e.args...)...)
		cmd.Dir, cmd.Env = e.Home, append(slices.Clone(e.Env), "GOMAXPROCS=1")
		cmd.Stderr = e.said
		return exitCode(cmd.Run()) != 0
	}
}

// interrupt interrupts an errand that makes so many calls of AWS, a few times at calls, at
// system calls and after a while each; TORTURE does it in every way.
func interrupt(t *testing.T, calls, few int, start func(t *testing.T) errand) {
	needStrace(t)
	e := start(t) // nothing goes wrong
	e.AWS.ResetCalls()
	began := time.Now()
	e.must(t, "", e.args...)
	span := lifetime(time.Since(began))
	if n := len(e.AWS.Calls()); n != calls {
		t.Fatalf("%d calls of AWS, want %d", n, calls)
	}
	e.holds(t)
	e.finish(t)
	e.end()
	all := slices.Concat(some(byAWS(calls), few), some(bySystem(often(8, 40)), few))
	for n := 1; n <= often(2*few, 0); n++ { // each step ends with one
		all = append(all, interruption{fmt.Sprintf("killed at renameat %d", n), inject("renameat", "signal=KILL", n)})
	}
	for range often(few/2, 2000) {
		at := span.moment()
		all = append(all, interruption{fmt.Sprintf("killed after %v", at), killAt(at)})
	}
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	done, struck, limit := 0, 0, time.Now().Add(time.Duration(often(60, 600))*time.Second) // a busy machine does less
	for _, i := range all {
		if time.Now().After(limit) {
			break
		}
		e := start(t)
		e.said = new(strings.Builder)
		if i.run(t, e) {
			struck++
		}
		e.holds(t)
		name := i.name
		for dice.IntN(3) == 0 && !t.Failed() && (e.over == nil || !e.over(t)) { // what finishes it is interrupted, too
			next := all[dice.IntN(len(all))]
			name += ", then " + next.name
			next.run(t, e)
			e.holds(t)
		}
		if !t.Failed() {
			e.finish(t)
		}
		if t.Failed() {
			t.Fatalf("%s\n%s", name, e.said)
		}
		done++
		e.end()
	}
	t.Logf("%d of %d interruptions survived, of which %d ended the command, which takes %v", done, len(all), struck, time.Duration(span))
	if struck == 0 {
		t.Error("nothing was interrupted")
	}
}

// end removes an errand's world.
func (e errand) end() {
	e.AWS.Close()
	os.RemoveAll(filepath.Dir(e.Home))
}

// plainKey is a key that lies in a file.
type plainKey struct {
	profile, file string // of the home
	creds.Key
}

// A movingWorld is a world with keys in plain text: in the credentials file, in the config and
// in a file of the console's.
type movingWorld struct {
	*world
	keys  []plainKey
	files map[string]string // by their names in the home
}

// roundWorld is a world for one round of many.
func roundWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w, err := makeWorld(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return w.with(testAnswer + "=" + answerLimit.String())
}

func plainTextWorld(t *testing.T) movingWorld {
	t.Helper()
	m := movingWorld{world: roundWorld(t)}
	m.keys = []plainKey{
		{"dev", ".aws/credentials", owners[0].key},
		{"ann", ".aws/config", owners[1].key},
		{"kim", "Downloads/kim_accessKeys.csv", creds.Key{ID: "AKIAIIIIIIIIIEXAMPLE", Secret: creds.NewSecret("kimskimskimskimskimskimskimskimskimskims")}},
	}
	for _, k := range m.keys[1:] {
		if err := m.AWS.AddUser(ststest.User{ARN: "arn:aws:iam::333333333333:user/" + k.profile, Keys: []creds.Key{k.Key}}); err != nil {
			t.Fatal(err)
		}
	}
	m.files = map[string]string{
		".aws/credentials": "# mine\n[dev]\n" + m.keys[0].lines() + "\n[other]\naws_access_key_id = half\n",
		".aws/config":      "[profile dev]\nregion=eu-west-1 ; home\n\n[profile ann]\n# hers\n" + m.keys[1].lines() + "output = json\n",
		m.keys[2].file:     "Access key ID,Secret access key\r\n" + m.keys[2].ID + "," + m.keys[2].Secret.Reveal() + "\r\n",
	}
	for name, text := range m.files {
		path := filepath.Join(m.Home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (k plainKey) lines() string {
	return "aws_access_key_id = " + k.ID + "\naws_secret_access_key = " + k.Secret.Reveal() + "\n"
}

// plain reports whether a key can be used from its file.
func (m movingWorld) plain(t *testing.T, k plainKey) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.Home, k.file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Contains(string(data), k.lines()) || strings.Contains(string(data), k.ID+","+k.Secret.Reveal())
}

// stored reports whether a key can be used from the store: it is there, and the config asks
// fob for it.
func (m movingWorld) stored(t *testing.T, k plainKey) bool {
	t.Helper()
	key, _, err := m.store().Key(t.Context(), k.profile)
	if _, missing := errors.AsType[*keyring.NotFoundError](err); err != nil && !missing {
		t.Errorf("the key of %s: %v", k.profile, err)
	}
	return err == nil && key.ID == k.ID && key.Secret.Equal(k.Secret) &&
		strings.Contains(slurp(t, filepath.Join(m.Home, ".aws/config")), "credential_process = "+m.Fob+" export --profile "+k.profile+"\n")
}

// holds: each key can be used from its file or from the store, and one of them is tried.
func (m movingWorld) holds(t *testing.T) {
	t.Helper()
	for _, k := range m.keys {
		if !m.plain(t, k) && !m.stored(t, k) {
			t.Errorf("the key of %s is lost", k.profile)
		}
	}
	k := m.keys[dice.IntN(2)]
	r := m.input("", "export", "--profile", k.profile)
	if r.code != 0 {
		t.Errorf("export of %s: %v", k.profile, r)
	} else if id := m.identityOf(t, sessionOf(r.stdout)); !strings.HasSuffix(id.ARN, ":user/"+map[string]string{"dev": "jo", "ann": "ann"}[k.profile]) {
		t.Errorf("export of %s: a session of %s", k.profile, id.ARN)
	}
}

// importAll is the command that moves all keys. A file that lies in Downloads has to be named.
func (m movingWorld) importAll() []string {
	args := []string{"import", "--all", "--yes"}
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		path := filepath.Join(m.Home, name)
		if _, err := os.Stat(path); err == nil {
			args = append(args, path)
		}
	}
	return args
}

// moved: no key is in plain text anywhere, also not in what a killed process left.
func (m movingWorld) moved(t *testing.T) {
	t.Helper()
	m.must(t, "", m.importAll()...)
	for _, k := range m.keys {
		if !m.stored(t, k) {
			t.Errorf("the key of %s was not moved", k.profile)
		}
		err := filepath.WalkDir(m.Home, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && strings.Contains(slurp(t, path), k.Secret.Reveal()) {
				t.Errorf("%s has the secret of %s", path, k.profile)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// movedBack: the files are as they were, and the store has no key.
func (m movingWorld) movedBack(t *testing.T) {
	t.Helper()
	m.must(t, "", "import", "--undo", "--yes")
	for name, want := range m.files {
		if got := slurp(t, filepath.Join(m.Home, name)); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
	for _, kind := range []keyring.Kind{keyring.KindKey, keyring.KindBackup} {
		if infos, err := m.store().Infos(kind); err != nil || len(infos) > 0 {
			t.Errorf("the store still has %v, %v", infos, err)
		}
	}
}

// If fob import is interrupted at any moment, and whatever fails, each key can be used from
// its file or from the store. The next run finishes, and --undo brings every byte back.
func TestImportInterrupted(t *testing.T) {
	interrupt(t, 12, 3, func(t *testing.T) errand {
		m := plainTextWorld(t)
		return errand{world: m.world, args: m.importAll(), holds: m.holds, finish: func(t *testing.T) {
			m.moved(t)
			m.holds(t)
			m.movedBack(t)
		}}
	})
}

// So it is with --undo.
func TestUndoInterrupted(t *testing.T) {
	interrupt(t, 0, 3, func(t *testing.T) errand {
		m := plainTextWorld(t)
		m.must(t, "", m.importAll()...)
		return errand{world: m.world, args: []string{"import", "--undo", "--yes"}, holds: m.holds, finish: func(t *testing.T) {
			m.movedBack(t)
			m.holds(t)
			m.moved(t)
		}}
	})
}

// Nor does --undo lose a key whose file somebody has removed since the import.
func TestUndoWithoutSourceInterrupted(t *testing.T) {
	interrupt(t, 0, 2, func(t *testing.T) errand {
		m := plainTextWorld(t)
		args := slices.DeleteFunc(m.importAll(), func(arg string) bool { return arg == "--yes" }) // kim's file stays
		m.must(t, "", args...)
		kim := m.keys[2]
		if err := os.Remove(filepath.Join(m.Home, kim.file)); err != nil {
			t.Fatal(err)
		}
		delete(m.files, kim.file)
		holds := func(t *testing.T) {
			t.Helper()
			for _, k := range m.keys {
				key, _, err := m.store().Key(t.Context(), k.profile)
				if !m.plain(t, k) && (err != nil || key.ID != k.ID || !key.Secret.Equal(k.Secret)) {
					t.Errorf("the key of %s is lost: %v", k.profile, err)
				}
			}
		}
		return errand{world: m.world, args: []string{"import", "--undo", "--yes"}, holds: holds, finish: func(t *testing.T) {
			m.must(t, "", "import", "--undo", "--yes")
			for name, want := range m.files {
				if got := slurp(t, filepath.Join(m.Home, name)); got != want {
					t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
				}
			}
			if infos, err := m.store().Infos(keyring.KindKey); err != nil || len(infos) != 1 || infos[0].Name != kim.profile {
				t.Errorf("the store has %v, %v", infos, err)
			}
			holds(t)
		}}
	})
}

// A rotatingWorld has jo's key as dev and as twin, and AWS hears of new keys late.
type rotatingWorld struct {
	*world
	old creds.Key
}

// newRotatingWorld makes one. With mfa, IAM's policy demands it, and the store has the MFA
// secret of a device whose codes change every second.
func newRotatingWorld(t *testing.T, mfa bool) rotatingWorld {
	t.Helper()
	r := rotatingWorld{roundWorld(t).with(testPause + "=1ms"), owners[0].key}
	o := r.storeOptions()
	o.WorkFactor = 10
	store := keyring.New(o)
	if _, err := store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dev", "twin"} {
		if _, err := store.SetKey(t.Context(), name, r.old, keyring.Info{Account: owners[0].account, ARN: ststest.DemoUser}); err != nil {
			t.Fatal(err)
		}
		section := "[profile " + name + "]\ncredential_process = " + r.Fob + " export --profile " + name + "\n"
		if mfa {
			section += "fob_mfa_serial = " + ststest.DemoSerial + "\n"
		}
		r.config(t, section)
	}
	if mfa {
		r.world = r.with(testStill + "=1") // the codes change by fob's clock
		r.hurry(t)
		for _, action := range []string{"ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed"} {
			r.AWS.DemandMFA(action)
		}
		seed := creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed), Algorithm: "SHA1", Digits: 6, Period: time.Second}
		if err := store.SetSeed(t.Context(), ststest.DemoSerial, seed); err != nil {
			t.Fatal(err)
		}
	}
	r.AWS.DelayKeys(2)
	if !mfa { // a session proves nothing about its key, so that a list must be right
		r.AWS.HideKeys(1)
	}
	r.AWS.LagUses()
	r.AWS.AgeKey(r.old.ID, 100*24*time.Hour)
	return r
}

// journal is the rotation in progress; its step is "" if there is none.
func (r rotatingWorld) journal(t *testing.T) creds.Rotation {
	t.Helper()
	journal, _, err := r.store().Rotation(t.Context(), "dev")
	if _, missing := errors.AsType[*keyring.NotFoundError](err); err != nil && !missing {
		t.Errorf("the rotation: %v", err)
	}
	return journal
}

// holds: each profile has a key that AWS takes, and each key that AWS has is in the store;
// but for one that AWS may have created although nobody heard of it, which the journal says.
func (r rotatingWorld) holds(t *testing.T) {
	t.Helper()
	journal := r.journal(t)
	kept := map[string]bool{journal.Old.ID: true, journal.New.ID: true}
	active := map[string]bool{}
	for _, k := range r.AWS.Keys(ststest.DemoUser) {
		active[k.ID] = k.Active
	}
	for _, name := range []string{"dev", "twin"} {
		key, _, err := r.store().Key(t.Context(), name)
		if err != nil {
			t.Errorf("the key of %s is lost: %v", name, err)
		}
		kept[key.ID] = true
		if !active[key.ID] {
			t.Errorf("%s has %s, which AWS does not take (%v)", name, key.ID, active)
		}
	}
	unnamed := 0
	for id := range active {
		if !kept[id] {
			unnamed++
		}
	}
	if most := map[bool]int{true: 1}[journal.Step == "began"]; unnamed > most {
		t.Errorf("%d keys in AWS that nobody can name, in step %q", unnamed, journal.Step)
	}
	if len(active) == 0 {
		t.Error("AWS has no key")
	}
	name := []string{"dev", "twin"}[dice.IntN(2)]
	r2 := r.input("", "export", "--profile", name, "--fresh")
	if r2.code != 0 {
		t.Errorf("export of %s in step %q: %v", name, journal.Step, r2)
	} else if id := r.identityOf(t, sessionOf(r2.stdout)); id.ARN != ststest.DemoUser {
		t.Errorf("a session of %s", id.ARN)
	}
}

// only fails the test unless AWS and the store have one and the same key, and no trace is
// left of another.
func (r rotatingWorld) only(t *testing.T) string {
	t.Helper()
	keys := r.AWS.Keys(ststest.DemoUser)
	if len(keys) != 1 || !keys[0].Active {
		t.Errorf("AWS has %v", keys)
		return ""
	}
	for _, name := range []string{"dev", "twin"} {
		if key, _, err := r.store().Key(t.Context(), name); err != nil || key.ID != keys[0].ID {
			t.Errorf("%s has %s, want %s: %v", name, key.ID, keys[0].ID, err)
		}
	}
	if infos, err := r.store().Infos(keyring.KindRotation); err != nil || len(infos) > 0 {
		t.Errorf("the rotation goes on: %v, %v", infos, err)
	}
	for _, secret := range r.AWS.CreatedSecrets() {
		err := filepath.WalkDir(r.Home, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && strings.Contains(slurp(t, path), secret) {
				t.Errorf("%s has a secret", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	return keys[0].ID
}

// replaced: the next run replaces the key.
func (r rotatingWorld) replaced(t *testing.T) {
	t.Helper()
	res := r.input("", "rotate", "dev")
	t.Logf("finished: %v", res)
	if res.code != 0 {
		t.Error("the next run does not finish")
	}
	if id := r.only(t); id == r.old.ID {
		t.Error("the old key is still there")
	}
	all, err := r.store().Secrets(t.Context())
	if found, ok := all.RetiredFinder()([]byte(r.old.Secret.Reveal())); err != nil || !ok || found.Why != "rotated" {
		t.Errorf("the old key is not retired: %+v, %v", found, err)
	}
}

// If fob rotate is interrupted at any moment, and whatever fails, every profile has a key
// that works, and every key in AWS is in the store or expected by the journal. The next run
// finishes, or goes back.
func TestRotateInterrupted(t *testing.T) {
	interrupt(t, 9, 4, func(t *testing.T) errand {
		return newRotatingWorld(t, false).rotating()
	})
}

// So it is where policies demand MFA, and each key needs a code of its own.
func TestRotateWithMFAInterrupted(t *testing.T) {
	interrupt(t, 13, 2, func(t *testing.T) errand {
		return newRotatingWorld(t, true).rotating()
	})
}

// rotating is the errand.
func (r rotatingWorld) rotating() errand {
	return errand{world: r.world, args: []string{"rotate", "dev"}, holds: r.holds, finish: func(t *testing.T) {
		journal := r.journal(t)
		if step := journal.Step; step != "" && dice.IntN(3) == 0 {
			res := r.input("", "rotate", "dev", "--abort")
			t.Logf("abort in step %q: %v", step, res)
			if res.code == 0 {
				if id := r.only(t); id != journal.Old.ID {
					t.Errorf("abort in step %q left %s", step, id)
				}
			} else if step != "deactivated" {
				t.Errorf("abort in step %q failed", step)
			}
		}
		r.replaced(t)
	}}
}

// So it is with --abort.
func TestAbortInterrupted(t *testing.T) {
	interrupt(t, 4, 3, func(t *testing.T) errand {
		r := newRotatingWorld(t, false)
		r.must(t, "", "rotate", "dev", "--keep-old")
		return errand{world: r.world, args: []string{"rotate", "dev", "--abort"}, holds: r.holds, over: func(t *testing.T) bool { return r.journal(t).Step == "" }, finish: func(t *testing.T) {
			if r.journal(t).Step != "" {
				r.must(t, "", "rotate", "dev", "--abort")
			}
			if id := r.only(t); id != r.old.ID {
				t.Errorf("%s is left", id)
			}
			r.holds(t)
			r.replaced(t)
		}}
	})
}
