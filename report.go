package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/internal/wire"
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

var (
	errOrphaned = errors.New("the program that asked is gone")
	// errDeclined: a person said no, and knows it.
	errDeclined = errors.New("declined")
	// errNegative: the answer was no, and has been printed.
	errNegative = errors.New("a negative answer")
)

// usageError is a command line that cannot be carried out.
type usageError struct {
	Command, Problem string
	Names            []string // profiles to choose from
}

func (e *usageError) Error() string { return e.Problem }

// usageProblem puts the parser's words into ours.
func usageProblem(named []command, text string) string {
	subject, _, _ := strings.Cut(text, ":")
	argument, missing := strings.CutPrefix(text, `expected "<`)
	switch {
	case missing:
		argument, _, _ = strings.Cut(argument, ">")
		return fmt.Sprintf("%s is missing: fob %s %s", strings.ToUpper(argument), named[0].name, named[0].synopsis)
	case strings.HasPrefix(text, "expected ") && len(named) == 1:
		return fmt.Sprintf("which one? fob %s %s", named[0].name, named[0].synopsis)
	case strings.HasPrefix(text, "expected "):
		return "which command?"
	case strings.Contains(text, `got "EOL"`):
		return subject + " needs a value"
	}
	text, _, _ = strings.Cut(text, ": time: ") // Go's words for a wrong duration
	if argument, ok := strings.CutPrefix(text, "<"); ok {
		name, rest, _ := strings.Cut(argument, ">")
		text = strings.ToUpper(name) + rest
	}
	return strings.ReplaceAll(text, `","`, `", "`)
}

// vaultWay is how fob does what aws-vault has a flag for and fob has not.
func vaultWay(problem string) string {
	flag, unknown := strings.CutPrefix(problem, "unknown flag ")
	flag, _, _ = strings.Cut(flag, ",")
	switch {
	case !unknown:
	case flag == "--json":
		return "fob export --profile NAME   prints credentials as JSON"
	case slices.Contains([]string{"-s", "--server", "--ec2-server", "--ecs-server", "--lazy"}, flag):
		return "fob has no server: with credential_process = fob export --profile NAME in ~/.aws/config programs renew by themselves"
	}
	return ""
}

type unknownCommandError struct{ Name string }

func (e *unknownCommandError) Error() string { return fmt.Sprintf("no command %q", e.Name) }

// commandError is a command of exec's that cannot be run.
type commandError struct {
	Name, Problem string
	Code          int // the shells' 126 or 127
}

func (e *commandError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Problem) }

// childExit is the exit code of a child that has ended.
type childExit int

func (e childExit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// personError: somebody would have to be asked.
type personError struct {
	What, Why string
	Hint      string // besides signing in ahead
}

func (e *personError) Error() string { return fmt.Sprintf("%s is needed: %s", e.What, e.Why) }

// terminalError keeps a secret off the screen.
type terminalError struct{ Profile string }

func (e *terminalError) Error() string {
	return "the credentials are for a program, and would be shown on this terminal"
}

// planError is a failure on the way through a plan.
type planError struct {
	Plan plan.Plan
	Err  error
}

func (e *planError) Error() string { return e.Err.Error() }
func (e *planError) Unwrap() error { return e.Err }

// report prints what went wrong and what to do about it, and gives the exit code.
func (a *app) report(err error) int {
	var child childExit
	switch {
	case errors.As(err, &child):
		return int(child)
	case errors.Is(err, errDeclined), errors.Is(err, errNegative):
		return exitFailed
	}
	code, hints := a.judge(err)
	if code != exitInterrupted {
		fmt.Fprintf(a.stderr, "%s %s\n", a.paint("fob: error:"), term.Clean(sentence(err)))
		for _, h := range hints {
			fmt.Fprintf(a.stderr, "fob: hint: %s\n", term.Clean(h))
		}
	}
	var command *commandError
	switch {
	case errors.As(err, &command):
		return command.Code
	case a.name == "exec" && code != exitInterrupted:
		return exitExec
	}
	return code
}

// sentence is an error's text on one line. AWS's own words end with a full stop.
func sentence(err error) string {
	text := err.Error()
	var p *fs.PathError
	if errors.As(err, &p) {
		text = strings.Replace(text, p.Error(), plainPath(p), 1)
	}
	text = strings.Join(strings.Fields(text), " ")
	if strings.HasSuffix(text, "...") {
		return text
	}
	return strings.TrimSuffix(text, ".")
}

func (a *app) paint(s string) string {
	on := a.Color == "always"
	if a.Color == "auto" || a.Color == "" {
		on = os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0" ||
			term.IsTerminal(os.Stderr) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if on {
		return "\x1b[31m" + s + "\x1b[0m"
	}
	return s
}

// judge is the table of failures: exit code and hints. The order matters where
// one error wraps another.
func (a *app) judge(err error) (code int, hints []string) {
	var left *iam.LeftError
	if errors.As(err, &left) {
		if code, _ = a.judge(left.Err); code == exitInterrupted {
			code = exitFailed // interrupted, but not without a word
		}
		hint := "fob mfa remove " + word(profileOf(err)) + " --device --serial " + left.Serial
		if left.Undo == nil {
			hint = "if it is there: " + hint
		}
		return code, []string{hint}
	}
	if code, hints, ok := a.judgeProfile(err); ok {
		return code, hints
	}
	if code, hints, ok := a.judgeStore(err); ok {
		return code, hints
	}
	if code, hints, ok := a.judgeAWS(err); ok {
		return code, hints
	}
	var (
		unknown  *unknownCommandError
		terminal *terminalError
		person   *personError
		code1    *prompt.NoPersonError
		badCode  *mfa.CodeError
		input    *term.InputError
	)
	switch {
	case errors.Is(err, term.ErrCancelled), errors.Is(err, context.Canceled), errors.Is(err, errOrphaned):
		return exitInterrupted, nil
	case errors.As(err, &unknown):
		return exitUsage, nearestCommand(unknown.Name)
	case errors.As(err, &terminal):
		return exitUsage, []string{
			"in ~/.aws/config: credential_process = " + wire.Process(a.args[0], terminal.Profile),
			`for a shell: eval "$(fob export ` + word(terminal.Profile) + ` --format env)"`,
		}
	case errors.As(err, &code1):
		return exitNoPerson, []string{"fob login " + word(code1.Profile)}
	case errors.As(err, &person) && person.Hint != "":
		return exitNoPerson, append(a.loginHint(err), person.Hint)
	case errors.As(err, &person):
		return exitNoPerson, a.loginHint(err)
	case errors.As(err, &badCode), errors.As(err, &input):
		return exitUsage, nil
	case errors.Is(err, context.DeadlineExceeded):
		return exitNoPerson, a.loginHint(err)
	}
	return exitFailed, nil
}

func (a *app) judgeProfile(err error) (code int, hints []string, ok bool) {
	var (
		usage       *usageError
		planUsage   *plan.UsageError
		noProfile   *plan.NoProfileError
		noSource    *plan.MissingSourceError
		noKey       *plan.NoKeyError
		partial     *plan.PartialKeyError
		securityKey *plan.SecurityKeyError
		config      *plan.ConfigError
		loop        *plan.LoopError
		unsupported *plan.UnsupportedError
		syntax      *awsconfig.SyntaxError
		name        *keyring.NameError
		key         *creds.KeyError
	)
	switch {
	case errors.As(err, &usage):
		if len(usage.Names) > 0 {
			return exitUsage, []string{"profiles: " + list(usage.Names)}, true
		}
		if way := vaultWay(usage.Problem); way != "" {
			return exitUsage, []string{way}, true
		}
		if usage.Command != "" {
			return exitUsage, []string{"fob " + usage.Command + " --help"}, true
		}
		return exitUsage, nil, true
	case errors.As(err, &planUsage), errors.As(err, &name), errors.As(err, &key):
		return exitUsage, nil, true
	case errors.As(err, &noProfile):
		return exitNoProfile, didYouMean(noProfile.Nearest, "fob add "+word(noProfile.Profile)+"   stores a key under that name"), true
	case errors.As(err, &noSource):
		return exitNoProfile, didYouMean(noSource.Nearest, "fob add "+word(noSource.Source)), true
	case errors.As(err, &noKey):
		if noKey.Role {
			return exitNoProfile, []string{"name the profile with the key there: fob_source_profile = NAME"}, true
		}
		return exitNoProfile, []string{"fob add " + word(noKey.Profile)}, true
	case errors.As(err, &partial):
		return exitFailed, []string{"complete the pair, or take it out and run fob add " + word(partial.Profile)}, true
	case errors.As(err, &securityKey):
		return exitFailed, []string{"fob mfa enroll " + word(securityKey.Profile) + "   makes a device that gives codes"}, true
	case errors.As(err, &config), errors.As(err, &loop), errors.As(err, &unsupported), errors.As(err, &syntax):
		return exitFailed, nil, true
	}
	return 0, nil, false
}

func (a *app) judgeStore(err error) (code int, hints []string, ok bool) {
	var (
		missing    *keyring.MissingError
		notFound   *keyring.NotFoundError
		damaged    *keyring.DamagedError
		future     *keyring.FutureError
		passphrase *keyring.PassphraseError
		unsafe     *keyring.UnsafeError
		trust      *keyring.TrustError
		locked     *keyring.LockedError
		lost       *keyring.LostError
		backend    *keyring.BackendError
		noSlot     *keyring.NoSlotError
		choice     *keyring.ChoiceError
		full       *keyring.FullError
		slot       *keyring.SlotError
		last       *keyring.LastSlotError
		exists     *keyring.SlotExistsError
		recipient  *keyring.RecipientError
		identity   *keyring.IdentityError
		plugin     *keyring.PluginError
		shared     *keyring.SharedError
	)
	switch {
	case errors.As(err, &slot) && !errors.Is(err, term.ErrCancelled) && !errors.Is(err, context.Canceled):
		return exitStore, []string{"--drop " + word(slot.Slot) + "   goes on without it: then it does not open the store any more"}, true
	case errors.As(err, &last):
		return exitStore, []string{"fob store add file|age1...   adds another first"}, true
	case errors.As(err, &exists) && exists.Slot == "file":
		return exitUsage, []string{"fob store passphrase   changes it"}, true
	case errors.As(err, &exists), errors.As(err, &recipient):
		return exitUsage, []string{"fob store   shows what opens the store, and what could"}, true
	case errors.As(err, &plugin):
		return exitStore, []string{"install " + plugin.Program + ", or put its directory into PATH"}, true
	case errors.As(err, &identity):
		return exitStore, []string{"FOB_AGE_IDENTITY, or age_identity in " + tilde(a.settingsPath()) + ", names a file of age identities"}, true
	case errors.Is(err, keyring.ErrWrongPassphrase):
		return exitStore, nil, true
	case errors.As(err, &shared):
		return exitStore, a.loginHint(err), true
	case errors.As(err, &missing):
		return exitStore, []string{"fob add PROFILE   makes the store"}, true
	case errors.As(err, &notFound) && notFound.Kind == keyring.KindSeed:
		return exitNoProfile, []string{"fob mfa add PROFILE   stores one"}, true
	case errors.As(err, &notFound):
		return exitNoProfile, nil, true
	case errors.As(err, &unsafe):
		if unsafe.Fix != "" {
			hints = []string{unsafe.Fix}
		}
		return exitStore, hints, true
	case errors.As(err, &trust):
		return exitStore, []string{"if you know why: fob store trust"}, true
	case errors.As(err, &damaged):
		return exitStore, []string{a.mending(damaged.File)}, true
	case errors.As(err, &choice):
		return exitStore, []string{"fob --backend NAME ..."}, true
	case errors.As(err, &noSlot):
		if a.name == "store" {
			return exitStore, []string{"fob store   shows what opens it"}, true
		}
		if noSlot.Backend != "" && noSlot.Backend != "auto" {
			hints = []string{"fob --backend auto store add " + word(noSlot.Backend)}
		}
		return exitStore, append(hints, "fob --backend "+strings.Join(noSlot.Slots, " | ")), true
	case errors.As(err, &locked) && locked.Slot == "age":
		return exitStore, []string{"FOB_AGE_IDENTITY, or age_identity in " + tilde(a.settingsPath()) + ", names a file of age identities"}, true
	case errors.As(err, &locked):
		switch {
		case locked.Fix != "":
			hints = []string{locked.Fix}
		case slices.Contains(keyring.BackendKinds(), locked.Slot):
			hints = []string{"unlock it at the desktop; fob store   shows what else opens the store"}
		}
		if a.NoInput {
			return exitNoPerson, hints, true // it would have asked
		}
		return exitStore, hints, true
	case errors.As(err, &lost):
		return exitStore, []string{"fob store add " + lost.Backend + "   makes it anew, if something else opens the store"}, true
	case errors.As(err, &backend):
		return exitStore, []string{"fob store   shows what can open it here, and why not"}, true
	case errors.As(err, &future):
		return exitStore, []string{"this fob is too old to read it: install a newer one"}, true
	case errors.As(err, &passphrase), errors.As(err, &full), a.ofStore(err):
		return exitStore, nil, true
	}
	return 0, nil, false
}

// ofStore reports whether the system refused a file of the store, or of what this
// machine remembers of it.
func (a *app) ofStore(err error) bool {
	var file *fs.PathError
	if !errors.As(err, &file) {
		return false
	}
	return slices.ContainsFunc([]string{a.storePath(), a.statePath()}, func(dir string) bool {
		return file.Path == dir || strings.HasPrefix(file.Path, dir+string(filepath.Separator))
	})
}

// mending says what helps against a damaged file of the store.
func (a *app) mending(file string) string {
	backup := "restore it from a backup of " + tilde(a.storePath())
	switch {
	case strings.HasPrefix(file, "key+"):
		return "everything else still works; fob add PROFILE stores this key anew, or " + backup
	case strings.HasPrefix(file, "seed+"):
		return "everything else still works; fob mfa add PROFILE stores this seed anew, or " + backup
	case filepath.IsAbs(file) && filepath.Ext(file) == ".json":
		return "if you know why: fob store trust"
	case filepath.IsAbs(file): // of the locks
		return "delete it: fob makes another"
	case strings.Contains(file, "/slots/"):
		name := strings.Replace(filepath.Base(file), "passphrase", "file", 1)
		return "if something else opens the store too: fob store add " + word(name) + "   makes it anew; or " + backup
	}
	return backup
}

func (a *app) judgeAWS(err error) (code int, hints []string, ok bool) {
	var (
		refused *awsapi.RefusedError
		network *awsapi.UnreachableError
		answer  *awsapi.AnswerError
		shared  *broker.SharedError
	)
	switch {
	case errors.As(err, &refused):
		return exitRefused, a.refusedHints(err, refused), true
	case errors.As(err, &network), errors.As(err, &answer):
		return exitUnreachable, nil, true
	case errors.As(err, &shared):
		switch shared.Outcome {
		case broker.Refused:
			return exitRefused, nil, true
		case broker.Cancelled:
			return exitFailed, a.loginHint(err), true
		}
		return exitNoPerson, a.loginHint(err), true
	}
	return 0, nil, false
}

// refusedHints say what a refusal of AWS usually means.
func (a *app) refusedHints(err error, refused *awsapi.RefusedError) []string {
	var hints []string
	if refused.Skew != 0 {
		hints = append(hints, "this computer's clock is "+awsapi.Ahead(refused.Skew)+": set it")
	}
	if refused.Action == iam.DeleteDevice {
		hints = append(hints, "the user does not have the device any more: the same command deletes the rest of it later")
	}
	switch refused.Code {
	case "InvalidClientTokenId":
		hints = append(hints, "the key "+refused.KeyID+" is deleted or inactive at AWS, or a few seconds old")
	case "SignatureDoesNotMatch":
		if refused.Skew == 0 {
			hints = append(hints, "the secret of "+refused.KeyID+" is not the one AWS has: fob add stores it anew")
		}
	case iam.AlreadyExists:
		profile := word(profileOf(err))
		hints = append(hints, "fob mfa enroll "+profile+" --name NAME",
			"if one is left of an earlier try: fob mfa remove "+profile+" --device --serial ARN")
	case "ExpiredToken":
		hints = append(hints, "these are session credentials, and they have ended")
	case "AccessDenied":
		var at *planError
		if errors.As(err, &at) && refused.Role != "" {
			hints = append(hints, deniedRole(at.Plan, refused.Role))
		}
	}
	return hints
}

// deniedRole says what a trust policy usually misses.
func deniedRole(p plan.Plan, role string) string {
	sent := "fob explain " + word(p.Profile) + " shows what was sent"
	switch first := p.Roles()[0]; {
	case p.MFASerial() == "":
		return "if the role demands MFA, name the device in the profile: fob_mfa_serial = ARN"
	case role != first:
		return "if the role demands MFA: what a role gives carries none, so of this chain only " + first + " may; " + sent
	case plan.MFASerial(p.Steps[len(p.Steps)-1]) != "":
		return sent // the code was made for this call
	case p.MaxMFAAge == 0:
		return "if the role demands a recent MFA sign-in: --fresh; for good fob_mfa_max_age = 1h in the profile, or fob_session_duration = 1h where the key is; " + sent
	}
	return "if the role demands a more recent MFA sign-in: --fresh, or a shorter fob_mfa_max_age; " + sent
}

// profileOf is the profile on whose way it failed.
func profileOf(err error) string {
	var at *planError
	if errors.As(err, &at) {
		return at.Plan.Profile
	}
	return "PROFILE"
}

// loginHint is what every exit 4 says.
func (a *app) loginHint(err error) []string {
	var at *planError
	if errors.As(err, &at) {
		return []string{"fob login " + word(at.Plan.Profile)}
	}
	return nil
}

func didYouMean(nearest []string, otherwise string) []string {
	if len(nearest) == 0 {
		return []string{otherwise}
	}
	quoted := make([]string, len(nearest))
	for i, n := range nearest {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return []string{"did you mean " + strings.Join(quoted, " or ") + "?"}
}

func nearestCommand(name string) []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	if near := plan.Nearest(name, names); len(near) > 0 {
		return []string{"did you mean fob " + strings.Join(near, " or fob ") + "?"}
	}
	return []string{"fob --help"}
}

// list joins names for a sentence; a long list is cut.
func list(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// word quotes a name for a command line that is shown, if it needs that.
func word(s string) string {
	return cmdline.Quote(s)
}

// plainPath keeps the operation out of an error about a file.
func plainPath(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Sprintf("%s: %v", tilde(p.Path), p.Err)
	}
	return err.Error()
}
