package awsvault

import (
	"encoding/json"
	"fmt"

	"fob/internal/creds"
)

// item is how aws-vault's library keeps anything where it has no fields of its own.
type item struct {
	Key  string
	Data []byte
}

// notVaults is said of what aws-vault cannot have written.
const notVaults = "not an item of aws-vault"

// misplaced: only an item says whose it is. Who can write to a place, but cannot decrypt,
// can still put it under the name of another.
func misplaced(e Entry, inside string) error {
	return &ReadError{e, fmt.Sprintf("it holds the key of %q", inside)}
}

// unpack returns the data of an item.
func unpack(e Entry, text string) (creds.Secret, error) {
	var i item
	switch err := json.Unmarshal([]byte(text), &i); {
	case err != nil || i.Data == nil:
		return creds.Secret{}, &ReadError{e, notVaults}
	case i.Key != e.Profile:
		return creds.Secret{}, misplaced(e, i.Key)
	}
	return creds.NewSecret(string(i.Data)), nil
}

// decode reads a key. All versions of aws-vault write these three fields; what else
// there is has changed with the SDK that it used.
func decode(e Entry, data creds.Secret) (creds.Key, error) {
	var c struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	switch err := json.Unmarshal([]byte(data.Reveal()), &c); {
	case err != nil:
		return creds.Key{}, &ReadError{e, "not a key of aws-vault"}
	case c.SessionToken != "":
		return creds.Key{}, &SessionError{e}
	case !creds.IsPrintable(c.AccessKeyID), !creds.IsPrintable(c.SecretAccessKey):
		return creds.Key{}, &ReadError{e, "no key in it"}
	}
	return creds.Key{ID: c.AccessKeyID, Secret: creds.NewSecret(c.SecretAccessKey)}, nil
}
