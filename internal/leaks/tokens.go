package leaks

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// tokens appends the secrets of retired keys. Only a hash of such a secret is known, so
// every word of its length has to be hashed: each run of its characters, and what is in
// base64 or escaped.
func (s *buffer) tokens(found []match, text []byte) []match {
	shortest := s.lengths[0]
	for p := shortest - 1; p < len(text); p += shortest {
		if s.class[text[p]]&either == 0 || !s.amid(text, p) {
			continue
		}
		start, end, odd := p, p, false
		for start > 0 && s.class[text[start-1]]&either != 0 {
			start--
			odd = odd || s.class[text[start]]&escaped != 0
		}
		for end < len(text) && s.class[text[end]]&either != 0 {
			odd = odd || s.class[text[end]]&escaped != 0
			end++
		}
		if end-start < shortest {
			continue
		}
		run := text[start:end]
		how := ""
		if odd {
			run, how = unescape(run), "escaped"
		} else if n := len(run); n >= shortestLine && n%4 == 0 {
			run, end = s.lines(text, start, end)
		}
		found = s.words(found, run, start, end, how)
		p = end // no run that begins behind this one has a sample before p + shortest
	}
	return found
}

// amid reports whether a run of a secret's characters may be around p. Such a run has the
// 20 bytes before p or those behind it. To look at some of them without a branch for each
// is quicker than to find out where the word at p ends.
func (s *buffer) amid(text []byte, p int) bool {
	const half = 20
	if p < half || p+half > len(text) || s.lengths[0] < 2*half {
		return true
	}
	l, r, c := text[p-half:p:p], text[p:p+half:p+half], &s.class
	left := c[l[1]] & c[l[3]] & c[l[6]] & c[l[9]] & c[l[12]] & c[l[14]] & c[l[16]] & c[l[18]]
	right := c[r[2]] & c[r[4]] & c[r[6]] & c[r[8]] & c[r[11]] & c[r[14]] & c[r[17]] & c[r[19]]
	return (left|right)&either != 0
}

// shortestLine is that of base64 in lines, in characters: PEM has 64.
const shortestLine = 60

// lines are the lines of base64 that begin with the one from start to end, put together.
func (s *buffer) lines(text []byte, start, end int) (joined []byte, last int) {
	joined, last = text[start:end:end], end
	for width := end - start; len(joined) < longest; {
		from := after(text, last)
		to := from
		for to < len(text) && to-from < width && s.class[text[to]]&token != 0 {
			to++
		}
		if from == last || to == from {
			break
		}
		joined, last = append(joined, text[from:to]...), to
		if to-from < width {
			break
		}
	}
	return joined, last
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
		if bytes.ContainsAny(plain, `%\`) {
			plain = unescape(plain)
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
