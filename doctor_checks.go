package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/lastfail"
	"fob/internal/plan"
	"fob/internal/wire"
	"fob/keyring"
)

// checks are what doctor looks at, in the order of what depends on what.
func (d *doctor) checks() []check {
	return []check{
		// Before the store, which refuses what is open to others.
		{"files", "what fob has written is yours alone", d.checkFiles},
		{"store", "", d.checkStore},
		{"ways", "", d.checkWays},
		{"unlocked", "the kernel keeps nothing of the store unlocked", d.checkUnlocked},
		{"environment", "no AWS key is set", d.checkEnvironment},
		{"config", "every AWS tool reads the AWS files in the same way", d.checkConfig},
		{"profiles", "no profile is served by fob", d.checkProfiles},
		{"exports", "none has failed since it last worked", d.checkExports},
	}
}

func (d *doctor) checkFiles() error {
	loose, err := d.store().Loose()
	if err != nil {
		return d.blame(err)
	}
	for _, path := range loose {
		fi, err := os.Lstat(path)
		if err != nil {
			continue // it went away
		}
		mode := fi.Mode().Perm() &^ 0o077
		if d.fix && os.Chmod(path, mode) == nil {
			d.ok("%s was open to others, and is not any more", tilde(path))
			continue
		}
		d.wrong(fmt.Sprintf("chmod %03o %s", mode, word(path)), "%s is open to others (mode %04o)", tilde(path), fi.Mode().Perm())
	}
	if fi, err := os.Stat(d.credentialsPath()); err == nil && fi.Mode().Perm()&0o077 != 0 && os.Getuid() >= 0 {
		d.advise("chmod 600 "+word(d.credentialsPath()), "%s is open to others (mode %04o)", tilde(d.credentialsPath()), fi.Mode().Perm())
	}
	return nil
}

// doctorSource is where the item is that is written to see whether that works.
const doctorSource = "fob doctor"

func (d *doctor) checkStore() error {
	exists, err := d.store().Exists()
	if err != nil {
		return d.blame(err)
	}
	if !exists {
		d.advise("fob add PROFILE", "there is no store yet")
		return nil
	}
	made, err := d.store().Create(d.ctx) // which opens the one that is there
	if err != nil {
		return d.blame(err)
	}
	counts := []string{}
	for _, kind := range []keyring.Kind{keyring.KindKey, keyring.KindSeed} {
		n, err := d.readAll(kind)
		if err != nil {
			return err
		}
		counts = append(counts, fmt.Sprintf("%d %s", n, plural(n, string(kind))))
	}
	err = d.store().SaveSession(d.ctx, doctorSource, strings.Repeat("0", 32), "", creds.Session{Expires: time.Now()})
	if err == nil {
		_, err = d.store().RemoveSessions(doctorSource)
	}
	if err != nil {
		return d.blame(fmt.Errorf("%s cannot be written: %w", tilde(made.Dir), err))
	}
	d.ok("%s opens with %s; %s read; it can be written", tilde(made.Dir), made.Slot, strings.Join(counts, " and "))
	return d.checkLocks(made.Dir)
}

// readAll decrypts every item of a kind, and counts those that are whole.
func (d *doctor) readAll(kind keyring.Kind) (n int, err error) {
	infos, bad := d.store().Infos(kind)
	for _, i := range infos {
		if kind == keyring.KindKey {
			_, _, err = d.store().Key(d.ctx, i.Name)
		} else {
			_, err = d.store().Seed(d.ctx, i.Name)
		}
		if err == nil {
			n++
		} else if err := d.blame(err); err != nil {
			return n, err
		}
	}
	if bad != nil {
		return n, d.blame(bad)
	}
	return n, nil
}

// checkLocks: where a file system has no locks they are this machine's alone.
func (d *doctor) checkLocks(store string) error {
	locks, err := d.store().LocksDir(d.ctx)
	if err != nil {
		return d.blame(err)
	}
	if filepath.Dir(locks) != store {
		d.advise("XDG_DATA_HOME names another place", "the file system of %s cannot lock: locks are in %s, where no other machine that uses this store sees them", tilde(store), locks)
	}
	return nil
}

// checkWays: what opens the store here, and what else could.
func (d *doctor) checkWays() error {
	d.about = d.store().Describe(d.ctx)
	other := "" // that opens the store here
	for _, way := range d.about.Ways {
		if way.Slot && !way.Used && way.Problem == "" {
			other = cmp.Or(other, way.Name)
		}
	}
	for _, way := range d.about.Ways {
		switch {
		case way.Used && way.Problem != "" && other != "":
			d.wrong("fob --backend "+word(other)+" ...", "%s opens the store on this machine, and cannot: %s", way.Name, way.Problem)
		case way.Used && way.Problem != "":
			d.wrong("fob store", "%s opens the store on this machine, and cannot: %s", way.Name, way.Problem)
		case way.Problem != "":
			d.ok("%s cannot be used here: %s", way.Name, way.Problem)
		case way.Used:
			d.ok("%s opens the store, and is what this machine uses", way.Name)
		case way.Slot:
			d.ok("%s opens the store", way.Name)
		default:
			d.ok("%s could open the store", way.Name)
		}
	}
	if only := d.about.OnlyKeyring(); only != "" {
		d.advise("fob store add file", "if %s is ever lost, so is the store: nothing else opens it", only)
	}
	return nil
}

func (d *doctor) checkUnlocked() error {
	if open := unlocked(d.about, time.Now()); open != "" {
		d.ok("the kernel keeps open %s; fob lock ends that", open)
	}
	return nil
}

func (d *doctor) checkEnvironment() error {
	shell := os.Getenv("FOB_PROFILE") // of fob exec
	switch {
	case os.Getenv("AWS_ACCESS_KEY_ID") == "":
	case shell == "":
		d.wrong("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID is set, and every tool takes it before any profile")
	case os.Getenv("AWS_PROFILE") != "":
		d.wrong("unset AWS_PROFILE", "in this shell of fob exec %s AWS_PROFILE is set too: JavaScript takes that profile, the AWS CLI and Go this session", word(shell))
	case ended(os.Getenv("AWS_CREDENTIAL_EXPIRATION")):
		d.wrong("exit", "the session of this shell of fob exec %s has ended", word(shell))
	default:
		d.ok("this is a shell of fob exec %s", word(shell))
	}
	for _, other := range []struct{ name, why string }{
		{"AWS_WEB_IDENTITY_TOKEN_FILE", "the AWS CLI assumes its role, and does not look at AWS_PROFILE"},
		{"AWS_BEARER_TOKEN_BEDROCK", "Bedrock is called with it, whatever the profile"},
	} {
		if os.Getenv(other.name) != "" {
			d.advise("unset "+other.name, "%s is set: %s", other.name, other.why)
		}
	}
	for _, vault := range []struct{ theirs, ours string }{
		{"AWS_VAULT_BACKEND", "FOB_BACKEND"},
		{"AWS_VAULT_PROMPT", "FOB_MFA_PROMPT"},
		{"AWS_VAULT_FILE_PASSPHRASE", "FOB_PASSPHRASE_FILE"},
	} {
		if os.Getenv(vault.theirs) != "" {
			d.advise(vault.ours+"=...", "%s is aws-vault's, and does nothing here", vault.theirs)
		}
	}
	if d.secrets.passphrase != "" {
		d.advise("FOB_PASSPHRASE_FILE=FILE", "FOB_PASSPHRASE is set, for every program you start to read; a file is for fob alone")
	}
	return nil
}

// ended reports whether a time is over, as fob exec writes it.
func ended(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && time.Now().After(t)
}

func (d *doctor) checkConfig() error {
	c, err := d.config()
	if err != nil {
		return d.blame(err)
	}
	for _, diff := range c.Differences() {
		level := levelAdvice
		if diff.Kind.Fails() {
			level = levelWrong
		}
		problem, fix := differenceText(diff)
		d.add(level, fmt.Sprintf("%s:%d: %s", diff.File, diff.Line, problem), fix)
	}
	stored, _ := d.storedNames() // the store's check has said what is damaged
	for _, name := range c.Names() {
		if d.profile == "" || name == d.profile {
			section, _ := c.Profile(name)
			d.checkSection(section, slices.Contains(stored, name))
		}
	}
	if want := os.Getenv("AWS_PROFILE"); want != "" && !slices.Contains(c.Names(), want) {
		d.wrong("unset AWS_PROFILE", "AWS_PROFILE names %q, which is in no AWS file", want)
	}
	return nil
}

// checkSection looks for what comes before fob in a profile, or in its way.
func (d *doctor) checkSection(section awsconfig.Profile, stored bool) {
	_, process := d.served(section)
	if id, ok := section.Own("aws_access_key_id"); ok && id.Text != "" {
		if stored || process {
			d.wrong("take the key out of "+id.File, "%s: %s has a key in plain text, and every tool takes it before fob's", plan.At(id), section.Name)
		} else {
			d.advise("fob add "+word(section.Name), "%s: %s has its key in plain text", plan.At(id), section.Name)
		}
	}
	const instead = "the AWS SDKs take that, and do not ask fob"
	for _, rival := range []struct{ key, why, do string }{
		{"role_arn", "the AWS CLI fails, Go assumes the role once more, JavaScript ignores it", "call it fob_role_arn"},
		{"sso_session", instead, "take it out"},
		{"sso_start_url", instead, "take it out"},
		{"login_session", instead, "take it out"},
	} {
		if v, ok := section.Own(rival.key); ok && v.Text != "" && process {
			d.wrong(rival.do, "%s: %s beside credential_process: %s", plan.At(v), rival.key, rival.why)
		}
	}
}

// served reports whether tools ask fob for a profile's credentials, and by which line.
func (d *doctor) served(section awsconfig.Profile) (line awsconfig.Value, ok bool) {
	line, _ = section.Get("credential_process")
	_, ok = cmdline.FobProfile(line.Text, d.args[0])
	return line, ok
}

// checkProfiles makes the plans of the profiles that fob serves.
func (d *doctor) checkProfiles() error {
	c, err := d.config()
	if err != nil {
		return nil // the config's check has said it
	}
	names, _ := d.storedNames()
	for _, name := range c.Names() {
		section, _ := c.Profile(name)
		process, ok := d.served(section)
		if !ok {
			continue
		}
		names = append(names, name)
		if program := cmdline.Words(process.Text)[0]; !isProgram(program) && (d.profile == "" || d.profile == name) {
			d.wrong("credential_process = "+wire.Process(d.args[0], name), "%s: there is no program %s", plan.At(process), program)
		}
	}
	if d.profile != "" {
		names = []string{d.profile}
	}
	slices.Sort(names)
	good := 0
	for _, name := range slices.Compact(names) {
		p, err := d.resolve(name, plan.Options{})
		if err != nil {
			if err := d.blame(err); err != nil {
				return err
			}
			continue
		}
		good++
		if last, ok := p.Steps[len(p.Steps)-1].(plan.SessionToken); ok && last.MFASerial == "" {
			d.advise("fob mfa enroll "+word(name), "the sessions of %s are made without MFA, and cannot call IAM", name)
		}
	}
	if good > 0 {
		d.ok("%d %s can be served; fob explain PROFILE says how", good, plural(good, "profile"))
	}
	return nil
}

func isProgram(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func (d *doctor) checkExports() error {
	failed, err := lastfail.All(d.statePath())
	if err != nil {
		return d.blame(err)
	}
	for _, f := range failed {
		if d.profile == "" || f.Profile == d.profile {
			d.wrong(cmp.Or(f.Hint, "fob export --profile "+word(f.Profile)+" >/dev/null"),
				"the last export of %s failed, %s: %s", f.Profile, clock(f.Time, time.Now()), f.Problem)
		}
	}
	return nil
}

// differenceText says what the AWS CLI makes of a line, and how to change it.
func differenceText(d awsconfig.Difference) (problem, fix string) {
	switch d.Kind {
	case awsconfig.ByteOrderMark:
		return "the AWS CLI cannot read a file that starts with a byte order mark", "save the file as UTF-8 without a byte order mark"
	case awsconfig.DuplicateSection:
		return "a second [" + d.Name + "], at which the AWS CLI fails", "merge the two sections"
	case awsconfig.HeaderSpaces:
		return "the AWS CLI reads the spaces inside the brackets as part of the name", "remove the spaces"
	case awsconfig.DuplicateKey:
		return "a second " + d.Name + " in this section, at which the AWS CLI fails", "remove one of them"
	case awsconfig.InlineComment:
		return "the AWS CLI reads the comment as part of the value of " + d.Name, "put the comment on a line of its own"
	}
	return "", ""
}
