package profiles

import (
	"slices"

	"fob/internal/awsconfig"
	"fob/internal/wire"
)

// Section is a profile's section that fob will write.
type Section struct {
	Profile string
	Lines   wire.Lines
}

// SetUp is the config with new sections of program's own, for roles that Identity Center
// lists. It is not written yet; a section that cannot be written is refused.
func (f Files) SetUp(program string, sections []Section) (*Rewriting, error) {
	return f.rewriting(func(r *Rewriting) error {
		for _, s := range sections {
			if err := r.change(f, s.Profile, func(text string, old wire.Record) (wire.Edit, error) {
				edit, err := wire.Add(text, s.Profile, program, s.Lines, old)
				edit.Record.Listed = edit.Record.Made
				return edit, err
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TakeDown is the config without what program has written to the sections of profiles.
// after is what SetUp makes of it before; nil for the config as it is.
func (f Files) TakeDown(program string, names []string, after *Rewriting) (*Rewriting, error) {
	r, err := f.rewriting(func(r *Rewriting) error {
		if after != nil {
			r.Before, r.After = after.After, after.After
		}
		for _, name := range names {
			if err := r.change(f, name, func(text string, old wire.Record) (wire.Edit, error) {
				return wire.Remove(text, name, program, old)
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.undo = true
	}
	return r, err
}

func (f Files) rewriting(do func(*Rewriting) error) (*Rewriting, error) {
	file, err := awsconfig.Read(f.Config)
	if err != nil {
		return nil, err
	}
	r := &Rewriting{Before: file.Text, After: file.Text, records: map[string]wire.Record{}}
	return r, do(r)
}

// change makes one more edit. Errors are those of reading what fob remembers.
func (r *Rewriting) change(f Files, profile string, edit func(text string, old wire.Record) (wire.Edit, error)) error {
	note, err := f.recall(profile)
	if err != nil {
		return err
	}
	made, err := edit(r.After, note.Record)
	switch {
	case err != nil:
		r.Refused = append(r.Refused, Refusal{profile, err})
	case made.Text != r.After:
		r.After, r.records[profile] = made.Text, made.Record
		r.Done = append(r.Done, profile)
	}
	return nil
}

// Listed reports whether SetUp has made the section of a profile with these values.
func (f Files) Listed(profile string, lines wire.Lines) bool {
	note, err := f.recall(profile)
	return err == nil && note.Record.Listed && !slices.ContainsFunc(lines, func(l [2]string) bool { return !slices.Contains(note.Record.Lines, l) })
}
