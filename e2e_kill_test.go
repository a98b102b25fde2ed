//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
	"fob/keyring"
)

// Killed processes and full disks: fob loses nothing and hands out nothing wrong.

// Two users; a test stores the key of either as dev.
type owner struct {
	account string
	key     creds.Key
}

var owners = []owner{
	{ststest.DemoAccount, creds.Key{ID: ststest.DemoKeyID, Secret: creds.NewSecret(ststest.DemoSecret)}},
	{"333333333333", creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}},
}

func (o owner) stdin() string { return o.key.ID + "\n" + o.key.Secret.Reveal() + "\n" }

// plainWorld has the first owner's key as dev, without MFA.
func plainWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	if err := w.AWS.AddUser(ststest.User{ARN: "arn:aws:iam::" + owners[1].account + ":user/ann", Keys: []creds.Key{owners[1].key}}); err != nil {
		t.Fatal(err)
	}
	w.must(t, owners[0].stdin(), "add", "dev", "--stdin")
	return w
}

// identityOf returns whose the credentials are according to AWS.
func (w *world) identityOf(t *testing.T, s creds.Session) awsapi.Identity {
	t.Helper()
	client, err := awsapi.NewClient(awsapi.Limits{}, plan.Endpoint{URL: w.AWS.URL, Region: "us-east-1", Home: "us-east-1"}, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	id, err := client.Identity(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// ownerOf returns the owner of the credentials according to AWS.
func (w *world) ownerOf(t *testing.T, s creds.Session) owner {
	t.Helper()
	id := w.identityOf(t, s)
	for _, o := range owners {
		if o.account == id.Account {
			return o
		}
	}
	t.Fatalf("nobody's: %q", id.ARN)
	panic("not reached")
}

// check reads everything in the store, and returns the owner of the stored key.
func (w *world) check(t *testing.T, store *keyring.Store) owner {
	t.Helper()
	if pid := holder(t, w, "*.lock"); pid != 0 {
		t.Errorf("process %d holds a lock", pid)
	}
	key, _, err := store.Key(t.Context(), "dev")
	if err != nil {
		t.Fatalf("the key is lost: %v", err)
	}
	var now owner
	for _, o := range owners {
		if o.key.ID == key.ID && o.key.Secret.Equal(key.Secret) {
			now = o
		}
	}
	if now.account == "" {
		t.Fatalf("a key that is nobody's: %s", key.ID)
	}
	infos, err := store.Infos(keyring.KindSession)
	if err != nil {
		t.Errorf("a torn session: %v", err)
	}
	for _, i := range infos {
		s, _, err := store.Session(t.Context(), i.Name, i.ID)
		var unused *keyring.NotFoundError
		switch {
		case errors.As(err, &unused):
		case err != nil:
			t.Errorf("a torn session: %v", err)
		case w.ownerOf(t, s) != now:
			t.Error("a session is served that was made from a key that is gone")
		}
	}
	return now
}

// checkExport checks the store as a user would see it.
func (w *world) checkExport(t *testing.T, now owner) {
	t.Helper()
	r := w.input("", "export", "--profile", "dev")
	if r.code != 0 {
		t.Fatalf("export: %v", r)
	}
	if w.ownerOf(t, sessionOf(r.stdout)) != now {
		t.Error("export hands out another key's session")
	}
}

// A victim runs until it has finished or is killed.
type victim struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
	fatal  time.Duration // when it is killed
	took   time.Duration // how long it ran
	killed bool
}

// A lifetime is how long a process runs if nobody kills it. It follows the victims,
// because the load of the machine varies.
type lifetime time.Duration

// moment is when to kill the next victim: in two of three cases during its life.
func (l lifetime) moment() time.Duration { return rand.N(3 * time.Duration(l) / 2) }

// learn takes the life of a victim that was not killed. A killed victim makes the
// lifetime longer: otherwise one that is too short would kill all victims early, forever.
func (l *lifetime) learn(v *victim) {
	if v.killed {
		*l += *l / 20
	} else {
		*l = lifetime(v.took)
	}
}

func (w *world) victim(fatal time.Duration, stdin string, args ...string) *victim {
	v := &victim{cmd: w.command(args...), fatal: fatal}
	v.cmd.Stdin, v.cmd.Stdout = strings.NewReader(stdin), &v.stdout
	return v
}

func (v *victim) run() error {
	began := time.Now()
	if err := v.cmd.Start(); err != nil {
		return err
	}
	kill := time.AfterFunc(v.fatal, func() { v.cmd.Process.Kill() })
	defer kill.Stop()
	err := v.cmd.Wait()
	v.took = time.Since(began)
	if code := exitCode(err); code == 128+int(syscall.SIGKILL) {
		v.killed = true
	} else if code != 0 && !strings.Contains(strings.Join(v.cmd.Args, " "), "export") {
		// An export may meet a key that was replaced after its plan was made.
		return fmt.Errorf("fob %q: exit code %d", v.cmd.Args[1:], code)
	}
	return nil
}

// If fob is killed at any moment, a key that it replaces is the old or the new one, and a
// session that it saves is whole or missing. fob serves no session of the old key.
func TestKillAnywhere(t *testing.T) {
	w := plainWorld(t)
	store := w.store()
	began := time.Now()
	w.must(t, owners[0].stdin(), "add", "dev", "--stdin", "--yes")
	add := lifetime(time.Since(began))
	export := add
	limit := time.Duration(often(12, 3600)) * time.Second // a busy machine does less
	var kills, replaced int
	for last := owners[0]; kills < often(150, 5000) && time.Since(began) < limit; {
		o := owners[rand.IntN(2)]
		victims := []*victim{
			w.victim(add.moment(), o.stdin(), "add", "dev", "--stdin", "--yes"),
			w.victim(export.moment(), "", "export", "--profile", "dev", "--fresh"),
		}
		errs := make(chan error)
		for _, v := range victims {
			go func() { errs <- v.run() }()
		}
		for range victims {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		add.learn(victims[0])
		export.learn(victims[1])
		for _, v := range victims {
			if v.killed {
				kills++
			}
			if out := v.stdout.String(); out != "" && sessionOf(out).ID == "" {
				t.Errorf("half a document: %d bytes", len(out))
			}
		}
		now := w.check(t, store)
		if now != last {
			replaced++
		}
		last = now
		if rand.IntN(10) == 0 {
			w.checkExport(t, now)
		}
		if t.Failed() {
			t.Fatalf("after %d kills", kills)
		}
	}
	t.Logf("%d kills survived, %d keys replaced, lives of %v and %v", kills, replaced, time.Duration(add), time.Duration(export))
	w.checkExport(t, w.check(t, store))
}

// If the very first add is killed at any moment, the next add works: there is neither
// half a store nor a second section in the AWS config.
func TestKillFirstAdd(t *testing.T) {
	w := newWorld(t)
	add := func(w *world, fatal time.Duration) *victim {
		return w.victim(fatal, owners[0].stdin(), "add", "dev", "--stdin", "--yes", "--region", "eu-west-1")
	}
	first := add(w, crowdLimit)
	if err := first.run(); err != nil {
		t.Fatal(err)
	}
	span := lifetime(first.took)
	kills, stored := 0, 0
	for kills < often(20, 1000) {
		fresh := *w
		fresh.Home = t.TempDir()
		fresh.Env = slices.Concat(w.Env, []string{"HOME=" + fresh.Home})
		v := add(&fresh, span.moment())
		if err := v.run(); err != nil {
			t.Fatal(err)
		}
		span.learn(v)
		if v.killed {
			kills++
		}
		if r := fresh.input("", "export", "dev"); r.code == 0 {
			stored++
		} else if r.code != exitNoProfile || r.problem() != "" {
			t.Errorf("after it: %v", r)
		}
		fresh.must(t, owners[0].stdin(), "add", "dev", "--stdin", "--yes", "--region", "eu-west-1")
		if n := strings.Count(slurp(t, filepath.Join(fresh.Home, ".aws", "config")), "[profile dev]"); n != 1 {
			t.Errorf("%d sections", n)
		}
		fresh.checkExport(t, fresh.check(t, fresh.store()))
		if t.Failed() {
			t.Fatalf("after %d kills", kills)
		}
	}
	t.Logf("%d kills survived, %d keys were stored before, one life %v", kills, stored, time.Duration(span))
}

// killHolding starts processes until it has killed n of them while they held a lock. It
// stops each process first, to be sure that the process holds the lock.
func killHolding(t *testing.T, w *world, lock string, n int, start func() *exec.Cmd, after func()) {
	t.Helper()
	for killed, missed := 0, 0; killed < n; {
		cmd := start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		if catch(t, w, lock, cmd.Process.Pid, ended) {
			killed++
		} else if missed++; missed > 50*n {
			t.Fatalf("%s is never held for long enough to be seen", lock)
		}
		cmd.Process.Kill()
		<-ended
		after()
		if t.Failed() {
			t.Fatalf("after %d kills that held %s", killed, lock)
		}
	}
}

// catch stops a process that holds a lock; it returns false if it was too late.
func catch(t *testing.T, w *world, lock string, pid int, ended chan struct{}) bool {
	for {
		select {
		case <-ended:
			return false
		default:
		}
		if holder(t, w, lock) == pid {
			syscall.Kill(pid, syscall.SIGSTOP)
			return holder(t, w, lock) == pid
		}
	}
}

// A process that is killed while it holds a lock does not leave the lock behind: the
// next command works.
func TestKillHoldingLocks(t *testing.T) {
	t.Run("mfa", func(t *testing.T) {
		w := devWorld(t)
		w.seeded(t)
		code := []string{"mfa", "code", "dev"}
		killHolding(t, w, "lock+mfa-*.lock", often(3, 200), func() *exec.Cmd { return w.command(code...) }, func() { w.must(t, "", code...) })
	})
	t.Run("session", func(t *testing.T) {
		w := plainWorld(t)
		store := w.store()
		killHolding(t, w, "lock+session-*.lock", often(15, 500), func() *exec.Cmd { return w.command("export", "--profile", "dev", "--fresh") }, func() {
			w.checkExport(t, w.check(t, store))
		})
	})
	t.Run("derive", func(t *testing.T) {
		w := plainWorld(t).kernelCopies(t)
		store := w.store()
		w.must(t, "", "lock")
		killHolding(t, w, "derive.lock", often(15, 500), func() *exec.Cmd { return w.command("export", "--profile", "dev") }, func() {
			w.checkExport(t, w.check(t, store))
			w.must(t, "", "lock")
		})
	})
	t.Run("store", func(t *testing.T) {
		w := plainWorld(t)
		store := w.store()
		killHolding(t, w, "store.lock", often(15, 500), func() *exec.Cmd {
			cmd := w.command("add", "dev", "--stdin", "--yes")
			cmd.Stdin = strings.NewReader(owners[rand.IntN(2)].stdin())
			return cmd
		}, func() {
			w.checkExport(t, w.check(t, store))
		})
	})
}

// smallDisk mounts a file system of 256 KiB.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("fob-test", dir, "tmpfs", 0, "size=256k,mode=700"); err != nil {
		lacking(t, "right to mount a tmpfs")
	}
	t.Cleanup(func() {
		// At once, though a Store of this process keeps a directory open.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fill fills a disk.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// On a full disk fob loses nothing, and still hands out sessions.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	data, aws := filepath.Dir(w.storeDir()), filepath.Join(w.Home, ".aws")
	smallDisk(t, data)
	smallDisk(t, aws)
	w.config(t, "# mine\n")
	full := func(t *testing.T, what, stdin string, args ...string) {
		t.Helper()
		r := w.input(stdin, args...)
		if r.code != exitStore || !strings.Contains(r.stderr, "no space to write") || r.problem() != "" || r.stdout != "" {
			t.Errorf("%s: %v", what, r)
		}
	}

	store := w.store()
	free := fill(t, data)
	full(t, "a new store", owners[0].stdin(), "add", "dev", "--stdin")
	free()
	w.must(t, owners[0].stdin(), "add", "dev", "--stdin")
	w.config(t, "[profile mfa]\nfob_source_profile = dev\nfob_role_arn = "+ststest.DemoRole+"\nfob_mfa_serial = "+ststest.DemoSerial+"\n")
	if err := w.AWS.AddUser(ststest.User{ARN: "arn:aws:iam::" + owners[1].account + ":user/ann", Keys: []creds.Key{owners[1].key}}); err != nil {
		t.Fatal(err)
	}

	free = fill(t, data)
	full(t, "another key", owners[1].stdin(), "add", "dev", "--stdin", "--yes")
	if now := w.check(t, store); now != owners[0] {
		t.Error("the key was replaced, and not")
	}
	r := w.input("", "export", "--profile", "dev")
	if r.code != 0 || w.ownerOf(t, sessionOf(r.stdout)) != owners[0] || !strings.Contains(r.stderr, "could not save the session") {
		t.Errorf("export: %v", r)
	}
	// fob does not send a code that it cannot record as used.
	w.AWS.ResetCalls()
	full(t, "a code", "", "export", "--profile", "mfa", "--mfa-code", "123456")
	if calls := w.calls(); calls != "" {
		t.Errorf("AWS was called for %q", calls)
	}
	free()
	w.must(t, owners[1].stdin(), "add", "dev", "--stdin", "--yes")
	w.checkExport(t, w.check(t, store))

	// The config is on another disk: the key is stored, and the user can repeat the rest.
	free = fill(t, aws)
	before := slurp(t, filepath.Join(aws, "config"))
	r = w.input(owners[0].stdin(), "add", "other", "--stdin")
	if r.code == 0 || !strings.Contains(r.stderr, "no space left") || r.problem() != "" {
		t.Errorf("a config without room: %v", r)
	}
	if slurp(t, filepath.Join(aws, "config")) != before {
		t.Error("the config has changed")
	}
	free()
	w.must(t, owners[0].stdin(), "add", "other", "--stdin", "--yes")
}

// A store that fob may not write to, or not read in full, serves what it can, names what
// it cannot, and stays unchanged.
func TestForbidden(t *testing.T) {
	w := nobodyWorld(t)
	store := w.storeDir()
	key := owners[0].stdin()
	fob := func(stdin string, want int, text string, args ...string) {
		t.Helper()
		if out, code := w.asNobody(t, stdin, w.Fob, args...); code != want || !strings.Contains(out, text) {
			t.Errorf("fob %q: exit code %d, %s", args, code, out)
		}
	}
	const version, denied = `{"Version":1`, ": permission denied"
	served := func() { t.Helper(); fob("", 0, version, "export", "dev", "--no-session") }
	chmod := func(mode os.FileMode, names ...string) (undo func()) {
		var undos []func()
		for _, name := range names {
			name = filepath.Join(store, name)
			fi, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
			undos = append(undos, func() {
				if err := os.Chmod(name, fi.Mode().Perm()); err != nil {
					t.Fatal(err)
				}
			})
		}
		return func() {
			for _, undo := range undos {
				undo()
			}
		}
	}
	fob(key, 0, "", "add", "dev", "--stdin")
	fob(key, 0, "", "add", "other", "--stdin")

	undo := chmod(0o500, "g1/items")
	served()
	fob(key, exitStore, `/fob/g1/items"`+denied, "add", "new", "--stdin", "--no-config")
	fob(key, exitStore, `/fob/g1/items"`+denied, "add", "dev", "--stdin", "--yes")
	fob("", exitStore, `/fob/g1/items"`+denied+"\nfob: hint: chmod u+w "+store+"/g1/items\n", "remove", "dev", "--yes")
	undo()
	undo = chmod(0o500, "", "g1", "g1/items", "g1/slots")
	served()
	fob("another four words", exitStore, `/share/fob"`+denied+"\nfob: hint: chmod u+w "+store+"\n", "store", "passphrase", "--stdin")
	fob("", exitStore, `/fob/g1/slots"`+denied, "store", "add", "age15f5vddp6r0ettdwaf86p9vrsm2kgq49rcr67qrceeg5yyflgeufs0nhsly")
	undo()
	served()

	for _, name := range []string{"", "store", "g1/items", "g1/slots/passphrase", "g1/items/key+dev"} {
		undo := chmod(0, name)
		fob("", exitStore, strings.TrimSuffix("/fob/"+name, "/")+denied, "export", "dev", "--no-session")
		if name == "g1/items/key+dev" {
			fob("", 0, version, "export", "other", "--no-session")
			fob("", 0, denied, "list")
		}
		undo()
	}
	undo = chmod(0, "")
	fob("", 0, "warning: ~/.local/share/fob"+denied, "list", "--names")
	undo()
	served()
	if out, code := w.asNobody(t, "", "find", store, "-name", ".tmp-*"); code != 0 || out != "" {
		t.Errorf("left: %s", out)
	}

	// If fob cannot remove the items of the old vault key, it says so.
	undo = chmod(0o500, "g1/items")
	fob("another four words", 0, "could not remove the items of the old vault key: ", "store", "passphrase", "--stdin")
	undo()
}

// fob asks nobody to sign in, and has AWS replace no refresh token, that it could not
// store. What it has serves to its end.
func TestFullDiskKeepsSignIn(t *testing.T) {
	w := portalWorld(t, 2)
	data := filepath.Dir(w.storeDir())
	smallDisk(t, data)
	w.must(t, "", "login", "p0")
	full := func(args ...string) {
		t.Helper()
		before, _ := w.theSignIn(t)
		w.AWS.ResetCalls()
		free := fill(t, data)
		defer free()
		r := w.input("", args...)
		if r.code != exitStore || !strings.Contains(r.stderr, "no space to write") || r.problem() != "" {
			t.Errorf("%q: %v", args, r)
		}
		if calls := w.calls(); calls != "" {
			t.Errorf("%q: AWS was called for %q", args, calls)
		}
		if after, _ := w.theSignIn(t); !after.Refresh.Equal(before.Refresh) {
			t.Errorf("%q: another sign-in", args)
		}
	}
	full("login", "p0", "--fresh")
	w.age(t, -time.Minute)
	full("export", "p0")
	w.age(t, 5*time.Minute)
	w.AWS.ResetCalls()
	free := fill(t, data)
	if r := w.input("", "export", "p0"); r.code != 0 || sessionOf(r.stdout).ID == "" {
		t.Errorf("a sign-in that lives: %v", r)
	}
	if calls := w.calls(); calls != "GetRoleCredentials" {
		t.Errorf("AWS was called for %q", calls)
	}
	free()
	w.must(t, "", "export", "--fresh", "p0")
	if calls := w.calls(); calls != "CreateToken GetRoleCredentials" {
		t.Errorf("AWS was called for %q", calls)
	}
}

// A refreshing is a sign-in that is renewed at every use, see TestKillSignIn.
type refreshing struct {
	*world
	profile string
	action  string // that renews it
	// signIn reads it; it fails the test unless it is whole. lock names it.
	signIn func() creds.Token
	id     string
	// age makes it one that has expired.
	age   func()
	login []string // signs in again
	seen  *int     // how many calls have been looked at
}

// portalRefreshing is a sign-in at Identity Center.
func portalRefreshing(t *testing.T) refreshing {
	w := portalWorld(t, 1)
	// A token of 8 minutes is due as soon as it is there.
	if err := w.AWS.AddInstance(ststest.Instance{StartURL: ststest.DemoStartURL, TokenLife: 8 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	w.must(t, "", "login", "p0")
	return w.refreshing(t, "p0", "CreateToken")
}

// consoleRefreshing is a sign-in at the console.
func consoleRefreshing(t *testing.T) refreshing {
	w, _ := consoleWorld(t)
	w.AWS.SetSessionLife(4 * time.Minute)
	w.must(t, "", "login", "ops")
	return w.refreshing(t, "ops", "CreateOAuth2Token")
}

func (w *world) refreshing(t *testing.T, profile, action string) refreshing {
	_, info := w.theSignIn(t)
	return refreshing{w, profile, action, func() creds.Token { token, _ := w.theSignIn(t); return token }, info.ID,
		func() { w.age(t, -time.Second) }, []string{"login", profile, "--fresh"}, new(int)}
}

// tokens are how often AWS renewed the sign-in since tokens last ran, and how often it
// refused to.
func (r refreshing) tokens() (given, refused int) {
	calls := r.AWS.Calls()
	for _, c := range calls[*r.seen:] {
		if c.Action == r.action && c.Code == "OK" {
			given++
		} else if c.Action == r.action {
			refused++
		}
	}
	*r.seen = len(calls)
	return given, refused
}

// again has fob renew the sign-in though it has tried just now.
func (r refreshing) again(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(r.storeDir(), "locks", "lock+sign-in-"+r.id+".state")); err != nil {
		t.Fatal(err)
	}
}

// If fob is killed while it signs in or renews a sign-in, the sign-in in the store is the
// old one or the new one, whole, and its refresh token is one that AWS takes. Only when the
// kill comes between AWS's answer and the disk, nobody has the new one: then what there is
// serves to its end, and fob says who has to sign in.
func TestKillSignIn(t *testing.T) {
	for name, make := range map[string]func(*testing.T) refreshing{"portal": portalRefreshing, "console": consoleRefreshing} {
		t.Run(name, func(t *testing.T) {
			r := make(t)
			r.tokens()
			export := []string{"export", r.profile, "--fresh"}
			began := time.Now()
			r.must(t, "", export...)
			r.tokens()
			lives := map[bool]*lifetime{true: new(lifetime), false: new(lifetime)} // of logins, and not
			*lives[true], *lives[false] = lifetime(time.Since(began)), lifetime(time.Since(began))
			limit := time.Duration(often(8, 1800)) * time.Second
			var kills, renewed int
			for round := 0; kills < often(60, 3000) && time.Since(began) < limit && !t.Failed(); round++ {
				r.again(t)
				before := r.signIn()
				args, login := export, round%4 == 3
				if login {
					args = r.login
				}
				v := r.victim(lives[login].moment(), "", args...)
				if err := v.run(); err != nil {
					t.Error(err)
				}
				lives[login].learn(v)
				if v.killed {
					kills++
				}
				r.renewed(t)
				after := r.signIn()
				given, refused := r.tokens()
				switch changed := !after.Refresh.Equal(before.Refresh); {
				case refused > 0:
					t.Errorf("a refresh token was sent that AWS had replaced")
				case changed && given == 0:
					t.Errorf("a sign-in from nowhere")
				case given > 1 && v.killed: // it signed in, and renewed that at once
					r.must(t, "", r.login...)
					r.tokens()
				case changed:
					renewed++
					if after.Access.Equal(before.Access) && after.Session.ID == before.Session.ID {
						t.Error("a mixture of two sign-ins")
					}
				case given > 0 && !v.killed:
					t.Error("the new sign-in was not stored")
				case given > 0 && login: // the sign-in before it serves
					r.must(t, "", export...)
					r.tokens()
				case given > 0:
					t.Error("the new refresh token is lost")
				}
			}
			t.Logf("%d kills survived, renewed %d times", kills, renewed)
		})
	}
}

// renewed waits until no process renews a sign-in any more: it survives what started it.
func (w *world) renewed(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if !w.renewing(t) {
			return
		}
	}
	t.Fatal("a process still renews a sign-in")
}

// renewing reports whether a process of this world renews a sign-in.
func (w *world) renewing(t *testing.T) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		argv, err := os.ReadFile(line)
		if err != nil || !strings.HasSuffix(string(argv), "\x00"+renewArg+"\x00") {
			continue // it has ended
		}
		environ, err := os.ReadFile(filepath.Join(filepath.Dir(line), "environ"))
		if err == nil && strings.Contains(string(environ), "HOME="+w.Home+"\x00") {
			return true
		}
	}
	return false
}

// The new refresh token is on the disk, content and name, before fob uses what came with it: AWS may have
// ended the old one.
func TestRefreshIsSyncedFirst(t *testing.T) {
	needStrace(t)
	w := signedInWorld(t, 1)
	w.age(t, -time.Minute)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-qq", "-y", "-s", "64", "-e", "signal=none", "-e", "trace=fsync,renameat,renameat2,write", "-o", trace, w.Fob, "export", "p0")
	cmd.Dir, cmd.Env = w.Home, w.Env
	if out, err := cmd.Output(); err != nil || sessionOf(string(out)).ID == "" {
		t.Fatalf("%s, %v", out, err)
	}
	var done []string
	for line := range strings.Lines(slurp(t, trace)) {
		switch items := filepath.Join(w.storeDir(), "g1", "items"); {
		case strings.Contains(line, "POST /token"):
			done = append(done, "renew")
		case len(done) == 0: // see CanSetToken
		case strings.Contains(line, "fsync(") && strings.Contains(line, items+"/.tmp-"):
			done = append(done, "content")
		case strings.Contains(line, "rename") && strings.Contains(line, "token+"):
			done = append(done, "rename")
		case strings.Contains(line, "fsync(") && strings.Contains(line, items+">"):
			done = append(done, "name")
		case strings.Contains(line, "GET /federation/credentials"):
			done = append(done, "use")
		}
	}
	if want := []string{"renew", "content", "rename", "name", "use"}; !slices.Equal(done, want) {
		t.Errorf("%q, want %q\n%s", done, want, slurp(t, trace))
	}
}
