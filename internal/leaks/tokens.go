package leaks

import (
	"encoding/base64"
	"strconv"
)

// tokens appends the secrets of retired keys. Only a hash of such a secret is known, so
// every word of its length has to be hashed: each run of its characters, and what is in
// base64 or escaped.
func (s *buffer) tokens(found []match, text []byte) []match {
	const kinds = token | escaped
	shortest := s.lengths[0]
	for p := shortest - 1; p < len(text); p += shortest {
		if s.class[text[p]]&kinds == 0 {
			continue
		}
		start, end, odd := p, p, false
		for start > 0 && s.class[text[start-1]]&kinds != 0 {
			start--
			odd = odd || s.class[text[start]] == escaped
		}
		for end < len(text) && s.class[text[end]]&kinds != 0 {
			odd = odd || s.class[text[end]] == escaped
			end++
		}
		if end-start < shortest {
			continue
		}
		p = end // no run that begins behind this one has a sample before p + shortest
		if odd {
			found = s.words(found, unescape(text[start:end]), start, end, "escaped")
		} else {
			found = s.words(found, text[start:end], start, end, "")
		}
	}
	return found
}

// longest is how long a word can be that is searched for a secret in base64, in bytes.
const longest = 64 << 10

// words appends the secrets in a text without spaces, which is at start.
func (s *buffer) words(found []match, text []byte, start, end int, how string) []match {
	for at := 0; at < len(text); at++ {
		if s.class[text[at]]&token == 0 {
			continue
		}
		run := at
		for run < len(text) && s.class[text[run]]&token != 0 {
			run++
		}
		if run-at >= s.lengths[0] {
			found = s.word(found, text[at:run], start, end, how)
		}
		at = run
	}
	return found
}

// word appends the secrets in a run of the characters of secrets.
func (s *buffer) word(found []match, run []byte, start, end int, how string) []match {
	edge := func(i int) bool { return i < 0 || i >= len(run) || run[i] == '/' || run[i] == '+' }
	for at := 0; at+s.lengths[0] <= len(run); at++ {
		if !edge(at - 1) {
			continue
		}
		for _, n := range s.lengths {
			if at+n > len(run) || !edge(at+n) || !looksSecret(run[at:at+n]) {
				continue
			}
			if r, ok := s.isRetired(run[at : at+n]); ok {
				of := &Subject{Kind: SecretKey}
				of.retire(r)
				if how == "" {
					start, end = start+at, start+at+n
				}
				return append(found, match{of, how, start, end})
			}
		}
	}
	if coded := base64.RawStdEncoding.EncodedLen(s.lengths[0]); len(run) >= coded && len(run) <= longest && how != "base64" {
		// What is behind the last whole group is padding, or not base64.
		plain, err := base64.RawStdEncoding.AppendDecode(nil, run)
		if err != nil && len(plain) == 0 {
			plain, _ = base64.RawStdEncoding.AppendDecode(nil, run[:len(run)/4*4])
		}
		found = s.words(found, plain, start, end, "base64")
	}
	return found
}

// looksSecret reports whether a word has small and capital letters: the few secrets that
// do not are not worth a hash of each checksum.
func looksSecret(word []byte) bool {
	var small, capitals bool
	for _, c := range word {
		small = small || isLower(c)
		capitals = capitals || c >= 'A' && c <= 'Z'
	}
	return small && capitals
}

// unescape replaces the escapes of addresses and of JSON.
func unescape(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		rest, digits, skip := text[i:], 0, 0
		switch {
		case rest[0] == '%':
			digits, skip = 2, 1
		case len(rest) > 1 && rest[0] == '\\' && rest[1] == 'u':
			digits, skip = 4, 2
		case len(rest) > 1 && rest[0] == '\\' && classOf(rest[1])&token != 0 && rest[1] != '/':
			plain = append(plain, ' ') // \n and the like
			i++
			continue
		case rest[0] == '\\':
			continue
		}
		if digits > 0 && len(rest) >= skip+digits {
			if c, err := strconv.ParseUint(string(rest[skip:skip+digits]), 16, 8); err == nil {
				plain = append(plain, byte(c))
				i += skip + digits - 1
				continue
			}
		}
		plain = append(plain, rest[0])
	}
	return plain
}
