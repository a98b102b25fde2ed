package keyring

import (
	"context"
	"errors"
	"testing"
	"time"

	"fob/internal/creds"
)

// What one process lends opens the store in another for sign-ins and sessions, not for
// keys, and not after a re-key.
func TestLend(t *testing.T) {
	s := newStore(t)
	token := creds.Token{Access: creds.NewSecret("a"), Refresh: creds.NewSecret("r"), Expires: time.Now().Add(time.Hour)}
	if _, err := s.SetToken(t.Context(), "corp", "0a", token, Info{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetKey(t.Context(), "dev", exampleKey, Info{}); err != nil {
		t.Fatal(err)
	}
	mark, subkey, err := s.Lend(t.Context(), KindToken)
	if err != nil {
		t.Fatal(err)
	}
	other := func() *Store {
		return again(s, func(o *Options) {
			o.Passphrase = nil
			o.Ask = func(context.Context, Question) (creds.Secret, error) { return creds.Secret{}, errors.New("asked") }
		})
	}
	b := other()
	b.Borrow(KindToken, mark, subkey)
	if got, _, err := b.Token(t.Context(), "corp", "0a"); err != nil || !got.Refresh.Equal(token.Refresh) {
		t.Errorf("the token: %v", err)
	}
	token.Refresh = creds.NewSecret("r2")
	if _, err := b.SetToken(t.Context(), "corp", "0a", token, Info{}); err != nil {
		t.Errorf("storing a token: %v", err)
	}
	if _, _, err := b.Key(t.Context(), "dev"); err == nil {
		t.Error("it opens keys, too")
	}
	for name, borrow := range map[string]func(*Store){
		"nothing":        func(*Store) {},
		"a short key":    func(s *Store) { s.Borrow(KindToken, mark, subkey[1:]) },
		"another header": func(s *Store) { s.Borrow(KindToken, mark[1:]+"0", subkey) },
		"another key":    func(s *Store) { s.Borrow(KindToken, mark, make([]byte, keySize)) },
	} {
		b := other()
		borrow(b)
		if got, _, err := b.Token(t.Context(), "corp", "0a"); err == nil || !got.Access.IsZero() {
			t.Errorf("%s opens the store", name)
		}
	}
}
