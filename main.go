// Command fob keeps AWS keys in an encrypted store and gives programs
// short-lived, MFA-backed credentials in their place.
//
// This file is the grammar and the way from argv to a command. What commands work
// with (store, AWS config, broker) meets in app.go; ask.go asks a person;
// report.go turns failures into words and exit codes. Every other file is one command,
// named after it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/completion"
	"fob/internal/dbusguard"
	"fob/internal/later"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/settings"
	"fob/keyring"
	"fob/keyring/backend"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(program{}.run(os.Args)) }

// program is what tests may set; the zero value is the product.
type program struct {
	// workFactor is log2 of the passphrase's scrypt cost; 0 is the store's own.
	workFactor int
	// budget is how long an export may take; 0 is exportBudget.
	budget time.Duration
	// limits are those of calls to AWS; zero is awsapi's own.
	limits awsapi.Limits
	// devicePeriod is how long a code of a device lasts that fob creates at AWS; 0 is
	// AWS's 30 s.
	devicePeriod time.Duration
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
		{"status", "", "Show this shell's profile and the time left.", nil, &statusCmd{}},
		{"remove", "PROFILE", "Remove a key, its seed and its sessions.", []string{`aliases:"rm"`}, &removeCmd{}},
		{"clear", "[PROFILE]", "Drop sessions, and keep the keys.", nil, &clearCmd{}},
		{"mfa", "add|code|remove|enroll", "Time-based codes from the store instead of a phone.", nil, &mfaCmd{}},
		{"explain", "PROFILE", "Say what would happen, step by step.", nil, &explainCmd{}},
		{"store", "[COMMAND]", "Show where the secrets are and what opens them, and change that.", nil, &storeCmd{}},
		{"lock", "", "Forget the unlocked copy of the store's keys.", nil, &lockCmd{}},
		{"doctor", "[PROFILE]", "Say what is wrong, and what to type.", nil, &doctorCmd{}},
		{"completion", "SHELL", "Print the script that makes Tab complete fob's command lines.", nil, &completionCmd{}},
		{"version", "", "Print the version.", nil, &versionCmd{}},
	}
}

// globals are the flags of every command.
type globals struct {
	Backend string      `help:"What opens the store: auto (what this machine chose), file (a passphrase), age, ${backends}." env:"FOB_BACKEND" default:"auto" placeholder:"NAME" group:"Flags of every command:"`
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
	if len(args) == 2 && args[1] == backend.ChildArg {
		return backend.ChildMain()
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

// secrets are variables that nothing fob runs may inherit.
type secrets struct {
	passphrase, passphraseFD, passphraseFile, mfaCode, ageIdentity string
}

// takeSecrets moves them out of the environment. A passphrase's descriptor is
// not inherited either.
func (a *app) takeSecrets() {
	take := func(name string) string {
		v := os.Getenv(name)
		os.Unsetenv(name)
		return v
	}
	a.secrets = secrets{take("FOB_PASSPHRASE"), take("FOB_PASSPHRASE_FD"), take("FOB_PASSPHRASE_FILE"), take("FOB_MFA_CODE"), take("FOB_AGE_IDENTITY")}
	// With it age copies what it says to a plugin, keys and all, to stderr.
	os.Unsetenv("AGEDEBUG")
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
	if argv[0] == completion.Arg {
		return a.complete(argv[1:])
	}
	if export := a.shortcut(argv); export != nil {
		return a.start(export.Run)
	}
	all := commands()
	before, after, split := argv, []string(nil), false
	if i := slices.Index(argv, "--"); i >= 0 {
		before, after, split = argv[:i], argv[i+1:], true
	}
	if a.name = commandWord(before); a.name == "help" {
		i := slices.Index(before, "help")
		before = append(slices.Delete(slices.Clone(before), i, i+1), "--help")
		a.name = commandWord(before)
	}
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
		file  *settings.Error
	)
	switch {
	case errors.Is(err, errVersion):
		return versionCmd{}.Run(a)
	case errors.Is(err, errHelp) && len(named) > 1:
		return a.help()
	case errors.Is(err, errHelp) && errors.As(err, &parse):
		// fob store alone is a command without a name: its help is of them all.
		parse.Context.Path = slices.DeleteFunc(parse.Context.Path, func(p *kong.Path) bool { return p.Command != nil && p.Command.Hidden })
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
	return &exportCmd{Profile: argv[2], credentialFlags: credentialFlags{MFAPrompt: prompt.Auto}}
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
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
		kong.Vars{"prompts": strings.Join(prompt.Names(), ", "), "backends": strings.Join(keyring.BackendKinds(), ", ")},
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(func(int) {}),
	}
	for _, c := range named {
		options = append(options, kong.DynamicCommand(c.name, c.help, "", c.cmd, c.tags...))
	}
	var err error
	if a.defaults, err = settings.Load(a.settingsPath(), tilde(a.settingsPath()), commandNames, os.Getenv); err != nil {
		return nil, err
	}
	if a.defaults != nil {
		options = append(options, kong.Resolvers(a.defaults))
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
    --backend NAME           what opens the store: auto (what this machine chose), file (a passphrase), age,
                             `+strings.Join(keyring.BackendKinds(), ", ")+`; $FOB_BACKEND
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
		fmt.Fprintf(a.stdout, "    fob %-28s %s\n", strings.TrimSpace(c.name+" "+c.synopsis), c.help)
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
