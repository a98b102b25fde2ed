// Command fob keeps AWS keys in an encrypted store and gives programs
// short-lived, MFA-backed credentials instead.
//
// This file is the grammar and the way from argv to a command. app.go puts together
// the things that commands work with, credentials.go is shared by the commands that
// make credentials, and report.go turns failures into messages and exit codes; the rows
// of its table are in its parts, report_profile.go and so on. Every other file is one
// command, named after it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"fob/internal/awsapi"
	"fob/internal/completion"
	"fob/internal/dbusguard"
	"fob/internal/format"
	"fob/internal/host"
	"fob/internal/later"
	"fob/internal/mfa"
	"fob/internal/prompt"
	"fob/internal/settings"
	"fob/internal/ui"
	"fob/keyring"
	"fob/keyring/backend"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(program{}.run(os.Args)) }

// program is what tests may set; the zero value is the product.
type program struct {
	// now is this computer's clock; nil is time.Now.
	now func() time.Time
	// wait waits for the next step of an MFA device; nil counts down for the user.
	wait func(ctx context.Context, d time.Duration, what string) error
	// workFactor is log2 of the passphrase's scrypt cost; 0 is the store's own.
	workFactor int
	// budget is how long an export may take; 0 is exportBudget.
	budget time.Duration
	// limits are those of calls to AWS; zero is awsapi's own.
	limits awsapi.Limits
	// patience is how long a wait may take before fob says for what; 0 is ui's own.
	patience time.Duration
	// loopback: a browser can come back to this computer, whatever fob thinks of it.
	loopback bool
	// pause waits between two looks whether a person has confirmed a code of a sign-in; nil
	// is a clock's.
	pause func(ctx context.Context, d time.Duration) error
	// top is the process at which the search for a coding agent above this one ends; 0 is
	// the first of all.
	top int
	// devicePeriod is how long a code of a device lasts that fob creates in AWS; 0 is
	// AWS's 30 s.
	devicePeriod time.Duration
	// judged sees a command line and what fob advises about it; nil for nobody.
	judged func(argv []string, hints []ui.Hint)
}

// command is a row of the grammar.
type command struct {
	name, synopsis, help string
	tags                 []string
	cmd                  any
}

// group is a heading of the help and the commands under it.
type group struct {
	title    string
	commands []command
}

// groups is the grammar, in the order of the help.
func groups() []group {
	return []group{
		{"Every day", []command{
			{"exec", "PROFILE [-- CMD...]", "Run CMD, or a shell, with session credentials.", nil, &execCmd{}},
			{"export", "--profile PROFILE", "Print session credentials for another program.", nil, &exportCmd{}},
			{"login", "[PROFILE...]", "Sign in now, so that programs do not have to ask.", nil, &loginCmd{}},
			{"status", "[PROFILE]", "Show this shell's profile and the time left.", nil, &statusCmd{}},
		}},
		{"Profiles and keys", []command{
			{"add", "PROFILE", "Store an access key, or set up a role.", nil, &addCmd{}},
			{"import", "[FILE...]", "Move keys in plain text into the store.", nil, &importCmd{}},
			{"list", "[WORD...]", "Show the profiles and what is stored for them.", []string{`aliases:"ls"`}, &listCmd{}},
			{"wire", "PROFILE...|--all", "Let every tool use existing profiles through fob.", nil, &wireCmd{}},
			{"explain", "PROFILE", "Show how a profile gets its credentials.", nil, &explainCmd{}},
			{"config", "COMMAND", "Read and change settings in the AWS config.", nil, &configCmd{}},
			{"rotate", "PROFILE|--all", "Replace a key in AWS and here.", nil, &rotateCmd{}},
			{"remove", "PROFILE", "Remove a key, its MFA secret and its sessions.", []string{`aliases:"rm"`}, &removeCmd{}},
		}},
		{"Sign-ins", []command{
			{"sso", "[COMMAND]", "Show Identity Center sign-ins, and set up profiles.", nil, &ssoCmd{}},
			{"mfa", "COMMAND", "Make MFA codes here instead of on a phone.", nil, &mfaCmd{}},
			{"clear", "[PROFILE]", "Clear cached sessions; keys stay.", nil, &clearCmd{}},
		}},
		{"The store", []command{
			{"store", "[COMMAND]", "Show or change what opens the store.", nil, &storeCmd{}},
			{"lock", "", "Lock the store.", nil, &lockCmd{}},
		}},
		{"Other", []command{
			{"doctor", "[PROFILE]", "Check the setup and suggest fixes.", nil, &doctorCmd{}},
			{"leaks", "[PATH...]", "Search files and git history for keys.", nil, &leaksCmd{}},
			{"completion", "SHELL", "Print the shell completion script.", nil, &completionCmd{}},
			{"version", "", "Print the version.", nil, &versionCmd{}},
		}},
	}
}

// commands are those of all groups.
func commands() (all []command) {
	for _, g := range groups() {
		all = append(all, g.commands...)
	}
	return all
}

func (c command) is(name string) bool {
	return c.name == name || slices.Contains(c.tags, `aliases:"`+name+`"`)
}

// globals are the flags of every command.
type globals struct {
	Backend string      `help:"What opens the store: auto (chosen on this machine), file (a passphrase), age, ${backends}." env:"FOB_BACKEND" default:"auto" placeholder:"NAME"`
	NoInput bool        `help:"Never ask; exit 4 instead." env:"FOB_NO_INPUT"`
	Verbose bool        `short:"v" aliases:"debug" help:"Say on stderr what fob does; never a secret." env:"FOB_VERBOSE"`
	Quiet   bool        `short:"q" help:"Print only errors."`
	Color   string      `help:"Color messages: ${enum}." enum:"auto,always,never" default:"auto" placeholder:"WHEN"`
	Version versionFlag `help:"Print the version."`
	Help    helpFlag    `short:"h" help:"Show help."`

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

// BeforeReset implements a hook of kong's.
func (helpFlag) BeforeReset() error { return errHelp }

// BeforeReset implements a hook of kong's.
func (versionFlag) BeforeReset() error { return errVersion }

// run is the program: argv in, exit code out.
func (p program) run(args []string) int {
	allowDumps := host.NoDumps()
	dbusguard.Restore()
	if len(args) == 2 && args[1] == backend.ChildArg {
		return backend.ChildMain()
	}
	if len(args) == 2 && args[1] == renewArg {
		return p.renew(args)
	}
	if len(args) == 2 && args[1] == readBackArg {
		return p.readBack(args)
	}
	proc := newStart(args)
	proc.allowDumps = allowDumps
	ctx, stop := later.Context(notify)
	defer stop()
	l, err := parse(proc, args[1:])
	a, wrong := newApp(ctx, p, proc, l)
	if err == nil && !l.anywhere {
		err = wrong
	}
	if err == nil {
		noteVariables(a)
		err = l.run(a)
	}
	if failed := a.out.Failed(); failed != nil && (err == nil || errors.Is(err, errNegative)) {
		err = failed
	}
	if err != nil {
		return a.report(err)
	}
	return 0
}

// newStart takes from the environment what nothing that fob starts may inherit:
// fob's secrets, and every variable that names AWS credentials.
func newStart(args []string) start {
	p := start{args: args, began: time.Now(), stdout: os.Stdout, stderr: os.Stderr}
	take := func(name string) string {
		v := os.Getenv(name)
		os.Unsetenv(name)
		return v
	}
	if number := take("FOB_PASSPHRASE_FD"); number != "" {
		// First, before anything is opened that could have the same number.
		var err error
		if p.secrets.passphraseFD, err = host.TakeDescriptor(number); err != nil {
			p.wrong = noHelpf("FOB_PASSPHRASE_FD: descriptor %s %v", number, err)
		}
	}
	if number := take(lentVariable); number != "" {
		p.secrets.lent, _ = host.TakeDescriptor(number) // without it the store opens in another way
	}
	p.secrets.passphrase, p.secrets.passphraseFile = take("FOB_PASSPHRASE"), take("FOB_PASSPHRASE_FILE")
	p.secrets.mfaCode, p.secrets.ageIdentity = take("FOB_MFA_CODE"), take("FOB_AGE_IDENTITY")
	p.environ = os.Environ()
	p.getenv = host.Lookup(p.environ)
	kept := format.Clean(p.environ, host.FoldCase)
	for _, entry := range p.environ {
		name, value, _ := strings.Cut(entry, "=")
		if len(kept) > 0 && kept[0] == entry {
			kept = kept[1:]
			if value != "" || !strings.HasPrefix(name, "FOB_") {
				continue // an empty variable of fob's counts as unset
			}
		}
		os.Unsetenv(name)
	}
	p.toolPath = host.Host{Getenv: p.getenv}.ToolPath()
	if p.toolPath != p.getenv("PATH") {
		os.Setenv("PATH", p.toolPath) // for age's plugins; a command that fob runs for the user has p.environ
	}
	// With it age copies what it says to a plugin, keys and all, to stderr.
	os.Unsetenv("AGEDEBUG")
	return p
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
	// When the reader of our output is gone, that must not end fob between an MFA
	// code and its session. With a handler for SIGPIPE the write fails instead; if
	// fob ignored the signal, so would the command that it runs.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), signals...)
}

// commandLine is a command line that has been read.
type commandLine struct {
	globals
	// name is the command; "" if there is none.
	name string
	// path is the command with the one below it: "mfa add"; "" if that is not known.
	path string
	// setBy is the file and line of config.toml that set a flag; "" if none did.
	setBy func(flag string) string
	// anywhere: it works without a home directory and with a wrong setting.
	anywhere bool
	// json: its answer is for programs, to which ~ is not a directory.
	json bool
	run  func(*app) error
}

// parse reads a command line. The line is there even beside an error, as far as
// it was read.
func parse(p start, argv []string) (commandLine, error) {
	l := commandLine{setBy: func(string) string { return "" }}
	if len(argv) == 0 {
		l.run, l.anywhere = shortHelp, true
		return l, nil
	}
	if argv[0] == completion.Arg {
		l.run, l.anywhere = func(a *app) error { return complete(a, argv[1:]) }, true
		return l, nil
	}
	if l, export, ok := shortcut(p, argv); ok {
		l.run = export.Run
		return l, nil
	}
	before, after, split := argv, []string(nil), false
	if i := slices.Index(argv, "--"); i >= 0 {
		before, after, split = argv[:i], argv[i+1:], true
	}
	l.Color = colorFlag(before) // counts for help and for errors, too, which end the parsing
	before, l.name = arrange(before)
	if err := checkDashes(l.name, before); err != nil {
		return l, err
	}
	named := slices.DeleteFunc(commands(), func(c command) bool { return !c.is(l.name) })
	switch {
	case len(named) > 0:
		l.name = named[0].name
	case slices.Contains(before, "--version"):
		named = commands() // whatever else is there, as GNU's programs have it
		before = []string{"--version"}
	case l.name != "":
		return l, &unknownCommandError{Words: append(before, after...)}
	default:
		named = commands() // for a bare --help
	}
	parser, err := l.parser(p, named)
	if err != nil {
		return l, err
	}
	if l.name != "" {
		before = profileArgument(parser.Model.Children[0], before)
		if split && l.name != "exec" {
			before = slices.Concat(before, []string{"--"}, after)
		}
	}
	ctx, err := parser.Parse(before)
	l.run = func(a *app) error { return ctx.Run(a) }
	l.anywhere = errors.Is(err, errHelp) || errors.Is(err, errVersion) || l.name == "version" || l.name == "completion"
	parsing, _ := errors.AsType[*kong.ParseError](err)
	switch {
	case errors.Is(err, errVersion):
		l.run = versionCmd{}.Run
		return l, nil
	case errors.Is(err, errHelp) && len(named) > 1:
		l.run = longHelp
		return l, nil
	case errors.Is(err, errHelp):
		l.run = func(a *app) error { return commandHelp(a, named[0], parsing.Context) }
		return l, nil
	case parsing != nil:
		if file, ok := errors.AsType[*settings.Error](err); ok {
			return l, file
		}
		return l, usageProblem(named, parsing)
	case err != nil:
		return l, err
	case split && l.name == "exec":
		named[0].cmd.(*execCmd).takeRest(after)
	}
	if node := ctx.Selected(); node != nil && !node.Hidden {
		l.path = commandPath(node)
	}
	l.json = slices.ContainsFunc(ctx.Flags(), func(f *kong.Flag) bool { return f.Name == "json" && f.Target.Bool() })
	return l, nil
}

// runLine runs another command line with this command's store and flags.
func (a *app) runLine(argv ...string) error {
	l, err := parse(a.start, argv)
	if err != nil {
		return err
	}
	return l.run(a.rerun(l))
}

// shortcut reads the command line that SDKs run all day, fob export --profile
// NAME, as kong would, which takes longer over it than the store and the AWS files
// together. Kong does it whenever a setting or a variable has a say.
func shortcut(p start, argv []string) (l commandLine, export *exportCmd, ok bool) {
	if len(argv) != 3 || argv[0] != "export" || argv[1] != "--profile" || strings.HasPrefix(argv[2], "-") {
		return commandLine{}, nil, false
	}
	noInput := p.getenv("FOB_NO_INPUT")
	if noInput != "" && noInput != "1" || p.getenv("FOB_VERBOSE") != "" || p.getenv("FOB_MFA_PROMPT") != "" {
		return commandLine{}, nil, false
	}
	if _, err := os.Lstat(host.Host{Getenv: p.getenv}.SettingsPath()); !errors.Is(err, fs.ErrNotExist) {
		return commandLine{}, nil, false
	}
	export = &exportCmd{Profile: argv[2], credentialFlags: credentialFlags{codeFlags: codeFlags{MFAPrompt: prompt.Auto}}}
	return commandLine{
		name:    argv[0],
		globals: globals{Backend: cmp.Or(p.getenv("FOB_BACKEND"), "auto"), NoInput: noInput != "", Color: "auto", CompatEnv: true},
		setBy:   func(string) string { return "" },
	}, export, true
}

// colorFlag is the value of --color.
func colorFlag(args []string) (value string) {
	for i, word := range args {
		if given, ok := strings.CutPrefix(word, "--color="); ok {
			value = given
		} else if word == "--color" && i+1 < len(args) {
			value = args[i+1]
		}
	}
	return value
}

// arrange is commandFirst, and makes fob help COMMAND one of COMMAND's --help.
func arrange(args []string) (ordered []string, name string) {
	if ordered, name = commandFirst(args); name != "help" {
		return ordered, name
	}
	if ordered, name = commandFirst(append(ordered[1:], "--help")); name == "help" { // of itself
		return ordered[1:], ""
	}
	return ordered, name
}

// valueFlags are the flags with a value that may stand before a command: fob's own for
// every command, and those that aws-vault and the AWS CLI take there.
func valueFlags() []string {
	return []string{
		"--backend", "--color",
		"--profile", "--region", "--prompt", "--mfa-prompt", "--duration", "-d", "--mfa-token", "--mfa-code", "-t",
		"--keychain", "--secret-service-collection", "--pass-dir", "--pass-cmd", "--pass-prefix", "--file-dir",
		"--output", "--query", "--endpoint-url",
	}
}

// commandFirst puts the command before the flags that stand in front of it, where
// aws-vault and the AWS CLI have all of theirs. The name is "" if there is no command.
func commandFirst(args []string) (ordered []string, name string) {
	i := 0
	for i < len(args) && strings.HasPrefix(args[i], "-") {
		if slices.Contains(valueFlags(), args[i]) {
			i++
		}
		i++
	}
	if i >= len(args) {
		return args, ""
	}
	return slices.Concat(args[i:i+1], args[:i], args[i+1:]), args[i]
}

// profileArgument makes the AWS CLI's --profile NAME the argument of a command that
// takes a profile and has no such flag. What follows exec's profile is not fob's.
func profileArgument(command *kong.Node, args []string) []string {
	takes := func(n *kong.Node) bool {
		return slices.ContainsFunc(n.Positional, func(v *kong.Value) bool { return v.Name == "profile" })
	}
	flags := slices.Concat(command.Flags, command.Parent.Flags)
	isProfile := func(f *kong.Flag) bool { return f.Name == "profile" }
	has := slices.ContainsFunc(flags, isProfile)
	if flagged := func(n *kong.Node) bool { return slices.ContainsFunc(n.Flags, isProfile) }; !has && slices.ContainsFunc(command.Children, flagged) {
		return profileLast(args)
	}
	if has || !takes(command) && !slices.ContainsFunc(command.Children, takes) {
		return args
	}
	for i := 1; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		switch {
		case name == "--profile" && given:
			return slices.Concat(args[:i], []string{value}, args[i+1:])
		case name == "--profile" && i+1 < len(args):
			return slices.Concat(args[:i], args[i+1:])
		case !strings.HasPrefix(name, "-") && command.Name == "exec":
			return args
		case !given && takesValue(flags, name):
			i++
		}
	}
	return args
}

// profileLast puts --profile NAME behind the command below this one that has the flag.
func profileLast(args []string) []string {
	for i, word := range args {
		switch name, _, given := strings.Cut(word, "="); {
		case name == "--profile" && given:
			return slices.Concat(args[:i], args[i+1:], args[i:i+1])
		case name == "--profile" && i+1 < len(args):
			return slices.Concat(args[:i], args[i+2:], args[i:i+2])
		}
	}
	return args
}

func takesValue(flags []*kong.Flag, word string) bool {
	return slices.ContainsFunc(flags, func(f *kong.Flag) bool {
		return !f.IsBool() && (word == "--"+f.Name || word == "-"+string(f.Short) || slices.Contains(f.Aliases, strings.TrimPrefix(word, "--")))
	})
}

// parser builds kong for the named commands only: a grammar of all of them costs
// more than everything else that a warm export does.
func (l *commandLine) parser(p start, named []command) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("fob"),
		kong.NoDefaultHelp(),
		kong.NamedMapper("prompt", kong.MapperFunc(decodePrompt)),
		kong.NamedMapper("code", kong.MapperFunc(decodeCode)),
		kong.Vars{"prompts": strings.Join(prompt.Names(), ", "), "backends": strings.Join(keyring.BackendKinds(), ", ")},
		kong.Exit(func(int) {}),
	}
	for _, c := range named {
		options = append(options, kong.DynamicCommand(c.name, c.help, "", c.cmd, c.tags...))
	}
	h := host.Host{Getenv: p.getenv}
	file, err := settings.Load(h.SettingsPath(), h.Tilde(h.SettingsPath()), commandNames, p.getenv)
	if err != nil {
		return nil, err
	}
	if file != nil {
		l.setBy = file.From
		options = append(options, kong.Resolvers(file))
	}
	return kong.New(&l.globals, options...)
}

// checkDashes refuses a flag that begins with a longer dash: word processors and web
// pages put one in the place of one or two hyphens. What follows exec's profile and the
// word after it is the command's own.
func checkDashes(command string, args []string) error {
	plain := 0
	for _, word := range args {
		const dashes = "\u2010\u2011\u2012\u2013\u2014\u2212"
		name := strings.TrimLeft(word, "-"+dashes)
		switch {
		case name == "" || strings.HasPrefix(word, "-") && !strings.ContainsAny(strings.TrimSuffix(word, name), dashes):
		case name == word:
			if plain++; command == "exec" && plain > 2 {
				return nil
			}
		default:
			hyphens := "--"
			if utf8.RuneCountInString(name) == 1 {
				hyphens = "-"
			}
			return &usageError{Problem: fmt.Sprintf("%q has a dash that is not a hyphen", word), Near: hyphens + name}
		}
	}
	return nil
}

// decodePrompt reads the name of a prompter, fob's or aws-vault's.
func decodePrompt(ctx *kong.DecodeContext, target reflect.Value) error {
	var name string
	if err := ctx.Scan.PopValueInto("prompter", &name); err != nil {
		return err
	}
	switch name {
	case "terminal":
		name = "tty"
	case "wincredui":
		name = "powershell"
	}
	target.SetString(name)
	return nil
}

// decodeCode refuses what cannot be an MFA code before anything is asked.
func decodeCode(ctx *kong.DecodeContext, target reflect.Value) error {
	var code string
	if err := ctx.Scan.PopValueInto("code", &code); err != nil {
		return err
	}
	if code != "" {
		if err := mfa.CheckCode(code); err != nil {
			return err
		}
	}
	target.SetString(code)
	return nil
}

func commandNames() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// commandPath are the words of a command: "store add".
func commandPath(node *kong.Node) string {
	if node.Parent == nil || node.Parent.Parent == nil {
		return node.Name
	}
	return commandPath(node.Parent) + " " + node.Name
}
