package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/wire"
)

// Rewriting is the AWS config with sections rewritten, or brought back. It is not written
// yet.
type Rewriting struct {
	Before, After string
	Done          []string // profiles whose sections change
	Already       []string // those that ask fob already, or that nothing is known to undo of
	Refused       []Refusal

	records map[string]wire.Record
	undo    bool
	// credentials is the text of the credentials file that goes with it, and earlier are
	// records of edits that Before has already, and the file has not.
	credentials string
	earlier     map[string]wire.Record
}

// Refusal is a profile whose section stays as it is.
type Refusal struct {
	Profile string
	Err     error
}

// ChangeError: with the section of Profile rewritten, Other would get other credentials.
type ChangeError struct{ Profile, Other string }

func (e *ChangeError) Error() string {
	if e.Other == e.Profile {
		return fmt.Sprintf("profile %q would get other credentials if it asked fob", e.Profile)
	}
	return fmt.Sprintf("profile %q would get other credentials if %q asked fob", e.Other, e.Profile)
}

// MisdirectedError is a profile whose credential_process asks fob for another one, as in a
// section that was copied: tools get other credentials than fob exec gives.
type MisdirectedError struct {
	Profile, Other string
	Why            string // completes "asks fob for Other, which ..."
	Line           awsconfig.Value
}

func (e *MisdirectedError) Error() string {
	return fmt.Sprintf("%s: the credential_process of %q asks fob for %q, which %s", plan.At(e.Line), e.Profile, e.Other, e.Why)
}

// Misdirected says what is wrong with a credential_process that asks program for another
// profile, in a section that has a source of its own for fob; nil if both get the same.
func (p *Profiles) Misdirected(name, program string) *MisdirectedError {
	section, _ := p.Config.Profile(name)
	line, _ := section.Own("credential_process")
	other, export := cmdline.FobProfile(line.Text, program)
	if !export || other == name || !wire.Asks(section, program) {
		return nil
	}
	stored, _ := p.Stored() // a damaged key has no plan
	if !wire.HasSource(section) && !slices.Contains(stored, name) {
		return nil
	}
	made, err := plan.Resolve(p.facts, name, plan.Options{Shown: true})
	if err != nil {
		return nil // which is said wherever the profile is used
	}
	its, err := plan.Resolve(p.facts, other, plan.Options{Shown: true})
	why := "has other credentials"
	switch missing := (*plan.NoProfileError)(nil); {
	case errors.As(err, &missing):
		why = "does not exist"
	case err != nil:
		why = "cannot be used"
	case its.ID(len(its.Steps)) == made.ID(len(made.Steps)):
		return nil
	}
	return &MisdirectedError{name, other, why, line}
}

// Rewrite makes the sections of profiles ask program, each by the plan that it has now.
// A profile without a plan is refused, and one that would change any plan.
func (p *Profiles) Rewrite(f Files, names []string, program string) (*Rewriting, error) {
	config, err := awsconfig.Read(f.Config)
	if err != nil {
		return nil, err
	}
	credentials, err := awsconfig.Read(f.Credentials)
	if err != nil {
		return nil, err
	}
	return p.RewriteTexts(f, Texts{config.Text, credentials.Text}, names, program)
}

// Texts are those of both AWS files as they might be.
type Texts struct{ Config, Credentials string }

// RewriteTexts is Rewrite for AWS files with these texts, which p has been made of.
func (p *Profiles) RewriteTexts(f Files, t Texts, names []string, program string) (*Rewriting, error) {
	r := &Rewriting{Before: t.Config, credentials: t.Credentials}
	for name, made := range p.Plans(names) {
		section, _ := p.Config.Profile(name)
		misdirected := p.Misdirected(name, program)
		switch {
		case misdirected != nil:
			r.Refused = append(r.Refused, Refusal{name, misdirected})
			continue
		case wire.Asks(section, program):
			// A key beside the line comes before fob.
			if err := wire.CheckRewrite(section, f.Tilde(f.Config), program); err != nil {
				r.Refused = append(r.Refused, Refusal{name, err})
			} else {
				r.Already = append(r.Already, name)
			}
			continue
		case made.Err == nil:
			made.Err = wire.CheckRewrite(section, f.Tilde(f.Config), program)
		}
		if plain := (&wire.RewriteError{}); made.Err != nil && !errors.As(made.Err, &plain) {
			// A key in plain text is what to see to first, whatever else is wrong.
			if err := wire.CheckRewrite(section, f.Tilde(f.Config), program); errors.As(err, &plain) && plain.PlainText {
				made.Err = err
			}
		}
		if made.Err != nil {
			r.Refused = append(r.Refused, Refusal{name, made.Err})
			continue
		}
		r.Done = append(r.Done, name)
	}
	for {
		if err := r.rewrite(f, program); err != nil {
			return nil, err
		}
		changes, err := p.changes(f, r)
		if err != nil || len(changes) == 0 {
			return r, err
		}
		for name, other := range changes {
			r.refuse(name, &ChangeError{name, other})
		}
	}
}

func (r *Rewriting) refuse(name string, err error) {
	r.Done = slices.DeleteFunc(r.Done, func(done string) bool { return done == name })
	r.Refused = append(r.Refused, Refusal{name, err})
}

// rewrite makes the new text.
func (r *Rewriting) rewrite(f Files, program string) error {
	r.After, r.records = r.Before, map[string]wire.Record{}
	for _, name := range slices.Clone(r.Done) {
		process, err := wire.Process(program, name)
		if err == nil {
			var note note
			if note, err = f.recall(name); err != nil {
				return err
			}
			if record, ok := r.earlier[name]; ok {
				note.Record = record
			}
			var edit wire.Edit
			if edit, err = wire.Rewrite(r.After, name, program, process, note.Record); err == nil {
				r.After, r.records[name] = edit.Text, edit.Record
			}
		}
		if err != nil {
			r.refuse(name, err)
		}
	}
	return nil
}

// Onto makes the same changes to the config file as it is, whose sections have more lines
// than those that were looked at, and names the MFA devices that SetSerials has named.
func (r *Rewriting) Onto(f Files, text string, serials map[string]string, program string) (*Rewriting, error) {
	with, records, err := f.SetSerials(text, serials)
	if err != nil {
		return nil, err
	}
	other := &Rewriting{Before: with, Done: slices.Clone(r.Done), earlier: records}
	if err := other.rewrite(f, program); err != nil {
		return nil, err
	}
	if len(other.Refused) > 0 {
		return nil, other.Refused[0].Err
	}
	other.Before = text
	for name, record := range records {
		if _, both := other.records[name]; !both {
			other.records[name] = record
		}
	}
	return other, nil
}

// SetSerials is a text of the config with the MFA devices of profiles, by their names,
// and what to remember of that.
func (f Files) SetSerials(text string, serials map[string]string) (with string, records map[string]wire.Record, err error) {
	records = map[string]wire.Record{}
	for _, name := range slices.Sorted(maps.Keys(serials)) {
		note, err := f.recall(name)
		if err != nil {
			return "", nil, err
		}
		edit, err := wire.SetSerial(text, name, serials[name], note.Record)
		if err != nil {
			return "", nil, err
		}
		text, records[name] = edit.Text, edit.Record
	}
	return text, records, nil
}

// Reconcile forgets what fob remembers of lines that the config does not have any more.
func (f Files) Reconcile(names []string) error {
	file, err := awsconfig.Read(f.Config)
	if err != nil {
		return err
	}
	config, err := f.ParseTexts(file.Text, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		note, err := f.recall(name)
		if err != nil {
			return err
		}
		section, _ := config.Profile(name)
		if err := f.remember(note, note.Record.In(section)); err != nil {
			return err
		}
	}
	return nil
}

// changes are the rewritten profiles because of which a plan would change, each with a
// profile that has that plan.
func (p *Profiles) changes(f Files, r *Rewriting) (map[string]string, error) {
	config, err := f.ParseTexts(r.After, r.credentials)
	if err != nil {
		return nil, err
	}
	after := *p
	after.Config, after.facts.Config = config, config
	names, _ := p.Names() // damaged keys have no plan now, and get none
	now := map[string]plan.Plan{}
	for name, made := range after.Plans(names) {
		if made.Err == nil {
			now[name] = made.Plan
		}
	}
	found := map[string]string{}
	for name, made := range p.Plans(names) {
		if made.Err != nil || samePlan(made.Plan, now[name]) {
			continue
		}
		for _, hop := range slices.Concat(plan.ChainOf(p.facts, name), plan.ChainOf(after.facts, name)) {
			if _, known := found[hop]; slices.Contains(r.Done, hop) && !known {
				found[hop] = name
			}
		}
		if len(found) == 0 { // which cannot be, as long as a plan depends only on its chain
			for _, done := range r.Done {
				found[done] = name
			}
		}
	}
	return found, nil
}

// samePlan reports whether two plans have the same credentials, made in the same way.
// Lines may have moved.
func samePlan(a, b plan.Plan) bool {
	if len(a.Steps) != len(b.Steps) || len(a.Steps) == 0 {
		return false
	}
	a.Steps, b.Steps = whoeverSignsIn(a.Steps), whoeverSignsIn(b.Steps)
	return a.ID(len(a.Steps)) == b.ID(len(b.Steps)) && a.Region == b.Region && a.Account == b.Account && a.STS == b.STS &&
		a.MaxMFAAge == b.MaxMFAAge && a.MFAProcess.Line == b.MFAProcess.Line
}

// whoeverSignsIn leaves out whether aws login signs in to a console profile. It refuses
// sections with a credential_process, so that from then on fob does, as the same user.
func whoeverSignsIn(steps []plan.Step) []plan.Step {
	console, ok := steps[0].(plan.ConsoleLogin)
	if !ok {
		return steps
	}
	console.AWSLogin = false
	steps = slices.Clone(steps)
	steps[0] = console
	return steps
}

// CanRewrite reports whether Rewrite takes a profile, as far as its own plan and section
// say, and has something to change.
func (p *Profiles) CanRewrite(f Files, name, program string) bool {
	section, _ := p.Config.Profile(name)
	_, planned := plan.Resolve(p.facts, name, plan.Options{Shown: true})
	_, written := wire.Process(program, name)
	return planned == nil && written == nil && !wire.Asks(section, program) && wire.CheckRewrite(section, f.Tilde(f.Config), program) == nil
}

// Wirable are the profiles that fob wire takes, or takes back.
func (p *Profiles) Wirable(f Files, program string) []string {
	names, _ := p.Names() // damaged keys have no plan
	return slices.DeleteFunc(names, func(name string) bool {
		section, _ := p.Config.Profile(name)
		return !wire.Asks(section, program) && !p.CanRewrite(f, name, program)
	})
}

// Rewritable are the profiles whose sections fob wire --all looks at: those that say
// where credentials come from, those that fob has a key of, and those that ask fob. A section with another
// program's credential_process alone is not among them, because every SDK runs that.
func (p *Profiles) Rewritable() []string {
	stored, _ := p.Stored() // a damaged key has no plan
	var names []string
	for name, made := range p.Plans(p.Config.Names()) {
		section, _ := p.Config.Profile(name)
		_, process := section.Own("credential_process")
		_, included := section.Get("include_profile")
		if len(wire.Rivals(section)) > 0 || slices.Contains(stored, name) || wire.Asks(section, p.facts.Program) || made.Err == nil && included && !process {
			names = append(names, name)
		}
	}
	return names
}

// Restore brings the sections of profiles back that Rewrite has changed; with no names,
// all that fob remembers.
func (f Files) Restore(names []string, program string) (*Rewriting, error) {
	file, err := awsconfig.Read(f.Config)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if names, err = f.rewritten(); err != nil {
			return nil, err
		}
	}
	r := &Rewriting{Before: file.Text, After: file.Text, records: map[string]wire.Record{}, undo: true}
	for _, name := range names {
		note, err := f.recall(name)
		if err != nil {
			return nil, err
		}
		edit, err := wire.Restore(r.After, name, program, note.Record)
		switch {
		case err != nil:
			r.Refused = append(r.Refused, Refusal{name, err})
			continue
		case edit.Text == r.After:
			r.Already = append(r.Already, name)
		default:
			r.Done = append(r.Done, name)
		}
		r.After, r.records[name] = edit.Text, edit.Record
	}
	return r, nil
}

// rewritten are the profiles of this config that fob remembers rewriting.
func (f Files) rewritten() (names []string, err error) {
	config, err := filepath.Abs(f.Config)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(f.State)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), notePrefix) || filepath.Ext(e.Name()) != ".json" {
			continue // what a fob that was killed has left, for example
		}
		file, err := awsconfig.Read(filepath.Join(f.State, e.Name()))
		if err != nil {
			return nil, err
		}
		var n note
		if json.Unmarshal([]byte(file.Text), &n) == nil && n.Config == config && n.Record.Rewritten() {
			names = append(names, n.Profile)
		}
	}
	slices.Sort(names)
	return names, err
}

// Apply writes a Rewriting. Nothing is written if the config is no longer as it was.
func (f Files) Apply(r *Rewriting) error {
	var notes []note
	for _, name := range slices.Sorted(maps.Keys(r.records)) {
		n, err := f.recall(name)
		if err != nil {
			return err
		}
		notes = append(notes, n)
	}
	remember := func() error {
		for _, n := range notes {
			if err := f.remember(n, r.records[n.Profile]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := f.Edit(func(text string) (string, error) {
		if text != r.Before {
			return "", &fs.PathError{Op: "write", Path: f.Config, Err: awsconfig.ErrChanged}
		}
		// Whenever fob is killed, what is in the config is remembered. It does no harm to
		// remember lines that are not there.
		if r.undo {
			return r.After, nil
		}
		return r.After, remember()
	})
	if err == nil && r.undo {
		err = remember()
	}
	return err
}
