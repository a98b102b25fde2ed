// Package keyring stores secrets: access keys, seeds of MFA devices, and cached
// sessions.
//
// A Store is one directory of files that fob encrypts itself. Only the 32-byte
// vault key is elsewhere, or under a passphrase, in one or more slots. So there is
// one file format, one prompt and one speed, whichever slot opens the store.
// doc/format.md describes the files.
//
// Data that was written with a nil error survives a kill and, except for sessions,
// a power cut. A reader sees the old value or the new one, never a mixture. If an
// item was changed, exchanged with another or brought from another store, the error
// names its file; for a session it is a cache miss. Calls that need no secret never
// ask for one.
//
// The package does not protect against programs of the same user while the store is
// unlocked, or against root. It does not notice if somebody restores an older
// version of an item (an expired session, or a key that was replaced). Names, key
// IDs, accounts and times can be read without opening the store.
package keyring

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"fob/internal/creds"
)

// Options says where a store is and what may be used to open it.
type Options struct {
	// Dir is the store, StateDir what this machine remembers of it: absolute paths.
	// Both are created when first written to.
	Dir, StateDir string
	// Backend is the kind of a slot, "file" for the passphrase slot, or "auto" or "".
	Backend string
	// Passphrase returns a passphrase that needs no person (from a variable, a file
	// descriptor or a file); ok is false if there is none. It is called at most once.
	// May be nil.
	Passphrase func() (s creds.Secret, ok bool, err error)
	// AgeIdentity is a file of age identities that open an age slot; empty for none.
	// Only the user may name it, never the store.
	AgeIdentity string
	// Ask asks a person. Its errors are returned unchanged. Nil: there is nobody to ask.
	Ask func(context.Context, Question) (creds.Secret, error)
	// Nobody reports that Ask can ask nobody here, so that it makes no sense to wait until
	// another process has asked. May be nil.
	Nobody func(context.Context) bool
	// Notice shows a person the message of an age plugin ("touch the key"). May be nil.
	Notice func(text string)
	// Waiting is called when a wait begins that may take long, and what it returns when
	// the wait is over. text says what for, at any time meanwhile, to any goroutine:
	// "waiting for another fob ...". May be nil.
	Waiting func(text func() string) (done func())
	// Self says who this process is, to those who wait until it has asked a person. May
	// be nil.
	Self func() Holder
	// UnlockTTL is how long the kernel keeps the subkey of sessions after the store was
	// opened with a passphrase or an age identity, and UnlockKeysTTL that of keys. 0:
	// not at all.
	UnlockTTL, UnlockKeysTTL time.Duration
	// DBusAddress is the session bus; empty if there is none. Display: there is a
	// person at a desktop that can show a prompt.
	DBusAddress string
	Display     bool
	// NoPrompt: the desktop must not show a prompt.
	NoPrompt bool
	// Place says where fob runs, for the choice of a new store's first slot; nil is the
	// zero Place. Chose is called with the slot that was chosen and the reason. May be
	// nil.
	Place func() Place
	Chose func(slot, why string)
	// Getenv gives programs that keep a slot (pass) the few variables that they need;
	// nil gives none.
	Getenv func(name string) string
	// WorkFactor is log2 N of scrypt for new passphrase slots; 0 is 17. For tests only.
	WorkFactor int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log reports what is done, without secrets. May be nil.
	Log func(format string, args ...any)
}

// Question is a question to a person.
type Question struct {
	Kind  QuestionKind
	Store string // the store's directory
	// Attempt counts from 1. From the second on, Problem is a sentence that says what
	// was wrong with the last answer.
	Attempt int
	Problem string
	// Plugin is the age plugin that asks, if one does, and Text its question. Secret:
	// the answer must not be visible.
	Plugin, Text string
	Secret       bool
}

// QuestionKind says what a Question is about.
type QuestionKind int

// The kinds of questions. fob asks for a new passphrase twice.
const (
	AskPassphrase QuestionKind = iota
	AskNewPassphrase
	AskNewPassphraseAgain
	AskPlugin
)

// Store is safe for several goroutines, and its directory for several processes.
type Store struct {
	opts Options
	*opened
}

// opened is shared by a Store and its Quiet copies.
type opened struct {
	mu sync.Mutex
	// The subkeys at hand: all of them, or only those that the kernel kept; and the mark
	// of the header that was verified with their vault key.
	mark    string
	subkeys map[Kind][]byte
	// The answer of Options.Passphrase.
	given struct {
		called bool
		secret creds.Secret
		ok     bool
		err    error
	}
	// The content of the file Options.AgeIdentity; nil if it was not needed yet.
	identity *creds.Secret
	reads    reads
	// runtimeDir has the locks if the store's file system cannot lock. testOnlyFlock is
	// called before each lock, and may fail as the system can.
	runtimeDir    string
	testOnlyFlock func(path string) (bool, error)
	// The goroutine that opens the store holds one of these (see takeTurn).
	askingTurn, quietTurn chan struct{}
}

// New returns the store in o.Dir. It opens nothing and cannot fail.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dir != "" {
		o.Dir = filepath.Clean(o.Dir) // one store has one name
	}
	return &Store{o, &opened{
		askingTurn: make(chan struct{}, 1), quietTurn: make(chan struct{}, 1),
		runtimeDir: runtimeDir(), testOnlyFlock: func(string) (bool, error) { return false, nil },
	}}
}

// Quiet returns the same store, which never asks a person.
func (s *Store) Quiet() *Store {
	o := s.opts
	o.Ask, o.Display = nil, false
	return &Store{o, s.opened}
}

// withoutAsking is the context's key of WithoutAsking.
type withoutAsking struct{}

// WithoutAsking returns a context in which a store asks nobody, like a Quiet one. It
// is for work under a lock that those who need no person wait for.
func WithoutAsking(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutAsking{}, true)
}

// within returns the store for a call with ctx.
func (s *Store) within(ctx context.Context) *Store {
	if ctx.Value(withoutAsking{}) != nil {
		return s.Quiet()
	}
	return s
}

func (s *Store) logf(format string, args ...any) {
	if s.opts.Log != nil {
		s.opts.Log(format, args...)
	}
}

// Exists reports whether there is a store. If this machine knows one that is gone,
// the error is a *TrustError.
func (s *Store) Exists() (bool, error) {
	_, err := s.trusted()
	var missing *MissingError
	if errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}
