package keyring

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// A warm export looks at the store three times: is there a key, whose is it, is there
// a session. Most of the work is opening directories and the header, so a Store keeps
// what it read last and uses it again while the header is the same file. It keeps one
// directory open, however many profiles a command looks at.

// reads is what a Store remembers of its last read.
type reads struct {
	mu   sync.Mutex
	last *lastRead
}

type lastRead struct {
	items  dir
	header header
	// trusted: the header agreed with this machine's memory.
	trusted bool
	// keys are the keys that were read, by file name.
	keys map[string]keyRead
}

// keyRead is the revision of a key, and the file that it was read from.
type keyRead struct {
	rev  string
	file fs.FileInfo
}

// unchanged reports whether the header on disk is still the file that h was read
// from. A header is never changed, only replaced: the same file has the same content.
func (s *Store) unchanged(h header) bool {
	fi, err := os.Lstat(filepath.Join(s.opts.Dir, headerFile))
	return err == nil && sameFile(fi, h.file)
}

// sameFile reports whether two looks saw the same file with the same content, if
// the file is one that is only ever replaced.
func sameFile(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// lastRead is what was read last, if it can still be used; nil otherwise.
func (s *Store) lastRead() *lastRead {
	s.reads.mu.Lock()
	last := s.reads.last
	s.reads.mu.Unlock()
	if last == nil || !s.unchanged(last.header) {
		return nil
	}
	return last
}

// keepOpen keeps the directory of the items open for the next read. Another one that was
// kept is closed when nobody uses it any more, by the garbage collector. On Windows a
// directory that a process has open cannot be removed, and a re-key removes the old
// one: there, nothing is kept.
func (s *Store) keepOpen(d dir, h header) dir {
	if runtime.GOOS == "windows" {
		return d
	}
	d.kept = true
	s.reads.mu.Lock()
	defer s.reads.mu.Unlock()
	s.reads.last = &lastRead{items: d, header: h, keys: map[string]keyRead{}}
	return d
}

// ofLast calls f with what was read last if that was read with h.
func (s *Store) ofLast(is func(*lastRead) bool, f func(*lastRead)) {
	s.reads.mu.Lock()
	defer s.reads.mu.Unlock()
	if last := s.reads.last; last != nil && is(last) {
		f(last)
	}
}

// wasTrusted reports whether h was compared with this machine's memory.
func (s *Store) wasTrusted(h header) (yes bool) {
	s.ofLast(func(l *lastRead) bool { return sameFile(l.header.file, h.file) }, func(l *lastRead) { yes = l.trusted })
	return yes
}

func (s *Store) noteTrusted(h header) {
	s.ofLast(func(l *lastRead) bool { return sameFile(l.header.file, h.file) }, func(l *lastRead) { l.trusted = true })
}

// noteKey remembers a key that was read from d.
func (s *Store) noteKey(d dir, it item) {
	s.ofLast(func(l *lastRead) bool { return l.items.Root == d.Root }, func(l *lastRead) { l.keys[it.file] = keyRead{it.info.Rev, it.fi} })
}

// lastRev is the revision of a key that was read from d, if its file is still the
// same.
func (s *Store) lastRev(d dir, profile string) (rev string, known bool) {
	file, err := fileName(KindKey, profile)
	if err != nil {
		return "", false
	}
	s.ofLast(func(l *lastRead) bool { return l.items.Root == d.Root }, func(l *lastRead) {
		if key, ok := l.keys[file]; ok {
			fi, err := d.Lstat(file)
			rev, known = key.rev, err == nil && sameFile(fi, key.file)
		}
	})
	return rev, known
}
