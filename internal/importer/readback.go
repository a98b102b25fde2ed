package importer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"fob/internal/creds"
	"fob/keyring"
)

// request is what another process needs to read keys back: what opens the store, and what
// the keys must be. It does not hold the keys.
type request struct {
	Mark     string   `json:"mark"`
	Subkey   []byte   `json:"subkey"`
	Nonce    string   `json:"nonce"`
	Sum      []byte   `json:"sum"`
	Profiles []string `json:"profiles"`
}

// sum is of a key, and says nothing about it to who does not know the key.
func sum(nonce string, key creds.Key) []byte {
	of := sha256.Sum256([]byte(nonce + "\x00" + key.ID + "\x00" + key.Secret.Reveal()))
	return of[:]
}

// readBack is the answer of a process that has read the same key.
const readBack = "the same key\n"

// ErrReadBack means that another process did not find the key in the store.
var ErrReadBack = errors.New("another process could not read the key back from the store")

// ReadBack has another process read the key of profiles from the store, with run, which
// gives it the request and returns its answer. What this process has in memory, and an
// unlocked copy that only it has, does not count.
func ReadBack(ctx context.Context, store *keyring.Store, key creds.Key, profiles []string, run func(ctx context.Context, request []byte) ([]byte, error)) error {
	mark, subkey, err := store.Lend(ctx, keyring.KindKey)
	if err != nil {
		return err
	}
	nonce := rand.Text()
	text, err := json.Marshal(request{mark, subkey, nonce, sum(nonce, key), profiles})
	if err != nil {
		return err
	}
	answer, err := run(ctx, text)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: it %v", ErrReadBack, err)
	}
	if string(answer) != readBack {
		return ErrReadBack
	}
	return nil
}

// Answer is that other process.
func Answer(ctx context.Context, store *keyring.Store, text []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, ErrReadBack // the cause would quote what opens the store
	}
	store.Borrow(keyring.KindKey, r.Mark, r.Subkey)
	for _, profile := range r.Profiles {
		key, _, err := store.Key(keyring.WithoutAsking(ctx), profile)
		if err != nil {
			return nil, err
		}
		if string(sum(r.Nonce, key)) != string(r.Sum) {
			return nil, ErrReadBack
		}
	}
	return []byte(readBack), nil
}
