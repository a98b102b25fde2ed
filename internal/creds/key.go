package creds

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	"fob/internal/input"
)

// KeyError says why a text is not an access key that fob stores. It quotes nothing
// of the text, because the secret may be where the ID should be.
type KeyError struct{ Problem string }

func (e *KeyError) Error() string { return e.Problem }

// ErrSessionKey means that the ID is a session's, which expires within hours.
var ErrSessionKey = &KeyError{"this access key ID belongs to a session (ASIA...), which expires; fob stores long-lived keys (AKIA...)"}

// ErrKeyID means that the ID is not in AWS's form.
var ErrKeyID = &KeyError{"not an access key ID; it looks like AKIAIOSFODNN7EXAMPLE"}

var errSession = &KeyError{"this is a session, which expires; fob stores long-lived keys (AKIA...)"}

// Issuer is who made a key.
type Issuer int

const (
	AWS Issuer = iota
	// Other is a server that speaks AWS's protocols. Its key IDs have any form.
	Other
)

// maxKeyText is far more than any document with a key has, in bytes.
const maxKeyText = 64 << 10

// ReadKey reads a key from two lines, from the CSV file that the AWS console offers,
// or from JSON as exported sessions and `aws iam create-access-key` print it. The error is the reader's or a *KeyError.
func ReadKey(by Issuer, r io.Reader) (Key, error) {
	text, err := input.All(r, maxKeyText)
	none := &KeyError{"no access key found; expected two lines, the console's CSV file, or JSON with AccessKeyId and SecretAccessKey"}
	if _, large := errors.AsType[input.TooLargeError](err); large {
		return Key{}, none
	}
	if err != nil {
		return Key{}, err
	}
	s := strings.TrimSpace(Typed(text))
	if strings.HasPrefix(s, "{") {
		type pair struct {
			ID     string `json:"AccessKeyId"`
			Secret string `json:"SecretAccessKey"`
		}
		var doc struct {
			pair
			SessionToken string
			AccessKey    pair // of create-access-key
		}
		if json.Unmarshal([]byte(s), &doc) != nil {
			return Key{}, none
		}
		if doc.SessionToken != "" {
			return Key{}, errSession
		}
		if doc.ID == "" {
			doc.pair = doc.AccessKey
		}
		if doc.ID == "" || doc.Secret == "" {
			return Key{}, none
		}
		return NewKey(by, doc.ID, doc.Secret)
	}
	if id, secret, ok := readCSV(s); ok {
		return NewKey(by, id, secret)
	}
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) != 2 {
		return Key{}, none
	}
	return NewKey(by, lines[0], lines[1])
}

// readCSV reads the columns "Access key ID" and "Secret access key" of a file with one
// key. The console's files of new users have more columns.
func readCSV(text string) (id, secret string, ok bool) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 2 {
		return "", "", false
	}
	for i, title := range rows[0] {
		switch strings.ToLower(strings.TrimSpace(title)) {
		case "access key id":
			id = rows[1][i]
		case "secret access key":
			secret = rows[1][i]
		}
	}
	return id, secret, id != "" && secret != ""
}

// NewKey makes a key from a pasted ID and secret. The error is a *KeyError.
func NewKey(by Issuer, id, secret string) (Key, error) {
	id, secret = unquote(id), unquote(secret)
	idProblem := checkKeyID(by, id)
	switch {
	case id == "":
		return Key{}, &KeyError{"no access key ID"}
	case idProblem != nil && checkKeyID(AWS, secret) == nil:
		return Key{}, &KeyError{"ID and secret are swapped: the access key ID begins with AKIA, the secret is longer"}
	case idProblem != nil:
		return Key{}, idProblem
	}
	if err := CheckSecret(secret); err != nil {
		return Key{}, err
	}
	return Key{ID: id, Secret: NewSecret(secret)}, nil
}

// CheckSecret returns a *KeyError if a pasted secret cannot be that of a key.
func CheckSecret(secret string) error {
	secret = unquote(secret)
	switch {
	case secret == "":
		return &KeyError{"no secret access key"}
	case IsKeyID(secret):
		return &KeyError{"that looks like an access key ID; the secret access key is longer"}
	case inLine(secret, LooksSecret):
		return &KeyError{"that is a whole line; enter only the secret"}
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return &KeyError{"the secret access key contains characters that are not allowed in one"}
	}
	return nil
}

// CheckKeyID returns a *KeyError if a pasted ID is not that of a long-lived key.
// The API reference of AccessKey says \w{16,128}. All known IDs are upper case, and
// their prefix tells the kind (IAM User Guide, "IAM identifiers").
func CheckKeyID(by Issuer, id string) error { return checkKeyID(by, unquote(id)) }

// checkKeyID is CheckKeyID for a trimmed ID. It does not trim, so that an accepted
// ID is stored exactly as it was checked.
func checkKeyID(by Issuer, id string) error {
	wellFormed := len(id) >= 16 && len(id) <= 128 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
	switch {
	case strings.HasPrefix(id, "ASIA"):
		return ErrSessionKey
	case strings.Contains(id, ",") && slices.ContainsFunc(strings.Split(id, ","), func(field string) bool { return IsKeyID(unquote(field)) }):
		return &KeyError{"that is a whole line of a CSV file; enter only the ID (it begins with AKIA)"}
	case inLine(id, IsKeyID):
		return &KeyError{"that is a whole line; enter only the ID (it begins with AKIA)"}
	case len(id) == secretLength && !wellFormed:
		return &KeyError{"that looks like the secret; enter the access key ID first (it begins with AKIA)"}
	case by == Other && id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil
	case !wellFormed:
		return ErrKeyID
	}
	return nil
}

// inLine reports whether a paste is a line of a file or a script with the value in it.
func inLine(paste string, is func(word string) bool) bool {
	words := strings.FieldsFunc(paste, func(r rune) bool { return unicode.IsSpace(r) || r == '=' || r == ':' })
	return len(words) > 1 && slices.ContainsFunc(words, func(word string) bool { return is(unquote(word)) })
}

// IsKeyID reports whether a word is an access key ID of AWS's, and hardly anything else.
func IsKeyID(word string) bool {
	return (strings.HasPrefix(word, "AKIA") || strings.HasPrefix(word, "ASIA")) && len(word) == 20 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// LooksSecret reports whether a word may be a secret access key, the secret of an MFA
// device or an age identity.
func LooksSecret(word string) bool {
	const digits = "0123456789"
	has := func(r string) bool { return strings.ContainsAny(word, r) }
	only := func(r string) bool { return strings.Trim(word, r) == "" }
	switch {
	case strings.HasPrefix(word, "AGE-SECRET-KEY-"), strings.HasPrefix(word, "otpauth://"):
		return true
	case len(word) >= seedLength && only(letters+"234567") && has("234567"):
		return true
	}
	return len(word) == secretLength && only(letters+strings.ToLower(letters)+digits+"+/") &&
		has(letters) && has(strings.ToLower(letters)) && has(digits+"+/")
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// secretLength is the length of every secret access key, in characters.
const secretLength = 40

// seedLength is the fewest characters that the secret of an MFA device has in base32, if
// it has the 160 bits of RFC 4226; AWS's have 64.
const seedLength = 32

// unquote removes spaces and quotes around a paste. A second call changes nothing.
func unquote(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '\'' })
}
