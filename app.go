package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/doctor"
	"fob/internal/host"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/prompt"
	"fob/internal/settings"
	"fob/internal/signin"
	"fob/internal/source"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
)

// app is what commands work with. newApp makes it from flags and environment, and
// nothing is written to it afterwards: what is made late is a function that makes
// it once, and what a call needs is a parameter.
type app struct {
	program
	start
	commandLine
	ctx    context.Context // the life of the process, not of a request
	host   host.Host
	out    *ui.Printer
	person *ui.Person
	files  profiles.Files
	unlock unlockTimes
	// identity is the file of age identities; "" if none is named.
	identity string
	// store is the keyring, not opened yet.
	store func() *keyring.Store
	// profiles are the AWS files and the store as they were when they were first
	// asked for. A command that changes the files calls readProfiles.
	profiles func() (*profiles.Profiles, error)
	// agent is the coding agent that has started this process; zero for none.
	agent func() plan.Agent
	// noteClock says once that the clock is wrong, though the codes and the sessions
	// of several plans suffer from it.
	noteClock func(skew time.Duration)
}

// newApp wires up a command. The app is there even beside an error, to report it.
func newApp(ctx context.Context, p program, proc start, l commandLine) (a *app, err error) {
	if p.now == nil {
		p.now = time.Now
	}
	if p.wait == nil {
		p.wait = func(ctx context.Context, d time.Duration, what string) error { return a.out.Countdown(ctx, d, what) }
	}
	a = &app{program: p, start: proc, commandLine: l, ctx: ctx, host: host.Host{Getenv: proc.getenv, FullPaths: l.json}}
	a.out = &ui.Printer{
		Out: a.stdout, Err: a.stderr,
		Quiet: a.Quiet, Verbose: a.Verbose && !a.Quiet,
		Color: func(stream io.Writer) bool { return ui.Colors(a.Color, a.getenv, stream) },
		Tilde: a.host.Tilde, Patience: a.patience,
	}
	a.files = profiles.Files{Config: a.host.ConfigPath(), Credentials: a.host.CredentialsPath(), State: a.host.StatePath(), Tilde: a.host.Tilde}
	a.person = &ui.Person{
		NoInput: a.NoInput, Alone: a.alone,
		Plain: !ui.Capable(a.getenv, runtime.GOOS),
		Color: func() bool { return ui.Colors(a.Color, a.getenv, a.stderr) },
	}
	a.store = sync.OnceValue(a.newStore)
	a.profiles = sync.OnceValues(a.readProfiles)
	a.agent = sync.OnceValue(func() plan.Agent {
		found, _ := a.host.Agent(a.top)
		return plan.Agent(found)
	})
	var once sync.Once
	a.noteClock = func(skew time.Duration) {
		once.Do(func() {
			a.out.Note("this computer's clock is %s: fob uses AWS's time, and expiry times shown will be off by that much", awsapi.Ahead(skew))
		})
	}
	if err := a.host.Check(); err != nil {
		return a, err
	}
	if a.Backend != "" && !slices.Contains(backendNames(), a.Backend) {
		from := cmp.Or(a.setBy("backend"), "--backend")
		if from == "--backend" && a.getenv("FOB_BACKEND") == a.Backend {
			from = "FOB_BACKEND"
		}
		return a, noHelpf("%s: unknown backend %q; use %s", from, a.Backend, ui.List(backendNames()))
	}
	if a.identity, err = a.identityPath(); err != nil {
		return a, err
	}
	if a.unlock, err = readUnlockTimes(a.host); proc.wrong != nil {
		err = proc.wrong
	}
	return a, err
}

// backendNames are the values of --backend, on any system.
func backendNames() []string {
	return append([]string{"auto", "file", "age"}, keyring.BackendKinds()...)
}

// identityPath is the file of age identities that the environment or config.toml names.
func (a *app) identityPath() (string, error) {
	if path := a.secrets.ageIdentity; path != "" {
		return a.host.Expand(path)
	}
	return a.settingPath("age-identity", a.AgeIdentity)
}

// settingPath is a path that a flag has. One in config.toml must not depend on the
// current directory, where somebody else's file may have that name.
func (a *app) settingPath(flag, path string) (string, error) {
	from := a.setBy(flag)
	if from == "" {
		return path, nil
	}
	path, err := a.host.Expand(path)
	if err == nil && !filepath.IsAbs(path) {
		err = &settings.Error{At: from, Problem: fmt.Sprintf("%q is not an absolute path, and programs run fob from any directory", path)}
	}
	return path, err
}

// rerun is the app for another command line: it has the same store, terminal and
// global flags, and reads the AWS files again.
func (a *app) rerun(l commandLine) *app {
	next := *a
	l.globals = a.globals
	next.commandLine = l
	next.profiles = sync.OnceValues(next.readProfiles)
	return &next
}

// readProfiles reads the AWS files as they are now.
func (a *app) readProfiles() (*profiles.Profiles, error) {
	return profiles.Read(a.files, a.store(), a.world())
}

// storedProfiles are the profiles of the store alone, where the AWS files cannot be
// read.
func (a *app) storedProfiles() *profiles.Profiles {
	empty, err := awsconfig.Parse(awsconfig.File{}, awsconfig.File{})
	if err != nil {
		panic(err) // there is nothing in it to be wrong
	}
	return profiles.New(empty, a.store(), a.world())
}

func (a *app) world() profiles.World {
	return profiles.World{
		Getenv: a.getenv, ReadFile: readPolicy,
		User: a.host.User, Agent: a.agent, Program: filepath.Base(a.args[0]), FoldCase: host.FoldCase, Log: a.out.Log,
		AWSLogin: func(step plan.ConsoleLogin) bool {
			home, _ := a.host.Home() // without one, nobody has signed in to the console
			return signin.InAWSCache(home, step, a.now())
		},
	}
}

// profileNames are the profiles of the AWS files and of the store. Items of the store
// that cannot be read are a warning, unless there is nothing else.
func (a *app) profileNames(all *profiles.Profiles) ([]string, error) {
	names, err := all.Names()
	if err != nil && len(names) == 0 {
		return nil, err // an empty list would say that there are no profiles
	}
	if err != nil {
		a.out.Warn("%s", a.out.Sentence(err))
	}
	return names, nil
}

// plan is how a profile gets credentials.
func (a *app) plan(profile string, o plan.Options) (plan.Plan, error) {
	all, err := a.profiles()
	if err != nil {
		return plan.Plan{}, err
	}
	return all.Plan(profile, o)
}

func (a *app) newStore() *keyring.Store {
	store := keyring.New(keyring.Options{
		Dir:           a.host.StorePath(),
		StateDir:      a.host.StatePath(),
		Backend:       a.Backend,
		Passphrase:    a.passphrase,
		AgeIdentity:   a.identity,
		Ask:           a.askPassphrase,
		Nobody:        a.nobodyHere,
		Self:          a.self,
		Waiting:       a.out.WaitingFor,
		Notice:        func(text string) { a.out.Say("fob: %s", text) },
		UnlockTTL:     a.unlock.sessions,
		UnlockKeysTTL: a.unlock.keys,
		DBusAddress:   a.host.DBusAddress(),
		Display:       a.host.Desktop(),
		NoPrompt:      a.NoInput,
		Place: func() keyring.Place {
			return keyring.Place{CI: a.host.CI(), Container: a.host.Container(), WSL: a.host.WSL(), SSH: a.host.SSH()}
		},
		Chose:      a.sayChoice,
		Getenv:     a.keyringEnv,
		WorkFactor: a.workFactor,
		Now:        a.now,
		Log:        a.out.Log,
	})
	if a.secrets.lent != nil {
		a.borrow(store)
	}
	return store
}

// makeStore creates the store if there is none.
func (a *app) makeStore(ctx context.Context) error {
	exists, err := a.store().Exists()
	if err != nil || exists {
		return err
	}
	made, err := a.store().Create(ctx)
	if err != nil {
		return err
	}
	for _, w := range made.Warnings {
		a.out.Warn("%s", w)
	}
	a.out.Log("the store in %s is opened by: %s", a.host.Tilde(made.Dir), made.Slot)
	return nil
}

// keyringEnv is the environment of a keyring's program. Without HOME, pass would look
// in the root directory.
func (a *app) keyringEnv(name string) string {
	switch name {
	case "HOME":
		home, _ := a.host.Home() // "" leaves the variable out
		return home
	case "PATH":
		return a.toolPath
	}
	return a.getenv(name)
}

// sayChoice says what will open a new store.
func (a *app) sayChoice(slot, why string) {
	if slot == "passphrase" {
		a.out.Say("%s: the store gets a passphrase (other ways: fob store).", upper(why))
		if where := a.asksEachTime(); where != "" && !a.secrets.hasPassphrase() && !a.unattended() {
			a.out.Say("Running %s, fob asks for it each time. To change that, set", where)
			if keyring.CanHold() {
				a.out.Say("    FOB_UNLOCK_TTL=12h         the kernel keeps the store unlocked")
			}
			a.out.Say("    FOB_PASSPHRASE_FILE=FILE   fob reads it from a file")
		}
		return
	}
	a.out.Say("%s will open the store (%s): %s.", upper(keyring.SlotTitle(slot)), slot, why)
	a.out.Say("To open it with a passphrase as well: fob store add file")
}

// upper is a text at the beginning of a sentence.
func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// unlockTimes are how long the kernel keeps an unlocked copy of what opens
// sessions, and of what opens keys.
type unlockTimes struct{ sessions, keys time.Duration }

var defaultUnlockTimes = unlockTimes{sessions: 12 * time.Hour, keys: 5 * time.Minute}

// readUnlockTimes keeps no copy, unless the user asks for one, where other users'
// processes may share the kernel's keyring or where nobody works.
func readUnlockTimes(h host.Host) (t unlockTimes, err error) {
	if h.Getenv("FOB_UNLOCK_TTL") == "" && (os.Getuid() == 0 || h.CI() || h.Container()) {
		return t, nil
	}
	t = defaultUnlockTimes
	for _, of := range []struct {
		name string
		d    *time.Duration
	}{{"FOB_UNLOCK_TTL", &t.sessions}, {"FOB_UNLOCK_KEYS_TTL", &t.keys}} {
		v := h.Getenv(of.name)
		if v == "" {
			continue
		}
		if *of.d, err = plan.ParseDuration(v); err != nil {
			return unlockTimes{}, noHelpf("%s: %v", of.name, err)
		}
	}
	t.keys = min(t.keys, t.sessions)
	return t, nil
}

// passphrase is one that needs no person.
func (a *app) passphrase() (creds.Secret, bool, error) {
	text, from := a.secrets.passphrase, ""
	var err error
	switch {
	case a.secrets.passphraseFD != nil:
		from = "FOB_PASSPHRASE_FD"
		text, err = host.ReadDescriptor(a.secrets.passphraseFD)
	case a.secrets.passphraseFile != "":
		from = "FOB_PASSPHRASE_FILE"
		var path string
		if path, err = a.host.Expand(a.secrets.passphraseFile); err == nil {
			text, err = host.ReadSecret(path)
		}
	case text == "":
		return creds.Secret{}, false, nil
	}
	if errors.Is(err, host.ErrTooLong) {
		return creds.Secret{}, false, &keyring.PassphraseError{Problem: fmt.Sprintf("the passphrase is %v (%s)", err, from)}
	}
	if err != nil {
		return creds.Secret{}, false, &keyring.PassphraseError{Problem: fmt.Sprintf("%s: %s", from, a.out.Path(err))}
	}
	typed := creds.Typed(text)
	if typed == "" {
		return creds.Secret{}, false, &keyring.PassphraseError{Problem: fmt.Sprintf("the passphrase is empty (%s)", from)}
	}
	return creds.NewSecret(typed), true, nil
}

// askerKey is the context's key of the program that credentials are made for.
type askerKey struct{}

// withAsker names the program that credentials are made for, so that a question
// for the passphrase can name it too.
func withAsker(ctx context.Context, program func() string) context.Context {
	return context.WithValue(ctx, askerKey{}, program)
}

// askPassphrase asks a person what the store wants to know.
func (a *app) askPassphrase(ctx context.Context, q keyring.Question) (answer creds.Secret, err error) {
	ask := prompt.Question{Title: "Passphrase", Problem: term.Clean(q.Problem), Secret: true}
	what := askForPassphrase
	switch q.Kind {
	case keyring.AskPassphrase:
		ask.Text = "Passphrase for " + term.Clean(a.host.Tilde(q.Store))
		if program, ok := ctx.Value(askerKey{}).(func() string); ok {
			ask.About = prompt.For(program())
		}
	case keyring.AskNewPassphrase:
		ask.Text, what = "New passphrase", askForNewPassphrase
	case keyring.AskNewPassphraseAgain:
		ask.Text = "Repeat it"
	case keyring.AskPlugin:
		name := "age-plugin-" + term.Clean(q.Plugin)
		ask.Title, ask.Secret, what = name, q.Secret, "ask what "+name+" wants to know"
		ask.Text = name + ": " + strings.TrimRight(term.Clean(q.Text), ": ")
	}
	if a.NoInput {
		return creds.Secret{}, &ui.NobodyError{What: what, Why: ui.ErrNoInput}
	}
	_, err = prompt.Ask(ctx, a.prompters(""), ask, func(typed creds.Secret) error { answer = typed; return nil })
	if none, ok := errors.AsType[*prompt.NoPersonError](err); ok {
		err = &ui.NobodyError{What: what, Why: errors.New(none.Reasons())}
	}
	return answer, err
}

// What ui.NobodyError says fob wanted.
const (
	askForPassphrase    = "ask for the passphrase"
	askForNewPassphrase = "ask for a new passphrase"
)

// unattended reports whether nobody sits at this machine or ever will, so that it does
// not help to tell them what to do in a terminal: a CI job, and where the environment
// turns questions off.
func (a *app) unattended() bool {
	return a.host.CI() || a.NoInput && a.getenv("FOB_NO_INPUT") != ""
}

// asksEachTime is where fob runs, if it keeps nothing unlocked there because of that, and
// so asks for the passphrase each time; "" if that is not so, or what the user wants.
func (a *app) asksEachTime() (where string) {
	switch {
	case a.unlock.sessions > 0 && runtime.GOOS == "linux" && !keyring.CanHold():
		return "without the kernel's keyring" // which Docker forbids
	case a.unlock.sessions > 0 || a.getenv("FOB_UNLOCK_TTL") != "":
		return ""
	case a.host.CI():
		return "in CI"
	case a.host.Container():
		return "in a container"
	}
	return "as root"
}

// prompters are the ways to ask a person here and now, for a profile or, if it is
// "", for the store.
func (a *app) prompters(profile string) []prompt.Prompter {
	return prompt.Prompters(prompt.World{
		System:   runtime.GOOS,
		Getenv:   a.getenv,
		LookPath: exec.LookPath,
		Service:  term.Service,
		Environ:  func() []string { return a.helperEnviron(profile) },
		Stderr:   a.out.Foreign(),
		Waiting:  a.waitingForWindow,
		Alone:    a.alone,
	})
}

// waitingForWindow says that a program asks where the user may not be looking.
func (a *app) waitingForWindow(program string) (done func()) {
	if program == "ykman" {
		return a.out.Waiting("waiting for ykman: touch your YubiKey?")
	}
	return a.out.Waiting("waiting for your desktop: %s is asking (Ctrl-C stops)", program)
}

// helperEnviron is what programs inherit that fob runs for itself.
func (a *app) helperEnviron(profile string) []string {
	environ := source.Environ(a.environ, host.FoldCase, source.Chain(a.getenv(source.ChainVariable)), profile)
	if a.toolPath != a.getenv("PATH") {
		environ = append(environ, "PATH="+a.toolPath)
	}
	return environ
}

// promptLocks is how many locks stand for all terminals and desktops: lock files
// stay, and there is a new terminal every day.
const promptLocks = 64

// alone keeps two fobs from asking at one place at once, and what fob waits for off a
// terminal that asks. Its lock is taken after every other one. Where it cannot be had,
// the question is asked all the same.
func (a *app) alone(ctx context.Context, place string) (release func(), err error) {
	name := fmt.Sprintf("ask-%d", crc32.ChecksumIEEE([]byte(place))%promptLocks)
	lock, err := a.store().AskLock(ctx, name, "an answer", func() { a.out.Log("waiting for another fob that is asking here") })
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	resume := func() {}
	if place != prompt.Desktop {
		resume = a.out.Suspend()
	}
	if err != nil {
		a.out.Log("another fob may ask at the same time: %v", err)
		return resume, nil
	}
	return func() { resume(); _ = lock.Unlock() }, nil // closing the file releases it in any case
}

// self is this process, for those who wait until it has asked a person.
func (a *app) self() keyring.Holder {
	return keyring.Holder{PID: os.Getpid(), Command: a.name, Terminal: host.Terminal()}
}

// nobodyHere reports that there is nobody to ask, and that it does not help either to wait
// for the answer to another process's question: the user wants no questions, or
// nothing would ever end the wait.
func (a *app) nobodyHere(ctx context.Context) bool {
	if _, limited := ctx.Deadline(); a.NoInput || limited {
		return a.NoInput
	}
	return !slices.ContainsFunc(a.prompters(""), func(p prompt.Prompter) bool { return !p.Machine && p.Ready() == nil })
}

// showLines shows lines of a profile's section in the AWS config, under its header.
func (a *app) showLines(what, profile string, lines []string) {
	a.out.Say("%s %s:", what, a.host.Tilde(a.files.Config))
	header, _ := awsconfig.Header("profile", profile) // such lines have been made for it
	if len(lines) > 0 && !strings.HasPrefix(strings.TrimSpace(lines[0]), "[") {
		a.out.Say("    %s", header)
	}
	for _, l := range lines {
		a.out.Say("    %s", l)
	}
}

// showUnwritten shows the lines that fob could not write to the AWS config or remove
// from it, if that is the error, which it returns.
func (a *app) showUnwritten(profile string, err error) error {
	e, ok := errors.AsType[*profiles.WriteError](err)
	if !ok {
		return err
	}
	if len(e.Gone) > 0 {
		a.showLines("Remove these lines from", profile, e.Gone)
	}
	if len(e.Added) > 0 {
		a.showLines("Add these lines to", profile, e.Added)
	}
	return err
}

// renews is said of a sign-in that lasts until AWS ends it.
const renews = "renewed without asking"

// noProfiles is what a newcomer does first.
const noProfiles = "No profiles yet. fob add PROFILE stores an access key and sets up its profile."

// sayMovingIn says below an answer what fob could take over next, and how: the first of
// what doctor says about it, and only the best way. A list of the profiles has said
// already which keys they need.
func (a *app) sayMovingIn(all *profiles.Profiles, listed bool) {
	const most = 2
	home, _ := a.host.Home() // "" if nobody knows
	findings := doctor.MovingIn(doctor.Moving{Profiles: all, Files: a.files, Program: a.args[0], Getenv: a.getenv, Home: home, Vault: a.inVault(true), Listed: listed})
	for i, f := range findings[:min(most, len(findings))] {
		if i == 0 {
			a.out.Print("\n")
		}
		a.out.Item(ui.Styled{}, f.What, f.Do[:1])
	}
}

// vaultWorld is where aws-vault may keep its keys.
func (a *app) vaultWorld(all *profiles.Profiles) awsvault.World {
	home, _ := a.host.Home() // without one there are no files
	return awsvault.World{World: a.store().World(), Home: home, Tilde: a.host.Tilde, Profiles: all.Config.Names(), Prompt: a.host.Desktop() && !a.NoInput}
}

// inVault are the profiles whose keys aws-vault has, as far as that can be told without
// asking; at once, only those in files, because what is not about aws-vault does not wait
// for keyrings.
func (a *app) inVault(atOnce bool) (names []string) {
	all, err := a.profiles()
	if err != nil {
		return nil // which is said elsewhere
	}
	w := a.vaultWorld(all)
	w.Prompt = false
	entries := awsvault.Files(a.ctx, w)
	if !atOnce {
		entries, _ = awsvault.List(a.ctx, w)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Profile) {
			names = append(names, e.Profile)
		}
	}
	return names
}

// noteConflicts says which files hold an item of the store under another name than its
// own, and what to type about each: only a person knows which version is wanted.
func (a *app) noteConflicts(found []keyring.Conflict) {
	for _, c := range found {
		a.out.Note("%v", c)
		hints := []ui.Hint{ui.Type("rm", c.Path()).To("removes it")}
		if !c.Same {
			use := ui.Type("mv", c.Path(), filepath.Join(c.Dir, c.Item)).To("uses it")
			hints = []ui.Hint{use, hints[0]}
		}
		if !a.Quiet {
			a.out.Hints(hints)
		}
	}
}

// start is how this process was started.
type start struct {
	args    []string
	environ []string                 // without fob's secrets
	getenv  func(name string) string // looks in environ
	secrets secrets
	// wrong is what is wrong with the environment; nil for nothing.
	wrong          error
	toolPath       string // the PATH of programs that fob runs for itself
	began          time.Time
	stdout, stderr io.Writer
	// allowDumps undoes host.NoDumps, before a command replaces fob.
	allowDumps func()
}

// hasPassphrase reports whether a variable says where the passphrase is.
func (s secrets) hasPassphrase() bool { return s.passphraseFrom() != "" }

// passphraseFrom is the variable that the passphrase comes from; "" if it is asked for.
func (s secrets) passphraseFrom() string {
	switch {
	case s.passphraseFD != nil:
		return "FOB_PASSPHRASE_FD"
	case s.passphraseFile != "":
		return "FOB_PASSPHRASE_FILE"
	case s.passphrase != "":
		return "FOB_PASSPHRASE"
	}
	return ""
}

// secrets are variables that nothing fob starts may inherit.
type secrets struct {
	passphrase, passphraseFile, mfaCode, ageIdentity string
	// passphraseFD is open, and read at most once; nil for none.
	passphraseFD *os.File
	// lent opens the store's sessions, for a fob that fob itself has started; nil for none.
	lent *os.File
}

// orDash is a cell of a table, and shows what is not known.
func orDash(text string) ui.Styled {
	if text == "" {
		return ui.Dim.Text("-")
	}
	return ui.Plain.Text(text)
}
