package keyring

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fob/keyring/backend/backendtest"
)

// The power fails after each system call of a deed. A kill leaves what was written;
// this leaves only what was synced, and of the rest what the disk happened to have:
// of each directory the changes up to some moment, of a file nothing, a part or all.

// A node is a file or a directory, as it is and as it is on the disk.
type node struct {
	names map[string]*node // nil for a file
	disk  map[string]*node
	log   []map[string]*node // changes since disk, in order; a nil node is one that was removed
	data  []byte
	safe  int // how much of data is on the disk
}

func newDir() *node { return &node{names: map[string]*node{}, disk: map[string]*node{}} }

func (n *node) change(names map[string]*node) {
	n.log = append(n.log, names)
	apply(n.names, names)
}

func apply(to, changes map[string]*node) {
	maps.Copy(to, changes)
	maps.DeleteFunc(to, func(_ string, n *node) bool { return n == nil })
}

func (n *node) sync() { n.disk, n.log, n.safe = maps.Clone(n.names), nil, len(n.data) }

// at finds the node of a path; nil if there is none.
func (n *node) at(path string) *node {
	for _, name := range strings.Split(path, "/") {
		if n != nil && name != "." {
			n = n.names[name]
		}
	}
	return n
}

// load is a directory of the disk as a node; everything in it is safe.
func load(t *testing.T, dir string) *node {
	t.Helper()
	n := newDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			n.names[e.Name()] = load(t, path)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n.names[e.Name()] = &node{data: data}
		n.names[e.Name()].sync()
	}
	n.sync()
	return n
}

// store writes what the disk has after a power cut: luck is how many of n things
// that were not synced are there.
func (n *node) store(path string, luck func(n int) int) error {
	if n.names == nil {
		return os.WriteFile(path, n.data[:n.safe+luck(len(n.data)-n.safe)], 0o600)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	names := maps.Clone(n.disk)
	for _, changes := range n.log[:luck(len(n.log))] {
		apply(names, changes)
	}
	for name, sub := range names {
		if err := sub.store(filepath.Join(path, name), luck); err != nil {
			return err
		}
	}
	return nil
}

var (
	callLine  = regexp.MustCompile(`^(\w+)\((.*)\) += (\d+)(?:<(.*)>)?$`)
	fileArgs  = regexp.MustCompile(`(?:AT_FDCWD|\d+)<([^>]*)>, ("(?:[^"\\]|\\.)*")`)
	splitLine = regexp.MustCompile(`^(\d+) +(.*)$`)
)

// callsOf are the calls of a trace that succeeded, one a line, after its mark.
func callsOf(trace string) []string {
	var calls []string
	begun := map[string]string{}
	for line := range strings.Lines(trace) {
		m := splitLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		thread, call := m[1], m[2]
		if first, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			begun[thread] = first
			continue
		}
		if _, rest, ok := strings.Cut(call, " resumed>"); ok && strings.HasPrefix(call, "<... ") {
			call = begun[thread] + rest
		}
		if strings.HasPrefix(call, "getsid(") {
			calls = nil
		} else if callLine.MatchString(call) {
			calls = append(calls, call)
		}
	}
	return calls
}

// do has a call happen below root, which is the directory base. It reports whether
// anything changed.
func (n *node) do(t *testing.T, base, call string) bool {
	t.Helper()
	m := callLine.FindStringSubmatch(call)
	name, args, result := m[1], m[2], m[4]
	var paths []string
	for _, a := range fileArgs.FindAllStringSubmatch(args, -1) {
		text, err := strconv.Unquote(a[2])
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		if name == "write" {
			paths, args = append(paths, a[1]), text
			break
		}
		if !filepath.IsAbs(text) {
			text = filepath.Join(a[1], text)
		}
		paths = append(paths, text)
	}
	if name == "fsync" {
		_, fd, _ := strings.Cut(args, "<")
		paths = []string{strings.TrimSuffix(fd, ">")}
	}
	if name == "openat" {
		paths = []string{result}
	}
	for i, path := range paths {
		rel, err := filepath.Rel(base, path)
		if err != nil || strings.HasPrefix(rel, "..") {
			return false
		}
		paths[i] = rel
	}
	parent := func(i int) (*node, string) { return n.at(filepath.Dir(paths[i])), filepath.Base(paths[i]) }
	switch name {
	case "openat":
		dir, file := parent(0)
		if !strings.Contains(args, "O_CREAT") || dir.names[file] != nil {
			return false
		}
		dir.change(map[string]*node{file: {}})
	case "mkdirat":
		dir, file := parent(0)
		dir.change(map[string]*node{file: newDir()})
	case "unlinkat":
		dir, file := parent(0)
		dir.change(map[string]*node{file: nil})
	case "renameat":
		dir, file := parent(0)
		to, as := parent(1)
		if dir != to {
			t.Fatalf("from one directory into another: %s", call)
		}
		dir.change(map[string]*node{file: nil, as: dir.names[file]})
	case "linkat":
		dir, file := parent(0)
		to, as := parent(1)
		to.change(map[string]*node{as: dir.names[file]})
	case "write":
		file := n.at(paths[0])
		file.data = append(file.data, args...)
	case "fsync":
		n.at(paths[0]).sync()
	default:
		return false
	}
	return true
}

// check compares a node with what is at a path.
func (n *node) check(t *testing.T, path string) {
	t.Helper()
	if n.names == nil {
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, n.data) {
			t.Fatalf("not as it happened: %s, %v", path, err)
		}
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != len(n.names) {
		t.Fatalf("not as it happened: %s has %v, %v", path, entries, err)
	}
	for name, sub := range n.names {
		sub.check(t, filepath.Join(path, name))
	}
}

func TestPowerCut(t *testing.T) {
	strace := backendtest.Need(t, "strace")
	// What may not be lost once the deed is done.
	done := map[string]func(s *Store) bool{
		"write":   func(s *Store) bool { k, _, err := s.Key(t.Context(), "p"); return err == nil && sameKey(k, otherKey) },
		"found":   func(s *Store) bool { k, _, err := s.Key(t.Context(), "p"); return err == nil && sameKey(k, exampleKey) },
		"rekey":   func(s *Store) bool { h, err := s.header(); return err == nil && h.Gen == 2 },
		"session": func(*Store) bool { return true }, // it is a cache
		// The refresh token of the one before is of no use any more.
		"token": func(s *Store) bool {
			got, _, err := s.Token(t.Context(), portal, portalID)
			return err == nil && sameToken(got, exampleToken("2", portalEnds))
		},
		// AWS tells the new key's secret once.
		"rotation": func(s *Store) bool {
			got, _, err := s.Rotation(t.Context(), "p")
			return err == nil && sameRotation(got, exampleRotation())
		},
		"retire": func(s *Store) bool {
			infos, err := s.Infos(KindRetired)
			return err == nil && len(infos) == 1
		},
		"backup": func(s *Store) bool {
			got, _, err := s.Backup(t.Context(), "1")
			return err == nil && sameBackup(got, exampleBackup())
		},
		"addslot": func(s *Store) bool { h, err := s.header(); return err == nil && h.slot(kindAge) >= 0 },
	}
	for _, d := range deeds() {
		t.Run(d.name, func(t *testing.T) {
			base := filepath.Join(t.TempDir(), "base")
			if err := os.Mkdir(base, 0o700); err != nil {
				t.Fatal(err)
			}
			o := options(filepath.Join(base, "share", "data", "fob"))
			o.AgeIdentity = identityFile(t)
			s := New(o)
			if d.before != nil {
				if _, err := s.Create(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.before(t, s)
			}
			disk, copied := load(t, base), load(t, base)
			trace, err := underStrace(t, strace, nil, d.name, o.Dir, o.AgeIdentity)
			if err != nil {
				t.Fatal(err)
			}
			// cut is after a call, or at the end.
			cut := func(call string, luck func(int) int) {
				t.Helper()
				if err := os.RemoveAll(base); err != nil {
					t.Fatal(err)
				}
				if err := disk.store(base, luck); err != nil {
					t.Fatal(err)
				}
				if call == "" && !done[d.name](again(s)) {
					t.Error("it was done, and is lost")
				}
				if checkAfter(t, d, again(s)); t.Failed() {
					t.Fatalf("after %s", call)
				}
			}
			var changes []string
			for _, call := range callsOf(trace) {
				if copied.do(t, base, call) {
					changes = append(changes, call)
				}
			}
			copied.check(t, base)
			nothing, everything := func(int) int { return 0 }, func(n int) int { return n }
			something := func(n int) int { return rand.IntN(n + 1) }
			cuts, every := 0, often(max(1, len(changes)/15), 1)
			for i, call := range changes {
				if disk.do(t, base, call); i%every != 0 {
					continue
				}
				for _, luck := range []func(int) int{nothing, everything, something, something} {
					cut(call, luck)
					cuts++
				}
			}
			cut("", nothing)
			t.Logf("%d power cuts survived, at %d calls that change something", cuts+1, len(changes))
		})
	}
}
