//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/iam"
	"fob/internal/importer"
	"fob/internal/input"
	"fob/internal/leaks"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/prompt"
	"fob/internal/rotate"
	appsecrets "fob/internal/secrets"
	"fob/internal/settings"
	"fob/internal/signin"
	"fob/internal/source"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/internal/wire"
	"fob/keyring"
	"fob/keyring/backend"
)

// mustHelp panics if a hint of a command that failed cannot be followed. Every fob of
// the tests calls it, so that each script tries the hints that it meets.
func mustHelp(argv []string, hints []ui.Hint) {
	for _, h := range hints {
		if err := checkHint(argv, h); err != nil {
			panic(fmt.Sprintf("fob %q says %q: %v", argv, h, err))
		}
	}
}

// checkHint says why nobody could follow a hint of a command line that failed.
func checkHint(argv []string, h ui.Hint) error {
	if h.Command == "" && h.Words == "" {
		return errors.New("it says nothing")
	}
	if h.Command == "" {
		return checkHintWords(h.Words)
	}
	line := h.Command
	if inner := substitution.FindStringSubmatch(line); inner != nil {
		line = inner[1]
	}
	for _, and := range []string{" && ", " || ", " | "} {
		first, second, both := strings.Cut(line, and)
		if !both {
			continue
		}
		if err := checkHint(argv, ui.TypeLine(first)); err != nil {
			return err
		}
		line = second
	}
	words, err := shellWords(line)
	if err != nil {
		return err
	}
	if slices.Contains([]string{"chmod", "sudo", "export", "kill", "loginctl", "mv", "pass", "rm", "security", "systemctl", "aws", "unset", "exit"}, words[0]) {
		return nil
	}
	if i := slices.Index(words, "fob"); words[0] == "aws-vault" && i > 0 {
		return parses(words[i+1:]) // in another environment, even if the same was typed
	}
	if words[0] != "fob" {
		return fmt.Errorf("nobody knows %q", words[0])
	}
	typed := slices.DeleteFunc(slices.Clone(argv), isGlobalFlag)
	if slices.Equal(typed, words[1:]) {
		return errors.New("it was just typed")
	}
	return parses(words[1:])
}

// substitution matches the command in eval "$(...)".
var substitution = regexp.MustCompile(`^eval "\$\((.*)\)"$`)

func isGlobalFlag(word string) bool {
	return slices.Contains([]string{"--no-input", "-v", "--verbose", "-q", "--quiet"}, word)
}

// checkHintWords: what people should type is a hint's command; a hint with words alone has none.
func checkHintWords(words string) error {
	if strings.HasPrefix(words, "did you mean ") || strings.Contains(words, "credential_process = ") {
		return nil
	}
	for _, at := range mention.FindAllStringSubmatch(words, -1) {
		if slices.ContainsFunc(commands(), func(c command) bool { return c.is(at[1]) }) {
			return fmt.Errorf("%q is among the words", at[0])
		}
	}
	return nil
}

// mention matches what may be a command of fob in a text.
var mention = regexp.MustCompile(`\bfob ([a-z]+)\b`)

// parses says why fob could not read a command line.
func parses(argv []string) error {
	line := make([]string, len(argv))
	for i, word := range argv {
		line[i] = word
		if placeholder.MatchString(word) {
			sample, ok := samples(argv[:i])[word]
			if !ok {
				return fmt.Errorf("nobody knows what to put for %s", word)
			}
			line[i] = sample
		}
	}
	_, err := parse(start{getenv: func(string) string { return "" }}, line)
	return err
}

// placeholder matches what a person has to fill in.
var placeholder = regexp.MustCompile(`^[A-Z][A-Z-]+$`)

// samples are what a person could put for the placeholders of a hint, after these words.
func samples(before []string) map[string]string {
	arn := "arn:aws:iam::111111111111:mfa/jo"
	if n := len(before); n > 0 && before[n-1] == "--role" {
		arn = "arn:aws:iam::222222222222:role/deploy"
	}
	return map[string]string{"PROFILE": "dev", "NAME": "other", "ARN": arn, "CMD": "true", "WORDS": "true", "REGION": "eu-west-1"}
}

// shellWords splits a command line as a shell does, without its redirections.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\'':
			quoted = false
		case quoted:
			word.WriteByte(c)
		case c == '\'':
			started, quoted = true, true
		case c == '\\' && i+1 < len(line):
			i++
			started = true
			word.WriteByte(line[i])
		case c == ' ':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		case c == '>':
			if started || !strings.HasPrefix(line[i:], ">/dev/null") {
				return nil, fmt.Errorf("%q is redirected in a strange way", line)
			}
			i += len(">/dev/null") - 1
		case c == '<' && !started && len(words) > 0:
			// A file to read, with nothing after it.
			if file, err := shellWords(line[i+1:]); err != nil || len(file) != 1 {
				return nil, fmt.Errorf("%q reads a file in a strange way (%v)", line, err)
			}
			return words, nil
		case strings.IndexByte("\"$`;|&<()*?[]#~=%{}", c) >= 0 && !(c == '=' || c == '%'):
			return nil, fmt.Errorf("%q has a %c that a shell would take for itself", line, c)
		default:
			started = true
			word.WriteByte(c)
		}
	}
	if quoted {
		return nil, fmt.Errorf("%q has an open quote", line)
	}
	if started {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("an empty command")
	}
	return words, nil
}

// example is an error, and the command line that met it.
type example struct {
	argv string
	err  error
}

// examples are errors for every row of failures, and for every hint that a row has.
func examples(home string) []example {
	const profile, at, serial, role = "it's new", "~/.aws/config:3", "arn:aws:iam::111111111111:mfa/jo", "arn:aws:iam::222222222222:role/deploy"
	key := plan.StoredKey{Profile: profile, KeyID: "AKIAIOSFODNN7EXAMPLE"}
	session := plan.SessionToken{MFASerial: serial, DurationSeconds: 43200}
	assume := func(role, serial string) plan.AssumeRole {
		return plan.AssumeRole{RoleARN: role, MFASerial: serial, DurationSeconds: 3600}
	}
	planned := func(err error, steps ...plan.Step) error {
		return &planError{Plan: plan.Plan{Profile: profile, Steps: append([]plan.Step{key}, steps...)}, Err: err}
	}
	denied := &awsapi.RefusedError{Action: "AssumeRole", Role: role, Code: "AccessDenied"}
	other := role + "2"
	aged := &planError{Plan: plan.Plan{Profile: profile, MaxMFAAge: time.Hour, Steps: []plan.Step{key, session, assume(role, "")}}, Err: denied}
	token := func(code string, step plan.WebIdentity) error {
		return &planError{Plan: plan.Plan{Profile: profile, Steps: []plan.Step{step}}, Err: &awsapi.RefusedError{Action: "AssumeRoleWithWebIdentity", Role: role, Code: code}}
	}
	why := errors.New("why")
	noPerson := &prompt.NoPersonError{Profile: profile, Serial: serial, Why: []error{term.ErrNone}}
	refused := func(code string) error {
		return &awsapi.RefusedError{Action: "GetCallerIdentity", Code: code, KeyID: key.KeyID}
	}
	refusedKey := func(action string) error {
		return &awsapi.RefusedError{Action: action, Code: iam.Denied, KeyID: key.KeyID}
	}
	rotation := func(step string, err error, back bool) error {
		r := creds.Rotation{Step: step, Old: creds.Key{ID: key.KeyID}, New: creds.Key{ID: "AKIAI44QH8DHBEXAMPLE"}}
		return &rotate.StoppedError{Profile: profile, Rotation: r, Back: back, Err: err}
	}
	unsupported := func(action string) error {
		return planned(&awsapi.RefusedError{Action: action, Code: "InvalidAction", Server: "ceph", Unsupported: true})
	}
	busy := func(h keyring.Holder) error { return &keyring.BusyError{Holder: h, Cause: context.DeadlineExceeded} }
	shared := func(o keyring.Outcome, serial string) error {
		return planned(&keyring.SharedError{Refusal: keyring.Refusal{Outcome: o, Message: "no"}, Serial: serial}, session)
	}
	return []example{
		{"mfa enroll x", planned(&iam.LeftError{Serial: serial, Err: why, Undo: why})},
		{"mfa enroll x", planned(&iam.LeftError{Serial: serial, Err: context.Canceled})},
		{"rotate x", planned(rotation(rotate.Created, why, false))},
		{"rotate x", planned(rotation(rotate.Switched, refusedKey("UpdateAccessKey"), false))},
		{"rotate x", planned(rotation(rotate.Deactivated, context.Canceled, false))},
		{"rotate x --abort", planned(rotation(rotate.Returning, why, true))},
		{"rotate x", planned(rotation(rotate.Switched, &rotate.StateError{Action: rotate.NewGone, Profile: profile, Rotation: creds.Rotation{Step: rotate.Switched}}, false))},
		{"rotate x --abort", planned(rotation(rotate.Returning, &rotate.StateError{Action: rotate.NewGone, Profile: profile, Rotation: creds.Rotation{Step: rotate.Returning}}, true))},
		{"rotate x --abort", planned(rotation(rotate.Deactivated, &rotate.StateError{Action: rotate.OldGone, Profile: profile, Rotation: creds.Rotation{New: creds.Key{ID: "AKIAI44QH8DHBEXAMPLE"}}}, true))},
		{"rotate x", planned(rotation(rotate.Began, &rotate.StateError{Action: rotate.OldGone, Profile: profile}, false))},
		{"rotate x", planned(rotation(rotate.Created, &rotate.StateError{Action: rotate.Replaced, Profile: profile}, false))},
		{"rotate x", planned(rotation(rotate.Created, &rotate.BothRefusedError{Err: why}, false))},
		{"rotate x", planned(&rotate.BothRefusedError{Err: why})},
		{"rotate x --abort", planned(&rotate.StateError{Action: rotate.Nothing, Profile: profile})},
		{"rotate x", planned(&rotate.OtherUserError{})},
		{"rotate --all", planned(&rotate.CodesError{Profile: profile, Err: why})},
		{"rotate x", planned(&keyring.ChangedError{Kind: keyring.KindRotation, Name: profile})},
		{"rotate x", planned(rotation(rotate.Began, &rotate.ElsewhereError{Profile: profile, KeyID: "AKIAI44QH8DHBEXAMPLE"}, false))},
		{"rotate x", planned(&rotate.ElsewhereError{Profile: profile, KeyID: "AKIAI44QH8DHBEXAMPLE"})},
		{"rotate x", planned(&rotate.OwnerError{KeyID: key.KeyID, Root: true})},
		{"rotate x", planned(&rotate.LeftError{KeyID: key.KeyID, Err: why, Undo: why})},
		{"rotate x", planned(&rotate.FullError{Profile: profile, KeyID: key.KeyID, User: "jo", Keys: []rotate.KnownKey{{AccessKey: iam.AccessKey{ID: key.KeyID, Status: "Active"}}, {AccessKey: iam.AccessKey{ID: "AKIAI44QH8DHBEXAMPLE", Status: "Active"}}}})},
		{"rotate x", planned(&rotate.FullError{Profile: profile, KeyID: key.KeyID, User: "jo", Keys: []rotate.KnownKey{{AccessKey: iam.AccessKey{ID: "AKIAI44QH8DHBEXAMPLE", Status: "Inactive"}}}})},
		{"rotate x", planned(&rotate.FullError{Profile: profile, KeyID: key.KeyID, User: "jo", Keys: []rotate.KnownKey{{AccessKey: iam.AccessKey{ID: "AKIAI44QH8DHBEXAMPLE", Status: "Active"}, PerhapsLost: true}}})},
		{"exec", &usageError{Problem: "which profile?", Names: []string{"a", "b"}}},
		{"exec --json x", &usageError{Problem: "unknown flag --json", Typed: "--json"}},
		{"exec --server x", &usageError{Problem: "unknown flag --server", Typed: "--server"}},
		{"exec --fresch x", &usageError{Problem: "unknown flag --fresch", Near: "--fresh"}},
		{"mfa add", &usageError{Problem: "PROFILE is missing", Command: "mfa add"}},
		{"mfa remove x", &noSecretError{Profile: profile, Serial: serial}},
		{"remove x", &notOursError{Profile: profile, At: at}},
		{"wire x", &wire.RewriteError{Profile: profile, Problem: "has an access key in plain text", PlainText: true}},
		{"wire x", &wire.RewriteError{Profile: profile, Problem: "has both role_arn and fob_role_arn"}},
		{"wire x", &profiles.MisdirectedError{Profile: profile, Other: "other", Why: "does not exist"}},
		{"exec --bogus x", usagef("unknown flag --bogus")},
		{"export", noHelpf("which profile?")},
		{"config get sso-session.lab.sso_region", &noSectionError{Kind: "sso-session", Name: "lab", File: "~/.aws/config"}},
		{"config get sso-session.crop.sso_region", &noSectionError{Kind: "sso-session", Name: "crop", File: "~/.aws/config", Nearest: []string{"corp"}}},
		{"config get services.x.sts.endpoint_url", &noSectionError{Kind: "services", Name: "x", File: "~/.aws/config"}},
		{"config unset aws_access_key_id", &usageError{Problem: "why", Way: ui.Type("fob", "add", profile), Also: ui.Type("fob", "import")}},
		{"clear x", &clearError{Profile: profile, Problem: why}},
		{"exec x", &plan.UsageError{Problem: "why"}},
		{"leaks --install-hook", &leaks.OtherHookError{Path: "f", Args: []string{"leaks", "--staged"}}},
		{"leaks --install-hook", &leaks.OtherHookError{Path: "f", Framework: true, Args: []string{"leaks", "--staged"}}},
		{"add x", &wire.ProcessError{Profile: profile}},
		{"add x", &wire.ProcessError{Program: "/a b"}},
		{"add x", &keyring.NameError{Name: profile, Problem: "is too long"}},
		{"add x", creds.ErrKeyID},
		{"add x", creds.ErrSessionKey},
		{"exec ''", &plan.NoProfileError{}},
		{"exec x", &plan.NoProfileError{Profile: profile}},
		{"exec x", &plan.NoProfileError{Profile: profile, Nearest: []string{"a", "b"}}},
		{"remove x", &plan.NoProfileError{Profile: profile, Stored: true}},
		{"export --profile=--yes", &plan.NoProfileError{Profile: "--yes"}},
		{"add x", &plan.NoSignInError{Name: "corp"}},
		{"add x", &plan.NoSignInError{Name: "crop", Nearest: []string{"corp"}}},
		{"exec x", &plan.MissingSourceError{Profile: "x", Source: profile, At: at}},
		{"exec x", &plan.MissingSourceError{Profile: "x", Source: profile, At: at, Nearest: []string{"a"}}},
		{"exec x", &plan.NoKeyError{Profile: profile, At: at}},
		{"exec x", &plan.NoKeyError{Profile: profile, At: at, Role: true}},
		{"exec x", &plan.PartialKeyError{Profile: profile, Has: "aws_access_key_id", Lacks: "aws_secret_access_key", At: at}},
		{"exec x", &plan.SecurityKeyError{Profile: profile, At: at}},
		{"exec x", &plan.UnknownKeyError{Key: "fob_acount", At: at, Nearest: []string{"fob_account"}}},
		{"exec x", &plan.UnknownKeyError{Key: "fob_x", At: at}},
		{"exec x", &plan.NoDeviceError{Profile: profile, At: at}},
		{"exec x", &plan.VariableError{At: at, Name: "fob_env_X", Problem: "not the name of a parameter", Malformed: true}},
		{"exec x", &plan.VariableError{At: at, Name: "fob_env_PATH", Problem: "not allowed: this variable can change which credentials or code the command uses"}},
		{"exec x", &plan.NoRegionError{At: at, Profile: profile, Reference: "ssm:/x"}},
		{"exec x", &appsecrets.MissingError{Of: 1, Missing: []appsecrets.Missing{{Variable: "X", Err: &appsecrets.AbsentError{What: "parameter", Region: "eu-west-1"}}}}},
		{"exec x", &plan.ConfigError{At: at, Problem: "why"}},
		{"exec x", &plan.AgentError{Profile: profile, Guard: plan.AgentGuard{Agent: plan.Agent{Name: "Codex", Sign: "CODEX_CI"}, Gets: plan.AgentRefused, From: at}}},
		{"exec x", &unconfirmedError{Profile: profile, From: at}},
		{"exec x", &host.HomeError{Variable: "HOME"}},
		{"exec x", &host.HomeError{Path: "~jo/x"}},
		{"exec x", &plan.LoopError{Chain: []string{"a", "a"}}},
		{"exec x", &plan.MachineRoleError{Profile: profile, Source: "Ec2InstanceMetadata", At: at}},
		{"exec x", &awsconfig.SyntaxError{File: "~/.aws/config", Line: 1}},
		{"config set region x", &awsconfig.SyntaxError{File: "~/.aws/config", Line: 1, Continued: true}},
		{"exec x", &settings.Error{At: at, Problem: "why"}},
		{"exec x", &settings.Error{At: at, Unknown: "colur", Known: []string{"color"}}},
		{"exec x", &settings.Error{At: at, Table: "list", Unknown: "x"}},
		{"exec x", &settings.Error{At: at, Unknown: "x"}},
		{"exec x", &source.ReplacedError{Profile: profile}},
		{"mfa enroll x", &iam.NotUserError{ARN: role}},
		{"store remove age", &keyring.SlotError{Slot: "age/a b", Err: why}},
		{"store passphrase", &keyring.UnfinishedError{Dir: "/home/jo/a b/g2"}},
		{"store passphrase", &keyring.BeforeRekeyError{Err: &keyring.StrayError{Dir: "/home/jo/g2", File: "key+a (1)"}}},
		{"store remove file", &keyring.LastSlotError{Slot: "file"}},
		{"store remove age", &keyring.LastSlotError{Slot: "age"}},
		{"store add file", &keyring.SlotExistsError{Slot: "file"}},
		{"store add age1x", &keyring.SlotExistsError{Slot: "age"}},
		{"store add age1x", &keyring.RecipientError{Text: "age1x", Problem: "why"}},
		{"store add age1x", &keyring.PluginError{Program: "age-plugin-x"}},
		{"store add age1x", &keyring.IdentityError{Path: "/x", Problem: "is empty"}},
		{"exec x", &keyring.WrongPassphraseError{}},
		{"exec x", shared(keyring.Refused, "")},
		{"exec x", shared(keyring.Refused, serial)},
		{"exec x", shared(keyring.Cancelled, serial)},
		{"exec x", shared(keyring.Unanswered, serial)},
		{"store", &keyring.MissingError{Dir: "/x"}},
		{"mfa code x", &keyring.NotFoundError{Kind: keyring.KindSeed, Name: serial}},
		{"remove x", &keyring.NotFoundError{Kind: keyring.KindKey, Name: profile}},
		{"exec x", &keyring.UnsafeError{Path: "/x", Problem: "why"}},
		{"exec x", &keyring.UnsafeError{Path: home + "/x", Problem: "why"}},
		{"exec x", &keyring.UnsafeError{Path: "/x", Problem: "why", Fix: "chmod 700 '/a b'"}},
		{"exec x", &keyring.TrustError{Dir: "/x"}},
		{"exec x", &keyring.TrustError{Dir: "/x", Fingerprint: "abc", Proof: "file"}},
		{"exec x", &keyring.DamagedError{File: "key+x"}},
		{"exec x", &keyring.DamagedError{File: "seed+x"}},
		{"exec x", &keyring.DamagedError{File: "/home/jo/state/store-x.json"}},
		{"exec x", &keyring.DamagedError{File: "/home/jo/a b/locks"}},
		{"exec x", &keyring.DamagedError{File: "g1/slots/passphrase"}},
		{"exec x", &keyring.DamagedError{File: "store"}},
		{"exec x", &keyring.ChoiceError{Slots: []string{"age", "file"}}},
		{"exec x", &keyring.NoSlotError{Backend: "pass", Slots: []string{"age", "file"}}},
		{"store passphrase", &keyring.NoSlotError{Backend: "pass", Slots: []string{"age", "file"}}},
		{"exec x", &backend.LockedError{Slot: "age"}},
		{"exec x", &backend.LockedError{Slot: "pass", Fix: "pass show 'a b' >/dev/null"}},
		{"exec x", &backend.LockedError{Slot: "secret-service"}},
		{"exec x", &backend.LockedError{Slot: "keychain", Advice: "choose Always Allow"}},
		{"exec x", &backend.LostError{Backend: "pass"}},
		{"store add nope", &keyring.UnknownBackendError{Name: "nope"}},
		{"exec x", &backend.Error{Backend: "pass", Fix: "pass init GPG-ID"}},
		{"exec x", &backend.Error{Backend: "pass"}},
		{"exec x", &keyring.FutureError{File: "store"}},
		{"exec x", &keyring.PassphraseError{Problem: "the passphrase is empty"}},
		{"exec x", &keyring.FullError{Dir: "/x"}},
		{"exec x", &keyring.WriteError{Dir: home + "/.local/share/fob", Err: fs.ErrPermission}},
		{"exec x", &keyring.NoLocksError{Dir: "/x"}},
		{"exec x", &keyring.NoLocksError{Dir: "/x", Instead: "/run/user/1"}},
		{"exec x", &keyring.CreateError{Dir: "/x", Err: why}},
		{"exec x", &fs.PathError{Op: "open", Path: home + "/.local/share/fob/store", Err: fs.ErrPermission}},
		{"exec x", planned(denied, session, assume(role, ""))},
		{"exec x", planned(denied, assume(role, ""))},
		{"exec x", planned(denied, session, assume(other, ""), assume(role, ""))},
		{"exec x", planned(denied, assume(role, serial))},
		{"exec x", aged},
		{"add x", refused("InvalidClientTokenId")},
		{"add x", refused("SignatureDoesNotMatch")},
		{"exec x", planned(refused("InvalidClientTokenId"), session)},
		{"exec x", refused("ExpiredToken")},
		{"mfa enroll x", planned(refused(iam.AlreadyExists))},
		{"mfa remove x", &awsapi.RefusedError{Action: iam.DeleteDevice, Code: "NoSuchEntity", Skew: time.Hour}},
		{"exec x", unsupported("GetCallerIdentity")},
		{"exec x", unsupported("GetSessionToken")},
		{"exec x", unsupported("AssumeRole")},
		{"exec x", &awsapi.UnreachableError{Host: "x", Problem: "why"}},
		{"add x", &awsapi.UnreachableError{Host: "x", Problem: "why"}},
		{"exec x", planned(&awsapi.AnswerError{Action: "GetSessionToken", Host: "x", Unsupported: true})},
		{"exec x", &awsapi.AnswerError{}},
		{"exec x", term.ErrCancelled},
		{"exec x", context.Canceled},
		{"export x", host.ErrOrphaned},
		{"exce x", &unknownCommandError{Words: []string{"exce", "x"}}},
		{"zzzz x", &unknownCommandError{Words: []string{"zzzz", "x"}}},
		{"export x", &terminalError{Profile: profile}},
		{"exec x", planned(noPerson, session)},
		{"exec x -d 2h", planned(noPerson, plan.SessionToken{MFASerial: serial, DurationSeconds: 7200})},
		{"login x", planned(noPerson, session)},
		{"export x", planned(&signin.NeededError{Profile: profile, To: "Identity Center (corp)"})},
		{"export x", planned(&signin.NeededError{Profile: profile, To: "the AWS console", AWSLogin: true})},
		{"login x", planned(&signin.NeededError{Profile: profile, To: "the AWS console", AWSLogin: true})},
		{"exec x", planned(&signin.LostError{Profile: profile, File: "f", AWSLogin: true, Err: why})},
		{"exec x", planned(&signin.CacheError{Profile: profile, File: "f", Err: input.ErrShared})},
		{"exec x", planned(&signin.CacheError{Profile: profile, File: "f", AWSLogin: true, Err: why})},
		{"login x", planned(&signin.PermissionError{Profile: profile, Session: "arn:aws:iam::111111111111:user/jo", Err: why})},
		{"login x", planned(&signin.IdentityError{Profile: profile, Want: "arn:aws:iam::111111111111:user/jo", Got: "arn:aws:iam::111111111111:user/eve"})},
		{"export x", planned(&signin.SharedError{To: "Identity Center (corp)", Refusal: keyring.Refusal{Outcome: keyring.Refused, Message: "no"}})},
		{"exec x", planned(&signin.SharedError{To: "Identity Center (corp)", Refusal: keyring.Refusal{Outcome: keyring.Cancelled, Message: "cancelled"}})},
		{"exec x", planned(&signin.SharedError{To: "Identity Center (corp)", Refusal: keyring.Refusal{Outcome: keyring.Unanswered, Message: "late"}})},
		{"exec x", planned(&signin.LateError{To: "Identity Center (corp)"})},
		{"login x", planned(&signin.LateError{To: "Identity Center (corp)", Browser: true})},
		{"login x --device", planned(&signin.LateError{To: "Identity Center (corp)"})},
		{"login x", planned(&signin.DeniedError{To: "Identity Center (corp)", Code: "access_denied"})},
		{"login x", planned(&signin.SetupError{Where: "[sso-session corp]", Err: why})},
		{"exec x", planned(&signin.AssignmentError{Profile: profile, SignIn: "corp", Err: why})},
		{"login x", &awsapi.RefusedError{Action: "CreateToken", Code: "AccessDeniedException", Reason: signin.KeyDenied}},
		{"login x", &planError{Plan: plan.Plan{Profile: profile, Steps: []plan.Step{plan.SSO{Region: "europe"}}}, Err: &awsapi.UnreachableError{Host: "x"}}},
		{"login x", &planError{Plan: plan.Plan{Profile: profile, Steps: []plan.Step{plan.SSO{Region: "eu-wst-1"}}}, Err: &awsapi.UnreachableError{Host: "oidc.eu-wst-1.amazonaws.com", Unknown: true}}},
		{"login x", planned(&awsapi.RefusedError{Action: "GetRoleCredentials", Code: "UnauthorizedException"})},
		{"clear --sso crop", &plan.NoSignInError{Name: "crop", Nearest: []string{"corp"}}},
		{"import", &keepError{Where: "~/.aws/credentials:2", Problem: "a root user's key"}},
		{"import x.csv", &keepError{Where: "x.csv:2", Problem: "it is in ~/.aws/credentials, too", Plain: true}},
		{"import x.csv --yes", &namelessError{"x.csv:2", "AKIA...MPLE", "/home/jo/it's x.csv", false}},
		{"import x.csv --yes", &namelessError{"x.csv:2", "AKIA...MPLE", "/home/jo/it's x.csv", true}},
		{"import", &goneError{"dev"}},
		{"import", &awsvault.PassphraseError{Asked: true}},
		{"import", &awsvault.SessionError{}},
		{"import", &awsvault.ReadError{Reason: "not an item of aws-vault"}},
		{"import", &awsvault.LockedError{Reason: "gpg cannot decrypt it", Fix: "pass show 'a b' >/dev/null"}},
		{"import", &awsvault.LockedError{Reason: "macOS wants to ask", Advice: "choose Allow"}},
		{"import", &deadKeyError{"~/.aws/credentials:2", "AKIAIOSFODNN7EXAMPLE", "InvalidClientTokenId"}},
		{"import x.csv", &importer.NotKeysError{File: "x.csv"}},
		{"import --undo", &importer.ConflictError{File: "~/.aws/credentials"}},
		{"import --undo", &importer.ConflictError{File: "~/.aws/credentials", Line: &awsconfig.ClashError{Line: 2, Key: "aws_access_key_id"}}},
		{"import --undo", &importer.ConflictError{File: "~/.aws/config", Line: &awsconfig.ClashError{Line: 2, Key: "region", Had: true, Want: "eu-west-1"}}},
		{"import --undo", &importer.ConflictError{File: "~/.aws/config", Line: &awsconfig.ClashError{Line: 2, Key: "fob_credential_process", Had: true}}},
		{"import", importer.ErrReadBack},
		{"clear --sso zzzz", &plan.NoSignInError{Name: "zzzz"}},
		{"exec x", planned(&ui.NobodyError{What: askForPassphrase, Why: why})},
		{"add x", &ui.NobodyError{What: askForNewPassphrase, Why: why}},
		{"remove x", &ui.NobodyError{What: "ask for confirmation", Why: why}},
		{"exec x", &mfa.CodeError{Problem: "the MFA code is empty"}},
		{"exec x", &term.InputError{Problem: "is not valid UTF-8"}},
		{"export x", planned(busy(keyring.Holder{Doing: "opening the store"}))},
		{"export x", planned(busy(keyring.Holder{}))},
		{"export x", planned(busy(keyring.Holder{PID: 12}))},
		{"export x", planned(busy(keyring.Holder{PID: 12, Terminal: "pts/3"}))},
		{"export x", planned(context.DeadlineExceeded)},
		{"export x", planned(context.DeadlineExceeded, session)},
		{"export x", planned(&keyring.UnansweredError{Slot: "kwallet"})},
		{"exec x", &awsapi.RefusedError{Action: "GetSessionToken", Code: "AccessDenied", Message: "MultiFactorAuthentication failed with invalid MFA one time pass code"}},
		{"exec x", &awsapi.RefusedError{Action: "GetSessionToken", Code: "AccessDenied", Message: "MultiFactorAuthentication failed, unable to validate MFA code"}},
		{"exec x", &planError{Plan: plan.Plan{Profile: profile, Doubt: "the device is of another account", Steps: []plan.Step{key, session}},
			Err: &awsapi.RefusedError{Action: "GetSessionToken", Code: "AccessDenied", Message: "MultiFactorAuthentication failed, unable to validate MFA code"}}},
		{"exec x", token("ExpiredTokenException", plan.WebIdentity{TokenFile: "/run/token"})},
		{"exec x", token("IDPRejectedClaim", plan.WebIdentity{TokenProcess: "mint"})},
		{"exec x", token("InvalidIdentityToken", plan.WebIdentity{})},
		{"exec x", token("AccessDenied", plan.WebIdentity{})},
		{"exec x", &planError{Plan: plan.Plan{Profile: profile, Steps: []plan.Step{plan.WebIdentity{RoleARN: other}, assume(role, "")}}, Err: denied}},
	}
}

// Every row of the table of failures has an example, and every hint of every example is
// something that can be typed: a command of fob's parses, and is not the one that failed.
func TestHintsParse(t *testing.T) {
	home := t.TempDir()
	rows := make([]int, len(failures()))
	for _, e := range examples(home) {
		argv, err := shellWords(e.argv)
		if err != nil {
			t.Fatal(err)
		}
		for _, ttl := range []string{"", "0"} {
			a := hintApp(t, home, ttl, argv)
			for _, h := range a.judge(e.err).hints {
				if err := checkHint(argv, h); err != nil {
					t.Errorf("fob %s: %v: %q: %v", e.argv, e.err, h, err)
				}
				if out, err := exec.Command("sh", "-n", "-c", h.Command).CombinedOutput(); err != nil {
					t.Errorf("%q: sh: %s", h, out)
				}
			}
			row := slices.IndexFunc(failures(), func(row failure) bool { return row(a, e.err).code != 0 })
			if row < 0 {
				t.Errorf("%T has no row", e.err)
				continue
			}
			rows[row]++
		}
	}
	for row, n := range rows {
		if n == 0 {
			t.Errorf("row %d of the failures has no example", row)
		}
	}
}

// hintApp is the app of a command line in a home with one stored profile.
func hintApp(t *testing.T, home, ttl string, argv []string) *app {
	t.Helper()
	env := map[string]string{"HOME": home, "FOB_UNLOCK_TTL": ttl}
	s := start{args: append([]string{"fob"}, argv...), getenv: func(name string) string { return env[name] }}
	a, err := newApp(t.Context(), program{}, s, commandLine{name: argv[0], setBy: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What a shell reads as words is what this file does.
func TestShellWords(t *testing.T) {
	for line, want := range map[string][]string{
		`fob add 'it'\''s new'`:    {"fob", "add", "it's new"},
		"pass show x >/dev/null":   {"pass", "show", "x"},
		"export A=1":               {"export", "A=1"},
		"fob add $(x)":             nil,
		"fob add 'x":               nil,
		"fob add x > file":         nil,
		"fob store add file|age1":  nil,
		"fob --backend auto store": {"fob", "--backend", "auto", "store"},
	} {
		if got, err := shellWords(line); !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
}

// innerErrors are error types that no row of failures is about, and why.
func innerErrors() map[string]string {
	const (
		inside = "becomes another error, or the cause of one"
		says   = "says what is wrong with what was typed or with a program of the user's, and there is no command against it"
	)
	return map[string]string{
		"awsapi.UnsentError":   inside,
		"awsconfig.ClashError": inside,
		"awsconfig.LoopError":  says,
		"awsconfig.NameError":  inside,
		"awsconfig.NestError":  inside,
		"awsconfig.ValueError": inside,
		"cmdline.WordError":    inside,
		"helper.FailedError":   inside,
		"host.LateError":       "is a context.DeadlineExceeded",
		"importer.LeftError":   inside,
		"input.TooLargeError":  inside,
		"main.childExit":       "is the exit code of a child",
		"main.commandError":    says,
		"main.lineError":       "the section is as before, and there is no command against it",
		"main.unusableError":   "has the hints of its cause",
		"mfa.ProcessError":     says,
		"mfa.RefusedError":     inside,
		"mfa.SeedError":        says,
		"mfa.lateError":        inside,
		"profiles.ChangeError": "stays as it is, and there is no command against it",
		"profiles.WriteError":  "prints the lines to write",
		"prompt.notReadyError": inside,
		"settings.SyntaxError": inside,
		"source.ProcessError":  says,
		"source.TokenError":    says,
		"secrets.AbsentError":  inside,
		"ui.FatalError":        inside,
		"ui.WriteError":        "standard output is gone",
		"wire.TakenError":      inside,
	}
}

// TestUnknownRegion: a region that is spelled like one, and that AWS does not have, shows
// only in a host without an address.
func TestUnknownRegion(t *testing.T) {
	a := hintApp(t, t.TempDir(), "", []string{"login", "x"})
	at := func(e awsapi.UnreachableError) int {
		p := plan.Plan{Profile: "x", Steps: []plan.Step{plan.SSO{Region: "eu-wst-1"}}}
		return len(a.judge(&planError{Plan: p, Err: &e}).hints)
	}
	if n := at(awsapi.UnreachableError{Host: "oidc.eu-wst-1.amazonaws.com", Unknown: true}); n != 1 {
		t.Errorf("%d hints for a host without an address", n)
	}
	if n := at(awsapi.UnreachableError{Host: "oidc.eu-wst-1.amazonaws.com"}); n != 0 {
		t.Errorf("%d hints for a host that does not answer", n)
	}
	if n := at(awsapi.UnreachableError{Host: "proxy.example.com", Unknown: true}); n != 0 {
		t.Errorf("%d hints for another host", n)
	}
}

// Every type of error has an example, or a reason why it needs none: a new one does not
// reach people without anybody having thought about what they can do.
func TestErrorsHaveExamples(t *testing.T) {
	known := map[string]bool{}
	for _, e := range examples(t.TempDir()) {
		for err := e.err; err != nil; err = errors.Unwrap(err) {
			known[strings.TrimPrefix(fmt.Sprintf("%T", err), "*")] = true
		}
	}
	method := regexp.MustCompile(`(?m)^func \((?:\w+ )?\*?(\w+)\) Error\(\) string`)
	for _, name := range sources(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pkg := "main"
		if dir := filepath.Dir(name); dir != "." {
			pkg = filepath.Base(dir)
		}
		for _, m := range method.FindAllSubmatch(text, -1) {
			e := pkg + "." + string(m[1])
			if why := innerErrors()[e]; !known[e] && why == "" {
				t.Errorf("%s: %s has no example", name, e)
			} else if known[e] && why != "" {
				t.Errorf("%s has an example, and is said to need none", e)
			}
		}
	}
}
