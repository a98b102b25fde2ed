// Command mutate changes a package in many small ways, one at a time, and says which
// changes its own tests do not notice:
//
//	go run ./testdata/mutate ./internal/plan ./internal/mfa
//
// All changes (mutants) are compiled into one test binary, and a variable chooses the
// one that counts, so that a mutant costs no build. Each test is run once by itself to
// see which mutants it reaches, and a mutant is tried against those tests only, the
// fastest first. Nothing in the working tree is written: the changed files are given to
// go build as an overlay.
//
// A mutant that survives is not always a gap: the change can be one that makes no
// difference, or only a slower program or other words. Those that matter get a test.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	slow := flag.Duration("slow", 5*time.Second, "leave out tests that take longer")
	only := flag.String("files", ".", "mutate only files whose name matches")
	skip := flag.String("skip", "^$", "leave out tests that match")
	flag.Parse()
	files, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	if flag.NArg() == 0 {
		log.Fatal("usage: mutate [-slow 5s] [-files REGEXP] [-skip REGEXP] PACKAGE...")
	}
	for _, dir := range flag.Args() {
		if err := mutate(dir, files, *skip, *slow); err != nil {
			log.Fatalf("%s: %v", dir, err)
		}
	}
}

func mutate(dir string, only *regexp.Regexp, skip string, slow time.Duration) error {
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	p := &pkg{dir: dir, work: work}
	if err := p.read(only); err != nil {
		return err
	}
	if err := p.build(); err != nil {
		return err
	}
	if err := p.reach(skip, slow); err != nil {
		return err
	}
	killed, survived, notReached := 0, 0, 0
	for _, m := range p.mutants {
		switch dead, err := p.try(m); {
		case err != nil:
			return err
		case len(m.tests) == 0:
			notReached++
			fmt.Printf("not reached  %s\n", m)
		case dead:
			killed++
		default:
			survived++
			fmt.Printf("survived     %s\n", m)
		}
	}
	fmt.Printf("%s: %d mutants, %d killed, %d survived, %d not reached by %d tests\n", dir, len(p.mutants), killed, survived, notReached, len(p.tests))
	return nil
}

// pkg is the package under test.
type pkg struct {
	dir, work string
	files     []*file
	mutants   []*mutant
	tests     []test
	last      int // the highest number of a mutant
}

type mutant struct {
	id    int
	file  *file
	from  int // the first and the last line
	to    int
	col   int
	what  string
	tests []test // that reach it, the fastest first
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.file.path, m.from, m.col, m.what)
}

type test struct {
	name string
	took time.Duration
}

func (p *pkg) next() int { p.last++; return p.last }

func (p *pkg) read(only *regexp.Regexp) error {
	out, err := run(p.dir, "go", "list", "-f", "{{.Name}}{{range .GoFiles}}\n{{.}}{{end}}")
	if err != nil {
		return err
	}
	names := strings.Fields(string(out))
	for _, name := range names[1:] {
		if !only.MatchString(name) {
			continue
		}
		f, err := newFile(p, filepath.Join(p.dir, name))
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	return os.WriteFile(filepath.Join(p.work, "chosen.go"), []byte("package "+names[0]+"\n"+chosen), 0o600)
}

// build compiles the tests with all mutants. Those that do not compile are dropped.
func (p *pkg) build() error {
	for range 20 {
		overlay := map[string]string{}
		add := func(path, replacement string) error {
			abs, err := filepath.Abs(path)
			overlay[abs] = replacement
			return err
		}
		if err := add(filepath.Join(p.dir, "zz_mutate.go"), filepath.Join(p.work, "chosen.go")); err != nil {
			return err
		}
		for i, f := range p.files {
			// The compiler's messages have the name of the replacement.
			changed := filepath.Join(p.work, strconv.Itoa(i), filepath.Base(f.path))
			if err := errors.Join(add(f.path, changed), os.MkdirAll(filepath.Dir(changed), 0o700), os.WriteFile(changed, f.changed(), 0o600)); err != nil {
				return err
			}
		}
		doc, err := json.Marshal(map[string]any{"Replace": overlay})
		if err != nil {
			return err
		}
		list := filepath.Join(p.work, "overlay.json")
		if err := os.WriteFile(list, doc, 0o600); err != nil {
			return err
		}
		out, err := run(p.dir, "go", "test", "-c", "-gcflags=-e", "-overlay", list, "-o", filepath.Join(p.work, "test"))
		if err == nil {
			return nil
		}
		if !p.drop(out) {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	return errors.New("too many mutants do not compile")
}

var compileError = regexp.MustCompile(`(?m)^\S*?([^/\s]+\.go):(\d+):`)

// drop removes the mutants on lines that do not compile.
func (p *pkg) drop(output []byte) (dropped bool) {
	for _, found := range compileError.FindAllSubmatch(output, -1) {
		line, _ := strconv.Atoi(string(found[2]))
		before := len(p.mutants)
		p.mutants = slices.DeleteFunc(p.mutants, func(m *mutant) bool {
			bad := filepath.Base(m.file.path) == string(found[1]) && m.from <= line && line <= m.to
			if bad {
				m.file.drop(m.id)
			}
			return bad
		})
		dropped = dropped || len(p.mutants) < before
	}
	return dropped
}

// reach runs each test by itself to see how long it takes and which mutants it reaches.
func (p *pkg) reach(skip string, slow time.Duration) error {
	left, err := regexp.Compile(skip)
	if err != nil {
		return err
	}
	out, err := run(p.dir, filepath.Join(p.work, "test"), "-test.list", "^(Test|Fuzz|Example)")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(out)) {
		if left.MatchString(name) {
			continue
		}
		log := filepath.Join(p.work, "reached")
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			return err
		}
		start := time.Now()
		err := p.run(10*slow, []string{name}, "MUTATE_LOG="+log)
		t := test{name, time.Since(start)}
		if err != nil || t.took > slow {
			fmt.Printf("left out     %s: %s, took %s\n", p.dir, name, t.took.Round(time.Millisecond))
			continue
		}
		p.tests = append(p.tests, t)
		ids, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(ids))))) {
			for _, m := range p.mutants {
				if strconv.Itoa(m.id) == id {
					m.tests = append(m.tests, t)
				}
			}
		}
	}
	for _, m := range p.mutants {
		slices.SortFunc(m.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	}
	return nil
}

// try reports whether the tests notice a mutant.
func (p *pkg) try(m *mutant) (dead bool, err error) {
	const few = 8 // most mutants die at once
	for tests := range slices.Chunk(m.tests, few) {
		limit := 20 * time.Second
		var names []string
		for _, t := range tests {
			names = append(names, t.name)
			limit += 10 * t.took
		}
		err := p.run(limit, names, "MUTATE="+strconv.Itoa(m.id))
		if _, failed := errors.AsType[*exec.ExitError](err); failed {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

func (p *pkg) run(limit time.Duration, tests []string, env string) error {
	cmd := exec.Command(filepath.Join(p.work, "test"), "-test.short", "-test.failfast", "-test.timeout", limit.String(),
		"-test.run", "^("+strings.Join(tests, "|")+")$")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), env)
	return cmd.Run()
}

func run(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}

// chosen is added to the package.
const chosen = `
import (
	"cmp"
	"os"
	"strconv"
	"sync"
)

var (
	_mutant, _ = strconv.Atoi(os.Getenv("MUTATE"))
	_log       = os.Getenv("MUTATE_LOG")
	_reached   sync.Map
)

func _m(id int) bool {
	if _log != "" {
		if _, again := _reached.LoadOrStore(id, true); !again {
			if f, err := os.OpenFile(_log, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				f.WriteString(strconv.Itoa(id) + "\n")
				f.Close()
			}
		}
	}
	return id == _mutant
}

func _and(id int, a, b func() bool) bool {
	if _m(id) {
		return a() || b()
	}
	return a() && b()
}

func _or(id int, a, b func() bool) bool {
	if _m(id) {
		return a() && b()
	}
	return a() || b()
}

func _lss[T cmp.Ordered](id int, a, b T) bool { return a < b || _m(id) && a == b }
func _gtr[T cmp.Ordered](id int, a, b T) bool { return a > b || _m(id) && a == b }
func _leq[T cmp.Ordered](id int, a, b T) bool { return a < b || !_m(id) && a == b }
func _geq[T cmp.Ordered](id int, a, b T) bool { return a > b || !_m(id) && a == b }

func _err(id int, err error) error {
	if _m(id) {
		return nil
	}
	return err
}
`
