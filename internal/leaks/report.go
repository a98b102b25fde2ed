package leaks

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// finish hides what is a secret in the report, and sorts it.
func (r *run) finish() {
	hide := r.names.hide
	for i := range r.report.Findings {
		f := &r.report.Findings[i]
		f.at = r.report.place(*f)
		f.at = place{hide(f.at.repository), hide(f.at.top), hide(f.at.path)}
		f.Path = hide(f.Path)
		if f.Git != nil {
			f.Git.Repository, f.Git.Author, f.Git.Email = hide(f.Git.Repository), hide(f.Git.Author), hide(f.Git.Email)
		}
	}
	for i := range r.report.Skipped {
		r.report.Skipped[i].Path = hide(r.report.Skipped[i].Path)
	}
	for i, p := range r.report.Problems {
		if file, ok := errors.AsType[*fs.PathError](p.Err); ok {
			p.Err = file.Err // which says it again
		} else if p.Err != nil {
			p.Err = errors.New(hide(p.Err.Error()))
		}
		r.report.Problems[i] = Problem{hide(p.Path), p.Err}
	}
	sortFindings(r.report.Findings)
	slices.SortFunc(r.report.Problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(r.report.Skipped, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
}

// place is where the file of a finding is.
func (r *Report) place(f Finding) (at place) {
	switch {
	case f.Git != nil:
		return place{f.Git.Repository, f.Git.Root(), f.Path}
	case f.Staged:
		return place{r.Root, r.Root, f.Path}
	case f.Path == "":
		return place{}
	}
	at.path = filepath.Join(resolved(filepath.Dir(f.Path)), filepath.Base(f.Path))
	whole := at.path
	for _, t := range r.tops { // the nearest of those that it is below
		if rel, err := filepath.Rel(t.top, whole); err == nil && filepath.IsLocal(rel) && len(t.top) > len(at.top) {
			at = place{t.repository, t.top, rel}
		}
	}
	return at
}

// hide replaces the secrets in a name.
func (b *buffer) hide(name string) string {
	hits := b.inMemory([]byte(name))
	slices.SortFunc(hits, func(x, y hit) int { return cmp.Compare(x.start, y.start) })
	var shown strings.Builder
	at := 0
	for _, h := range hits {
		if h.start < at {
			continue
		}
		instead := "(hidden)"
		if h.of.Kind == KeyID {
			instead = h.of.KeyID
		}
		shown.WriteString(name[at:h.start] + instead)
		at = h.end
	}
	return shown.String() + name[at:]
}

// key is what tells two subjects apart. An ID with its secret is another leak than the ID.
func (s *Subject) key() string {
	return strings.Join([]string{string(s.Kind), string(s.State), s.KeyID, s.Serial, strings.Join(s.Profiles, ","), s.Fingerprint, strconv.FormatBool(s.WithSecret)}, " ")
}

// Tell says of each key of another account whether that is one of the user's. If none of
// these is known, it says nothing.
func (r *Report) Tell(accounts map[string]bool) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Account != "" && len(accounts) > 0 {
			yours := accounts[f.Account]
			f.Yours = &yours
		}
	}
}

// sortFindings puts what is known best first, and then files in order.
func sortFindings(all []Finding) {
	rank := func(f Finding) int { return slices.Index([]State{IsStored, IsRetired, IsOther}, f.State) }
	git := func(f Finding) Object {
		if f.Git == nil {
			return Object{}
		}
		return *f.Git
	}
	slices.SortFunc(all, func(a, b Finding) int {
		x, y := git(a), git(b)
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			strings.Compare(a.Serial, b.Serial), -cmp.Compare(min(len(a.KeyID), 1), min(len(b.KeyID), 1)), strings.Compare(a.KeyID, b.KeyID),
			strings.Compare(x.Repository, y.Repository),
			strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(a.Fingerprint, b.Fingerprint),
			strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Spelling, b.Spelling),
			strings.Compare(x.ID, y.ID),
		)
	})
}
