package leaks

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"fob/internal/helper"
	"fob/internal/input"
)

// Git is the program that reads repositories.
type Git struct {
	// Path is the program's; "" if it is not installed.
	Path    string
	Environ []string
	// InHook: git may have started this, and its variables count.
	InHook bool
}

// FindGit finds git in the directories of PATH; "" if it is not installed. One in a directory
// that is named relative to the current one does not count: that may be in a repository of
// somebody else's.
func FindGit(path string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, "git")); err == nil {
			return found
		}
	}
	return ""
}

// ofHooks are the variables by which git tells a hook where it is.
func ofHooks() []string {
	return []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
}

// ErrNoGit means that git is not installed.
var ErrNoGit = errors.New("git is not installed")

// environ is what git inherits: nothing that leads it to another repository, or to a
// server for objects that a partial clone lacks. In a hook it is git itself that says
// which repository and which index it means.
func (g Git) environ() []string {
	environ := slices.DeleteFunc(slices.Clone(g.Environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasPrefix(name, "GIT_") && !(g.InHook && slices.Contains(ofHooks(), name)) || name == "LC_ALL" || name == "LANGUAGE"
	})
	return append(environ, "LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_TERMINAL_PROMPT=0")
}

func (g Git) program(dir string, stdin string, args ...string) helper.Program {
	// A repository's config can name programs: for fsmonitor, when git looks at the index.
	args = append([]string{"-C", dir, "-c", "core.fsmonitor=false"}, args...)
	return helper.Program{Path: g.Path, Args: args, Environ: g.environ(), Stdin: stdin}
}

// run runs a git that prints little.
func (g Git) run(ctx context.Context, dir string, args ...string) (string, error) {
	if g.Path == "" {
		return "", ErrNoGit
	}
	out, err := helper.Run(ctx, g.program(dir, "", args...))
	return strings.TrimRight(string(out), "\n"), gitProblem(err)
}

func (g Git) stream(ctx context.Context, dir, stdin string, read func(io.Reader) error, args ...string) error {
	if g.Path == "" {
		return ErrNoGit
	}
	return gitProblem(helper.Stream(ctx, g.program(dir, stdin, args...), read))
}

// gitProblem has git's own words, which name files and refs and nothing of their content.
func gitProblem(err error) error {
	if failed, ok := errors.AsType[*helper.FailedError](err); ok {
		words, _, _ := strings.Cut(strings.TrimPrefix(failed.Words, "fatal: "), "\n")
		if words == "" {
			words = "it " + failed.Problem
		}
		return fmt.Errorf("git: %s", words)
	}
	return err
}

// repos are the repositories that are met, each once.
type repos struct {
	git  Git
	mu   sync.Mutex
	more *sync.Cond
	dirs []found
	done bool
}

// found is a directory that may be of a repository.
type found struct {
	dir   string
	above bool // the repository may be one above it, or none
	// own is what git has to take for the repository's directory, or a file that names it.
	// Where git cannot read that, it looks for a repository further up.
	own string
}

func newRepos(git Git) *repos {
	r := &repos{git: git}
	r.more = sync.NewCond(&r.mu)
	return r
}

func (r *repos) add(f found) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dirs = append(r.dirs, f)
	r.more.Signal()
}

func (r *repos) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	r.more.Signal()
}

// next waits for a repository.
func (r *repos) next() (f found, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.dirs) == 0 && !r.done {
		r.more.Wait()
	}
	if len(r.dirs) == 0 {
		return found{}, false
	}
	f, r.dirs = r.dirs[0], r.dirs[1:]
	return f, true
}

// searchRepos searches the repositories while they are met.
func (r *run) searchRepos() {
	b := r.buffer()
	seen := map[string]bool{}
	for {
		at, ok := r.repos.next()
		if !ok {
			return
		}
		if r.ctx.Err() != nil {
			continue
		}
		common, err := r.repos.git.commonDir(r.ctx, at)
		if err != nil && at.above && notRepository(err) {
			continue
		}
		if err == nil {
			r.top(at, common)
		}
		if err == nil && !seen[common] {
			seen[common] = true
			err = r.repository(b, at.dir, common)
		}
		if errors.Is(err, ErrNoGit) {
			err = fmt.Errorf("%w, so history was not searched", err)
		}
		if err != nil && r.ctx.Err() == nil {
			r.problem(at.dir, err)
		}
	}
}

// commonDir is the directory with the objects of a repository, and with what its worktrees
// share.
func (g Git) commonDir(ctx context.Context, at found) (string, error) {
	common, err := g.run(ctx, at.dir, "rev-parse", "--git-common-dir")
	if err == nil && !at.above {
		err = g.reads(ctx, at)
	}
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(common) {
		common = filepath.Join(at.dir, common)
	}
	if common, err = filepath.Abs(common); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(common)
}

// reads fails if git reads another repository than the one that was found, or other objects.
func (g Git) reads(ctx context.Context, at found) error {
	dir, err := g.run(ctx, at.dir, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return err
	}
	own, err := os.Stat(at.own)
	if err != nil {
		return err
	}
	if own.Mode().IsRegular() {
		return nil // git reads the directory's name in it, or fails
	}
	if !isSame(own, dir) {
		return errors.New("git cannot read this repository")
	}
	inside, err := os.Stat(filepath.Join(at.own, "objects"))
	if err != nil {
		return nil // it has those of another one
	}
	objects, err := g.run(ctx, at.dir, "rev-parse", "--git-path", "objects")
	if err == nil && !filepath.IsAbs(objects) {
		objects = filepath.Join(at.dir, objects)
	}
	if err == nil && !isSame(inside, objects) {
		err = errors.New("git reads the objects of another repository in its place")
	}
	return err
}

func isSame(file fs.FileInfo, path string) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(file, info)
}

// top notes the top of a repository's files, if it has any.
func (r *run) top(at found, common string) {
	top := ""
	switch {
	case at.above:
		top, _ = r.repos.git.run(r.ctx, at.dir, "rev-parse", "--show-toplevel") // "" if it is bare
	case filepath.Base(at.own) == ".git":
		top = filepath.Dir(at.own)
	}
	if top != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.tops = append(r.report.tops, place{repository: common, top: resolved(top)})
	}
}

// notRepository reports whether git has found no repository, or is not there.
func notRepository(err error) bool {
	return errors.Is(err, ErrNoGit) || strings.Contains(err.Error(), "not a git repository")
}

// repository searches all objects of a repository.
func (r *run) repository(b *buffer, dir, common string) error {
	g := r.repos.git
	var hits []objectHit
	var commits bytes.Buffer
	var said complaint
	count, digits, damaged := 0, 0, ""
	missing := func(id string) { damaged = cmp.Or(damaged, id) }
	p := g.program(dir, "", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer")
	p.Stderr = &said
	missed := gitProblem(helper.Stream(r.ctx, p, func(out io.Reader) error {
		return eachObject(out, missing, func(o object) error {
			count, digits = count+1, len(o.id)
			if o.kind == "commit" {
				commits.WriteString(o.id + "\n")
			}
			found, err := o.search(b)
			for _, h := range found {
				hits = append(hits, objectHit{o.id, o.kind, h})
			}
			return err
		})
	}))
	if missed == nil {
		r.mu.Lock()
		r.report.Searched.Repositories++
		r.report.Searched.Objects += count
		r.mu.Unlock()
		missed = said.err()
	}
	if damaged != "" {
		missed = fmt.Errorf("git cannot read object %s", damaged)
	}
	if missed == nil {
		missed = g.passedOver(r.ctx, dir, common, digits)
	}
	if len(hits) == 0 {
		return missed
	}
	findings, err := r.nameObjects(b, dir, common, hits, commits.String())
	r.findings(findings...)
	if missed != nil {
		return missed
	}
	return err
}

// complaint keeps the first error that git prints. git can end well all the same, and have
// passed over a pack.
type complaint struct {
	line  []byte // that has not ended yet
	words string
}

func (c *complaint) Write(p []byte) (int, error) {
	const most = 1 << 10
	for _, b := range p {
		if b != '\n' {
			if len(c.line) < most {
				c.line = append(c.line, b)
			}
			continue
		}
		if words, ok := strings.CutPrefix(string(c.line), "error: "); ok && c.words == "" {
			c.words = words
		}
		c.line = c.line[:0]
	}
	return len(p), nil
}

func (c *complaint) err() error {
	if c.words == "" {
		return nil
	}
	return errors.New("git: " + c.words)
}

// passedOver is an error if a repository, or one that it borrows objects from, has files
// with objects that git passes over without a word. Git has listed objects whose IDs have so
// many digits; 0 if it has listed none.
func (g Git) passedOver(ctx context.Context, dir, common string, digits int) error {
	counts, err := g.run(ctx, dir, "count-objects", "-v")
	if err != nil {
		return err
	}
	all := []string{filepath.Join(common, "objects")}
	for line := range strings.Lines(counts) {
		path, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "alternate: ")
		if !ok {
			continue
		}
		if plain, err := strconv.Unquote(path); err == nil {
			path = plain
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		all = append(all, path)
	}
	for _, objects := range all {
		if err := passedOver(objects, digits); err != nil {
			return err
		}
	}
	return nil
}

// passedOver is the part for one directory of objects.
func passedOver(objects string, digits int) error {
	dirs, err := os.ReadDir(objects)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range dirs {
		if d.Name() != "pack" && !isHex(d.Name(), 2) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(objects, d.Name()))
		if err != nil {
			return err
		}
		for _, f := range files {
			path := filepath.Join(objects, d.Name(), f.Name())
			switch {
			case d.Name() != "pack" && isLoose(f.Name()) && 2+len(f.Name()) != digits:
				return fmt.Errorf("git passes over %s: the repository's config says that its objects have another kind of hash", path)
			case d.Name() != "pack" || !isPack(f.Name()):
			case digits == 0:
				return errors.New("git finds none of its objects")
			default:
				// A pack without an index, or an index without a pack, is not there for git.
				// When git repacks meanwhile, both go.
				other := twin(path)
				if err := opens(other); err != nil && !isGone(path) {
					return fmt.Errorf("git passes over %s: cannot open %s (%v)", path, filepath.Base(other), err)
				}
			}
		}
	}
	return nil
}

// twin is the index of a pack, or the pack of an index.
func twin(path string) string {
	if pack, ok := strings.CutSuffix(path, ".idx"); ok {
		return pack + ".pack"
	}
	return strings.TrimSuffix(path, ".pack") + ".idx"
}

func isGone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// opens fails if a file cannot be read, with the reason alone.
func opens(path string) error {
	f, _, err := input.Open(path, false)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// object is one that git cat-file --batch prints.
type object struct {
	id, kind string
	size     int64
	r        *bufio.Reader
}

// objectHit is a hit in an object.
type objectHit struct {
	id, kind string
	hit
}

// inPlace is the size of an object that is searched without a copy, in bytes.
const inPlace = 1 << 20

// eachObject calls f for each object, and missing for each that git cannot read. f reads all
// of it.
func eachObject(out io.Reader, missing func(id string), f func(o object) error) error {
	r := bufio.NewReaderSize(out, inPlace)
	for {
		header, err := r.ReadSlice('\n')
		if err == io.EOF && len(header) == 0 {
			return nil
		}
		if err != nil {
			return cutShort(err)
		}
		words := strings.Fields(string(header))
		if len(words) == 2 { // ID missing
			missing(words[0])
			continue
		}
		size := int64(-1)
		if len(words) == 3 {
			size, err = strconv.ParseInt(words[2], 10, 64)
		}
		if err != nil || size < 0 {
			return errors.New("unexpected output from git cat-file")
		}
		if err := f(object{words[0], words[1], size, r}); err != nil {
			return cutShort(err)
		}
		if _, err := r.Discard(1); err != nil { // the line end
			return cutShort(err)
		}
	}
}

// cutShort is the error of objects that end too soon.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("git ended in the middle of an object")
	}
	return err
}

// search searches an object.
func (o object) search(b *buffer) ([]hit, error) {
	if o.size <= inPlace {
		text, err := o.r.Peek(int(o.size))
		if err != nil {
			return nil, err
		}
		hits := b.inMemory(text)
		_, err = o.r.Discard(len(text))
		return hits, err
	}
	hits, n, err := b.search(o.r, o.size)
	if err == nil && n < o.size {
		err = io.ErrUnexpectedEOF
	}
	return hits, err
}

// text is all of a small object.
func (o object) text() (string, error) {
	if o.size > inPlace {
		_, err := io.CopyN(io.Discard, o.r, o.size)
		return "", err
	}
	text := make([]byte, o.size)
	_, err := io.ReadFull(o.r, text)
	return string(text), err
}
