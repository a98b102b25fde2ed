package plan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What AWS accepts, from its API references. These are loops instead of regular
// expressions, because a program compiles the expressions of all its packages at
// every start, and the six of this file took ten times as long as a whole export
// from the cache.

// isASCIIOf reports whether s has least to most bytes, all of them ASCII letters,
// digits or one of others.
func isASCIIOf(s string, least, most int, others string) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(others, c) < 0:
			return false
		}
	}
	return true
}

// isSessionName is for AssumeRole's RoleSessionName and SourceIdentity.
func isSessionName(s string) bool { return isASCIIOf(s, 2, 64, sessionNameOthers) }

const sessionNameOthers = "_+=,.@-"

// IsRoleName is for the names of IAM roles and permission sets.
func IsRoleName(s string) bool { return isASCIIOf(s, 1, 64, sessionNameOthers) }

// isScope is for one of OAuth's scopes (RFC 6749, section 3.3).
func isScope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func isExternalID(s string) bool { return isASCIIOf(s, 2, maxExternalID, "_+=,.@:/-") }

const maxExternalID = 1224

// isSerialNumber is for GetSessionToken's SerialNumber: an ARN, or the number of
// a hardware device.
func isSerialNumber(s string) bool { return isASCIIOf(s, 9, 256, "_+=/:,.@-") }

func isTagKey(s string) bool { return s != "" && isTagText(s, 128) }

func isTagValue(s string) bool { return isTagText(s, 256) }

// isTagText accepts letters, numbers and spaces of all languages, up to most
// characters.
func isTagText(s string, most int) bool {
	return utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+@-", r)
	})
}

// IsAccountID reports whether s is an AWS account ID: 12 digits.
func IsAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// isHostLabel is for a label of a host name (RFC 1123), in lower case.
func isHostLabel(s string) bool {
	return isASCIIOf(s, 1, 63, "-") && strings.ToLower(s) == s && s[0] != '-' && s[len(s)-1] != '-'
}

// legalSessionName turns the name of a user into a valid role session name. A valid
// one stays as it is.
func legalSessionName(name string) string {
	if isSessionName(name) {
		return name
	}
	var b strings.Builder
	for _, c := range name {
		switch {
		case isASCIIOf(string(c), 1, 1, sessionNameOthers):
			b.WriteRune(c)
		default:
			b.WriteByte('-')
		}
	}
	name = strings.Trim(b.String(), "-")
	switch {
	case name == "":
		return "fob"
	case len(name) == 1:
		return name + "-fob"
	case len(name) > 64:
		return name[:64]
	}
	return name
}
