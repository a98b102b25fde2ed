package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/lastfail"
	"fob/internal/plan"
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
		return d.blame(err)
	}
	d.ok("%s opens with %s; %s read; it can be written", tilde(made.Dir), made.Slot, strings.Join(counts, " and "))
	return nil
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

// checkWays: what opens the store here, and what else could.
func (d *doctor) checkWays() error {
	d.about = d.store().Describe(d.ctx)
	var slots []string
	for _, way := range d.about.Ways {
		if way.Slot {
			slots = append(slots, way.Name)
		}
		switch {
		case way.Used && way.Problem != "":
			d.wrong("fob store", "%s opens the store on this machine, and cannot: %s", way.Name, way.Problem)
		case way.Problem != "":
			d.ok("%s cannot be used here: %s", way.Name, way.Problem)
		case way.Slot:
			d.ok("%s opens the store", way.Name)
		default:
			d.ok("%s could open the store", way.Name)
		}
	}
	if len(slots) == 1 && slices.Contains(keyring.KeeperKinds(), slots[0]) {
		d.advise("fob store add file", "if %s is ever lost, so is the store: nothing else opens it", slots[0])
	}
	return nil
}

func (d *doctor) checkUnlocked() error {
	var open []string
	for _, kind := range []keyring.Kind{keyring.KindSession, keyring.KindKey} {
		if ends := d.about.Unlocked[kind]; !ends.IsZero() {
			open = append(open, fmt.Sprintf("%ss for %s", kind, left(time.Until(ends))))
		}
	}
	if len(open) > 0 {
		d.ok("the kernel keeps open %s; fob lock ends that", strings.Join(open, " and "))
	}
	return nil
}

func (d *doctor) checkEnvironment() error {
	switch in := os.Getenv("FOB_PROFILE"); {
	case os.Getenv("AWS_ACCESS_KEY_ID") == "":
	case in != "":
		d.ok("this is a shell of fob exec %s", word(in))
	default:
		d.wrong("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID is set, and every tool takes it before any profile")
	}
	if d.secrets.passphrase != "" {
		d.advise("", "FOB_PASSPHRASE is set, for every program you start to read; FOB_PASSPHRASE_FILE names a file instead")
	}
	return nil
}

func (d *doctor) checkConfig() error {
	c, err := d.config()
	if err != nil {
		return d.blame(err)
	}
	for _, diff := range c.Differences() {
		level := levelAdvice
		if diff.Fails {
			level = levelWrong
		}
		d.add(level, fmt.Sprintf("%s:%d: %s", diff.File, diff.Line, diff.Problem), "")
	}
	stored, _ := d.storedNames() // the store's check has said what is damaged
	for _, name := range c.Names() {
		section, _ := c.Profile(name)
		id, ok := section.Plain("aws_access_key_id")
		switch {
		case !ok || id.Text == "" || d.profile != "" && name != d.profile:
		case slices.Contains(stored, name):
			d.wrong("", "%s:%d: %s has a key in plain text, and every tool takes it before fob's: take it out", id.File, id.Line, name)
		default:
			d.advise("fob add "+word(name), "%s:%d: %s has its key in plain text", id.File, id.Line, name)
		}
	}
	if want := os.Getenv("AWS_PROFILE"); want != "" && !slices.Contains(c.Names(), want) {
		d.wrong("", "AWS_PROFILE names %q, which is in no AWS file", want)
	}
	return nil
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
		process, _ := section.Get("credential_process")
		if _, ours := plan.FobProfile(process.Text, d.args[0]); !ours {
			continue
		}
		names = append(names, name)
		if program := plan.Words(process.Text)[0]; !isProgram(program) && (d.profile == "" || d.profile == name) {
			d.wrong("", "%s:%d: there is no program %s", process.File, process.Line, program)
		}
	}
	if d.profile != "" {
		names = []string{d.profile}
	}
	slices.Sort(names)
	good := 0
	for _, name := range slices.Compact(names) {
		if _, err := d.resolve(name, plan.Options{}); err == nil {
			good++
		} else if err := d.blame(err); err != nil {
			return err
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
