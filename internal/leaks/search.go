package leaks

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"fob/internal/input"
)

// Options are where to search.
type Options struct {
	Paths []string
	// Own are directories that are not searched: fob's store has the IDs of its keys.
	Own []string
	Git Git
}

// huge is the size of a file that is only searched if it is named, in bytes: images of
// disks, mostly, and sparse files that would take hours.
const huge = 1 << 30

// Search searches files and the git repositories that they are in.
func (s *Searcher) Search(ctx context.Context, o Options) (Report, error) {
	r := &run{Searcher: s, ctx: ctx, batches: make(chan []listed, 64), repos: newRepos(o.Git), names: s.buffer()}
	for _, dir := range o.Own {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			if info, err := os.Stat(real); err == nil {
				r.own = append(r.own, info)
			}
		}
	}
	var files, objects sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		files.Go(r.readFiles)
	}
	objects.Go(func() { r.searchRepos() })
	for _, path := range o.Paths {
		r.begin(path)
	}
	r.send(true)
	close(r.batches)
	r.repos.close()
	files.Wait()
	objects.Wait()
	r.finish()
	return r.report, context.Cause(ctx)
}

// run is a search.
type run struct {
	*Searcher
	ctx context.Context
	own []fs.FileInfo

	names   *buffer // searches names
	batch   []listed
	batches chan []listed
	repos   *repos

	mu     sync.Mutex // guards report
	report Report
}

// listed is a file to search.
type listed struct {
	path  string
	named bool // by the user
}

// begin searches a path that the user has named.
func (r *run) begin(path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.problem(path, err)
	case info.IsDir():
		r.repos.add(found{dir: path, above: true})
		r.walk(path)
	default:
		r.add(listed{path, true})
	}
}

// walk lists a directory and all below it.
func (r *run) walk(dir string) {
	if r.ctx.Err() != nil {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.problem(dir, err)
	}
	git := isGitDir(filepath.Base(dir), entries)
	if git {
		r.repos.add(found{dir: dir, own: dir})
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		r.name(path, e.Name())
		switch {
		case e.IsDir():
			switch {
			case r.isOwn(e):
			case git && e.Name() == "objects":
				r.walkObjects(path)
			default:
				r.walk(path)
			}
		case e.Name() == ".git" && (e.Type().IsRegular() || isLink(e)):
			// That of a linked worktree, of a submodule, or of what git-new-workdir and
			// Android's repo make.
			r.repos.add(found{dir: dir, own: path})
		}
		if e.Type().IsRegular() {
			r.add(listed{path, false})
		}
	}
}

// walkObjects lists what else is among the objects of a repository, which are compressed,
// and which git reads.
func (r *run) walkObjects(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.problem(dir, err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			r.addRegular(path, e)
		case e.Name() != "pack" && !isHex(e.Name(), 2):
			r.walk(path)
		default:
			isRead := isLoose
			if e.Name() == "pack" {
				isRead = isPack
			}
			inside, err := os.ReadDir(path)
			if err != nil {
				r.problem(path, err)
			}
			for _, e := range inside {
				at := filepath.Join(path, e.Name())
				if e.IsDir() {
					r.walk(at)
				} else if !isRead(e.Name()) {
					r.addRegular(at, e)
				}
			}
		}
	}
}

func (r *run) addRegular(path string, e fs.DirEntry) {
	r.name(path, e.Name())
	if e.Type().IsRegular() {
		r.add(listed{path, false})
	}
}

// isLoose reports whether git has an object in a file of that name, in a directory for those.
func isLoose(name string) bool { return isHex(name, 38) || isHex(name, 62) }

// isPack reports whether git has a pack of objects in a file of that name, or the index of
// one. What else is there, such as bitmaps, git need not read, and it is not compressed.
func isPack(name string) bool {
	hash, ok := strings.CutPrefix(name, "pack-")
	ext := filepath.Ext(hash)
	hash = strings.TrimSuffix(hash, ext)
	return ok && (ext == ".pack" || ext == ".idx") && (isHex(hash, 40) || isHex(hash, 64))
}

// isHex reports whether a name has so many hexadecimal digits and nothing else.
func isHex(name string, digits int) bool {
	return len(name) == digits && strings.Trim(name, "0123456789abcdef") == ""
}

// name searches the name of a file.
func (r *run) name(path, name string) {
	if len(name) < shortest {
		return
	}
	for _, h := range r.names.inMemory([]byte(name)) {
		r.findings(Finding{Subject: *h.of, Spelling: h.how, Path: path, InName: true})
	}
}

func (r *run) findings(found ...Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Findings = append(r.report.Findings, found...)
}

// isGitDir reports whether these are the files of a git repository, also of one that is
// damaged: its objects cannot be searched as files. Some of them may be links.
func isGitDir(name string, entries []fs.DirEntry) bool {
	has := func(name string, dir bool) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name && (e.IsDir() == dir || isLink(e)) })
	}
	if name == ".git" && has("commondir", false) {
		return true
	}
	if !has("objects", true) {
		return false
	}
	head, refs, config := has("HEAD", false), has("refs", true), has("config", false)
	return strings.HasSuffix(name, ".git") || head && refs || head && config || refs && config
}

func isLink(e fs.DirEntry) bool { return e.Type()&fs.ModeSymlink != 0 }

func (r *run) isOwn(e fs.DirEntry) bool {
	if len(r.own) == 0 || !slices.ContainsFunc(r.own, func(own fs.FileInfo) bool { return own.Name() == e.Name() }) {
		return false
	}
	info, err := e.Info()
	return err == nil && slices.ContainsFunc(r.own, func(own fs.FileInfo) bool { return os.SameFile(own, info) })
}

func (r *run) add(f listed) {
	r.batch = append(r.batch, f)
	r.send(false)
}

// send gives the readers a batch: one file at a time would take longer to give than to
// read.
func (r *run) send(all bool) {
	const size = 32
	if len(r.batch) >= size || all && len(r.batch) > 0 {
		r.batches <- r.batch
		r.batch = make([]listed, 0, size)
	}
}

// readFiles searches the files of batches.
func (r *run) readFiles() {
	b := r.buffer()
	var searched Searched
	for batch := range r.batches {
		for _, f := range batch {
			if r.ctx.Err() != nil {
				break // the batches still come to their end
			}
			n, ok := r.file(b, f)
			searched.Bytes += n
			if ok {
				searched.Files++
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Searched.Files += searched.Files
	r.report.Searched.Bytes += searched.Bytes
}

func (r *run) file(b *buffer, l listed) (n int64, ok bool) {
	f, info, err := input.Open(l.path, !l.named)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || l.named { // it was removed meanwhile
			r.problem(l.path, err)
		}
		return 0, false
	}
	defer f.Close()
	size := info.Size()
	switch {
	case size == 0:
		return 0, true // also what the kernel makes up, such as /proc/kmsg, which never ends
	case size > huge && !l.named:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Skipped = append(r.report.Skipped, Skipped{l.path, "larger than 1 GiB"})
		return 0, false
	}
	hits, n, err := b.search(untilDone{r.ctx, f}, size)
	if err != nil && r.ctx.Err() == nil {
		r.problem(l.path, err)
	}
	for _, h := range hits {
		r.findings(Finding{Subject: *h.of, Spelling: h.how, Path: l.path, Line: h.line})
	}
	return n, err == nil
}

// untilDone reads until the user gives up.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

func (r *run) problem(path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Problems = append(r.report.Problems, Problem{path, err})
}
