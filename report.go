package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
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
	// Way is what to type instead, and Also is another way; zero for nothing.
	Way, Also ui.Hint
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

// noSectionError is a section of the AWS config, and not a profile's, that does not exist.
type noSectionError struct {
	Kind, Name, File string
	Nearest          []string
}

func (e *noSectionError) Error() string {
	return fmt.Sprintf("there is no [%s %s] in %s", e.Kind, e.Name, e.File)
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

// hide replaces what was typed and may be a secret; typed is whether anything was. Unlike
// in other texts, a whole word that begins with a slash may be one.
func (a *app) hide() (hide *strings.Replacer, typed bool) {
	var secrets []string
	for _, word := range a.args[1:] {
		for _, s := range creds.Secrets(word) {
			secrets = append(secrets, s, "(hidden)")
		}
		if creds.LooksSecret(word) {
			secrets = append(secrets, word, "(hidden)")
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
	return slices.Concat([]failure{on(leftDevice)}, rotateFailures(), importFailures(), valueFailures(), profileFailures(), storeFailures(), signInFailures(), awsFailures(), leakFailures(), personFailures())
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
	login, problem := a.plan(p.Profile, plan.Options{Export: true, Variables: len(p.Variables) > 0})
	if n := p.CodeSteps(); problem != nil || n > len(login.Steps) || n > 0 && p.ID(n) != login.ID(n) {
		return nil
	}
	if at.Fresh {
		return []ui.Hint{ui.Type("fob", "login", p.Profile, "--fresh").To("makes a new session; then leave out --fresh")}
	}
	return []ui.Hint{ui.Type("fob", "login", p.Profile)}
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
	add := []string{"fob", "mfa", "add", at.Plan.Profile}
	if a.name == "import" { // which has not written the device to the profile yet
		add = append(add, "--serial", at.Plan.MFASerial())
	}
	if a.unattended() {
		return []ui.Hint{ui.Type(append(add, "--stdin")...).To("stores the MFA secret, so that fob makes the codes")}
	}
	run := "run it in a terminal"
	if a.name != "login" {
		run = "this needs a code of its own: run it in a terminal"
	}
	return []ui.Hint{
		ui.Advise("%s, or put the code into FOB_MFA_CODE", run),
		ui.Type(add...).To("stores the MFA secret, so that fob makes the codes"),
	}
}
