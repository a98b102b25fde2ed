package leaks

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history is what is known of a repository's objects with secrets in them.
type history struct {
	git         Git
	dir, common string
	b           *buffer
	hits        []objectHit
	// names are the places of objects, by object ID, and of secrets in the names of
	// files, by subject.
	names map[string][]version
	// commits are those of places, and those with a secret in their message.
	commits map[string]commit
	// refs are the objects that refs lead to: commits and tags.
	refs map[string]bool
}

// version is a file in one of the commits that have it.
type version struct{ commit, path string }

// commit is what a commit says of itself.
type commit struct {
	author, email string
	date          time.Time // of the author
	committed     time.Time
}

// nameObjects says where in a repository's history objects are. Commits are all that there
// are, one in a line, in a branch or not.
func (r *run) nameObjects(b *buffer, dir, common string, hits []objectHit, commits string) ([]Finding, error) {
	h := history{git: r.repos.git, dir: dir, common: common, b: b, hits: hits, names: map[string][]version{}, commits: map[string]commit{}, refs: map[string]bool{}}
	for _, step := range []func() error{
		func() error { return h.readChanges(r.ctx, commits) },
		func() error { return h.readCommits(r.ctx) },
		func() error { return h.readRefs(r.ctx) },
		func() error { return h.readIndexes(r.ctx) },
	} {
		if err := step(); err != nil {
			return h.findings(), err // as far as they are known
		}
	}
	return h.findings(), nil
}

// wanted are the keys of names that are looked for.
func (h *history) wanted() (objects map[string]bool, names bool) {
	objects = map[string]bool{}
	for _, hit := range h.hits {
		objects[hit.id] = true
		names = names || hit.kind == "tree"
	}
	return objects, names
}

// readChanges finds the commits that brought an object.
func (h *history) readChanges(ctx context.Context, commits string) error {
	objects, names := h.wanted()
	return h.git.stream(ctx, h.dir, commits, func(out io.Reader) error {
		r, at := bufio.NewReaderSize(out, 1<<16), ""
		for {
			entry, err := word(r)
			if err != nil {
				return ended(err)
			}
			if !strings.HasPrefix(entry, ":") {
				at = entry
				continue
			}
			path, err := word(r)
			if err != nil {
				return ended(err)
			}
			id, status := newVersion(entry)
			if objects[id] {
				h.names[id] = append(h.names[id], version{at, path})
			}
			if names && strings.HasPrefix(status, "A") {
				for name := range strings.SplitSeq(path, "/") { // as a tree has them
					for _, found := range h.b.inMemory([]byte(name)) {
						key := found.of.key()
						h.names[key] = append(h.names[key], version{at, path})
					}
				}
			}
		}
	}, "diff-tree", "--stdin", "-r", "--root", "-c", "-z", "--raw", "--no-abbrev", "--no-renames")
}

// newVersion is the object and the status of a change: :mode mode ID ID status, or in a
// merge, of what is in none of its parents, two colons for two parents and so on.
func newVersion(entry string) (id, status string) {
	parents := len(entry) - len(strings.TrimLeft(entry, ":"))
	fields := strings.Fields(entry)
	if len(fields) != 2*parents+3 {
		return "", ""
	}
	return fields[2*parents+1], fields[2*parents+2]
}

// word reads to the next NUL.
func word(r *bufio.Reader) (string, error) {
	text, err := r.ReadString(0)
	if err != nil {
		return "", err
	}
	return text[:len(text)-1], nil
}

func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// readCommits reads the commits of places.
func (h *history) readCommits(ctx context.Context) error {
	want := map[string]bool{}
	for _, places := range h.names {
		for _, p := range places {
			want[p.commit] = true
		}
	}
	for _, hit := range h.hits {
		if hit.kind == "commit" || hit.kind == "tag" {
			want[hit.id] = true
		}
	}
	if len(want) == 0 {
		return nil
	}
	ids := strings.Join(slices.Sorted(maps.Keys(want)), "\n") + "\n"
	return h.git.stream(ctx, h.dir, ids, func(out io.Reader) error {
		return eachObject(out, func(string) {}, func(o object) error {
			text, err := o.text()
			h.commits[o.id] = parseCommit(text)
			return err
		})
	}, "cat-file", "--batch", "--buffer")
}

// parseCommit reads the header of a commit or of a tag.
func parseCommit(text string) (c commit) {
	for line := range strings.Lines(text) {
		what, who, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch what {
		case "":
			return c
		case "author", "tagger":
			c.author, c.email, c.date = signature(who)
			c.committed = c.date
		case "committer":
			_, _, c.committed = signature(who)
		}
	}
	return c
}

// signature is a name, an address and a time, such as Jo <jo@example.com> 1764500000 +0100.
func signature(text string) (name, email string, at time.Time) {
	name, rest, _ := strings.Cut(text, " <")
	end := strings.LastIndex(rest, "> ")
	if end < 0 {
		return name, "", time.Time{}
	}
	email = rest[:end]
	seconds, _, _ := strings.Cut(rest[end+2:], " ")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		at = time.Unix(n, 0).UTC()
	}
	return name, email, at
}

// readRefs finds what refs lead to.
func (h *history) readRefs(ctx context.Context) error {
	lines := func(out io.Reader) error {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			h.refs[scan.Text()] = true
		}
		return scan.Err()
	}
	if err := h.git.stream(ctx, h.dir, "", lines, "rev-list", "--all"); err != nil {
		return err
	}
	return h.git.stream(ctx, h.dir, "", lines, "for-each-ref", "--format=%(objectname)")
}

// readIndexes finds objects that are in no commit in the index of each worktree.
func (h *history) readIndexes(ctx context.Context) error {
	left := map[string]bool{}
	for _, hit := range h.hits {
		if hit.kind == "blob" && len(h.names[hit.id]) == 0 {
			left[hit.id] = true
		}
	}
	if len(left) == 0 {
		return nil
	}
	list, err := h.git.run(ctx, h.dir, "worktree", "list", "--porcelain")
	if err != nil {
		return err
	}
	for line := range strings.Lines(list) {
		dir, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "worktree ")
		if !ok {
			continue
		}
		// One that is bare, or whose directory is gone, has no index to look at.
		_ = h.git.stream(ctx, dir, "", func(out io.Reader) error {
			r := bufio.NewReader(out)
			for {
				entry, err := word(r)
				if err != nil {
					return ended(err)
				}
				info, path, _ := strings.Cut(entry, "\t") // mode ID stage
				if fields := strings.Fields(info); len(fields) == 3 && left[fields[1]] {
					h.names[fields[1]] = append(h.names[fields[1]], version{"", path})
				}
			}
		}, "ls-files", "--stage", "-z")
	}
	return nil
}

// findings are the hits, each with the first place of its object.
func (h *history) findings() (all []Finding) {
	named := map[string]bool{}
	for _, hit := range h.hits {
		f := Finding{Subject: *hit.of, Spelling: hit.how, Line: hit.line, Git: &Object{Repository: h.common, ID: hit.id, Type: hit.kind}}
		places := h.names[hit.id]
		if hit.kind == "tree" { // each version of the directory has it
			key := hit.of.key()
			places = h.names[key]
			if f.Line, f.InName = 0, true; named[key] {
				continue
			}
			named[key] = true
		}
		if p, ok := h.first(places); ok {
			f.Path, f.Git.Commit, f.Staged = p.path, p.commit, p.commit == ""
		} else if hit.kind == "commit" {
			f.Git.Commit = hit.id
		}
		f.Git.Reachable = f.Staged || h.refs[cmp.Or(f.Git.Commit, hit.id)]
		if c, ok := h.commits[cmp.Or(f.Git.Commit, hit.id)]; ok && !c.date.IsZero() {
			f.Git.Author, f.Git.Email, f.Git.Date = c.author, c.email, &c.date
		}
		all = append(all, f)
	}
	return all
}

// first is the place in the oldest commit, one that a ref leads to if there is any.
func (h *history) first(places []version) (version, bool) {
	if len(places) == 0 {
		return version{}, false
	}
	return slices.MinFunc(places, func(a, b version) int {
		if x, y := h.refs[a.commit], h.refs[b.commit]; x != y {
			return map[bool]int{true: -1, false: 1}[x]
		}
		return cmp.Or(h.commits[a.commit].committed.Compare(h.commits[b.commit].committed), cmp.Compare(a.path, b.path))
	}), true
}
