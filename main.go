// Command fob keeps AWS keys in an encrypted store and gives programs
// short-lived, MFA-backed credentials in their place.
//
// This file is the grammar and the wiring: where flags, environment, terminal,
// store and AWS meet. Each command is a file of its own; report.go turns
// failures into words and exit codes.
//
// fob does one thing at a time, so it does not look for a container's share of
// the processors: that is reading four files at every start.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/dbusguard"
	"fob/internal/later"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/settings"
	"fob/internal/term"
	"fob/keyring"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(program{}.run(os.Args)) }

// program is what tests may set; the zero value is the product.
type program struct {
	// workFactor is log2 of the passphrase's scrypt cost; 0 is the store's own.
	workFactor int
}

// command is a row of the grammar.
type command struct {
	name, synopsis, help string
	tags                 []string
	cmd                  any
}

// commands is the grammar, in the order of the help.
func commands() []command {
	return []command{
		{"add", "PROFILE", "Put an AWS access key into the encrypted store, or a role on top of one.", nil, &addCmd{}},
		{"exec", "PROFILE [-- CMD...]", "Run CMD (or $SHELL) with session credentials in its environment.", nil, &execCmd{}},
		{"export", "--profile PROFILE", "Print session credentials for another program.", nil, &exportCmd{}},
		{"login", "PROFILE...", "Sign in ahead, so that other programs run silently.", nil, &loginCmd{}},
		{"list", "", "Show what is stored.", []string{`aliases:"ls"`}, &listCmd{}},
		{"remove", "PROFILE", "Remove a key, its seed and its sessions.", []string{`aliases:"rm"`}, &removeCmd{}},
		{"clear", "[PROFILE]", "Drop sessions, and keep the keys.", nil, &clearCmd{}},
		{"mfa", "add|code|remove PROFILE", "Time-based codes from the store instead of a phone.", nil, &mfaCmd{}},
		{"explain", "PROFILE", "Say what would happen, step by step.", nil, &explainCmd{}},
		{"lock", "", "Forget the unlocked copy of the store's keys.", nil, &lockCmd{}},
		{"version", "", "Print the version.", nil, &versionCmd{}},
	}
}

// globals are the flags of every command.
type globals struct {
	Backend string      `help:"What opens the store: auto, secret-service or file (a passphrase)." env:"FOB_BACKEND" default:"auto" placeholder:"NAME" group:"Flags of every command:"`
	NoInput bool        `help:"Never ask; exit 4 instead." env:"FOB_NO_INPUT" group:"Flags of every command:"`
	Verbose bool        `short:"v" aliases:"debug" help:"Say on stderr what is done; never a secret." env:"FOB_VERBOSE" group:"Flags of every command:"`
	Quiet   bool        `short:"q" help:"Only errors." group:"Flags of every command:"`
	Color   string      `help:"Colour messages: ${enum}." enum:"auto,always,never" default:"auto" placeholder:"WHEN" group:"Flags of every command:"`
	Version versionFlag `help:"Print the version." group:"Flags of every command:"`
	Help    helpFlag    `short:"h" help:"Show help." group:"Flags of every command:"`

	// Settings without a flag in the manual: they are for config.toml.
	CompatEnv   bool   `hidden:"" default:"true" negatable:""`
	AgeIdentity string `hidden:""`
}

var (
	errHelp    = errors.New("help asked for")
	errVersion = errors.New("version asked for")
)

type (
	helpFlag    bool
	versionFlag bool
)

func (helpFlag) BeforeReset() error    { return errHelp }
func (versionFlag) BeforeReset() error { return errVersion }

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	fmt.Fprintln(a.stdout, "fob", version)
	return nil
}

// run is the program: argv in, exit code out.
func (p program) run(args []string) int {
	dumpable := noDumps()
	dbusguard.Restore()
	if len(args) == 2 && args[1] == keyring.ChildArg {
		return keyring.ChildMain()
	}
	a := &app{program: p, started: time.Now(), args: args, environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, dumpable: dumpable}
	a.takeSecrets()
	a.forgetEmpty()
	var stop context.CancelFunc
	a.ctx, stop = later.Context(notify)
	defer stop()
	if err := a.command(args[1:]); err != nil {
		return a.report(err)
	}
	return 0
}

// notify is cancelled by the signals that end a program, but not by those that
// the parent wants ignored (nohup).
func notify() (context.Context, context.CancelFunc) {
	var signals []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	// A reader of our output that is gone must not end fob between an MFA code
	// and its session. With somebody to hear of SIGPIPE a write fails instead;
	// ignored it would be in the command, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), signals...)
}

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

	secrets secrets
	// keyProblem is why a stored key of the plan being made could not be read.
	keyProblem error
	unlock     struct{ sessions, keys time.Duration }
	keys       *keyring.Store
	view       *keyring.View // what the last plan was made from
	aws        *awsconfig.Config
	terminal   *term.Terminal
	// codePrompters ask for MFA codes; nil for all there are.
	codePrompters []mfa.Prompter
	// fromSettings are the flags that config.toml set: name to file and line.
	fromSettings map[string]string
}

// secrets are variables that nothing fob runs may inherit.
type secrets struct {
	passphrase, passphraseFD, passphraseFile, mfaCode string
}

// takeSecrets moves them out of the environment. A passphrase's descriptor is
// not inherited either.
func (a *app) takeSecrets() {
	take := func(name string) string {
		v := os.Getenv(name)
		os.Unsetenv(name)
		return v
	}
	a.secrets = secrets{take("FOB_PASSPHRASE"), take("FOB_PASSPHRASE_FD"), take("FOB_PASSPHRASE_FILE"), take("FOB_MFA_CODE")}
	if fd, err := strconv.Atoi(a.secrets.passphraseFD); err == nil && fd > 2 {
		keepFromChildren(fd)
	}
}

// forgetEmpty makes an empty variable count as unset.
func (a *app) forgetEmpty() {
	for _, entry := range a.environ {
		if name, value, _ := strings.Cut(entry, "="); value == "" && strings.HasPrefix(name, "FOB_") {
			os.Unsetenv(name)
		}
	}
}

// command parses argv and runs one command.
func (a *app) command(argv []string) error {
	if len(argv) == 0 {
		return a.shortHelp()
	}
	if argv[0] == "help" {
		argv = append(slices.Clone(argv[1:]), "--help")
	}
	if export := a.shortcut(argv); export != nil {
		return a.start(export.Run)
	}
	all := commands()
	before, after, split := argv, []string(nil), false
	if i := slices.Index(argv, "--"); i >= 0 {
		before, after, split = argv[:i], argv[i+1:], true
	}
	a.name = commandWord(before)
	named := slices.DeleteFunc(slices.Clone(all), func(c command) bool { return !c.is(a.name) })
	if len(named) == 0 {
		if a.name != "" {
			return &unknownCommandError{Name: a.name}
		}
		named = all // for a bare --help
	} else {
		a.name = named[0].name
	}
	parser, err := a.parser(named)
	if err != nil {
		return err
	}
	ctx, err := parser.Parse(before)
	var (
		parse *kong.ParseError
		file  *plan.ConfigError
	)
	switch {
	case errors.Is(err, errVersion):
		return versionCmd{}.Run(a)
	case errors.Is(err, errHelp) && len(named) > 1:
		return a.help()
	case errors.Is(err, errHelp) && errors.As(err, &parse):
		return parse.Context.PrintUsage(false)
	case errors.As(err, &file):
		return file // config.toml's
	case errors.As(err, &parse):
		return &usageError{Command: a.name, Problem: usageProblem(named, parse.Error())}
	case err != nil:
		return err
	}
	if split {
		target, ok := named[0].cmd.(*execCmd)
		if !ok {
			return &usageError{Command: a.name, Problem: "-- is for exec"}
		}
		target.takeRest(after)
	}
	if a.Quiet {
		a.Verbose = false
	}
	return a.start(func(a *app) error { return ctx.Run(a) })
}

// start runs a command whose flags have been read.
func (a *app) start(run func(*app) error) (err error) {
	if a.unlock.sessions, a.unlock.keys, err = unlockTTL(); err != nil {
		return err
	}
	return run(a)
}

// shortcut reads the command line that SDKs run all day, fob export --profile
// NAME, as kong would, who takes longer over it than the store and AWS's files
// together. What a setting or a variable has a say in is left to kong.
func (a *app) shortcut(argv []string) *exportCmd {
	if len(argv) != 3 || argv[0] != "export" || argv[1] != "--profile" || strings.HasPrefix(argv[2], "-") {
		return nil
	}
	noInput := os.Getenv("FOB_NO_INPUT")
	if noInput != "" && noInput != "1" || os.Getenv("FOB_VERBOSE") != "" || os.Getenv("FOB_MFA_PROMPT") != "" {
		return nil
	}
	if _, err := os.Lstat(a.settingsPath()); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	a.name = argv[0]
	a.globals = globals{Backend: cmp.Or(os.Getenv("FOB_BACKEND"), "auto"), NoInput: noInput != "", Color: "auto", CompatEnv: true}
	return &exportCmd{Profile: argv[2], credentialFlags: credentialFlags{MFAPrompt: mfa.Auto}}
}

func (c command) is(name string) bool {
	return c.name == name || slices.Contains(c.tags, `aliases:"`+name+`"`)
}

// commandWord is the first word that is no global flag and no value of one.
func commandWord(args []string) string {
	for i := 0; i < len(args); i++ {
		switch word := args[i]; {
		case word == "--backend" || word == "--color":
			i++
		case !strings.HasPrefix(word, "-"):
			return word
		}
	}
	return ""
}

// parser builds kong with the commands named only: a grammar of all of them
// costs more than everything else that a warm export does.
func (a *app) parser(named []command) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("fob"),
		kong.Description("AWS keys stay in an encrypted store; programs get short-lived, MFA-backed credentials."),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Vars{"prompts": strings.Join(mfa.PromptNames(), ", ")},
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(int) {}),
	}
	for _, c := range named {
		options = append(options, kong.DynamicCommand(c.name, c.help, "", c.cmd, c.tags...))
	}
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	if settings != nil {
		options = append(options, kong.Resolvers(settings))
	}
	return kong.New(&a.globals, options...)
}

// shortHelp is what fob says when it is called alone.
func (a *app) shortHelp() error {
	fmt.Fprintln(a.stdout, "fob keeps AWS keys encrypted and gives programs short-lived, MFA-backed credentials.")
	fmt.Fprintln(a.stdout)
	a.overview()
	fmt.Fprintln(a.stdout, "\nfob COMMAND --help says more.")
	if c, err := a.config(); err == nil {
		if n := plaintextKeys(c); n > 0 {
			fmt.Fprintf(a.stdout, "\n%s holds %d %s in plain text: fob add takes them over one by one.\n", tilde(a.credentialsPath()), n, plural(n, "key"))
		}
	}
	return nil
}

func (a *app) help() error {
	fmt.Fprintln(a.stdout, "Usage: fob COMMAND [flags]")
	fmt.Fprintln(a.stdout)
	a.overview()
	fmt.Fprint(a.stdout, `
Flags of every command:
    --backend NAME           what opens the store: auto, secret-service or file (a passphrase); $FOB_BACKEND
    --no-input               never ask; exit 4 instead; $FOB_NO_INPUT
    -v, --verbose            say on stderr what is done; never a secret; $FOB_VERBOSE
    -q, --quiet              only errors
    --color WHEN             auto, always or never
    --version                print the version
    -h, --help               show help, of a command after its name

Defaults of flags may be set in `+tilde(a.settingsPath())+`.
`)
	return nil
}

func (a *app) overview() {
	for _, c := range commands() {
		fmt.Fprintf(a.stdout, "    fob %-31s %s\n", strings.TrimSpace(c.name+" "+c.synopsis), c.help)
	}
}

func plaintextKeys(c *awsconfig.Config) int {
	n := 0
	for _, name := range c.Names() {
		p, _ := c.Profile(name)
		if static, err := plan.Static(p); err == nil && static.ID.Text != "" && static.Token.Text == "" {
			n++
		}
	}
	return n
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

// facts are what plans are made from.
func (a *app) facts() (plan.Facts, error) {
	c, err := a.config()
	if err != nil {
		return plan.Facts{}, err
	}
	a.view = a.store().View()
	return plan.Facts{
		Config: c,
		Key: func(profile string) (plan.Key, bool) {
			info, err := a.view.KeyInfo(profile)
			var none *keyring.NotFoundError
			if err != nil {
				if !errors.As(err, &none) {
					a.keyProblem = errors.Join(a.keyProblem, err)
				}
				return plan.Key{}, false
			}
			return plan.Key{ID: info.KeyID, Account: info.Account, ARN: info.ARN}, true
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
		Login:    login(),
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
	a.keyProblem = nil
	p, err := plan.Resolve(facts, profile, o)
	if a.keyProblem != nil {
		// The plan was made as if the key were not there.
		return plan.Plan{}, a.keyProblem
	}
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

func (a *app) say(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
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

// person opens the terminal, or says why nobody can be asked.
func (a *app) person(what string) (*term.Terminal, error) {
	if a.NoInput {
		return nil, &personError{What: what, Why: "--no-input"}
	}
	if a.terminal != nil {
		return a.terminal, nil
	}
	t, err := term.Open()
	if err != nil {
		return nil, &personError{What: what, Why: err.Error()}
	}
	t.Alone = a.alone
	a.terminal = t
	return t, nil
}

// prompters are the ways to ask a person, here and now, for a profile or, if it
// is "", for the store.
func (a *app) prompters(profile string) []mfa.Prompter {
	return mfa.Prompters(mfa.World{
		System:   runtime.GOOS,
		Getenv:   os.Getenv,
		LookPath: exec.LookPath,
		Environ:  func() []string { return a.helperEnviron(profile) },
		Stderr:   a.stderr,
		Alone:    a.alone,
	})
}

// places is how many locks stand for all terminals and desktops: the files of
// locks stay, and there is a new terminal every day.
const places = 64

// alone keeps two fobs from asking at one place at once. It is taken after every
// other lock, and is a courtesy: where it cannot be had the question is asked.
func (a *app) alone(ctx context.Context, place string) (release func(), err error) {
	name := fmt.Sprintf("ask-%d", crc32.ChecksumIEEE([]byte(place))%places)
	lock, ok, err := a.store().TryLock(name)
	if err == nil && !ok {
		a.logf("waiting for another fob that asks here")
		lock, err = a.store().Lock(ctx, name)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		a.logf("nothing keeps another fob from asking at the same time: %v", err)
		return func() {}, nil
	}
	return func() { _ = lock.Unlock() }, nil // closing the file releases it in any case
}

// wait waits until what is there, and counts down on a terminal: one line, so it
// is to be shorter than any screen is wide.
func (a *app) wait(ctx context.Context, d time.Duration, what string) error {
	live := term.IsTerminal(os.Stderr) && !a.Quiet
	if !live {
		a.notef("waiting %d s for %s", ceilSeconds(d), what)
	}
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if live {
			fmt.Fprintf(a.stderr, "\r%-50s\r", "") // no escapes: any terminal takes this
		}
		if left <= 0 {
			return nil
		}
		if live {
			fmt.Fprintf(a.stderr, "fob: the next MFA code comes in %d s", ceilSeconds(left))
		}
		select {
		case <-time.After(min(left, (left-1)%time.Second+1)):
		case <-ctx.Done():
			if live {
				fmt.Fprintln(a.stderr)
			}
			return ctx.Err()
		}
	}
}

func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// close lets go of what is not to be open in a command, or be inherited by it.
func (a *app) close() {
	a.dumpable()
	if a.terminal != nil {
		_ = a.terminal.Close() // it was only asked at
	}
}

func (a *app) warnf(format string, args ...any) {
	if !a.Quiet {
		fmt.Fprintln(a.stderr, "fob: warning:", term.Clean(fmt.Sprintf(format, args...)))
	}
}

// store is the keyring, not opened yet.
func (a *app) store() *keyring.Store {
	if a.keys == nil {
		a.keys = keyring.New(keyring.Options{
			Dir:           a.storePath(),
			StateDir:      a.statePath(),
			Backend:       a.Backend,
			Passphrase:    a.passphrase,
			Ask:           a.askPassphrase,
			UnlockTTL:     a.unlock.sessions,
			UnlockKeysTTL: a.unlock.keys,
			DBusAddress:   os.Getenv("DBUS_SESSION_BUS_ADDRESS"),
			Display:       os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "",
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

// passphrase is one that needs no person.
func (a *app) passphrase() (creds.Secret, bool, error) {
	text := a.secrets.passphrase
	var err error
	switch {
	case a.secrets.passphraseFD != "":
		text, err = readDescriptor(a.secrets.passphraseFD)
	case a.secrets.passphraseFile != "":
		text, err = readSmall(a.secrets.passphraseFile)
	case text == "":
		return creds.Secret{}, false, nil
	}
	if err != nil {
		return creds.Secret{}, false, err
	}
	return creds.NewSecret(strings.TrimSuffix(text, "\n")), true, nil
}

const maxPassphrase = 64 << 10 // bytes; nobody types more

func readDescriptor(number string) (string, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return "", &usageError{Problem: "FOB_PASSPHRASE_FD is not the number of a descriptor"}
	}
	f := os.NewFile(uintptr(fd), "FOB_PASSPHRASE_FD")
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase))
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FD: %v", errors.Unwrap(err))
	}
	return string(text), nil
}

func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FILE: %s", plainPath(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPassphrase))
	if err != nil {
		return "", fmt.Errorf("FOB_PASSPHRASE_FILE: %s", plainPath(err))
	}
	return string(text), nil
}

// askPassphrase asks a person what the store wants to know.
func (a *app) askPassphrase(ctx context.Context, q keyring.Question) (passphrase creds.Secret, err error) {
	const what = "the store's passphrase"
	if a.NoInput {
		return creds.Secret{}, &personError{What: what, Why: "--no-input"}
	}
	text := "Passphrase of the store in " + term.Clean(tilde(q.Store)) + ": "
	switch q.Kind {
	case keyring.AskNewPassphrase:
		text = "New passphrase: "
		if q.Attempt == 1 {
			a.say("No desktop keyring here: a passphrase will open the store.")
		}
	case keyring.AskNewPassphraseAgain:
		text = "Again: "
	}
	_, err = mfa.Ask(ctx, a.prompters(""),
		mfa.Question{Title: "Passphrase", Text: text, Problem: term.Clean(q.Problem), Secret: true},
		func(answer creds.Secret) error { passphrase = answer; return nil })
	var nobody *mfa.NoPersonError
	if errors.As(err, &nobody) {
		err = &personError{What: what, Why: nobody.Reasons()}
	}
	return passphrase, err
}

// dial makes a client for a profile that may not exist yet.
func (a *app) dial(profile string) (*broker.Client, error) {
	facts, err := a.facts()
	if err != nil {
		return nil, err
	}
	e, err := plan.EndpointOf(facts, profile)
	if err != nil {
		return nil, err
	}
	return broker.NewClient(e, a.logf)
}

// broker wires a plan to the store, the terminal and AWS.
func (a *app) broker(p plan.Plan, f credentialFlags, renew broker.Renewal, program string) *broker.Broker {
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
	var client *broker.Client
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
				return client.Clock()
			},
			Wait:   a.wait,
			Notice: func(text string) { a.notef("%s", text) },
		},
		QuietCodes: &mfa.Ladder{Seed: seed(a.store().Quiet())},
		Dial: func(e plan.Endpoint) (broker.STS, error) {
			var err error
			if client, err = broker.NewClient(e, a.logf); err != nil {
				return nil, err // not a nil *Client in a non-nil interface
			}
			return client, nil
		},
		Renew:   renew,
		Fresh:   f.Fresh,
		Program: program,
		Now:     time.Now,
		Log:     a.logf,
		Note:    a.notef,
	}
}

// source reads what a plan starts from.
func (a *app) source(ctx context.Context, step plan.Step, quiet bool) (broker.Source, error) {
	store := a.store()
	if quiet {
		store = store.Quiet()
	}
	switch step := step.(type) {
	case plan.StoredKey:
		key, info, err := store.Key(ctx, step.Profile)
		if err != nil {
			return broker.Source{}, err
		}
		if info.KeyID != step.KeyID {
			// Replaced since the plan was made: the plan is of another key.
			return broker.Source{}, fmt.Errorf("the key of %q was replaced just now; run the command again", step.Profile)
		}
		return broker.Source{Session: creds.Session{Key: key, AccountID: info.Account}, Rev: info.Rev}, nil
	case plan.PlaintextKey:
		section, _ := a.aws.Profile(step.Profile)
		static, err := plan.Static(section)
		if err != nil {
			return broker.Source{}, err
		}
		return broker.Source{Session: creds.Session{
			Key:   creds.Key{ID: static.ID.Text, Secret: creds.NewSecret(static.Secret.Text)},
			Token: creds.NewSecret(static.Token.Text),
		}}, nil
	case plan.Environment:
		return broker.Source{Session: creds.Session{
			Key:   creds.Key{ID: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: creds.NewSecret(os.Getenv("AWS_SECRET_ACCESS_KEY"))},
			Token: creds.NewSecret(os.Getenv("AWS_SESSION_TOKEN")),
		}}, nil
	case plan.Process:
		s, err := a.runProcess(ctx, step)
		return broker.Source{Session: s}, err
	}
	panic("a plan that starts with " + step.Kind())
}

// sessions is where a plan's sessions are kept. Only a stored key is worth a
// question: a plan that needs no store does not ask for its passphrase.
func (a *app) sessions(p plan.Plan) broker.Sessions {
	if _, stored := p.Steps[0].(plan.StoredKey); stored {
		return &viewed{a.store(), a.view}
	}
	return spareSessions{a.store().Quiet()}
}

// viewed is the store, but looks for the first session where the plan was made.
type viewed struct {
	*keyring.Store
	view *keyring.View
}

func (v *viewed) Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error) {
	if view := v.view; view != nil {
		v.view = nil
		return view.Session(ctx, source, id)
	}
	return v.Store.Session(ctx, source, id)
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

// settings turns config.toml into the defaults of flags; nil if there is none.
// What is set for other commands than the one that runs is checked when they do.
func (a *app) settings() (kong.Resolver, error) {
	path := a.settingsPath()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New(plainPath(err))
	}
	all, err := settings.Parse(text)
	var syntax *settings.SyntaxError
	if errors.As(err, &syntax) {
		return nil, &plan.ConfigError{At: fmt.Sprintf("%s:%d", tilde(path), syntax.Line), Problem: syntax.Problem}
	}
	a.fromSettings = map[string]string{}
	return &defaults{app: a, path: tilde(path), all: all}, err
}

// defaults is kong's view of config.toml.
type defaults struct {
	app  *app
	path string
	all  []settings.Setting
}

// notInFile are flags whose value is for one run, or a secret.
var notInFile = []string{"mfa-code", "yes", "no-session", "stdin", "from-env", "help", "version"}

func (d *defaults) wrong(s settings.Setting, format string, args ...any) error {
	return &plan.ConfigError{At: fmt.Sprintf("%s:%d", d.path, s.Line), Problem: fmt.Sprintf(format, args...)}
}

// flag is the name of the flag that a key sets: config.toml has _ where the
// command line has -.
func flag(s settings.Setting) string { return strings.ReplaceAll(s.Key, "_", "-") }

// Validate implements kong.Resolver: every key of the tables that count is a
// flag, and of its type.
func (d *defaults) Validate(k *kong.Application) error {
	for _, s := range d.all {
		flags := k.Flags
		if s.Table != "" {
			i := slices.IndexFunc(k.Children, func(n *kong.Node) bool { return n.Name == s.Table })
			switch {
			case i >= 0:
				flags = k.Children[i].Flags
			case slices.ContainsFunc(commands(), func(c command) bool { return c.name == s.Table }):
				continue // another command's
			default:
				return d.wrong(s, "no command %q", s.Table)
			}
		}
		i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == flag(s) })
		if slices.Contains(notInFile, flag(s)) {
			return d.wrong(s, "%s is for the command line only", s.Key)
		}
		if i < 0 {
			return d.wrong(s, "unknown key %q", s.Key)
		}
		if err := d.fits(s, flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// fits checks a value as kong would, whose own words name no file.
func (d *defaults) fits(s settings.Setting, f *kong.Flag) error {
	want := ""
	switch {
	case typeOf(f) != s.Type:
		want = string(typeOf(f))
	case f.Enum != "" && !f.EnumMap()[s.Text]:
		want = "one of " + strings.Join(f.EnumSlice(), ", ")
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(s.Text); err != nil {
			want = `a duration such as "1h30m"`
		}
	}
	if want == "" {
		return nil
	}
	return d.wrong(s, "%s is to be %s", s.Key, want)
}

func typeOf(f *kong.Flag) settings.Type {
	switch {
	case f.IsBool():
		return settings.Bool
	case f.IsSlice():
		return settings.List
	}
	return settings.String
}

// Resolve implements kong.Resolver. The environment comes before the file.
func (d *defaults) Resolve(_ *kong.Context, parent *kong.Path, f *kong.Flag) (any, error) {
	for _, env := range f.Envs {
		if os.Getenv(env) != "" {
			return nil, nil
		}
	}
	table := ""
	if parent.Command != nil {
		table = parent.Command.Name
	}
	for _, s := range d.all {
		if s.Table != table || flag(s) != f.Name {
			continue
		}
		if err := d.fits(s, f); err != nil {
			return nil, err
		}
		d.app.fromSettings[f.Name] = fmt.Sprintf("%s:%d", d.path, s.Line)
		if s.Type == settings.List {
			return s.Texts, nil
		}
		return s.Text, nil
	}
	return nil, nil
}
