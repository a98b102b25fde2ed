// Package keyring is what fob keeps secret: access keys, seeds of one-time
// codes, and cached sessions.
//
// A Store is one directory of files that fob encrypts itself. Only the 32-byte
// vault key is kept elsewhere or under a passphrase, in one of several slots: so
// there is one format, one prompt and one speed, whatever opens the store.
// doc/format.md describes the files.
//
// It promises: what was written with a nil error survives a kill and, but for
// sessions, a power cut; a reader sees the old value or the new one, never a
// mixture; an item that was changed, exchanged with another or brought from
// another store is an error that names its file, or a cache miss if it is a
// session; what needs no secret never asks for one.
//
// It does not protect from programs of the same user while the store is
// unlocked, nor from root; it does not notice when an item is put back to an
// older version of itself (an expired session, or a key that was replaced); and
// names, key IDs, accounts and times are readable without unlocking.
package keyring

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"fob/internal/creds"
)

// Options says where a store is and what may be used to open it.
type Options struct {
	// Dir is the store, StateDir what this machine remembers of it. Both are
	// created when first written to.
	Dir, StateDir string
	// Backend is "auto" (or ""), the kind of a slot, or "file" for the passphrase slot.
	Backend string
	// Passphrase returns the passphrase from where no person is needed (a
	// variable, a descriptor, a file); ok is false if there is none. It is called
	// at most once. May be nil.
	Passphrase func() (s creds.Secret, ok bool, err error)
	// AgeIdentity is a file of age identities, by which an age slot opens; empty for
	// none. Only the user says which: never the store.
	AgeIdentity string
	// Ask asks a person. Its errors are passed on as they are. Nil: there is nobody.
	Ask func(context.Context, Question) (creds.Secret, error)
	// Notice tells a person what an age plugin has to say ("touch the key"). May be nil.
	Notice func(text string)
	// Waiting is called when a desktop keyring has been waiting for a person for 1.5 s. May be nil.
	Waiting func(slot string)
	// How long the kernel keeps a copy of what opens sessions, and keys, after
	// the store was opened with a passphrase; 0: not at all.
	UnlockTTL, UnlockKeysTTL time.Duration
	// DBusAddress is the session bus, empty without one; Display, whether a
	// person sits at a desktop that can show a prompt.
	DBusAddress string
	Display     bool
	// NoPrompt: whoever sits there is not to be asked.
	NoPrompt bool
	// Place says where fob runs, when the first slot of a new store is to be
	// chosen; nil is the zero Place. Chose is told what was chosen, and why. May be nil.
	Place func() Place
	Chose func(slot, why string)
	// Getenv is where programs that keep a slot (pass) get some of their
	// environment; nil: they get none.
	Getenv func(name string) string
	// WorkFactor is log2 N of scrypt for new passphrase slots; 0 is 17. For tests only.
	WorkFactor int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log says what is done, never a secret. May be nil.
	Log func(format string, args ...any)
}

// Question is what a person is asked.
type Question struct {
	Kind  QuestionKind
	Store string // the store's directory
	// Attempt counts from 1. From the second on, Problem says what was wrong with the last answer.
	Attempt int
	Problem string
	// Plugin and Text are who asks, and what, if it is an age plugin; Secret, whether
	// the answer is not to be seen.
	Plugin, Text string
	Secret       bool
}

// QuestionKind is what a Question wants.
type QuestionKind int

// Questions. A new passphrase is asked for twice. A plugin's question is in Text.
const (
	AskPassphrase QuestionKind = iota
	AskNewPassphrase
	AskNewPassphraseAgain
	AskPlugin
)

// Store is safe for use by several goroutines, and so is its directory by several processes.
type Store struct {
	opts Options
	*opened
}

// opened is what a Store and its Quiet copies have in common.
type opened struct {
	mu sync.Mutex
	// What was unlocked: all subkeys, or only some that the kernel kept; and the header they belong to.
	id   string
	gen  int
	keys map[Kind][]byte
	// The answer of Options.Passphrase.
	given struct {
		called bool
		secret creds.Secret
		ok     bool
		err    error
	}
	// The content of Options.AgeIdentity, if it was needed.
	identity *creds.Secret
	// See waits; nil if this process has not waited.
	before *no
}

// New returns the store in o.Dir. It opens nothing and cannot fail.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if dir, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = dir
	}
	return &Store{o, &opened{}}
}

// Quiet returns the same store, which never asks a person.
func (s *Store) Quiet() *Store {
	o := s.opts
	o.Ask, o.Display = nil, false
	return &Store{o, s.opened}
}

func (s *Store) logf(format string, args ...any) {
	if s.opts.Log != nil {
		s.opts.Log(format, args...)
	}
}

// Exists reports whether there is a store. That there was one is a *TrustError.
func (s *Store) Exists() (bool, error) {
	_, err := s.trusted()
	var missing *MissingError
	if errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}

// Key returns a stored key and its verified header, or a *NotFoundError.
func (s *Store) Key(ctx context.Context, profile string) (creds.Key, Info, error) {
	var r keyRecord
	info, err := s.get(ctx, &r, KindKey, profile)
	return r.unpack(), info, err
}

// SetKey stores a key, in place of the one that profile had, and then removes
// the sessions made from that. Of i it takes Account and ARN.
func (s *Store) SetKey(ctx context.Context, profile string, k creds.Key, i Info) (Info, error) {
	info := Info{Kind: KindKey, Name: profile, KeyID: k.ID, Account: i.Account, ARN: i.ARN}
	info, err := s.put(ctx, info, packKey(k), profile)
	if err != nil {
		return Info{}, err
	}
	// The key is stored, and no session of the old one is ever served again.
	if _, err := s.RemoveSessions(profile); err != nil {
		s.logf("sessions of the old key of %q are left over: %v", profile, err)
	}
	return info, nil
}

// RemoveKey removes a key and the sessions made from it, or returns a *NotFoundError.
func (s *Store) RemoveKey(ctx context.Context, profile string) error {
	err := s.remove(ctx, KindKey, profile)
	if err == nil {
		_, err = s.RemoveSessions(profile)
	}
	return err
}

// Seed returns the seed of an MFA device, or a *NotFoundError. Seeds belong to
// devices and not to profiles, because the codes do.
func (s *Store) Seed(ctx context.Context, serial string) (creds.Seed, error) {
	var r seedRecord
	_, err := s.get(ctx, &r, KindSeed, serial)
	return r.unpack(), err
}

// SetSeed stores the seed of an MFA device.
func (s *Store) SetSeed(ctx context.Context, serial string, seed creds.Seed) error {
	_, err := s.put(ctx, Info{Kind: KindSeed, Name: serial}, packSeed(seed), serial)
	return err
}

// RemoveSeed removes a seed, or returns a *NotFoundError.
func (s *Store) RemoveSeed(serial string) error {
	return s.remove(context.Background(), KindSeed, serial)
}

// Session returns a cached session and its verified header. Whatever keeps it
// from being used (damage, its end, another key in the store than the one it was
// made from) is a *NotFoundError: it is a cache.
func (s *Store) Session(ctx context.Context, source, id string) (creds.Session, Info, error) {
	var r sessionRecord
	info, err := s.get(ctx, &r, KindSession, source, id)
	if err != nil {
		return creds.Session{}, Info{}, s.cacheMiss(err, source)
	}
	return r.unpack(), info, nil
}

// cacheMiss makes damage of an item what it is for a session.
func (s *Store) cacheMiss(err error, source string) error {
	if !damagedItem(err) {
		return err
	}
	s.logf("a cached session of %q is not used: %v", source, err)
	return &NotFoundError{KindSession, source}
}

// SaveSession caches a session made from the key of source. sourceRev is that
// key's Rev, as Key returned it; empty for a key that is not in the store.
func (s *Store) SaveSession(ctx context.Context, source, id, sourceRev string, sess creds.Session) error {
	info := Info{
		Kind: KindSession, Name: source, KeyID: sess.ID, Account: sess.AccountID,
		Expires: seconds(sess.Expires), SourceRev: sourceRev,
	}
	_, err := s.put(ctx, info, packSession(sess), source, id)
	return err
}

// RemoveSessions removes the cached sessions of source, of all if it is empty,
// and returns how many. It needs no unlocking.
func (s *Store) RemoveSessions(source string) (int, error) {
	prefix := string(KindSession) + "+"
	if source != "" {
		prefix += encodeName(source) + "+"
	}
	count := 0
	err := s.change(context.Background(), func(d dir, _ header) error {
		files, err := d.list()
		for _, file := range files {
			if !strings.HasPrefix(file, prefix) {
				continue
			}
			if removed := d.remove(file); removed == nil {
				count++
			} else if !errors.Is(removed, fs.ErrNotExist) {
				err = errors.Join(err, removed)
			}
		}
		return err
	})
	if absent(err) {
		err = nil
	}
	return count, err
}

// KeyInfo returns a key's header, or a *NotFoundError. It unlocks nothing.
func (s *Store) KeyInfo(profile string) (Info, error) { return s.info(KindKey, profile) }

// SeedInfo returns a seed's header, or a *NotFoundError. It unlocks nothing.
func (s *Store) SeedInfo(serial string) (Info, error) { return s.info(KindSeed, serial) }

// SessionInfo returns the header of a cached session that Session would try, or
// a *NotFoundError. It unlocks nothing.
func (s *Store) SessionInfo(source, id string) (Info, error) {
	info, err := s.info(KindSession, source, id)
	return info, s.cacheMiss(err, source)
}

func (s *Store) info(kind Kind, parts ...string) (Info, error) {
	var it item
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		it, err = s.read(d, kind, parts...)
		return h, err
	})
	return it.info, notFound(err, kind, parts[0])
}

// Infos returns the headers of all items of a kind, by name. It unlocks nothing.
// Items that cannot be read are left out and joined into the error, so both
// results count.
func (s *Store) Infos(kind Kind) ([]Info, error) {
	var infos []Info
	var bad error
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		infos, bad, err = d.infos(kind)
		if err == nil && s.moved(h) {
			err = errMoved // what was listed may have been on its way out
		}
		return h, err
	})
	if absent(err) {
		return nil, nil
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return infos, errors.Join(err, bad)
}

// infos reads the headers of all items of a kind; bad is about those that have none.
func (d dir) infos(kind Kind) (list []Info, bad, err error) {
	files, err := d.list()
	if err != nil {
		return nil, nil, err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return !strings.HasPrefix(file, string(kind)+"+") })
	infos, errs := make([]Info, len(files)), make([]error, len(files))
	// Side by side, because people wait for it, and most of it is the system's work.
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				infos[i], errs[i] = readInfo(d, files[i])
			}
		})
	}
	wg.Wait()
	good := infos[:0]
	for i, err := range errs {
		if err == nil {
			good = append(good, infos[i])
		} else if !errors.Is(err, fs.ErrNotExist) { // not removed while we looked
			bad = errors.Join(bad, err)
		}
	}
	return good, bad, nil
}

// header reads the store's header. It is not verified, and not compared with the memory.
func (s *Store) header() (header, error) {
	d, err := openDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return header{}, err
	}
	defer d.Close()
	return s.headerIn(d)
}

func (s *Store) headerIn(d dir) (header, error) {
	data, fi, err := d.read(headerFile, maxSlotFile)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return header{}, err
	}
	h, err := parseHeader(data)
	h.file = fi
	return h, err
}

// trusted reads the header and compares it with this machine's memory.
func (s *Store) trusted() (h header, err error) {
	err = s.steady(func() (header, error) {
		h, err = s.header()
		return h, s.trust(h, err)
	})
	return h, err
}

// trust judges what came of reading the header. A store that is gone, exchanged
// or rolled back, as far as this machine knows, is a *TrustError.
func (s *Store) trust(h header, err error) error {
	var missing *MissingError
	if err != nil && !errors.As(err, &missing) {
		return err
	}
	m, recalled := s.recall()
	switch {
	case recalled != nil:
		return recalled
	case missing == nil:
		return m.check(h)
	case m.ID != "":
		return &TrustError{s.opts.Dir, "is gone"}
	}
	return missing
}

// items opens the directory of the items that count.
func (s *Store) items() (dir, header, error) {
	d, err := openDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir{}, header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return dir{}, header{}, err
	}
	defer d.Close()
	for {
		h, err := s.headerIn(d)
		if err != nil {
			return dir{}, header{}, err
		}
		items, err := d.sub(itemsDir(h.Gen))
		if !errors.Is(err, fs.ErrNotExist) {
			return items, h, err
		}
		if !s.moved(h) {
			return dir{}, h, &DamagedError{headerFile, "what it names, " + itemsDir(h.Gen) + ", is not there"}
		}
	}
}

// trustedItems is items for those who will not open the store, and so would not
// notice that it is not the one this machine knows.
func (s *Store) trustedItems() (d dir, h header, err error) {
	err = s.steady(func() (header, error) {
		d, h, err = s.items()
		trust := s.trust(h, err)
		if err == nil && trust != nil {
			d.Close()
		}
		return h, trust
	})
	return d, h, err
}

// moved reports whether the store has another vault key by now than when h was
// read, or has been made since none was there to be read.
func (s *Store) moved(h header) bool {
	if h.ID == "" {
		_, err := s.header()
		return err == nil
	}
	// A header is never written to, but replaced: the same file says the same.
	if fi, err := os.Lstat(filepath.Join(s.opts.Dir, headerFile)); err == nil && h.file != nil &&
		os.SameFile(fi, h.file) && fi.ModTime().Equal(h.file.ModTime()) && fi.Size() == h.file.Size() {
		return false
	}
	now, err := s.header()
	return err == nil && (now.ID != h.ID || now.Gen != h.Gen)
}

// steady does f, which reads the store by the header that it returns, again for
// as long as it fails and there was a re-key meanwhile: what f saw of the old
// generation was being removed, and says nothing.
func (s *Store) steady(f func() (header, error)) error {
	for {
		h, err := f()
		if err == nil || !s.moved(h) {
			return err
		}
	}
}

// read reads an item without decrypting it, and refuses a session that is of no use.
func (s *Store) read(d dir, kind Kind, parts ...string) (item, error) {
	file, err := fileName(kind, parts...)
	if err != nil {
		return item{}, err
	}
	it, err := readItem(d, file)
	if err == nil && kind == KindSession {
		err = s.usable(d, it.info)
	}
	if err != nil {
		return item{}, err
	}
	return it, nil
}

func readItem(d dir, file string) (item, error) { return readItemHead(d, file, maxItemFile) }

// readInfo reads an item's header, and mostly no more: there may be a thousand of 1 MiB.
func readInfo(d dir, file string) (Info, error) {
	it, err := readItemHead(d, file, usualHead)
	if damagedItem(err) {
		it, err = readItem(d, file) // it may only be longer
	}
	return it.info, err
}

// In so many bytes most headers end, and enough follows to see that an item does.
const usualHead = 1 << 10

func readItemHead(d dir, file string, part int64) (item, error) {
	data, fi, err := d.readHead(file, maxItemFile, part)
	if err != nil {
		return item{}, err
	}
	if problem, _ := privateProblem(file, fi); problem != "" {
		// Encrypted, and in a private directory: nothing to trouble a person
		// with, but a copy of the file should not carry the mode on.
		d.Chmod(file, 0o600)
	}
	return parseItem(file, data)
}

// usable refuses a session that has ended or whose key is not the stored one any
// more. The key's header is not verified: a forger could at most have an older
// session served again, as he could by putting the old files back.
func (s *Store) usable(d dir, session Info) error {
	key, err := s.read(d, KindKey, session.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.current(session, key.info.Rev)
}

// current is usable for a key of that revision; "" if there is none.
func (s *Store) current(session Info, rev string) error {
	if !session.Expires.IsZero() && !s.opts.Now().Before(session.Expires) {
		s.logf("a cached session of %q has ended", session.Name)
		return fs.ErrNotExist
	}
	if rev != session.SourceRev {
		s.logf("a cached session of %q was made from another key", session.Name)
		return fs.ErrNotExist
	}
	return nil
}

// get reads and decrypts an item into r, a pointer to its record.
func (s *Store) get(ctx context.Context, r any, kind Kind, parts ...string) (Info, error) {
	var info Info
	err := s.steady(func() (header, error) {
		d, h, err := s.items()
		if err != nil {
			return h, s.trust(h, err)
		}
		defer d.Close()
		info, err = s.decrypt(ctx, d, h, r, kind, parts...)
		if absent(err) {
			if trust := s.trust(h, nil); trust != nil {
				err = trust
			}
		}
		return h, err
	})
	if err != nil {
		return Info{}, notFound(err, kind, parts[0])
	}
	return info, nil
}

// decrypt finds out what is not there, or of no use, before anybody is asked.
func (s *Store) decrypt(ctx context.Context, d dir, h header, r any, kind Kind, parts ...string) (Info, error) {
	it, err := s.read(d, kind, parts...)
	if err != nil {
		return Info{}, err
	}
	key, err := s.key(ctx, h, kind)
	if err != nil {
		return Info{}, err
	}
	return it.info, it.decode(key, h.ID, r)
}

// put encrypts a record and writes it.
func (s *Store) put(ctx context.Context, info Info, r record, parts ...string) (Info, error) {
	file, err := fileName(info.Kind, parts...)
	if err != nil {
		return Info{}, err
	}
	// JSON would replace other bytes without a word, and has no year 10000.
	if !utf8.ValidString(info.text()+r.text()) || info.Expires.Year() > 9999 {
		return Info{}, fmt.Errorf("%s %q cannot be stored: it has bytes that are not UTF-8, or no end", info.Kind, info.Name)
	}
	info.Created, info.Rev = seconds(s.opts.Now()), rand.Text()
	err = s.sealed(ctx, info.Kind, func(d dir, h header, key []byte) error {
		sealed := sealItem(key, h.ID, file, info, r)
		// What would not be read back is not written, least of all over a key.
		if _, err := parseItem(file, sealed); err != nil || len(sealed) > maxItemFile {
			return fmt.Errorf("%s %q is too large to be stored", info.Kind, info.Name)
		}
		err := d.write(file, sealed, info.Kind != KindSession)
		if err == nil {
			s.sweep(d, h)
		}
		return err
	})
	return info, err
}

// sweep removes what dead writers and interrupted re-keys left. The header that
// counts is h, of which the caller has the key and the lock.
func (s *Store) sweep(items dir, h header) {
	items.sweep(".")
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return
	}
	defer d.Close()
	for _, name := range []string{".", locksDir, slotsDir(h.Gen)} {
		d.sweep(name)
	}
	if err := s.sweepGenerations(d, h); err != nil {
		s.logf("%v", err)
	}
}

// sealed runs f with the subkey of a kind and the items directory, while no slot
// and no generation can change.
func (s *Store) sealed(ctx context.Context, kind Kind, f func(dir, header, []byte) error) error {
	for {
		h, err := s.trusted()
		if err != nil {
			return err
		}
		if _, err = s.key(ctx, h, kind); err != nil && !s.moved(h) {
			return err // it may have asked a person, so it comes before the lock
		}
		done := false
		err = s.change(ctx, func(d dir, h header) error {
			key := s.held(h, kind)
			if key == nil {
				return nil
			}
			done = true
			return f(d, h, key)
		})
		if done || err != nil {
			return err
		}
	}
}

// change runs f with the items directory, under the lock that writers share.
func (s *Store) change(ctx context.Context, f func(dir, header) error) error {
	if _, err := s.trusted(); err != nil {
		return err // before a lock file is made for nothing
	}
	l, err := s.lockStore(ctx, true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	d, h, err := s.items()
	if err != nil {
		return err
	}
	defer d.Close()
	return f(d, h)
}

func (s *Store) remove(ctx context.Context, kind Kind, name string) error {
	file, err := fileName(kind, name)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(d dir, _ header) error {
		if err := d.remove(file); err != nil {
			return err
		}
		return d.sync(".")
	})
	return notFound(err, kind, name)
}

// notFound turns the absence of a file, or of a store that never was, into that of an item.
func notFound(err error, kind Kind, name string) error {
	if absent(err) {
		return &NotFoundError{kind, name}
	}
	return err
}
