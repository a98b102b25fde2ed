package wire

import (
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// Record is what fob has written to a profile's section and has not removed. Nothing in
// the text tells it from what the user wrote, so it is remembered beside the config. It
// decides only which lines fob takes back, and only lines of fob's own keys that still
// have the value that fob gave them.
type Record struct {
	// Made: fob wrote the header too, and Before in front of it, a blank line for example.
	Made   bool   `json:"made,omitempty"`
	Before string `json:"before,omitempty"`
	// Lines were not there, Changed had another value.
	Lines   Lines    `json:"lines,omitempty"`
	Changed []Change `json:"changed,omitempty"`
	// Moved are the keys that Rewrite put fob_ in front of, and Process is the
	// credential_process that it added to the Lines; "" if there was one.
	Moved   []string `json:"moved,omitempty"`
	Process string   `json:"process,omitempty"`
	// Listed: the section was made for a role that Identity Center listed, and nobody had
	// asked for this one.
	Listed bool `json:"listed,omitempty"`
}

// Change is a line whose value fob changed.
type Change struct {
	Set [2]string `json:"set"`
	Was string    `json:"was"` // the whole line
}

// IsZero reports whether there is nothing to remember.
func (r Record) IsZero() bool {
	return !r.Made && len(r.Lines) == 0 && len(r.Changed) == 0 && !r.Rewritten()
}

// Rewritten reports whether Rewrite has changed the section.
func (r Record) Rewritten() bool { return len(r.Moved) > 0 || r.Process != "" }

// set gives the section these values, and makes it if there is none.
func (r Record) set(text, profile string, lines Lines) (Edit, error) {
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return Edit{}, err
	}
	section, exists, err := read(text, profile)
	if err != nil {
		return Edit{}, err
	}
	if !exists {
		out, err := awsconfig.AppendSection(text, header, lines)
		if err != nil {
			return Edit{}, err
		}
		before := out[len(text) : len(text)+strings.Index(out[len(text):], header)]
		return Edit{out, lines, Record{Made: true, Before: before, Lines: lines}}, nil
	}
	r = r.current(section)
	out := text
	for _, l := range lines {
		old, there := section.Own(l[0])
		line, _, err := awsconfig.Line(text, header, l[0])
		switch {
		case err != nil:
			return Edit{}, err
		case !there:
			r.Lines = append(r.Lines, l)
		case old.Text != l[1] && !r.update(l, old.Text):
			r.Changed = append(r.Changed, Change{l, line})
		}
		if out, err = awsconfig.SetKeys(out, header, Lines{l}); err != nil {
			return Edit{}, err
		}
	}
	return Edit{out, lines, r}, nil
}

// update notes the new value of a line that fob has written before.
func (r *Record) update(l [2]string, old string) bool {
	for i := range r.Lines {
		if r.Lines[i] == [2]string{l[0], old} {
			r.Lines[i] = l
			return true
		}
	}
	for i := range r.Changed {
		if r.Changed[i].Set == [2]string{l[0], old} {
			r.Changed[i].Set = l
			return true
		}
	}
	return false
}

// current is the record without what is no longer in the section. A section in which
// nothing of fob's is left has been written by somebody else in the meantime.
func (r Record) current(section awsconfig.Profile) Record {
	gone := func(l [2]string) bool {
		v, ok := section.Own(l[0])
		return !ok || v.Text != l[1]
	}
	now := Record{
		Lines:   slices.DeleteFunc(slices.Clone(r.Lines), gone),
		Changed: slices.DeleteFunc(slices.Clone(r.Changed), func(c Change) bool { return gone(c.Set) }),
		Moved: slices.DeleteFunc(slices.Clone(r.Moved), func(key string) bool {
			_, ok := section.Own(prefix + key)
			return !ok
		}),
	}
	if !gone([2]string{processKey, r.Process}) {
		now.Process = r.Process
	}
	if len(now.Lines) > 0 {
		now.Made, now.Before, now.Listed = r.Made, r.Before, r.Listed
	}
	return now
}

// In is what there is to remember of a section.
func (r Record) In(section awsconfig.Profile) Record { return r.current(section) }

// undo removes what fob wrote.
func (r Record) undo(text, profile string) (string, error) {
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return "", err
	}
	foreign := func(l [2]string) bool {
		return !slices.Contains([]string{"region", "credential_process"}, l[0]) && !strings.HasPrefix(l[0], "fob_")
	}
	lines := slices.DeleteFunc(slices.Clone(r.Lines), foreign)
	out, _, err := awsconfig.RemoveKeys(text, header, lines)
	if err != nil {
		return "", err
	}
	for _, c := range r.Changed {
		if foreign(c.Set) || c.Set[0] == "credential_process" { // which fob never changes
			continue
		}
		if out, err = awsconfig.RestoreLine(out, header, c.Set, c.Was); err != nil {
			return "", err
		}
	}
	if out, err = r.moveBack(out, profile, header); err != nil {
		return "", err
	}
	if r.Made && out != text && strings.TrimSpace(r.Before) == "" {
		return awsconfig.RemoveHeader(out, header, r.Before)
	}
	return out, nil
}

// moveBack takes fob_ from the keys that Rewrite put it in front of. One that stands in
// the section without it, too, has been written by somebody since, and counts.
func (r Record) moveBack(text, profile, header string) (string, error) {
	section, exists, err := read(text, profile)
	if err != nil || !exists {
		return text, err
	}
	keys := slices.DeleteFunc(slices.Clone(r.Moved), func(key string) bool {
		_, both := section.Own(key)
		return both || key != processKey && !slices.Contains(movable, key)
	})
	return awsconfig.MoveKeysBack(text, header, keys)
}
