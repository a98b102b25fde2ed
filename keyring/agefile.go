package keyring

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"

	"fob/internal/input"
)

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

func unsealAge(file []byte, name string, identities ...age.Identity) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(file), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return "", err // the caller knows which identities it tried
	}
	plain := ""
	if err == nil {
		plain, err = input.All(r, maxSlotFile)
	}
	if err != nil {
		return "", &DamagedError{name, "it is not an age file that fob wrote: " + err.Error()}
	}
	payload, ok := strings.CutSuffix(plain, "\n")
	if !ok || strings.Contains(payload, "\n") {
		return "", &DamagedError{name, "it holds no vault key"}
	}
	return payload, nil
}

// noIdentity is an identity that opens nothing.
type noIdentity struct{}

func (noIdentity) Unwrap([]*age.Stanza) ([]byte, error) { return nil, age.ErrIncorrectIdentity }

// isAge reports whether a file looks like an age file, without its secret.
func isAge(file []byte) bool {
	_, err := age.Decrypt(bytes.NewReader(file), noIdentity{})
	var none *age.NoIdentityMatchError
	return errors.As(err, &none)
}

// slotFile reads a slot's file. Nobody else may be able to read it: they could
// guess the passphrase at leisure.
func (s *Store) slotFile(name string) ([]byte, error) {
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	data, fi, err := d.read(name, maxSlotFile)
	if absent(err) {
		return nil, &DamagedError{name, "it is missing"}
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
