package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/settings"
	"fob/internal/source"
	"fob/internal/ui"
	"fob/internal/wire"
	"fob/keyring"
)

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
	if slices.Contains(a.inVault(true), profile) {
		return []ui.Hint{ui.Type("fob", "import").To("copies the key from aws-vault")}
	}
	if all, err := a.profiles(); err == nil {
		section, _ := all.Config.Profile(profile)
		if key, ok := section.Hidden(); ok {
			return []ui.Hint{ui.Advise("it has one at %s, where it continues the line above: start its lines in the first column", plan.At(key))}
		}
	}
	return a.misplaced(profile)
}

// othersAsk makes other programs ask fob for a profile's credentials, or shows what they
// do where that is not so simple.
func (a *app) othersAsk(profile string) ui.Hint {
	if all, err := a.profiles(); err == nil && all.CanRewrite(a.files, profile, a.args[0]) {
		return ui.Type("fob", "wire", profile)
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
			if e.Also != (ui.Hint{}) {
				return exit(exitUsage, e.Way, e.Also)
			}
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
		on(func(a *app, e *wire.RewriteError, _ error) verdict {
			if e.PlainText {
				return exit(exitFailed, ui.Type("fob", "import").To("moves it into the store first"))
			}
			return exit(exitFailed)
		}),
		on(func(a *app, e *profiles.MisdirectedError, _ error) verdict {
			line, err := wire.Process(a.args[0], e.Profile)
			if err != nil {
				return exit(exitFailed)
			}
			return exit(exitFailed, ui.Type("fob", "config", "set", "credential_process", line, "--profile", e.Profile))
		}),
		on(func(_ *app, e *noSectionError, _ error) verdict {
			if len(e.Nearest) == 0 && e.Kind == "sso-session" {
				return exit(exitNoProfile, ui.Type("fob", "sso").To("shows the sign-ins"))
			}
			if len(e.Nearest) == 0 {
				return exit(exitNoProfile)
			}
			return exit(exitNoProfile, didYouMean(e.Nearest, ui.Hint{}))
		}),
		always[*notOursError](exitNoProfile, ui.Advise("to remove the profile, delete its section from that file")),
		on(func(a *app, e *awsconfig.SyntaxError, _ error) verdict {
			switch {
			case e.UTF16:
				return exit(exitFailed, saveAsUTF8())
			case e.Continued:
				return exit(exitFailed, ui.Advise("start the next line in the first column, or join it with this one"))
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
			if found := a.signInHints(e.Profile); found != nil {
				return exit(exitNoProfile, found...)
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
		on(func(a *app, e *plan.PartialKeyError, _ error) verdict {
			if all, err := a.profiles(); err == nil {
				section, _ := all.Config.Profile(e.Profile)
				if key, ok := section.Hidden(); ok {
					return exit(exitFailed, ui.Advise("the rest of the key is at %s, where it continues the line above: start that line in the first column", plan.At(key)))
				}
			}
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
		always[*unconfirmedError](exitFailed),
		// No hint: it would be one for the agent.
		always[*plan.AgentError](exitFailed),
		on(func(_ *app, e *host.HomeError, _ error) verdict {
			if e.Path != "" {
				return exit(exitFailed)
			}
			return exit(exitFailed, ui.Advise("set %s to the path of your home directory", e.Variable))
		}),
		always[*plan.LoopError](exitFailed),
		on(func(_ *app, e *plan.MachineRoleError, _ error) verdict {
			return exit(exitFailed, ui.Advise("on that machine, set AWS_PROFILE=%s and run your program without fob", e.Profile))
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

// plainDirectory is one whose name every shell reads alike.
func plainDirectory() string {
	if runtime.GOOS == "windows" {
		return `C:\fob`
	}
	return "/usr/local/bin"
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
