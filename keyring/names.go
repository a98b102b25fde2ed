package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

const (
	// An encoded name this long leaves room for "session+", "+" and an ID of 46
	// bytes in the 255 that file systems allow.
	maxName     = 200
	maxFileName = 255
	hexDigits   = "0123456789abcdef"
)

// encodeName writes a name so that every file system keeps it unchanged: lower-case
// letters, digits, "_", "-" and inner dots are literal, every other byte is "=xx".
// Capitals are encoded because APFS and NTFS ignore case.
func encodeName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; literal(c) || c == '.' && 0 < i && i < len(name)-1 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'=', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

func literal(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// decodeName undoes encodeName. It refuses text that encodeName does not write.
func decodeName(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		x, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.WriteByte(x[0])
		i += 2
	}
	name := b.String()
	return name, name != "" && encodeName(name) == s
}

// fileName is the name of an item's file: its kind and the parts of its name, joined by "+".
func fileName(kind Kind, parts ...string) (string, error) {
	file := string(kind)
	for _, part := range parts {
		encoded := encodeName(part)
		switch {
		case part == "":
			return "", &NameError{part, "is empty"}
		case !utf8.ValidString(part):
			return "", &NameError{part, "is not UTF-8"}
		case strings.ContainsRune(part, 0):
			return "", &NameError{part, "contains a zero byte"}
		case len(encoded) > maxName:
			return "", &NameError{part, "is too long"}
		}
		file += "+" + encoded
	}
	if len(file) > maxFileName {
		return "", &NameError{strings.Join(parts, " "), "is too long"}
	}
	return file, nil
}

// parseFileName undoes fileName. A kind says how many parts its names have.
func parseFileName(file string) (kind Kind, parts []string, ok bool) {
	fields := strings.Split(file, "+")
	kind = Kind(fields[0])
	if len(file) > maxFileName || len(fields)-1 != kind.parts() {
		return "", nil, false
	}
	for _, field := range fields[1:] {
		part, ok := decodeName(field)
		if !ok || len(field) > maxName {
			return "", nil, false
		}
		parts = append(parts, part)
	}
	again, err := fileName(kind, parts...)
	return kind, parts, err == nil && again == file
}

// kindOfFile returns the kind of item in a file's name, even if only a newer fob knows
// that kind. ok is false if the file is not fob's.
func kindOfFile(file string) (kind Kind, ok bool) {
	text, _, ok := strings.Cut(file, "+")
	return Kind(text), ok && text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == ""
}

// lockName is the file name of a lock that a caller names, without extension.
// It is never decoded, so a long name can be hashed. The "+" distinguishes it from
// the store's own locks.
func lockName(name string) string {
	if encoded := encodeName(name); len(encoded) <= maxName {
		return "lock+" + encoded
	}
	sum := sha256.Sum256([]byte(name))
	return "lock+=" + hex.EncodeToString(sum[:])
}
