package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/settings"
	"fob/internal/term"
	"fob/keyring"
)

// app is what commands work with.
type app struct {
	program
	globals
	started        time.Time
	args           []string
	environ        []string // as given: what children inherit, cleaned
	stdout, stderr io.Writer
	dumpable       func()          // undoes noDumps
	ctx            context.Context // the process's life, not a request's
	name           string          // the command

	secrets    secrets
	unlock     struct{ sessions, keys time.Duration }
	keys       *keyring.Store
	aws        *awsconfig.Config
	terminal   *term.Terminal
	clockNoted bool
	// asker is the program that credentials are being made for; nil if none are.
	asker func() string
	// codePrompters ask for MFA codes; nil for all there are.
	codePrompters []prompt.Prompter
	// defaults are config.toml's; nil if there is none, or it was not read.
	defaults *settings.File
}

// Paths.

func (a *app) settingsPath() string {
	return filepath.Join(xdg("XDG_CONFIG_HOME", ".config"), "fob", "config.toml")
}

func (a *app) storePath() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("LOCALAPPDATA"), "fob")
	}
	return filepath.Join(xdg("XDG_DATA_HOME", ".local/share"), "fob")
}

func (a *app) statePath() string {
	return filepath.Join(xdg("XDG_STATE_HOME", ".local/state"), "fob")
}

func (a *app) configPath() string      { return awsPath("AWS_CONFIG_FILE", "config") }
func (a *app) credentialsPath() string { return awsPath("AWS_SHARED_CREDENTIALS_FILE", "credentials") }

// xdg follows the XDG Base Directory Specification: a relative path is ignored.
func xdg(env, below string) string {
	if dir := os.Getenv(env); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home(), filepath.FromSlash(below))
}

func awsPath(env, name string) string {
	if path := os.Getenv(env); path != "" {
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			return filepath.Join(home(), rest)
		}
		return path
	}
	return filepath.Join(home(), ".aws", name)
}

func home() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return "." // a home is missed where something is to be found in it
	}
	return dir
}

// tilde shortens a path for a person.
func tilde(path string) string {
	if h, err := os.UserHomeDir(); err == nil && h != "/" {
		if rest, ok := strings.CutPrefix(path, h+string(filepath.Separator)); ok {
			return "~" + string(filepath.Separator) + rest
		}
	}
	return path
}

// config reads the AWS files, once.
func (a *app) config() (*awsconfig.Config, error) {
	if a.aws != nil {
		return a.aws, nil
	}
	var files [2]awsconfig.File
	for i, path := range []string{a.configPath(), a.credentialsPath()} {
		f, err := awsconfig.Read(path)
		if err != nil {
			return nil, err
		}
		f.Path = tilde(f.Path)
		files[i] = f
	}
	var err error
	a.aws, err = awsconfig.Parse(files[0], files[1])
	return a.aws, err
}

// editConfig changes the AWS config: edit is given its text, and returns what it
// is to be. What was read of it before does not count any more.
func (a *app) editConfig(edit func(text string) (string, error)) (changed bool, err error) {
	file, err := awsconfig.Read(a.configPath())
	if err != nil {
		return false, err
	}
	text, err := edit(file.Text)
	var syntax *awsconfig.SyntaxError
	if errors.As(err, &syntax) && syntax.File == "" {
		syntax.File = tilde(a.configPath())
	}
	if err != nil || text == file.Text {
		return false, err
	}
	a.aws = nil
	return true, awsconfig.WriteFile(a.configPath(), []byte(file.Text), []byte(text))
}

func planKey(info keyring.Info) plan.Key {
	return plan.Key{ID: info.KeyID, Account: info.Account, ARN: info.ARN}
}

// facts are what plans are made from.
func (a *app) facts() (plan.Facts, error) {
	c, err := a.config()
	if err != nil {
		return plan.Facts{}, err
	}
	return plan.Facts{
		Config: c,
		Key: func(profile string) (plan.Key, bool, error) {
			info, err := a.store().KeyInfo(profile)
			var none *keyring.NotFoundError
			switch {
			case errors.As(err, &none):
				return plan.Key{}, false, nil
			case err != nil:
				return plan.Key{}, false, err
			}
			return planKey(info), true, nil
		},
		StoredNames: func() []string {
			var names []string
			infos, _ := a.store().Infos(keyring.KindKey) // damaged ones are no suggestions
			for _, i := range infos {
				names = append(names, i.Name)
			}
			return names
		},
		Getenv:   os.Getenv,
		ReadFile: os.ReadFile,
		User:     login(),
		Program:  filepath.Base(a.args[0]),
	}, nil
}

func login() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// resolve makes a profile's plan.
func (a *app) resolve(profile string, o plan.Options) (plan.Plan, error) {
	facts, err := a.facts()
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := plan.Resolve(facts, profile, o)
	if err != nil {
		return plan.Plan{}, err
	}
	for _, n := range p.Notes {
		a.logf("%s", n)
	}
	return p, nil
}

// Words on stderr.

func (a *app) logf(format string, args ...any) {
	if a.Verbose {
		fmt.Fprintln(a.stderr, "fob:", term.Clean(fmt.Sprintf(format, args...)))
	}
}

func (a *app) notef(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintln(a.stderr, "fob: note:", term.Clean(fmt.Sprintf(format, args...)))
	}
}

func (a *app) warnf(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintln(a.stderr, "fob: warning:", term.Clean(fmt.Sprintf(format, args...)))
	}
}

func (a *app) say(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// answer prints a line on stdout; quiet, the exit code is the answer.
func (a *app) answer(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintf(a.stdout, format+"\n", args...)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// clock prints a time for a person, in the local zone.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("Mon 15:04")
}

// store is the keyring, not opened yet.
func (a *app) store() *keyring.Store {
	if a.keys == nil {
		a.keys = keyring.New(keyring.Options{
			Dir:           a.storePath(),
			StateDir:      a.statePath(),
			Backend:       a.Backend,
			Passphrase:    a.passphrase,
			AgeIdentity:   a.ageIdentity(),
			Ask:           a.askPassphrase,
			Notice:        func(text string) { a.say("fob: %s", term.Clean(text)) },
			UnlockTTL:     a.unlock.sessions,
			UnlockKeysTTL: a.unlock.keys,
			Waiting:       func(slot string) { a.notef("waiting for your desktop: %s is asking (Ctrl-C stops)", slot) },
			DBusAddress:   dbusAddress(),
			Display:       atDesktop(),
			NoPrompt:      a.NoInput,
			Place:         place,
			Chose:         a.sayChoice,
			Getenv:        os.Getenv,
			WorkFactor:    a.workFactor,
			Now:           time.Now,
			Log:           a.logf,
		})
	}
	return a.keys
}

// Defaults of the unlocked copy's life.
const (
	defaultUnlock     = 12 * time.Hour
	defaultUnlockKeys = 5 * time.Minute
)

// unlockTTL is how long the kernel keeps an unlocked copy. Where other users'
// processes may share the kernel's keyring or nobody works, it keeps none unless
// that is asked for.
func unlockTTL() (sessions, keys time.Duration, err error) {
	read := func(name string, otherwise time.Duration) (time.Duration, error) {
		v := os.Getenv(name)
		if v == "" {
			return otherwise, nil
		}
		d, err := plan.ParseDuration(v)
		if err != nil {
			return 0, &usageError{Problem: name + ": " + err.Error()}
		}
		return d, nil
	}
	if os.Getenv("FOB_UNLOCK_TTL") == "" && (os.Getuid() == 0 || os.Getenv("CI") != "" || inContainer()) {
		return 0, 0, nil
	}
	if sessions, err = read("FOB_UNLOCK_TTL", defaultUnlock); err != nil {
		return 0, 0, err
	}
	keys, err = read("FOB_UNLOCK_KEYS_TTL", defaultUnlockKeys)
	return sessions, min(keys, sessions), err
}

func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Lstat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("container") != ""
}

// overSSH: a display is somebody else's, or not of the desktop that asks.
func overSSH() bool { return os.Getenv("SSH_CONNECTION") != "" || os.Getenv("SSH_TTY") != "" }

func atDesktop() bool {
	return !overSSH() && (os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "")
}

// place is where fob runs, as far as it decides what can open a store.
func place() keyring.Place {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only Linux has it
	return keyring.Place{
		CI:        os.Getenv("CI") != "",
		Container: inContainer(),
		WSL:       isWSL(string(kernel)),
		SSH:       overSSH(),
	}
}

// isWSL knows the kernel that Microsoft builds; that of WSL 1 has a capital.
func isWSL(kernel string) bool { return strings.Contains(strings.ToLower(kernel), "microsoft") }

// dbusAddress is the session bus; "" if there is none.
func dbusAddress() string {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	bus := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if fi, err := os.Stat(bus); err != nil || fi.Mode().Type() != os.ModeSocket || !filepath.IsAbs(bus) {
		return ""
	}
	return "unix:path=" + bus
}

// sayChoice says what will open a new store.
func (a *app) sayChoice(slot, why string) {
	if slot == "passphrase" {
		a.say("%s%s: a passphrase will open the store (fob store shows other ways).", strings.ToUpper(why[:1]), why[1:])
		return
	}
	a.say("What opens the store is kept in %s (%s), because %s; fob store add file adds a passphrase.", wayWords(slot), slot, why)
}

// newClient makes a client for an endpoint.
func (a *app) newClient(e plan.Endpoint) (*awsapi.Client, error) {
	if a.limits != (awsapi.Limits{}) {
		return awsapi.NewClientWithin(a.limits, e, a.logf)
	}
	return awsapi.NewClient(e, a.logf)
}

// dial makes a client for a profile that may not exist yet.
func (a *app) dial(profile string) (*awsapi.Client, error) {
	facts, err := a.facts()
	if err != nil {
		return nil, err
	}
	e, err := plan.EndpointOf(facts, profile)
	if err != nil {
		return nil, err
	}
	return a.newClient(e)
}

// broker wires a plan to the store, the terminal and AWS.
func (a *app) broker(p plan.Plan, f credentialFlags, renew broker.Renewal, program func() string) *broker.Broker {
	seed := func(store *keyring.Store) func(context.Context, string) (creds.Seed, bool, error) {
		return func(ctx context.Context, serial string) (creds.Seed, bool, error) {
			if _, err := store.SeedInfo(serial); err != nil {
				var none *keyring.NotFoundError
				if errors.As(err, &none) {
					err = nil
				}
				return creds.Seed{}, false, err
			}
			s, err := store.Seed(ctx, serial)
			return s, err == nil, err
		}
	}
	prompters := a.codePrompters
	if prompters == nil {
		prompters = a.prompters(p.Profile)
	}
	given := f.MFACode
	if given == "" {
		given = a.secrets.mfaCode
	}
	var client *awsapi.Client
	return &broker.Broker{
		Source:   a.source,
		Sessions: a.sessions(p),
		Codes: &mfa.Ladder{
			Given:     creds.NewSecret(given),
			Seed:      seed(a.store()),
			Process:   a.mfaProcess(p),
			Prompters: prompters,
			Prompt:    f.MFAPrompt,
			NoInput:   a.NoInput,
			Skew: func() time.Duration {
				if client == nil {
					return 0
				}
				return client.RawSkew()
			},
			Wait:   a.wait,
			Notice: a.noteClock,
		},
		QuietCodes: &mfa.Ladder{Seed: seed(a.store().Quiet())},
		Dial: func(e plan.Endpoint) (broker.STS, error) {
			var err error
			if client, err = a.newClient(e); err != nil {
				return nil, err // not a nil *Client in a non-nil interface
			}
			return client, nil
		},
		Renew:   renew,
		Fresh:   f.Fresh,
		Program: program,
		Now:     time.Now,
		Clock:   a.noteClock,
		Log:     a.logf,
		Note:    a.notef,
	}
}

// noteClock says once that the clock is wrong, though both the codes and the
// sessions of several plans suffer from it.
func (a *app) noteClock(skew time.Duration) {
	if !a.clockNoted {
		a.clockNoted = true
		a.notef("this computer's clock is %s: fob goes by AWS's, but sessions will seem to end at the wrong time", awsapi.Ahead(skew))
	}
}

// source reads what a plan starts from.
func (a *app) source(ctx context.Context, step plan.Step, quiet bool) (s creds.Session, rev string, err error) {
	store := a.store()
	if quiet {
		store = store.Quiet()
	}
	switch step := step.(type) {
	case plan.StoredKey:
		key, info, err := store.Key(ctx, step.Profile)
		if err != nil {
			return creds.Session{}, "", err
		}
		if info.KeyID != step.KeyID {
			// Replaced since the plan was made: the plan is of another key.
			return creds.Session{}, "", fmt.Errorf("the key of %q was replaced just now; run the command again", step.Profile)
		}
		return creds.Session{Key: key, AccountID: info.Account}, info.Rev, nil
	case plan.PlaintextKey:
		section, _ := a.aws.Profile(step.Profile)
		static, err := plan.Static(section)
		if err != nil {
			return creds.Session{}, "", err
		}
		return creds.Session{
			Key:   creds.Key{ID: static.ID.Text, Secret: creds.NewSecret(static.Secret.Text)},
			Token: creds.NewSecret(static.Token.Text),
		}, "", nil
	case plan.Environment:
		return creds.Session{
			Key:   creds.Key{ID: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: creds.NewSecret(os.Getenv("AWS_SECRET_ACCESS_KEY"))},
			Token: creds.NewSecret(os.Getenv("AWS_SESSION_TOKEN")),
		}, "", nil
	case plan.Process:
		s, err := a.runProcess(ctx, step)
		return s, "", err
	}
	panic("a plan that starts with " + step.Kind())
}

// sessions is where a plan's sessions are kept. Only a stored key is worth a
// question: a plan that needs no store does not ask for its passphrase.
func (a *app) sessions(p plan.Plan) broker.Sessions {
	if _, stored := p.Steps[0].(plan.StoredKey); stored {
		return a.store()
	}
	return spareSessions{a.store().Quiet()}
}

// spareSessions keeps sessions where a store can be opened without a person,
// and otherwise none.
type spareSessions struct{ *keyring.Store }

func (s spareSessions) Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error) {
	if ok, err := s.Exists(); err != nil || !ok {
		return creds.Session{}, keyring.Info{}, &keyring.NotFoundError{Kind: keyring.KindSession, Name: source}
	}
	session, info, err := s.Store.Session(ctx, source, id)
	var locked *keyring.LockedError
	if errors.As(err, &locked) {
		err = &keyring.NotFoundError{Kind: keyring.KindSession, Name: source}
	}
	return session, info, err
}

func (s spareSessions) SaveSession(ctx context.Context, source, id, rev string, session creds.Session) error {
	if ok, err := s.Exists(); err != nil || !ok {
		return nil
	}
	err := s.Store.SaveSession(ctx, source, id, rev, session)
	var locked *keyring.LockedError
	if errors.As(err, &locked) {
		return nil
	}
	return err
}

// close lets go of what is not to be open in a command, or be inherited by it.
func (a *app) close() {
	a.dumpable()
	if a.terminal != nil {
		_ = a.terminal.Close() // it was only asked at
	}
}
