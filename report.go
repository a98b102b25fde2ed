package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/doctor"
	"fob/internal/host"
	"fob/internal/iam"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/settings"
	"fob/internal/source"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/internal/wire"
	"fob/keyring"
	"fob/keyring/backend"
)

// Exit codes, as the manual has them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNoProfile   = 3
	exitNoPerson    = 4
	exitStore       = 5
	exitRefused     = 6
	exitUnreachable = 7
	exitInterrupted = 130

	// exitExec is every failure of fob exec itself, as with env and timeout, so
	// that it is not taken for the command's own.
	exitExec = 125
)

// errNegative: the answer was no, and has been printed.
var errNegative = errors.New("a negative answer")

// usageError is a command line that cannot be carried out.
type usageError struct {
	Problem string
	Names   []string // profiles to choose from
	// NoHelp: the command's help would not help, because the problem says what to do
	// or lies in the environment.
	NoHelp bool
	// Command is the command whose help to read, if it is one below that of the line.
	Command string
	// Typed is the flag that is wrong, as it was typed, and Near is one that may have
	// been meant; "" for none.
	Typed, Near string
	// Way is what to type instead; zero for nothing.
	Way ui.Hint
	// Secret: a secret may have been typed.
	Secret bool
}

func (e *usageError) Error() string { return e.Problem }

func usagef(format string, args ...any) error {
	return &usageError{Problem: fmt.Sprintf(format, args...)}
}

// noHelpf is usagef without a hint at the command's help.
func noHelpf(format string, args ...any) error {
	return &usageError{Problem: fmt.Sprintf(format, args...), NoHelp: true}
}

// clearError: nobody can tell which sessions are a profile's.
type clearError struct {
	Profile string
	Problem error
}

func (e *clearError) Error() string {
	return fmt.Sprintf("cannot tell which sessions %q uses: %v", e.Profile, e.Problem)
}

// noSecretError is a device whose MFA secret is not stored and cannot be removed.
type noSecretError struct{ Profile, Serial string }

func (e *noSecretError) Error() string {
	return fmt.Sprintf("no MFA secret is stored for %q", e.Serial)
}

// notOursError is a profile that fob neither has a key of nor wrote.
type notOursError struct{ Profile, At string }

func (e *notOursError) Error() string {
	return fmt.Sprintf("no key is stored for %q, and fob did not write the profile (%s)", e.Profile, e.At)
}

// unknownCommandError is a command line that begins with a word that is not a command.
type unknownCommandError struct{ Words []string }

func (e *unknownCommandError) Error() string { return fmt.Sprintf("unknown command %q", e.Words[0]) }

// commandError is a command of exec's that cannot be run.
type commandError struct {
	Name, Problem string
	Code          int // the shells' 126 or 127
}

func (e *commandError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Problem) }

// childExit is the exit code of a child that has ended.
type childExit int

func (e childExit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// terminalError keeps a secret off the screen.
type terminalError struct{ Profile string }

func (e *terminalError) Error() string { return "not printing credentials to a terminal" }

// planError is a failure while a plan is carried out.
type planError struct {
	Plan plan.Plan
	// Fresh: cached sessions did not count.
	Fresh bool
	Err   error
}

func (e *planError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *planError) Unwrap() error { return e.Err }

// keyInFile is for fob add with the name of a file, such as the one that the AWS console
// offers.
func keyInFile(file string) *usageError {
	return &usageError{
		Problem: file + " is a file; fob add reads one from standard input",
		Way:     ui.TypeLine("fob add PROFILE --stdin < " + cmdline.Quote(file)),
	}
}

// namesFile reports whether what was given as a profile is a file in some directory.
func namesFile(profile string) bool {
	return strings.ContainsRune(profile, os.PathSeparator) && isFile(profile)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// usageProblem puts the parser's words into fob's.
func usageProblem(named []command, parsing *kong.ParseError) *usageError {
	text := parsing.Error()
	subject, _, _ := strings.Cut(text, ":")
	node, path := parsing.Context.Selected(), ""
	if node != nil {
		if node.Hidden {
			node = node.Parent
		}
		path = commandPath(node)
	}
	argument, missing := strings.CutPrefix(text, `expected "<`)
	stranger, unexpected := strings.CutPrefix(text, "unexpected argument ")
	stranger, _, _ = strings.Cut(stranger, ", did you mean ")
	switch {
	case missing:
		argument, _, _ = strings.Cut(argument, ">")
		line := strings.TrimSuffix(usage(named[0], node), " [flags]")
		return &usageError{Problem: fmt.Sprintf("%s is missing: fob %s", strings.ToUpper(argument), line), Command: path}
	case unexpected && path == "add" && isFile(stranger):
		return keyInFile(stranger)
	case unexpected && slices.Contains([]string{"add", "mfa add", "store passphrase"}, path):
		line := "fob " + path
		if path != "store passphrase" {
			line += " PROFILE"
		}
		return &usageError{Problem: "too many arguments: fob takes no secret from the command line", Way: ui.TypeLine(line).To("asks for it"), Secret: true}
	case unexpected && node != nil && len(node.Children) > 0:
		e := &usageError{Problem: fmt.Sprintf("unknown command %q", "fob "+path+" "+stranger)}
		var children []string
		for _, c := range node.Children {
			children = append(children, c.Name)
		}
		if near := plan.Nearest(stranger, children); len(near) > 0 {
			e.Near = "fob " + path + " " + near[0]
		}
		return e
	case strings.HasPrefix(text, "expected one of ") && len(named) == 1:
		words := strings.NewReplacer(`"`, "", ",", "", "  ", " ").Replace(strings.TrimPrefix(text, "expected one of "))
		return &usageError{Problem: fmt.Sprintf("which one? fob %s %s", named[0].name, strings.Join(strings.Fields(words), "|"))}
	case strings.HasPrefix(text, "expected "), unexpected && strings.TrimSpace(stranger) == "" && len(named) > 1:
		return &usageError{Problem: "which command?"}
	case strings.Contains(text, `got "EOL"`), strings.Contains(text, ": missing value, "), strings.Contains(text, "; perhaps try "): // a flag follows
		return &usageError{Problem: subject + " needs a value", Command: path}
	}
	e := flagProblem(text)
	e.Command = path
	for _, f := range parsing.Context.Flags() {
		if len(f.Envs) > 0 && !typed(parsing.Context.Args, f) {
			e.Problem = strings.Replace(e.Problem, "--"+f.Name, f.Envs[0], 1) // where the value is from
		}
	}
	if _, ok := errors.AsType[*mfa.CodeError](parsing); ok {
		e.NoHelp = true // what a code is
	}
	return e
}

// typed reports whether a flag is on the command line.
func typed(args []string, flag *kong.Flag) bool {
	return slices.ContainsFunc(args, func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return name == "--"+flag.Name || strings.HasPrefix(name, "-"+string(flag.Short)) && flag.Short != 0 || slices.Contains(flag.Aliases, strings.TrimPrefix(name, "--"))
	})
}

// flagProblem is about a flag or a value.
func flagProblem(text string) *usageError {
	e := &usageError{}
	text, near, _ := strings.Cut(text, ", did you mean ")
	if !strings.HasPrefix(near, "one of") { // all the short flags there are
		e.Near = strings.Trim(near, `"?`)
	}
	e.Typed, _ = strings.CutPrefix(text, "unknown flag ")
	if flag, value, ok := strings.Cut(text, " must be one of "); ok {
		_, value, _ = strings.Cut(value, ` but got "`)
		e.Typed = flag + "=" + strings.Trim(value, `"`)
	}
	text, _, _ = strings.Cut(text, " (from envar ")
	if flag, value, ok := strings.Cut(text, ": bool value must be "); ok {
		_, value, _ = strings.Cut(value, " but got ")
		text = flag + " must be true or false, not " + value
	}
	text, _, _ = strings.Cut(text, ": time: ") // Go's words for an invalid duration
	flag, value, ok := strings.Cut(text, ": expected duration but got ")
	if !ok {
		flag, value, ok = strings.Cut(text, ": expected duration value but got ")
		value, _, _ = strings.Cut(value, " (")
	}
	if ok {
		text = fmt.Sprintf("%s: invalid duration %s; use a value such as 2h or 1h30m", flag, value)
	}
	if argument, ok := strings.CutPrefix(text, "<"); ok {
		name, rest, _ := strings.Cut(argument, ">")
		text = strings.ToUpper(name) + rest
	}
	e.Problem = strings.ReplaceAll(text, `","`, `", "`)
	for _, word := range []string{"secret", "passphrase", "password", "seed"} {
		e.Secret = e.Secret || strings.Contains(e.Typed, word)
	}
	return e
}

// report prints what went wrong and what to do about it, and returns the exit code.
func (a *app) report(err error) int {
	if child, ok := errors.AsType[childExit](err); ok {
		return int(child)
	}
	if errors.Is(err, ui.ErrDeclined) || errors.Is(err, errNegative) {
		return exitFailed
	}
	v := a.judge(err)
	_, unwritten := errors.AsType[*ui.WriteError](err)
	enough := unwritten && host.ReaderGone(err)
	if v.code != exitInterrupted && !enough {
		a.say(err, v.hints)
	}
	command, ok := errors.AsType[*commandError](err)
	switch {
	case ok:
		return command.Code
	case a.name == "exec" && v.code != exitInterrupted:
		return exitExec
	}
	return v.code
}

// say prints an error and its hints, but nothing of them that was typed and may be a
// secret: a terminal is recorded, and a log is read by others.
func (a *app) say(err error, hints []ui.Hint) {
	hide, typed := a.hide()
	text := a.out.Sentence(err)
	leaked := hide.Replace(text) != text
	if e, ok := errors.AsType[*usageError](err); ok && (typed || e.Secret) {
		leaked = true
	}
	a.out.Error(errors.New(hide.Replace(text)))
	for i, h := range hints {
		hints[i] = ui.Hint{When: hide.Replace(h.When), Command: hide.Replace(h.Command), Words: hide.Replace(h.Words)}
	}
	if leaked {
		hints = append(hints,
			ui.Advise("a secret typed there is now in the shell's history%s:", historyFile(a.getenv("SHELL"))),
			ui.Advise("remove the line from it, and replace the secret"))
	}
	a.out.Hints(hints)
}

// hide replaces what was typed and may be a secret; typed is whether anything was. A
// paste may have quotes or line ends around it, or be a line of a file.
func (a *app) hide() (hide *strings.Replacer, typed bool) {
	apart := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'=:,;`, r) }
	var secrets []string
	for _, word := range a.args[1:] {
		for _, s := range append(strings.FieldsFunc(word, apart), word) {
			if creds.LooksSecret(s) {
				secrets = append(secrets, s, "(hidden)")
			}
		}
	}
	return strings.NewReplacer(secrets...), len(secrets) > 0
}

// historyFile is where a shell keeps what was typed, in brackets; "" if that is not known.
func historyFile(shell string) string {
	switch filepath.Base(shell) {
	case "bash":
		return " (~/.bash_history)"
	case "zsh":
		return " (~/.zsh_history)"
	case "fish":
		return " (~/.local/share/fish/fish_history)"
	}
	return ""
}

// verdict is what fob makes of a failure: an exit code and what to do.
type verdict struct {
	code  int
	hints []ui.Hint
}

func exit(code int, hints ...ui.Hint) verdict { return verdict{code, hints} }

// otherwise lets the next rows of the table judge.
var otherwise = verdict{}

// failure is a row of the table of failures: its verdict on an error, or otherwise.
type failure func(a *app, err error) verdict

// on is the row of an error type. judge is also given the error that wraps it,
// which may know the profile.
func on[E error](judge func(a *app, e E, err error) verdict) failure {
	return func(a *app, err error) verdict {
		e, ok := errors.AsType[E](err)
		if !ok {
			return otherwise
		}
		return judge(a, e, err)
	}
}

// always is the row of an error type with one verdict.
func always[E error](code int, hints ...ui.Hint) failure {
	return on(func(*app, E, error) verdict { return exit(code, hints...) })
}

// is is the row of an error value.
func is(target error, code int) failure {
	return func(_ *app, err error) verdict {
		if errors.Is(err, target) {
			return exit(code)
		}
		return otherwise
	}
}

// judge finds the first row of the table that has a verdict.
func (a *app) judge(err error) verdict {
	for _, row := range failures() {
		if v := row(a, err); v.code != 0 {
			v.hints = typeable(profileOf(err), v.hints)
			if a.judged != nil {
				a.judged(a.args[1:], v.hints)
			}
			return v
		}
	}
	return exit(exitFailed)
}

// typeable puts the only way out in the place of commands that name a profile such as
// -x, which a command line takes for a flag.
func typeable(profile string, hints []ui.Hint) []ui.Hint {
	names := func(h ui.Hint) bool { return slices.Contains(strings.Fields(h.Command), profile) }
	if !strings.HasPrefix(profile, "-") || !slices.ContainsFunc(hints, names) {
		return hints
	}
	return append(slices.DeleteFunc(slices.Clone(hints), names), renameFlag(profile))
}

func renameFlag(profile string) ui.Hint {
	return ui.Advise("rename profile %s: a name that begins with - is taken for a flag", profile)
}

// failures is the table. The order matters where one error wraps another.
func failures() []failure {
	return slices.Concat([]failure{on(leftDevice)}, profileFailures(), storeFailures(), awsFailures(), personFailures())
}

// leftDevice is an enrolment that left something in AWS.
func leftDevice(a *app, e *iam.LeftError, err error) verdict {
	v := a.judge(e.Err)
	if v.code == exitInterrupted {
		v.code = exitFailed // interrupted, but not without a word
	}
	hint := ui.Type("fob", "mfa", "remove", profileOf(err), "--device", "--serial", e.Serial)
	if e.Undo == nil {
		hint = hint.If("if it is there")
	}
	return exit(v.code, hint)
}

// misplaced are the sections that are meant for a profile and have the header of the
// other AWS file.
func (a *app) misplaced(profile string) (rename []ui.Hint) {
	all, err := a.profiles()
	if err != nil {
		return nil
	}
	for _, m := range all.Config.Misplaced() {
		if m.Section.Name == profile {
			rename = append(rename, ui.Advise("rename %s to %s in %s (line %d)", m.Header, m.Want, m.Section.File, m.Section.Line))
		}
	}
	return rename
}

// elsewhere is where else than fob looks the key of a profile is: in a misplaced section,
// or with aws-vault.
func (a *app) elsewhere(profile string) []ui.Hint {
	home, _ := a.host.Home() // "" if nobody knows
	if take, ok := doctor.InVault(profile, a.getenv, home); ok {
		return []ui.Hint{take}
	}
	return a.misplaced(profile)
}

// othersAsk makes other programs ask fob for a profile's credentials, or shows what they
// do where its section has more than one line to change for that, or none.
func (a *app) othersAsk(profile string) ui.Hint {
	line, err := wire.Process(a.args[0], profile)
	all, unread := a.profiles()
	if err == nil && unread == nil {
		section, _ := all.Config.Profile(profile)
		if _, process := section.Own("credential_process"); !process && len(wire.Rivals(section)) == 0 {
			return ui.Type("aws", "configure", "set", "credential_process", line, "--profile", profile)
		}
	}
	return ui.Type("fob", "doctor", profile)
}

// addHint is fob add for a profile, or something else where fob add would refuse its name.
func (a *app) addHint(profile, does string, otherwise ui.Hint) ui.Hint {
	_, headerProblem := awsconfig.Header("profile", profile)
	_, processProblem := wire.Process(a.args[0], profile)
	if e, ok := errors.AsType[*wire.ProcessError](processProblem); headerProblem != nil || ok && e.Profile != "" || creds.LooksSecret(profile) || namesFile(profile) {
		return otherwise
	}
	return ui.Type("fob", "add", profile).To("%s", does)
}

func otherName() ui.Hint { return ui.Advise("choose a name of letters, digits and . _ @ + -") }

func saveAsUTF8() ui.Hint {
	if runtime.GOOS == "windows" {
		return ui.Advise("in PowerShell: [IO.File]::WriteAllLines(FILE, (Get-Content FILE)), with the full path for FILE")
	}
	return ui.Advise("save the file as UTF-8 without a byte order mark")
}

func profileFailures() []failure {
	return []failure{
		on(func(a *app, e *usageError, _ error) verdict {
			if e.Way != (ui.Hint{}) {
				return exit(exitUsage, e.Way)
			}
			if len(e.Names) > 0 {
				return exit(exitUsage, ui.Advise("profiles: %s", ui.List(e.Names)))
			}
			if e.Typed != "" && slices.Contains(profileNames(a), e.Typed) {
				return exit(exitUsage, renameFlag(e.Typed))
			}
			if way := wayOfFlag(a, e.Typed); way != (ui.Hint{}) {
				return exit(exitUsage, way)
			}
			if e.Near != "" {
				return exit(exitUsage, ui.Advise("did you mean %s?", e.Near))
			}
			if e.NoHelp {
				return exit(exitUsage)
			}
			return exit(exitUsage, ui.TypeLine(strings.Join(strings.Fields("fob "+cmp.Or(e.Command, a.path, a.name)+" --help"), " ")))
		}),
		always[*clearError](exitFailed, ui.Type("fob", "clear").To("clears the sessions of all profiles")),
		always[*plan.UsageError](exitUsage),
		on(func(_ *app, e *wire.ProcessError, _ error) verdict {
			if e.Profile == "" {
				return exit(exitUsage, ui.Advise("move fob to a directory with a plain name, such as %s", plainDirectory()))
			}
			return exit(exitUsage, otherName())
		}),
		always[*keyring.NameError](exitUsage),
		on(func(_ *app, e *creds.KeyError, _ error) verdict {
			if e == creds.ErrKeyID {
				return exit(exitUsage, ui.Advise("for a server other than AWS, set endpoint_url in the profile first"))
			}
			return exit(exitUsage)
		}),
		always[*notOursError](exitNoProfile, ui.Advise("to remove the profile, delete its section from that file")),
		on(func(a *app, e *awsconfig.SyntaxError, _ error) verdict {
			if e.UTF16 {
				return exit(exitFailed, saveAsUTF8())
			}
			return exit(exitFailed)
		}),
		on(func(a *app, e *plan.NoProfileError, _ error) verdict {
			if found := a.misplaced(e.Profile); found != nil {
				return exit(exitNoProfile, found...)
			}
			if owner := a.ownerOf(e.Profile); owner != "" {
				return exit(exitNoProfile, ui.Advise("that is the access key of profile %q", owner))
			}
			if e.Profile == "" || strings.HasPrefix(e.Profile, "-") || creds.IsKeyID(e.Profile) || e.Stored && len(e.Nearest) == 0 {
				return exit(exitNoProfile, ui.Type("fob", "list").To("shows the profiles"))
			}
			hint := didYouMean(e.Nearest, a.addHint(e.Profile, "stores a key under that name", ui.Type("fob", "list").To("shows the profiles")))
			return exit(exitNoProfile, append(a.absentFiles(), hint)...)
		}),
		on(func(a *app, e *plan.MissingSourceError, _ error) verdict {
			if found := a.elsewhere(e.Source); found != nil {
				return exit(exitNoProfile, found...)
			}
			return exit(exitNoProfile, append(a.absentFiles(), didYouMean(e.Nearest, a.addHint(e.Source, "stores a key under that name", otherName())))...)
		}),
		on(func(a *app, e *plan.NoKeyError, _ error) verdict {
			if found := a.elsewhere(e.Profile); found != nil {
				return exit(exitNoProfile, found...)
			}
			if e.Role {
				return exit(exitNoProfile, ui.Advise("name the profile that has the key: fob_source_profile = NAME"))
			}
			return exit(exitNoProfile, a.addHint(e.Profile, "stores one", otherName()))
		}),
		on(func(_ *app, e *plan.PartialKeyError, _ error) verdict {
			return exit(exitFailed,
				ui.Type("fob", "add", e.Profile).To("stores the whole pair"),
				ui.Advise("then remove %s from that file: other tools stop at it", e.Has))
		}),
		on(func(_ *app, e *plan.SecurityKeyError, _ error) verdict {
			return exit(exitFailed, ui.Type("fob", "mfa", "enroll", e.Profile).To("creates a device that makes codes"))
		}),
		on(func(_ *app, e *plan.UnknownKeyError, _ error) verdict {
			return exit(exitFailed, didYouMean(e.Nearest, ui.Advise("remove the line: keys that begin with fob_ are fob's, and fob does not know this one")))
		}),
		on(func(_ *app, e *plan.NoDeviceError, _ error) verdict {
			return exit(exitFailed,
				ui.Advise("name the device in the profile: fob_mfa_serial = ARN"),
				ui.Type("fob", "mfa", "enroll", e.Profile).To("creates one"))
		}),
		always[*plan.ConfigError](exitFailed),
		on(func(_ *app, e *host.HomeError, _ error) verdict {
			if e.Path != "" {
				return exit(exitFailed)
			}
			return exit(exitFailed, ui.Advise("set %s to the path of your home directory", e.Variable))
		}),
		always[*plan.LoopError](exitFailed),
		on(func(_ *app, e *plan.UnsupportedError, _ error) verdict {
			switch e.Source {
			case "SSO":
				return exit(exitFailed, ui.Advise("AWS's own tools work with it, after aws sso login"))
			case "console sign-in":
				return exit(exitFailed, ui.Advise("AWS's own tools work with it, after aws login"))
			}
			return exit(exitFailed)
		}),
		on(func(_ *app, e *settings.Error, _ error) verdict {
			near := plan.Nearest(e.Unknown, e.Known)
			switch {
			case e.Unknown == "":
				return exit(exitFailed)
			case len(near) == 0 && e.Table != "":
				return exit(exitFailed, ui.Type("fob", e.Table, "--help"))
			case len(near) == 0:
				return exit(exitFailed, ui.Advise("a flag of one command is set in the table of its name, such as [exec]"))
			}
			return exit(exitFailed, didYouMean(near, ui.Hint{}))
		}),
		always[*source.ReplacedError](exitFailed),
		always[*iam.NotUserError](exitUsage),
	}
}

func storeFailures() []failure {
	identity := func(a *app) ui.Hint {
		return ui.Advise("FOB_AGE_IDENTITY, or age_identity in %s, names a file of age identities", a.host.Tilde(a.host.SettingsPath()))
	}
	showStore := ui.Type("fob", "store").To("shows what opens the store, and what could")
	return []failure{
		on(func(a *app, e *keyring.SlotError, err error) verdict {
			if errors.Is(err, term.ErrCancelled) || errors.Is(err, context.Canceled) {
				return otherwise
			}
			v := a.judge(e.Err)
			if !e.Only {
				again := ui.Type(slices.Concat([]string{"fob"}, a.args[1:], []string{"--drop", e.Slot})...)
				v.hints = append(v.hints, again.To("continues without it: then it no longer opens the store"))
			}
			return exit(exitStore, v.hints...)
		}),
		on(func(a *app, e *keyring.UnfinishedError, _ error) verdict {
			return exit(exitStore,
				ui.Advise("let the store synchronize first"),
				ui.Type("rm", "-r", e.Dir).If("if no other machine uses it"))
		}),
		on(func(_ *app, e *keyring.StrayError, _ error) verdict {
			return exit(exitStore, ui.Type("rm", e.Path()).If("if you do not need it"))
		}),
		on(func(_ *app, e *keyring.LastSlotError, _ error) verdict {
			if e.Slot == "file" {
				return exit(exitStore, ui.Type("fob", "store").To("shows what could open it as well: add one of these first"))
			}
			return exit(exitStore, ui.Type("fob", "store", "add", "file").To("adds a passphrase first"))
		}),
		on(func(_ *app, e *keyring.SlotExistsError, _ error) verdict {
			if e.Slot == "file" {
				return exit(exitUsage, ui.Type("fob", "store", "passphrase").To("changes it"))
			}
			return exit(exitUsage, showStore)
		}),
		always[*keyring.RecipientError](exitUsage, showStore),
		on(func(_ *app, e *keyring.PluginError, _ error) verdict {
			return exit(exitStore, ui.Advise("install %s, or add its directory to PATH", e.Program))
		}),
		on(func(a *app, _ *keyring.IdentityError, _ error) verdict { return exit(exitStore, identity(a)) }),
		on(wrongPassphrase),
		on(sharedRefusal),
		always[*keyring.MissingError](exitStore, ui.TypeLine("fob add PROFILE").To("creates the store")),
		on(func(_ *app, e *noSecretError, _ error) verdict {
			return exit(exitNoProfile, ui.Type("fob", "mfa", "remove", e.Profile, "--device").To("removes the device in AWS"))
		}),
		on(func(_ *app, e *keyring.NotFoundError, err error) verdict {
			if e.Kind == keyring.KindSeed {
				return exit(exitNoProfile, ui.Type("fob", "mfa", "add", profileOf(err)).To("stores one"))
			}
			return exit(exitNoProfile)
		}),
		on(func(a *app, e *keyring.UnsafeError, _ error) verdict {
			if e.Fix == "" {
				return exit(exitStore, a.ownAgain(e.Path)...)
			}
			return exit(exitStore, ui.TypeLine(e.Fix))
		}),
		on(func(a *app, e *keyring.TrustError, _ error) verdict {
			trust := ui.Type("fob", "store", "trust")
			if a.unattended() {
				trust = ui.Type("fob", "store", "trust", "--yes")
			}
			if e.Fingerprint == "" {
				return exit(exitStore, trust.If("if you know why"))
			}
			hints := []ui.Hint{
				trust.If("if it is yours"),
				ui.Type("fob", "store", "--json").To("where you made it, shows the fingerprint %s", e.Fingerprint),
			}
			if e.Proof != "" {
				hints = append(hints, ui.Type("fob", "--backend", e.Proof, "store", "trust").To("lets %s prove it", keyring.SlotTitle(e.Proof)))
			}
			return exit(exitStore, hints...)
		}),
		on(func(a *app, e *keyring.DamagedError, _ error) verdict { return exit(exitStore, a.repair(e)...) }),
		on(func(_ *app, e *keyring.ChoiceError, _ error) verdict { return exit(exitStore, useBackends(e.Slots)...) }),
		on(noSlot),
		on(func(a *app, e *backend.LockedError, _ error) verdict {
			if e.Slot == "age" {
				return exit(exitStore, identity(a))
			}
			return locked(a, e)
		}),
		on(func(_ *app, e *backend.LostError, _ error) verdict {
			return exit(exitStore, ui.Type("fob", "store", "add", e.Backend).To("creates it again, if something else opens the store"))
		}),
		always[*keyring.UnknownBackendError](exitUsage, showStore),
		on(func(_ *app, e *backend.Error, _ error) verdict {
			if e.Fix != "" {
				return exit(exitStore, ui.TypeLine(e.Fix))
			}
			return exit(exitStore, ui.Type("fob", "store").To("shows what can open it here, and why not"))
		}),
		always[*keyring.FutureError](exitStore, ui.Advise("this fob is too old to read it: install a newer one")),
		always[*keyring.PassphraseError](exitStore),
		always[*keyring.FullError](exitStore),
		on(noLocks),
		on(func(a *app, e *keyring.CreateError, _ error) verdict {
			if hints := a.ownAgain(e.Dir); hints != nil {
				return exit(exitStore, hints...)
			}
			variable := a.host.PlaceVariable()
			if e.Dir == a.host.StatePath() {
				variable = "XDG_STATE_HOME"
			}
			return exit(exitStore, ui.Advise("%s names another place for it", variable))
		}),
		on(func(a *app, e *keyring.WriteError, _ error) verdict {
			if hints := a.ownAgain(e.Dir); hints != nil {
				return exit(exitStore, hints...)
			}
			if info, err := os.Stat(e.Dir); err == nil && info.Mode().Perm()&0o200 == 0 && runtime.GOOS != "windows" {
				return exit(exitStore, ui.Type("chmod", "u+w", e.Dir))
			}
			return exit(exitStore, ui.Advise("copy the store to a writable disk; set %s to its parent", a.host.PlaceVariable()))
		}),
		on(func(a *app, e *fs.PathError, _ error) verdict {
			var hints []ui.Hint
			if errors.Is(e, fs.ErrPermission) {
				hints = a.ownAgain(e.Path)
			}
			switch {
			case a.ofStore(e.Path):
				return exit(exitStore, hints...)
			case len(hints) > 0:
				return exit(exitFailed, hints...)
			}
			return otherwise
		}),
	}
}

// noLocks is a store where a lock cannot be had.
func noLocks(_ *app, e *keyring.NoLocksError, _ error) verdict {
	hints := []ui.Hint{
		ui.Advise("move it to a local disk, and set XDG_DATA_HOME to the directory above it"),
		ui.Advise("or mount this one with locks (for NFS: without nolock)"),
	}
	if e.Instead != "" {
		hints = append(hints,
			ui.Advise("systemd-logind creates %s for a login session", e.Instead),
			ui.Type("loginctl", "enable-linger").If("for a service"))
	}
	return exit(exitStore, hints...)
}

// busy is another process that took too long.
func busy(a *app, e *keyring.BusyError, err error) verdict {
	stop := ui.Type("kill", strconv.Itoa(e.PID)).To("stops it")
	switch {
	case e.Doing != "" && keyring.CanHold() && a.unlock.sessions == 0:
		return exit(exitStore, ui.TypeLine("export FOB_UNLOCK_TTL=12h").To("keeps the store unlocked, so that it is opened once"))
	case e.PID == 0:
		return exit(exitStore, a.loginHint(err)...)
	case e.Terminal != "":
		return exit(exitNoPerson, ui.Advise("answer it on %s", e.Terminal), stop)
	}
	return exit(exitNoPerson, stop)
}

// sharedRefusal is the refusal of another process that this one waited for.
func sharedRefusal(a *app, e *keyring.SharedError, err error) verdict {
	switch {
	case e.Serial == "":
		return exit(exitStore, a.loginHint(err)...)
	case e.Outcome == keyring.Refused:
		return exit(exitRefused)
	case e.Outcome == keyring.Cancelled:
		return exit(exitFailed, a.loginHint(err)...)
	}
	return exit(exitNoPerson, a.codeHints(err)...)
}

// plainDirectory is one whose name every shell reads alike.
func plainDirectory() string {
	if runtime.GOOS == "windows" {
		return `C:\fob`
	}
	return "/usr/local/bin"
}

// wrongPassphrase says what else opens the store, and how to begin again without it.
func wrongPassphrase(a *app, e *keyring.WrongPassphraseError, _ error) verdict {
	var hints []ui.Hint
	from := a.secrets.passphraseFrom()
	if from != "" {
		hints = append(hints, ui.Advise("the passphrase comes from %s%s", from, oddities(a)))
	}
	hints = append(hints, useBackends(e.Others)...)
	if len(e.Others) == 0 && from == "" {
		hints = append(hints, ui.Advise("a forgotten passphrase cannot be recovered; to start over:"), startOver(e.Dir))
	}
	return exit(exitStore, hints...)
}

// startOver puts a store that nothing opens out of the way.
func startOver(dir string) ui.Hint {
	return ui.TypeLine("mv " + cmdline.Quote(dir) + " " + cmdline.Quote(dir+".old") + " && fob store trust")
}

// oddities says what a passphrase from a variable has that may not be meant to count.
func oddities(a *app) string {
	given, _, err := a.passphrase() // a descriptor has been read by now, and is an error
	text := given.Reveal()
	switch {
	case err != nil:
		return ""
	case strings.Contains(text, "\n"):
		return fmt.Sprintf(", where all %d lines count", strings.Count(text, "\n")+1)
	case text != strings.TrimSpace(text):
		return ", where spaces at its ends count"
	}
	return ""
}

// useBackends are the choices of what opens the store.
func useBackends(slots []string) (hints []ui.Hint) {
	for _, slot := range slots {
		hints = append(hints, ui.TypeLine("export FOB_BACKEND="+cmdline.Quote(slot)).To("uses %s", slot))
	}
	return hints
}

func noSlot(a *app, e *keyring.NoSlotError, _ error) verdict {
	if a.name == "store" {
		return exit(exitStore, ui.Type("fob", "store").To("shows what opens it"))
	}
	var hints []ui.Hint
	if e.Backend != "" && e.Backend != "auto" {
		hints = append(hints, ui.Type("fob", "--backend", "auto", "store", "add", e.Backend).To("adds it"))
	}
	return exit(exitStore, append(hints, useBackends(e.Slots)...)...)
}

func locked(a *app, e *backend.LockedError) verdict {
	v := exit(exitStore)
	switch {
	case e.Fix != "":
		v.hints = []ui.Hint{ui.TypeLine(e.Fix)}
	case e.Advice != "":
		v.hints = []ui.Hint{ui.Advise("%s", e.Advice)}
	case slices.Contains(keyring.BackendKinds(), e.Slot):
		v.hints = []ui.Hint{ui.Advise("unlock it at the desktop"), ui.Type("fob", "store").To("shows what else opens the store")}
	}
	if a.NoInput {
		v.code = exitNoPerson // it would have asked
	}
	return v
}

// ownAgain says how to get back a file that belongs to somebody else.
func (a *app) ownAgain(path string) []ui.Hint {
	file, owner, self := a.host.Foreign(path)
	switch {
	case file == "":
		return nil
	case os.Getuid() == 0:
		return []ui.Hint{ui.Advise("run fob as %s, without sudo", owner)}
	}
	why := owner + " owns it"
	if owner == "root" {
		why += ": fob ran under sudo"
	}
	return []ui.Hint{ui.Type("sudo", "chown", "-R", self, file).To("%s", why)}
}

// ofStore reports whether a file is the store's, or what this machine remembers
// about it.
func (a *app) ofStore(path string) bool {
	return slices.ContainsFunc([]string{a.host.StorePath(), a.host.StatePath()}, func(dir string) bool {
		return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
	})
}

// repair says what helps against a damaged file of the store.
func (a *app) repair(e *keyring.DamagedError) []ui.Hint {
	file := e.File
	backup := ui.Advise("restore it from a backup of %s", a.host.Tilde(a.host.StorePath()))
	without, anew := ui.Advise("without a backup, store the keys again; to start over:"), startOver(a.host.StorePath())
	kind, name, _ := e.Item()
	switch {
	case kind == keyring.KindKey:
		return []ui.Hint{ui.Type("fob", "add", name).To("stores this key again; everything else still works"), backup}
	case kind == keyring.KindSeed:
		return []ui.Hint{ui.TypeLine("fob mfa add PROFILE").To("stores this MFA secret again; everything else still works"), backup}
	case filepath.IsAbs(file) && filepath.Ext(file) == ".json":
		return []ui.Hint{ui.Type("fob", "store", "trust").If("if you know why")}
	case filepath.IsAbs(file): // of the locks
		return []ui.Hint{ui.Type("rm", file).To("fob creates another")}
	case strings.Contains(file, "/slots/"):
		name := strings.Replace(filepath.Base(file), "passphrase", "file", 1)
		return []ui.Hint{ui.Type("fob", "store", "add", name).If("if something else opens the store").To("creates it again"), backup, without, anew}
	}
	return []ui.Hint{backup, without, anew}
}

func awsFailures() []failure {
	return []failure{
		on(func(_ *app, e *awsapi.RefusedError, err error) verdict {
			return exit(exitRefused, refusedHints(err, e)...)
		}),
		on(func(a *app, _ *awsapi.UnreachableError, err error) verdict {
			if at, ok := errors.AsType[*planError](err); ok && at.Plan.STS.URL == "" && !plan.LikeRegion(at.Plan.STS.Region) {
				return exit(exitUnreachable, ui.Advise("is %q a region? Their names are like eu-west-1", at.Plan.STS.Region))
			}
			if a.name == "add" {
				again := ui.Type(slices.Concat([]string{"fob"}, a.args[1:], []string{"--no-verify"})...)
				return exit(exitUnreachable, again.To("stores the key without asking AWS"))
			}
			return exit(exitUnreachable)
		}),
		on(func(_ *app, e *awsapi.AnswerError, err error) verdict {
			if e.Unsupported {
				return exit(exitUnreachable, unsupportedHints(err, e.Action)...)
			}
			return exit(exitUnreachable)
		}),
	}
}

func personFailures() []failure {
	interrupted := func(target error) failure { return is(target, exitInterrupted) }
	return []failure{
		interrupted(term.ErrCancelled), interrupted(context.Canceled), interrupted(host.ErrOrphaned),
		on(func(a *app, e *unknownCommandError, _ error) verdict { return exit(exitUsage, wayOfWords(a, e.Words)) }),
		on(func(a *app, e *terminalError, _ error) verdict {
			hints := []ui.Hint{ui.TypeLine(`eval "$(fob export ` + cmdline.Quote(e.Profile) + ` --format env)"`).If("for a shell")}
			return exit(exitUsage, append(hints, a.othersAsk(e.Profile).If("for other programs"))...)
		}),
		on(func(a *app, _ *prompt.NoPersonError, err error) verdict {
			return exit(exitNoPerson, a.codeHints(err)...)
		}),
		on(func(a *app, e *ui.NobodyError, err error) verdict {
			switch {
			case e.What == askForPassphrase:
				return exit(exitNoPerson, a.unlockHints(err)...)
			case e.What == askForNewPassphrase && e.Flag == "":
				hints := []ui.Hint{passphraseFile()}
				if a.identity != "" && a.name != "store" {
					hints = append(hints, ui.TypeLine("export FOB_BACKEND=age").To("opens the store with your age identity"))
				}
				return exit(exitNoPerson, hints...)
			}
			return exit(exitNoPerson)
		}),
		always[*mfa.CodeError](exitUsage),
		always[*term.InputError](exitUsage),
		on(busy),
		on(func(a *app, _ *keyring.UnansweredError, err error) verdict {
			return exit(exitNoPerson, a.loginHint(err)...)
		}),
		func(a *app, err error) verdict {
			if errors.Is(err, context.DeadlineExceeded) {
				return exit(exitNoPerson, a.codeHints(err)...)
			}
			return otherwise
		},
	}
}

// refusedHints say what a refusal of AWS's usually means.
func refusedHints(err error, e *awsapi.RefusedError) []ui.Hint {
	var hints []ui.Hint
	if e.Skew != 0 {
		hints = append(hints, ui.Advise("this computer's clock is %s: set it", awsapi.Ahead(e.Skew)))
	}
	if e.Action == iam.DeleteDevice {
		hints = append(hints, ui.Advise("the user no longer has the device: the same command deletes the rest of it later"))
	}
	if e.Unsupported {
		return append(hints, unsupportedHints(err, e.Action)...)
	}
	switch e.Code {
	case "InvalidClientTokenId":
		if owner := storedOwner(err); owner != "" {
			hints = append(hints,
				ui.Advise("the key %s was deleted or deactivated in AWS", e.KeyID),
				ui.Type("fob", "add", owner).To("stores another key in its place"))
			break
		}
		hints = append(hints, ui.Advise("the key %s is mistyped, was deleted or deactivated in AWS, or is only seconds old", e.KeyID))
	case "SignatureDoesNotMatch":
		if e.Skew == 0 {
			hints = append(hints, ui.Advise("the secret does not belong to %s: it is mistyped, or of another key", e.KeyID))
		}
	case iam.AlreadyExists:
		profile := cmdline.Quote(profileOf(err))
		hints = append(hints,
			ui.TypeLine("fob mfa enroll "+profile+" --name NAME").To("creates it under another name"),
			ui.TypeLine("fob mfa remove "+profile+" --device --serial ARN").If("if it is left over from an earlier try"))
	case "ExpiredToken":
		hints = append(hints, ui.Advise("these session credentials have expired: get new ones where they come from"))
	case "AccessDenied":
		switch {
		case e.BadCode():
			return append(hints, ui.Advise("the code was wrong, expired or already used: take the next one"))
		case e.UnknownDevice():
			return append(hints, ui.Advise("the device was removed in AWS, or belongs to another user than the key: fob_mfa_serial in the profile names it"))
		}
		if at, ok := errors.AsType[*planError](err); ok && e.Role != "" {
			hints = append(hints, deniedRole(at.Plan, e.Role)...)
		}
	}
	return hints
}

// unsupportedHints are the ways around what a server other than AWS does not know.
func unsupportedHints(err error, action string) []ui.Hint {
	switch action {
	case "GetCallerIdentity":
		return []ui.Hint{ui.TypeLine("fob add PROFILE --no-verify").If("if this server does not know GetCallerIdentity").To("does not ask it")}
	case "GetSessionToken":
		return []ui.Hint{
			ui.Advise("this server may have no sessions for users; what it may have:"),
			ui.TypeLine("fob add NAME --source " + cmdline.Quote(profileOf(err)) + " --role ARN").To("uses a role"),
			ui.Type("fob", "exec", profileOf(err), "--no-session").To("hands out the key itself"),
		}
	}
	return nil
}

// deniedRole says what a trust policy usually misses.
func deniedRole(p plan.Plan, role string) []ui.Hint {
	sent := ui.Type("fob", "explain", p.Profile).To("shows what was sent")
	switch first := p.Roles()[0]; {
	case p.MFASerial() == "":
		return []ui.Hint{ui.Advise("if the role requires MFA, name the device in the profile: fob_mfa_serial = ARN"), sent}
	case role != first:
		return []ui.Hint{ui.Advise("if the role requires MFA: MFA reaches only the first role (%s) of a chain", first), sent}
	case plan.MFASerial(p.Steps[len(p.Steps)-1]) != "":
		return []ui.Hint{sent} // the code was made for this call
	case p.MaxMFAAge == 0:
		return []ui.Hint{
			ui.Type("fob", "login", p.Profile, "--fresh").If("if the role requires a recent MFA sign-in"),
			ui.Advise("for good: fob_mfa_max_age = 1h in the profile, or fob_session_duration = 1h where the key is"),
			sent,
		}
	}
	return []ui.Hint{
		ui.Type("fob", "login", p.Profile, "--fresh").If("if the role requires a more recent MFA sign-in"),
		ui.Advise("for good: a shorter fob_mfa_max_age in the profile"),
		sent,
	}
}

// storedOwner is the profile whose stored key a plan starts from; "" if it starts from
// something else.
func storedOwner(err error) string {
	if at, ok := errors.AsType[*planError](err); ok {
		if key, ok := at.Plan.Steps[0].(plan.StoredKey); ok {
			return key.Profile
		}
	}
	return ""
}

// profileOf is the profile whose plan failed.
func profileOf(err error) string {
	if at, ok := errors.AsType[*planError](err); ok {
		return at.Plan.Profile
	}
	return "PROFILE"
}

// loginHint is that fob login asks what this command could not ask; nothing where
// that does not help.
func (a *app) loginHint(err error) []ui.Hint {
	at, ok := errors.AsType[*planError](err)
	if !ok || a.name == "login" || a.unattended() {
		return nil
	}
	// A session with a duration of its own is not one that fob login makes.
	p := at.Plan
	login, problem := a.plan(p.Profile, plan.Options{Export: true})
	if n := p.CodeSteps(); problem != nil || n > len(login.Steps) || n > 0 && p.ID(n) != login.ID(n) {
		return nil
	}
	if at.Fresh {
		return []ui.Hint{ui.Type("fob", "login", p.Profile, "--fresh").To("makes a new session; then leave out --fresh")}
	}
	return []ui.Hint{ui.Type("fob", "login", p.Profile)}
}

// unlockHints are the ways to open the store where nobody can be asked for its
// passphrase.
func (a *app) unlockHints(err error) (hints []ui.Hint) {
	lasts := keyring.CanHold() && (a.unlock.sessions > 0 || a.asksEachTime() != "") && !a.unattended()
	if lasts && a.unlock.sessions == 0 {
		hints = append(hints, ui.TypeLine("export FOB_UNLOCK_TTL=12h").To("lets the kernel keep the store unlocked"))
	}
	if lasts {
		hints = append(hints, a.loginHint(err)...)
	}
	return append(hints, passphraseFile())
}

func passphraseFile() ui.Hint {
	return ui.TypeLine("export FOB_PASSPHRASE_FILE=FILE").To("reads the passphrase from a file")
}

// codeHints are the ways to a code where nobody can be asked for it.
func (a *app) codeHints(err error) []ui.Hint {
	if login := a.loginHint(err); login != nil {
		return login
	}
	at, ok := errors.AsType[*planError](err)
	if !ok || at.Plan.CodeSteps() == 0 {
		return nil
	}
	if a.unattended() {
		return []ui.Hint{ui.Type("fob", "mfa", "add", at.Plan.Profile, "--stdin").To("stores the MFA secret, so that fob makes the codes")}
	}
	run := "run it in a terminal"
	if a.name != "login" {
		run = "this needs a code of its own: run it in a terminal"
	}
	return []ui.Hint{
		ui.Advise("%s, or put the code into FOB_MFA_CODE", run),
		ui.Type("fob", "mfa", "add", at.Plan.Profile).To("stores the MFA secret, so that fob makes the codes"),
	}
}

// ownerOf is the profile with an access key ID; "" if there is none.
func (a *app) ownerOf(keyID string) string {
	if !creds.IsKeyID(keyID) {
		return ""
	}
	keys, _ := a.store().Infos(keyring.KindKey) // a store that cannot be read has no answer
	if i := slices.IndexFunc(keys, func(k keyring.Info) bool { return k.KeyID == keyID }); i >= 0 {
		return keys[i].Name
	}
	return ""
}

// absentFiles says which AWS files that a variable names do not exist: to fob and to the
// SDKs they are empty.
func (a *app) absentFiles() (hints []ui.Hint) {
	for _, f := range []struct{ variable, path string }{
		{"AWS_CONFIG_FILE", a.files.Config}, {"AWS_SHARED_CREDENTIALS_FILE", a.files.Credentials},
	} {
		if a.getenv(f.variable) == "" {
			continue
		}
		if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
			hints = append(hints, ui.Advise("%s names %s, which does not exist", f.variable, a.host.Tilde(f.path)))
		}
	}
	return hints
}

func didYouMean(nearest []string, otherwise ui.Hint) ui.Hint {
	if len(nearest) == 0 {
		return otherwise
	}
	quoted := make([]string, len(nearest))
	for i, n := range nearest {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return ui.Advise("did you mean %s?", strings.Join(quoted, " or "))
}
