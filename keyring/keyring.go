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
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

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
	id      string
	gen     int
	subkeys map[Kind][]byte
	// The answer of Options.Passphrase.
	given struct {
		called bool
		secret creds.Secret
		ok     bool
		err    error
	}
	// The content of Options.AgeIdentity, if it was needed.
	identity *creds.Secret
	// Whoever opens the store holds one of these (see takeTurn).
	askingTurn, quietTurn chan struct{}
}

// New returns the store in o.Dir. It opens nothing and cannot fail.
func New(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if dir, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = dir
	}
	return &Store{o, &opened{askingTurn: make(chan struct{}, 1), quietTurn: make(chan struct{}, 1)}}
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
