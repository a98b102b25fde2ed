package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/cmdline"
	"fob/internal/importer"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
)

// Moving is where MovingIn looks.
type Moving struct {
	Profiles *profiles.Profiles
	Files    profiles.Files
	// Program is this program as it was called.
	Program string
	Getenv  func(name string) string
	// Home is the user's home directory; "" if nobody knows it.
	Home string
	// Vault are the profiles whose keys aws-vault has, as far as they are known.
	Vault []string
	// Listed: below a list of the profiles, which says already which keys they need. Who
	// only uses fob exec reads it every day, and is not told each time about other ways.
	Listed bool
}

// MovingIn says what fob could take over, and the next command for each: keys in
// plain text, keys of aws-vault's, keys that are nowhere, and profiles whose
// credentials come from fob only under fob exec. It says nothing once everything has
// moved in.
//
// It reads no secret and calls nobody.
func MovingIn(m Moving) []Finding {
	e := &exam{check: "moving-in"}
	e.movingIn(m, "")
	return e.findings
}

// left says what is left to move in.
func (e *exam) left(context.Context) error {
	all, err := e.Profiles()
	if err != nil {
		return nil // the config's check has reported it
	}
	e.movingIn(Moving{Profiles: all, Files: e.Files, Program: e.Program, Getenv: e.Getenv, Home: e.Home, Vault: e.Vault}, e.Profile)
	return nil
}

// moving is what is known about each profile.
type moving struct {
	Moving
	stored  []string
	made    map[string]profiles.Made
	names   []string // of the AWS files
	section map[string]awsconfig.Profile
	missing map[string][]string // profiles without a key, and those that wait for it
	vaulted bool                // the user has aws-vault
}

// movingIn is MovingIn; with only, for one profile.
func (e *exam) movingIn(about Moving, only string) {
	m := &moving{Moving: about, names: about.Profiles.Config.Names(), made: map[string]profiles.Made{}, section: map[string]awsconfig.Profile{}, missing: map[string][]string{}}
	m.stored, _ = m.Profiles.Stored() // damaged ones are elsewhere's
	for _, name := range m.names {
		m.section[name], _ = m.Profiles.Config.Profile(name)
	}
	m.vaulted = len(m.Vault) > 0 || usesVault(m)
	planned := m.names
	if m.Listed && !m.vaulted {
		planned = nil // nothing below asks for it
	}
	for name, made := range m.Profiles.Plans(planned) {
		m.made[name] = made
		if none, ok := errors.AsType[*plan.NoKeyError](made.Err); ok && !none.Role {
			m.missing[none.Profile] = append(m.missing[none.Profile], name)
		}
		// aws-vault needs no section for a source profile.
		if none, ok := errors.AsType[*plan.MissingSourceError](made.Err); ok && slices.Contains(m.Vault, none.Source) {
			m.missing[none.Source] = append(m.missing[none.Source], name)
		}
	}
	if only != "" {
		m.names = slices.DeleteFunc(m.names, func(name string) bool { return name != only })
	}
	e.plainText(m, only)
	e.vault(m, only)
	if !m.Listed {
		e.askVault(m)
		e.unwired(m, only)
		e.askedTwice(m)
		e.tooLong(m)
		e.signingIn(m)
	}
}

// hasKeysToMove reports whether there are keys that fob import moves.
func (e *exam) hasKeysToMove() bool {
	all, err := e.Profiles()
	if err != nil {
		return false
	}
	found := MovingIn(Moving{Profiles: all, Files: e.Files, Program: e.Program, Getenv: e.Getenv, Home: e.Home, Vault: e.Vault})
	return slices.ContainsFunc(found, func(f Finding) bool { return strings.HasPrefix(f.Do[0].Command, "fob import") })
}

// plainText finds long-lived keys in the AWS files.
func (e *exam) plainText(m *moving, only string) {
	for _, path := range []string{m.Files.Credentials, m.Files.Config} {
		where := m.Files.Tilde(path)
		var left, hiding []string // profiles
		ids := map[string]bool{}  // of those that are left
		var at awsconfig.Value    // the first that hides fob's
		for _, name := range m.names {
			hidden, hides := m.section[name].Hidden()
			if _, ok := m.section[name].Own("aws_access_key_id"); !ok && !hides {
				continue // as nearly always
			}
			section, _ := m.Profiles.Config.InFile(path == m.Files.Credentials, name)
			if hides && hidden.File == where {
				e.add(Wrong, fmt.Sprintf("%s: the Go and JavaScript SDKs use the access key in this line, and the AWS CLI and fob take it for a part of the value above", plan.At(hidden)),
					ui.Advise("start its lines in the first column"), ui.Type("fob", "import").To("then moves it into the store"))
			}
			id, ok := longLived(section)
			switch {
			case !ok:
			case slices.Contains(m.stored, name), m.served(name):
				hiding = append(hiding, name)
				at = cmp.Or(at, id)
			default:
				left = append(left, name)
				ids[id.Text] = true
			}
		}
		for _, misplaced := range m.Profiles.Config.Misplaced() {
			id, ok := longLived(misplaced.Section)
			if name := misplaced.Section.Name; ok && (only == "" || name == only) && misplaced.InCredentials == (path == m.Files.Credentials) && !slices.Contains(left, name) {
				left = append(left, name)
				ids[id.Text] = true
			}
		}
		if len(hiding) > 0 {
			e.wrong(ui.Type("fob", "import").To("removes what the store has already"),
				"%s: %s a key in plain text, and every tool uses it instead of fob's", plan.At(at), has(hiding))
		}
		if len(left) > 0 {
			e.add(Advice, fmt.Sprintf("%s holds %s in plain text: %s", where, ui.Count(len(ids), "key"), someOf(left)), ui.Type("fob", "import").To("moves %s into the store", them(len(ids))))
		}
	}
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// served reports whether a profile's section says that fob has its credentials.
func (m *moving) served(name string) bool {
	line, _ := m.section[name].Own("credential_process")
	_, ok := cmdline.FobProfile(line.Text, m.Program)
	return ok
}

func has(names []string) string {
	if len(names) == 1 {
		return names[0] + " has"
	}
	return someOf(names) + " have"
}

// longLived is the key in a section of one file, if it does not expire. A honeytoken is
// where it should be.
func longLived(section awsconfig.Profile) (id awsconfig.Value, ok bool) {
	static, err := plan.Static(section)
	return static.ID, err == nil && static.ID.Text != "" && static.Token.Text == "" && !strings.HasPrefix(static.ID.Text, "ASIA") && !importer.IsBait(static.ID.Text)
}

// vault finds the keys that aws-vault has, by their names where it keeps files, and
// those that profiles wait for.
func (e *exam) vault(m *moving, only string) {
	if only != "" {
		return // its own check says which key it needs
	}
	keys := slices.DeleteFunc(slices.Clone(m.Vault), func(name string) bool {
		return slices.Contains(m.stored, name) || m.Listed && len(m.missing[name]) > 0
	})
	// The one that most profiles wait for comes first.
	slices.SortStableFunc(keys, func(a, b string) int { return len(m.missing[b]) - len(m.missing[a]) })
	if len(keys) > 0 {
		e.advise(ui.Type("fob", "import"), "aws-vault has %s that fob does not: %s", ui.Count(len(keys), "key"), someOf(keys))
	}
	asked := map[string]bool{} // by a line that runs aws-vault
	for _, name := range m.names {
		_, target, _ := m.fromVault(name)
		asked[target] = true
	}
	var wanted, users []string
	for _, name := range m.Profiles.Config.Names() {
		waiting := m.missing[name]
		_, device := m.section[name].Get("mfa_serial")
		device = device && name != "default" // which lends its settings in aws-vault
		if len(waiting) == 0 || slices.Contains(m.Vault, name) {
			continue
		}
		// Most sections without a key and without anybody who uses it hold only defaults.
		if others := slices.DeleteFunc(slices.Clone(waiting), func(user string) bool { return user == name }); len(others) > 0 || device || asked[name] {
			wanted = append(wanted, name)
			users = append(users, others...)
		}
	}
	if len(wanted) == 0 {
		return
	}
	do := ui.Type("fob", "add", wanted[0])
	if m.vaulted {
		do = fromVault(wanted[0])
	} else if m.Listed {
		return
	}
	what := "no access key for " + someOf(wanted)
	if len(users) > 0 {
		what += fmt.Sprintf(", which %s %s", ui.Count(len(users), "other profile"), uses(len(users)))
	}
	e.advise(do, "%s", what)
}

func uses(n int) string {
	if n == 1 {
		return "uses"
	}
	return "use"
}

func fromVault(profile string) ui.Hint {
	return ui.Type("aws-vault", "exec", "--no-session", profile, "--", "fob", "add", profile, "--from-env")
}

// usesVault reports whether the user has aws-vault, whatever it keeps its keys in.
func usesVault(m *moving) bool {
	for _, setting := range []string{"AWS_VAULT_BACKEND", "AWS_VAULT_PASS_PREFIX", "AWS_VAULT_KEYCHAIN_NAME", "AWS_VAULT_FILE_PASSPHRASE"} {
		if m.Getenv(setting) != "" {
			return true
		}
	}
	if m.Home != "" && exists(filepath.Join(m.Home, "Library", "Keychains", cmp.Or(m.Getenv("AWS_VAULT_KEYCHAIN_NAME"), "aws-vault")+".keychain-db")) {
		return true
	}
	for _, name := range m.names {
		if _, _, ok := m.fromVault(name); ok {
			return true
		}
	}
	_, err := exec.LookPath("aws-vault")
	return err == nil
}

// fromVault is the line that makes tools ask aws-vault for a profile's credentials, and
// the profile that it asks for; "" if nobody knows.
func (m *moving) fromVault(name string) (line awsconfig.Value, target string, ok bool) {
	line, _ = m.section[name].Own("credential_process")
	target, ok = awsvault.Target(line.Text)
	return line, target, ok
}

// askVault finds lines that make tools ask aws-vault for what fob has by now.
func (e *exam) askVault(m *moving) {
	for _, name := range m.names {
		line, target, ok := m.fromVault(name)
		made, known := m.made[target]
		if !ok || !known && !slices.Contains(m.stored, target) || made.Err != nil {
			continue
		}
		if process, err := wire.Process(m.Program, target); err == nil && !(known && made.Plan.Steps[0].Kind() == plan.Process{}.Kind()) {
			e.advise(setProcess(name, process), "%s: %s gets its credentials from aws-vault", plan.At(line), name)
			e.alike("aws-vault", name)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// unwired finds stored keys that programs can only get under fob exec, because the
// profile does not say how to ask fob.
func (e *exam) unwired(m *moving, only string) {
	users := map[string]int{}
	for name, made := range m.made {
		if made.Err == nil && made.Plan.Source() != name {
			users[made.Plan.Source()]++
		}
	}
	for _, name := range m.stored {
		section, exists := m.section[name]
		_, process := section.Own("credential_process")
		_, role := section.Get("role_arn")
		on := users[name]
		line, err := wire.Process(m.Program, name)
		if only != "" && only != name || err != nil || !exists && on == 0 || process || role || len(wire.Rivals(section)) > 0 {
			continue // where others say why, or where nobody wants more than fob exec
		}
		what := name
		if on > 0 {
			what += " and of " + ui.Count(on, "profile") + " on it"
		}
		do := setProcess(name, line)
		if m.Profiles.CanRewrite(m.Files, name, m.Program) {
			do = ui.Type("fob", "wire", name)
		}
		e.advise(do,
			"only fob exec finds the key of %s: aws --profile and SDKs do not know that fob has it", what)
	}
}

// askedTwice finds role profiles that tools other than fob assume by themselves, with a
// session of fob's: an MFA device in their section makes those tools ask again, or fail.
func (e *exam) askedTwice(m *moving) {
	var names []string
	lacks := "" // a profile whose own sessions are not made with the device
	for _, name := range m.names {
		made := m.made[name]
		serial, ok := m.section[name].Own("mfa_serial")
		if made.Err != nil || !ok || serial.Text == "none" || len(made.Plan.Roles()) == 0 {
			continue
		}
		c := awsCLI{m.Profiles.Config}.chain(name)
		if c.throughFob(m.Program) && c.needsCode() {
			names = append(names, name)
			base, _ := cmdline.FobProfile(c.steps[0].values[0].Text, m.Program)
			if m.made[base].Plan.MFASerial() != serial.Text {
				lacks = base
			}
		}
	}
	if do, ok := m.rewriting(names); ok {
		e.advise(do, "with aws --profile the AWS CLI asks for another MFA code for %s, and Terraform and other SDKs fail", someOf(names))
	} else if len(names) > 0 {
		change := ui.Advise("or rename mfa_serial to fob_mfa_serial in %s", theirSections(names))
		if lacks != "" {
			change = ui.Advise("or move mfa_serial to [profile %s], as fob_mfa_serial", lacks)
		}
		e.add(Advice, fmt.Sprintf("with aws --profile the AWS CLI asks for another MFA code for %s, and Terraform and other SDKs fail", someOf(names)),
			ui.TypeLine("fob exec "+cmdline.Quote(names[0])+" -- aws ..."),
			change)
	}
}

// tooLong finds role profiles that tools other than fob assume by themselves, with a
// session of fob's, and for longer than AWS allows that.
func (e *exam) tooLong(m *moving) {
	var names []string
	for _, name := range m.names {
		if m.made[name].Err == nil && overlong(m.section[name], awsCLI{m.Profiles.Config}.chain(name), m.Program) {
			names = append(names, name)
		}
	}
	if do, ok := m.rewriting(names); ok {
		e.advise(do, "outside fob exec, AWS refuses the duration_seconds of %s: a role assumed with a session lasts 1h at most", someOf(names))
	} else if len(names) > 0 {
		e.add(Advice, fmt.Sprintf("outside fob exec, AWS refuses the duration_seconds of %s: a role assumed with a session lasts 1h at most", someOf(names)),
			ui.TypeLine("fob exec "+cmdline.Quote(names[0])+" -- aws ..."),
			ui.Advise("or rename duration_seconds to fob_duration_seconds in %s: other tools then renew every hour", theirSections(names)))
	}
}

// rewriting has every tool ask fob for these profiles; false if fob wire does not take
// all of them.
func (m *moving) rewriting(names []string) (ui.Hint, bool) {
	const most = 4 // to type
	refused := func(name string) bool { return !m.Profiles.CanRewrite(m.Files, name, m.Program) }
	switch {
	case len(names) == 0 || slices.ContainsFunc(names, refused):
		return ui.Hint{}, false
	case len(names) > most:
		return ui.Type("fob", "wire", "--all").To("has every tool ask fob"), true
	}
	return ui.Type(append([]string{"fob", "wire"}, names...)...).To("has every tool ask fob"), true
}

// signingIn finds profiles that other tools sign in to by themselves, and keep what they
// get in plain text.
func (e *exam) signingIn(m *moving) {
	var names []string
	for _, name := range m.names {
		if m.made[name].Err != nil || !m.Profiles.CanRewrite(m.Files, name, m.Program) {
			continue
		}
		switch m.made[name].Plan.Steps[0].(type) {
		case plan.SSO, plan.ConsoleLogin:
			names = append(names, name)
		}
	}
	if do, ok := m.rewriting(names); ok {
		e.advise(do, "outside fob exec, tools sign in to %s by themselves, and keep that in plain text", someOf(names))
	}
}

// overlong reports whether a tool assumes a section's role with a session of fob's, and
// for more than the hour that AWS allows over a session.
func overlong(section awsconfig.Profile, c chain, program string) bool {
	wish, _ := section.Own("duration_seconds")
	seconds, err := strconv.Atoi(wish.Text)
	return err == nil && seconds > 3600 && c.throughFob(program) && len(c.steps) > 1
}

func theirSections(names []string) string {
	if len(names) == 1 {
		return "its section"
	}
	return "their sections"
}

// someOf names a few of many.
func someOf(names []string) string {
	const most = 4
	if len(names) > most+1 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return names[0]
}
