package keyring

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"filippo.io/age"

	"fob/internal/creds"
)

const (
	kindPassphrase = "passphrase"

	// scrypt with N = 2^17 and r = 8 takes 128 MiB and about 0.3 s; OWASP recommends
	// it. fob refuses files that ask for more than twice that, because a planted file
	// could use up the machine's memory.
	defaultWorkFactor = 17
	maxWorkFactor     = 18

	shortPassphrase = 12 // characters; fob warns about a shorter one
	attempts        = 3  // how often a person may try
)

// createPassphrase makes an age file, so that the vault key can be recovered with age
// alone.
func createPassphrase(ctx context.Context, s *Store, _ header, sl slot, payload string) (made, error) {
	secret, ok, err := s.givenPassphrase()
	if err == nil && !ok {
		secret, err = s.askNewPassphrase(ctx)
	}
	if err != nil {
		return made{}, err
	}
	return s.makePassphrase(ctx, secret, sl, payload)
}

// makePassphrase seals the payload, and opens it again.
func (s *Store) makePassphrase(ctx context.Context, secret creds.Secret, sl slot, payload string) (made, error) {
	file, err := slowly(ctx, s, "encrypting with the passphrase ...", func() ([]byte, error) {
		file, err := sealPassphrase(secret, payload, s.opts.WorkFactor)
		if err != nil {
			return nil, err
		}
		if again, err := unsealPassphrase(secret, file, sl.Name); err != nil || again != payload {
			return nil, &DamagedError{sl.Name, "it cannot be opened again"}
		}
		return file, nil
	})
	if err != nil {
		return made{}, err
	}
	m := made{file: file, undo: func() {}}
	if utf8.RuneCountInString(secret.Reveal()) < shortPassphrase {
		m.warnings = append(m.warnings, "short passphrase: anyone who gets a copy of the store can guess it offline (fob store passphrase changes it)")
	}
	return m, nil
}

func openPassphrase(ctx context.Context, s *Store, h header, sl slot) (string, error) {
	_, payload, err := s.enterPassphrase(ctx, h, sl)
	return payload, err
}

// enterPassphrase tries the given passphrase, or asks a person.
func (s *Store) enterPassphrase(ctx context.Context, h header, sl slot) (secret creds.Secret, payload string, err error) {
	file, err := s.slotFile(slotFileName(h, sl))
	if err != nil {
		return creds.Secret{}, "", err
	}
	secret, ok, err := s.givenPassphrase()
	if err != nil {
		return creds.Secret{}, "", err
	}
	if ok {
		payload, err = s.unsealPassphrase(ctx, h, sl, secret, file)
		return secret, payload, err
	}
	if s.opts.Ask == nil {
		return creds.Secret{}, "", &LockedError{Slot: sl.Name, Reason: "cannot ask for the passphrase"}
	}
	q := Question{Kind: AskPassphrase, Store: s.opts.Dir}
	for q.Attempt = 1; ; q.Attempt++ {
		if secret, err = s.opts.Ask(ctx, q); err != nil {
			return creds.Secret{}, "", err
		}
		payload, err = s.unsealPassphrase(ctx, h, sl, secret, file)
		if q.Problem = wrongAnswer(err); q.Problem == "" || q.Attempt == attempts {
			return secret, payload, err
		}
	}
}

// unsealPassphrase opens the file of a slot.
func (s *Store) unsealPassphrase(ctx context.Context, h header, sl slot, secret creds.Secret, file []byte) (string, error) {
	payload, err := slowly(ctx, s, "opening the store ...", func() (string, error) {
		return unsealPassphrase(secret, file, slotFileName(h, sl))
	})
	if errors.Is(err, ErrWrongPassphrase) {
		err = s.wrongPassphrase(h, sl)
	}
	return payload, err
}

func (s *Store) wrongPassphrase(h header, sl slot) error {
	others := slices.DeleteFunc(h.names(), func(name string) bool { return name == wayName(sl.Name) })
	return &WrongPassphraseError{Dir: s.opts.Dir, Others: others}
}

// askNewPassphrase asks twice.
func (s *Store) askNewPassphrase(ctx context.Context) (creds.Secret, error) {
	if s.opts.Ask == nil {
		return creds.Secret{}, &LockedError{Slot: kindPassphrase, Reason: "cannot ask for a new passphrase"}
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
			err = &PassphraseError{"the passphrases do not match"}
		}
		if q.Problem = wrongAnswer(err); q.Attempt == attempts {
			return creds.Secret{}, err
		}
	}
}

// wrongAnswer says what was wrong with a person's answer, as a sentence; "" if it
// was not the answer's fault.
func wrongAnswer(err error) string {
	var refused *PassphraseError
	switch {
	case errors.Is(err, ErrWrongPassphrase):
		return "Wrong passphrase. Try again."
	case errors.As(err, &refused):
		return strings.ToUpper(refused.Problem[:1]) + refused.Problem[1:] + ". Try again."
	}
	return ""
}

// givenPassphrase returns the result of Options.Passphrase, and calls it only once.
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
		return &PassphraseError{"the passphrase is empty"}
	case strings.ContainsRune(s, 0):
		return &PassphraseError{"the passphrase contains a zero byte"}
	case !utf8.ValidString(s):
		return &PassphraseError{"the passphrase is not valid UTF-8"}
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
	defer runtime.GC() // see unsealPassphrase
	return sealAge(payload, recipient)
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
	// scrypt's memory is free only after a collection, and a re-key, a second attempt and
	// a new passphrase derive again: a small container would kill a process that takes it
	// twice. A collection takes about a hundredth of a derivation.
	defer runtime.GC()
	payload, err := unsealAge(file, name, identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && slices.Equal(none.StanzaTypes, []string{"scrypt"}):
		return "", ErrWrongPassphrase
	case errors.As(err, &none):
		return "", &DamagedError{name, "it is not encrypted with a passphrase"}
	}
	return payload, err
}

// asks reports whether a slot needs a passphrase that was not given.
func (s *Store) asks(sl slot) bool {
	if sl.Kind != kindPassphrase {
		return false
	}
	_, given, _ := s.givenPassphrase()
	return !given
}
