package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fob/internal/leaks"
	"fob/internal/term"
	"fob/internal/ui"
)

// spot is a place with a secret, or several versions of a file with the same one.
type spot struct {
	leaks.Finding
	objects []string // of all versions
}

// groupFindings puts together what is about one key, and the versions of a file.
func groupFindings(all []leaks.Finding) (groups [][]spot) {
	for _, f := range all {
		s := spot{Finding: f}
		if f.Git != nil {
			s.objects = []string{f.Git.ID}
		}
		if n := len(groups); n == 0 || groups[n-1][0].title() != s.title() {
			groups = append(groups, []spot{s})
			continue
		}
		group := &groups[len(groups)-1]
		if i := versionOf(*group, f); i >= 0 {
			old := &(*group)[i]
			if !slices.Contains(old.objects, f.Git.ID) {
				old.objects = append(old.objects, f.Git.ID)
			}
			if earlier(f, old.Finding) {
				old.Finding = f
			}
			continue
		}
		*group = append(*group, s)
	}
	return groups
}

// versionOf is where a version of the same file in history with the same secret is; -1
// if there is none.
func versionOf(group []spot, f leaks.Finding) int {
	if f.Git == nil || f.Path == "" {
		return -1
	}
	for i, s := range group {
		if s.Git != nil && s.Path == f.Path && s.Git.Repository == f.Git.Repository && s.Kind == f.Kind && s.Spelling == f.Spelling && s.WithSecret == f.WithSecret && s.Fingerprint == f.Fingerprint {
			return i
		}
	}
	return -1
}

func earlier(a, b leaks.Finding) bool {
	if a.Git.Reachable != b.Git.Reachable {
		return a.Git.Reachable
	}
	return a.Git.Date != nil && (b.Git.Date == nil || a.Git.Date.Before(*b.Git.Date))
}

// title is what is known of the secret.
func (s spot) title() string {
	switch {
	case s.Kind == leaks.MFASecret:
		return "MFA secret of " + s.Serial
	case s.Kind == leaks.BedrockKey:
		return "API keys of Amazon Bedrock"
	}
	title := s.KeyID
	switch s.State {
	case leaks.IsStored:
		return title + ", the key of " + ui.List(s.Profiles)
	case leaks.IsRetired:
		old := "a key that " + ui.List(s.Profiles) + " had until " + day(*s.Retired)
		if title == "" { // only the secret was found
			return upper(old)
		}
		return title + ", " + old
	}
	title += ", not in the store"
	if s.Account != "" {
		title += ", account " + s.Account + " (from the key ID)"
	}
	if s.Yours != nil {
		title += map[bool]string{true: ", one of yours", false: ", not one of yours"}[*s.Yours]
	}
	return title
}

func day(t time.Time) string { return t.Local().Format("2 Jan 2006") }

// at is the place: a file and line, or an object. root is the directory of its repository;
// "" for the current one.
func (s spot) at(root string) string {
	switch {
	case s.Path == "" && root != "":
		return s.Git.Type + " " + short(s.Git.ID) + " of " + root
	case s.Path == "":
		return s.Git.Type + " " + short(s.Git.ID)
	}
	path := s.Path
	if root != "" {
		path = root + "/" + path
	}
	if s.Line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, s.Line)
}

// repositoryOf is the directory of a finding's repository as a person reads it; "" if it is the
// current one, or for a file.
func repositoryOf(a *app, f leaks.Finding) string {
	if f.Git == nil {
		return ""
	}
	root := f.Git.Root()
	if here, err := os.Getwd(); err == nil {
		if here, err = filepath.EvalSymlinks(here); err == nil && here == root {
			return ""
		}
	}
	return a.host.Tilde(root)
}

func short(id string) string { return id[:min(len(id), 10)] }

// says is what is there, and where it is from.
func (s spot) says() string {
	what := map[leaks.Kind]string{leaks.SecretKey: "secret access key", leaks.KeyID: "access key ID", leaks.MFASecret: "MFA secret", leaks.BedrockKey: "API key"}[s.Kind]
	if s.WithSecret {
		what += ", with what looks like its secret"
	}
	switch s.Spelling {
	case "":
	case "base64", "UTF-16":
		what += " in " + s.Spelling
	default:
		what += ", " + s.Spelling
	}
	if s.InName {
		what += " in the file's name"
	}
	if s.Staged {
		return what + ", staged"
	}
	if s.Git != nil {
		what += s.origin()
	}
	return what
}

// origin is where in git a finding is from.
func (s spot) origin() string {
	text := ""
	switch {
	case s.Git.Type == "commit" || s.Git.Type == "tag":
		text = " in its message"
	case s.Git.Commit != "":
		text = ", commit " + short(s.Git.Commit)
	}
	if s.Git.Author != "" && s.Git.Date != nil {
		text += fmt.Sprintf(" (%s, %s)", s.Git.Author, day(*s.Git.Date))
	}
	if !s.Git.Reachable {
		text += ", in no branch or tag"
	}
	if more := len(s.objects) - 1; more > 0 {
		text += fmt.Sprintf(", and in %s", ui.Count(more, "other version"))
	}
	return text
}

// sentenceOf says what a finding is without its place.
func sentenceOf(f leaks.Finding) string {
	s := spot{Finding: f}
	return term.Clean(s.title() + ": " + s.says())
}

// subjectOf names a secret that is not searched for.
func subjectOf(s leaks.Subject) string {
	of := spot{Finding: leaks.Finding{Subject: s}}
	if s.Kind == leaks.KeyID {
		return "the ID of " + of.title()
	}
	if s.Kind == leaks.SecretKey {
		return "the secret of " + of.title()
	}
	return "the " + of.title()
}
