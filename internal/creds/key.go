package creds

import (
	"encoding/json"
	"io"
	"strings"
	"unicode"
)

// KeyError says why something is no access key that fob keeps. It quotes nothing
// of it: the secret may be where the ID is expected.
type KeyError struct{ Problem string }

func (e *KeyError) Error() string { return e.Problem }

// ErrSessionKey is the ID of a session's key, which is gone within hours.
var ErrSessionKey = &KeyError{"the access key ID begins with ASIA: it is a session's, which ends; fob stores long-lived keys (AKIA...)"}

var errSession = &KeyError{"this is a session, which ends: fob stores long-lived keys"}

// maxKeyText is far above any key with what may stand around it, in bytes.
const maxKeyText = 64 << 10

// ReadKey reads a key as people have it: two lines, or JSON as exported sessions
// and `aws iam create-access-key` have it. Errors are of reading, or a *KeyError.
func ReadKey(r io.Reader) (Key, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeyText+1))
	if err != nil {
		return Key{}, err
	}
	none := &KeyError{"there is no key: a JSON object with AccessKeyId and SecretAccessKey, or two lines"}
	s := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	if len(text) > maxKeyText {
		return Key{}, none
	}
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
		return NewKey(doc.ID, doc.Secret)
	}
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) != 2 {
		return Key{}, none
	}
	return NewKey(lines[0], lines[1])
}

// NewKey makes a key of a pasted ID and secret, or says why they are none: a
// *KeyError.
func NewKey(id, secret string) (Key, error) {
	id, secret = unquote(id), unquote(secret)
	idProblem := checkKeyID(id)
	switch {
	case id == "":
		return Key{}, &KeyError{"there is no access key ID"}
	case secret == "":
		return Key{}, &KeyError{"there is no secret access key"}
	case idProblem != nil && checkKeyID(secret) == nil:
		return Key{}, &KeyError{"the two are swapped: the access key ID begins with AKIA, the secret is the longer one"}
	case idProblem != nil:
		return Key{}, idProblem
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Key{}, &KeyError{"the secret access key holds characters that none has"}
	}
	return Key{ID: id, Secret: NewSecret(secret)}, nil
}

// CheckKeyID says why a pasted ID is none of a long-lived key: a *KeyError. The
// API reference of AccessKey has \w{16,128}; all there are, are in upper case, and
// their prefix says what they are of (IAM User Guide, "IAM identifiers").
func CheckKeyID(id string) error { return checkKeyID(unquote(id)) }

// checkKeyID is CheckKeyID of what is trimmed already: an ID that is taken is
// taken as it is.
func checkKeyID(id string) error {
	wellFormed := len(id) >= 16 && len(id) <= 128 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
	switch {
	case strings.HasPrefix(id, "ASIA"):
		return ErrSessionKey
	case len(id) == secretLength && !wellFormed:
		return &KeyError{"that looks like the secret; the access key ID comes first, and begins with AKIA"}
	case !wellFormed:
		return &KeyError{"that is no access key ID: 16 to 128 capital letters and digits, such as AKIAIOSFODNN7EXAMPLE"}
	}
	return nil
}

// secretLength is what all secret access keys have, in characters.
const secretLength = 40

// unquote trims a paste; what it has trimmed it leaves as it is.
func unquote(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '\'' })
}
