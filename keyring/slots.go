package keyring

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"filippo.io/age"

	"fob/internal/creds"
	"fob/keyring/backend"
)

const (
	kindPassphrase = "passphrase"

	// scrypt 2^17 (N, with r = 8) takes 128 MiB and about 0.3 s; it is OWASP's
	// advice. Files that ask for more than twice that are refused, or a planted
	// one could take the machine's memory.
	defaultWorkFactor = 17
	maxWorkFactor     = 18

	shortPassphrase = 12 // characters, below which creation warns
	attempts        = 3  // a person's tries
)

// slotKind is a way to keep a payload (see header.payload).
type slotKind struct {
	kind string
	// authentic: only who knows the secret can make such a slot. False for public keys.
	authentic bool
	// copies: opening is slow or needs a person, so the kernel may keep what it gave.
	copies bool
	// usable says whether this machine could open such a slot at all.
	usable func(*Store) bool
	// create keeps a new payload and has read it back. What it returns as file
	// becomes the slot's file; undo takes back what it did elsewhere.
	create func(ctx context.Context, s *Store, h header, sl slot, payload string) (made, error)
	open   func(ctx context.Context, s *Store, h header, sl slot) (payload string, err error)
	// drop removes what the slot keeps outside of the store. Nil: nothing.
	drop func(ctx context.Context, s *Store, h header, sl slot) error
}

type made struct {
	file     []byte
	undo     func()
	warnings []string
	// untried says why it could not be opened again; empty if it was.
	untried string
}

func slotKinds() []slotKind {
	kinds := []slotKind{{
		kind:      kindPassphrase,
		authentic: true,
		copies:    true,
		usable:    func(*Store) bool { return true },
		create:    createPassphrase,
		open:      openPassphrase,
	}, {
		kind:   kindAge,
		copies: true,
		usable: func(s *Store) bool { return s.opts.AgeIdentity != "" },
		create: createAge,
		open:   openAge,
	}}
	for _, b := range backend.All() {
		kinds = append(kinds, backendSlot(b))
	}
	return kinds
}

// kindOf returns the zero slotKind for one that a newer fob may know.
func kindOf(kind string) slotKind {
	for _, k := range slotKinds() {
		if k.kind == kind {
			return k
		}
	}
	return slotKind{}
}

// wanted is the slot kind that the user named; "" for auto.
func (s *Store) wanted() string {
	switch s.opts.Backend {
	case "", "auto":
		return ""
	case "file":
		return kindPassphrase
	}
	return s.opts.Backend
}

// choose picks the slot to open the store with: the one named, the one this
// machine chose before, or the only one that could work here. Never one for
// want of another.
func (s *Store) choose(h header, m memory) (slot, error) {
	var names []string
	var fits []slot
	for _, sl := range h.Slots {
		names = append(names, wayName(sl.Name))
		k := kindOf(sl.Kind)
		switch want := s.wanted(); {
		case k.open == nil:
		case want == "" && sl.Name == m.Slot:
			return sl, nil
		case want == "" && k.usable(s), want == sl.Kind:
			fits = append(fits, sl)
		}
	}
	if i := slices.IndexFunc(fits, func(sl slot) bool { return sl.Name == m.Slot }); i >= 0 {
		return fits[i], nil
	}
	switch len(fits) {
	case 0:
		return slot{}, &NoSlotError{s.opts.Backend, names}
	case 1:
		return fits[0], nil
	}
	names = nil
	for _, sl := range fits {
		names = append(names, wayName(sl.Name))
	}
	return slot{}, &ChoiceError{names}
}

// createPassphrase is an age file, so that age alone can recover the vault key.
func createPassphrase(ctx context.Context, s *Store, _ header, sl slot, payload string) (made, error) {
	secret, ok, err := s.givenPassphrase()
	if err == nil && !ok {
		secret, err = s.askNewPassphrase(ctx)
	}
	if err != nil {
		return made{}, err
	}
	return s.makePassphrase(secret, sl, payload)
}

// makePassphrase seals the payload, and opens it again.
func (s *Store) makePassphrase(secret creds.Secret, sl slot, payload string) (made, error) {
	file, err := sealPassphrase(secret, payload, s.opts.WorkFactor)
	if err != nil {
		return made{}, err
	}
	if again, err := unsealPassphrase(secret, file, sl.Name); err != nil || again != payload {
		return made{}, &DamagedError{sl.Name, "it does not open again"}
	}
	m := made{file: file, undo: func() {}}
	if utf8.RuneCountInString(secret.Reveal()) < shortPassphrase {
		m.warnings = append(m.warnings, "the passphrase is short: whoever copies the store can try many")
	}
	return m, nil
}

func openPassphrase(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	_, payload, err := s.enterPassphrase(ctx, h, sl)
	return payload, err
}

// enterPassphrase tries what was given without a person, or asks one.
func (s *Store) enterPassphrase(ctx context.Context, h header, sl slot) (secret creds.Secret, payload string, err error) {
	name := slotFileName(h, sl)
	file, err := s.slotFile(name)
	if err != nil {
		return creds.Secret{}, "", err
	}
	secret, ok, err := s.givenPassphrase()
	if err != nil {
		return creds.Secret{}, "", err
	}
	if ok {
		payload, err = unsealPassphrase(secret, file, name)
		return secret, payload, err
	}
	if s.opts.Ask == nil {
		return creds.Secret{}, "", &LockedError{Slot: sl.Name, Reason: "nobody can be asked for the passphrase"}
	}
	q := Question{Kind: AskPassphrase, Store: s.opts.Dir}
	for q.Attempt = 1; ; q.Attempt++ {
		if secret, err = s.opts.Ask(ctx, q); err != nil {
			return creds.Secret{}, "", err
		}
		payload, err = unsealPassphrase(secret, file, name)
		if q.Problem = wrongAnswer(err); q.Problem == "" || q.Attempt == attempts {
			return secret, payload, err
		}
	}
}

// askNewPassphrase asks twice.
func (s *Store) askNewPassphrase(ctx context.Context) (creds.Secret, error) {
	if s.opts.Ask == nil {
		return creds.Secret{}, &LockedError{Slot: kindPassphrase, Reason: "nobody can be asked for a new passphrase"}
	}
	q := Question{Store: s.opts.Dir}
	for q.Attempt = 1; ; q.Attempt++ {
		q.Kind = AskNewPassphrase
		first, err := s.opts.Ask(ctx, q)
		if err != nil {
			return creds.Secret{}, err
		}
		if err = checkPassphrase(first); err == nil {
			q.Kind, q.Problem = AskNewPassphraseAgain, ""
			second, asked := s.opts.Ask(ctx, q)
			if asked != nil {
				return creds.Secret{}, asked
			}
			if first.Equal(second) {
				return first, nil
			}
			err = &PassphraseError{"was not the same both times"}
		}
		if q.Problem = wrongAnswer(err); q.Attempt == attempts {
			return creds.Secret{}, err
		}
	}
}

// wrongAnswer says what was wrong with a person's answer; "" if it was not the answer's fault.
func wrongAnswer(err error) string {
	var refused *PassphraseError
	switch {
	case errors.Is(err, ErrWrongPassphrase):
		return ErrWrongPassphrase.Error()
	case errors.As(err, &refused):
		return "it " + refused.Problem
	}
	return ""
}

// givenPassphrase returns what Options.Passphrase gave when it was called, once.
func (s *Store) givenPassphrase() (creds.Secret, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &s.given
	if !g.called && s.opts.Passphrase != nil {
		g.secret, g.ok, g.err = s.opts.Passphrase()
	}
	g.called = true
	return g.secret, g.ok, g.err
}

func checkPassphrase(secret creds.Secret) error {
	switch s := secret.Reveal(); {
	case s == "":
		return &PassphraseError{"is empty"}
	case strings.ContainsRune(s, 0):
		return &PassphraseError{"contains a zero byte"}
	case !utf8.ValidString(s):
		return &PassphraseError{"is not UTF-8"}
	}
	return nil
}

func sealPassphrase(secret creds.Secret, payload string, workFactor int) ([]byte, error) {
	if err := checkPassphrase(secret); err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(secret.Reveal())
	if err != nil {
		return nil, err
	}
	if workFactor == 0 {
		workFactor = defaultWorkFactor
	}
	recipient.SetWorkFactor(workFactor)
	return sealAge(payload, recipient)
}

func sealAge(payload string, recipients ...age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, payload+"\n"); err != nil {
		return nil, err
	}
	err = w.Close() // writes the last of out
	return out.Bytes(), err
}

// unsealPassphrase opens an age file called name.
func unsealPassphrase(secret creds.Secret, file []byte, name string) (string, error) {
	if err := checkPassphrase(secret); err != nil {
		return "", err
	}
	identity, err := age.NewScryptIdentity(secret.Reveal())
	if err != nil {
		return "", err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	payload, err := unsealAge(file, name, identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && slices.Equal(none.StanzaTypes, []string{"scrypt"}):
		return "", &WrongPassphraseError{name}
	case errors.As(err, &none):
		return "", &DamagedError{name, "it is not for a passphrase"}
	}
	return payload, err
}

func unsealAge(file []byte, name string, identities ...age.Identity) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(file), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return "", err // the caller knows what was tried
	}
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	if err != nil {
		return "", &DamagedError{name, "it is not an age file that fob wrote: " + err.Error()}
	}
	payload, ok := strings.CutSuffix(string(plain), "\n")
	if !ok || strings.Contains(payload, "\n") {
		return "", &DamagedError{name, "it holds no vault key"}
	}
	return payload, nil
}

// noIdentity is one that opens nothing.
type noIdentity struct{}

func (noIdentity) Unwrap([]*age.Stanza) ([]byte, error) { return nil, age.ErrIncorrectIdentity }

// isAge reports whether a file looks like one of age's: what only its secret can tell is not asked.
func isAge(file []byte) bool {
	_, err := age.Decrypt(bytes.NewReader(file), noIdentity{})
	var none *age.NoIdentityMatchError
	return errors.As(err, &none)
}

// slotFile reads a slot's file, which nobody else may be able to read: it can be
// attacked at leisure.
func (s *Store) slotFile(name string) ([]byte, error) {
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	data, fi, err := d.read(name, maxSlotFile)
	if absent(err) {
		return nil, &DamagedError{name, "it is not there"}
	}
	if err != nil {
		return nil, err
	}
	path := s.opts.Dir + "/" + name
	if problem, fix := privateProblem(path, fi); problem != "" {
		return nil, &UnsafeError{path, problem, fix}
	}
	return data, nil
}
