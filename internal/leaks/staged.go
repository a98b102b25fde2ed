package leaks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Staged searches what the next commit would bring: the files in the index of dir's
// repository that differ from the last commit. What the last commit has in the same file
// is not found again, or a key that is in the history already would stop every commit.
func (s *Searcher) Staged(ctx context.Context, dir string, git Git) (Report, error) {
	git.InHook = true
	r := &run{Searcher: s, ctx: ctx, names: s.buffer()}
	files, err := stagedFiles(ctx, git, dir)
	if err == nil {
		r.report.Root, err = git.run(ctx, dir, "rev-parse", "--show-toplevel")
	}
	if err != nil || len(files) == 0 {
		return r.report, err
	}
	var ids strings.Builder
	for _, f := range files {
		ids.WriteString(f.after + "\n")
		if f.before != "" {
			ids.WriteString(f.before + "\n")
		}
	}
	hits := map[string][]hit{}
	err = git.stream(ctx, dir, ids.String(), func(out io.Reader) error {
		b := s.buffer()
		return eachObject(out, func(string) {}, func(o object) error {
			found, err := o.search(b)
			hits[o.id] = found
			r.report.Searched.Bytes += o.size
			return err
		})
	}, "cat-file", "--batch", "--buffer")
	if err != nil {
		return r.report, err
	}
	for _, f := range files {
		if _, read := hits[f.after]; !read {
			return r.report, fmt.Errorf("git has no object for %q in the index", r.names.hide(f.path))
		}
		r.report.Searched.Files++
		if f.before == "" {
			r.name(f.path, f.path)
		}
		for _, h := range newHits(hits[f.before], hits[f.after]) {
			r.findings(Finding{Subject: *h.of, Spelling: h.how, Path: f.path, Line: h.line, Staged: true})
		}
	}
	for i := range r.report.Findings {
		r.report.Findings[i].Staged = true
	}
	r.finish()
	return r.report, nil
}

// stagedFile is a file in the index that differs from the last commit.
type stagedFile struct {
	before, after string // object IDs; before is "" for a new file
	path          string
}

func stagedFiles(ctx context.Context, git Git, dir string) (files []stagedFile, err error) {
	base, err := git.run(ctx, dir, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
	if err != nil { // before the first commit, or outside of a repository
		if errors.Is(err, ErrNoGit) {
			return nil, err
		}
		if base, err = git.run(ctx, dir, "hash-object", "-t", "tree", "--stdin"); err != nil {
			return nil, err
		}
	}
	err = git.stream(ctx, dir, "", func(out io.Reader) error {
		r := bufio.NewReader(out)
		for {
			entry, err := word(r)
			if err != nil {
				return ended(err)
			}
			path, err := word(r)
			if err != nil {
				return ended(err)
			}
			fields := strings.Fields(entry) // :mode mode ID ID status
			if len(fields) != 5 {
				return errors.New("unexpected output from git diff-index")
			}
			const submodule = "160000"
			if fields[1] == submodule || isNone(fields[3]) { // git add -N has no content yet
				continue
			}
			f := stagedFile{before: fields[2], after: fields[3], path: path}
			if isNone(f.before) || strings.TrimPrefix(fields[0], ":") == submodule {
				f.before = ""
			}
			files = append(files, f)
		}
	}, "diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=d", "--ignore-submodules=none", base)
	return files, err
}

// isNone reports whether an object ID stands for no object.
func isNone(id string) bool { return strings.Trim(id, "0") == "" }

// newHits are the hits in a new version of a file that are more than those in the old. An
// ID to which its secret was added is new, and one that has lost its secret is not.
func newHits(before, after []hit) (added []hit) {
	had := map[string]int{}
	known := func(h hit) bool {
		key := h.of.key() + h.how
		had[key]--
		return had[key] >= 0
	}
	for _, h := range before {
		had[h.of.key()+h.how]++
	}
	for _, h := range after {
		if !known(h) {
			added = append(added, h)
		}
	}
	return slices.DeleteFunc(added, func(h hit) bool {
		if h.of.Kind != KeyID || h.of.WithSecret {
			return false
		}
		of := *h.of
		of.WithSecret = true
		h.of = &of
		return known(h)
	})
}
