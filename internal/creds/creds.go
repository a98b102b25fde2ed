// Package creds holds the values that fob exists to protect: secrets, access
// keys and sessions.
//
// A Secret does not print itself: not with any verb of fmt, not in a structured
// log, not as JSON or text, and not as an unexported field of a printed struct.
// Only Reveal returns the text, and you can find its calls with grep.
package creds

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const redacted = "[redacted]"

var errMarshal = errors.New("a secret cannot be marshaled; call Reveal to write it on purpose")

// Secret is a string that must not be printed. The zero value is the empty secret.
type Secret struct {
	// p is a pointer because fmt does not call Format for unexported fields of an
	// enclosing struct: below the top level it prints an address.
	p *string
}

// NewSecret wraps s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.p == nil }

// IsPrintable reports whether a value of AWS's is safe in environments, documents, headers
// and on terminals: a line break, for one, would start another variable.
func IsPrintable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Equal compares two secrets in time that depends on their lengths only.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

func (Secret) String() string             { return redacted }
func (Secret) GoString() string           { return redacted }
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }
func (Secret) LogValue() slog.Value       { return slog.StringValue(redacted) }

// MarshalJSON always fails: code that stores a secret must call Reveal.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText always fails, like MarshalJSON.
func (Secret) MarshalText() ([]byte, error) { return nil, errMarshal }

// Key is a long-lived access key of an IAM user (AKIA...) or of the root user.
type Key struct {
	ID     string
	Secret Secret
}

// Session is a set of credentials that may expire.
type Session struct {
	Key
	// Token is the session token; empty for a long-lived key itself.
	Token Secret
	// Expires is when AWS stops accepting the session, in UTC; zero means never.
	Expires time.Time
	// AccountID is the 12-digit account of the credentials; empty if unknown.
	AccountID string
	// MFA is when the MFA code behind the session was used, by AWS's clock; zero for
	// no MFA.
	MFA time.Time
}

// Seed is what a time-based one-time code (TOTP, RFC 6238) is made from.
type Seed struct {
	// Secret is the shared secret in base32, upper case, no padding.
	Secret Secret
	// Algorithm is "SHA1", "SHA256" or "SHA512".
	Algorithm string
	// Digits is the length of a code: 6 or 8. AWS accepts only 6.
	Digits int
	// Period is how long a code is current; AWS's devices use 30 s.
	Period time.Duration
}
