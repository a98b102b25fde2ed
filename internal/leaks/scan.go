package leaks

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"fob/internal/creds"
)

// Searcher finds secrets in texts. It is safe for concurrent use.
type Searcher struct {
	filter  *filter
	ids     map[string]bool // that are stored
	retired func() func(text []byte) (Retired, bool)
	// lengths are those of the words that may be secrets of retired keys; the first is the
	// shortest.
	lengths []int
	// Short are secrets that are too short to look for.
	Short []Subject
	// class is classOf every byte.
	class [256]uint8
	// reach is how far apart two bytes of one match can be, with what is around it.
	reach int
}

// New makes a Searcher.
func New(s Secrets) *Searcher {
	all, short := spellings(s)
	all = append(all, bedrock()...)
	r := &Searcher{filter: newFilter(all), ids: map[string]bool{}, retired: s.Retired, reach: 4 << 10}
	for _, sp := range all {
		r.reach = max(r.reach, 4*len(sp.text))
	}
	for _, k := range s.Keys {
		r.ids[k.ID] = true
	}
	for _, n := range slices.Sorted(slices.Values(s.Lengths)) {
		if n > idLength { // IDs are found by their form
			r.lengths = append(r.lengths, n)
		}
	}
	for c := range r.class {
		r.class[c] = classOf(byte(c))
	}
	for _, of := range short {
		r.Short = append(r.Short, *of)
	}
	return r
}

// bedrock are the beginnings of Bedrock's API keys: the base64 of "BedrockAPIKey-" in
// those that last, and of an address of Bedrock's in those of a session.
func bedrock() []spelling {
	of := &Subject{Kind: BedrockKey, State: IsOther}
	return []spelling{
		{of: of, text: []byte("ABSKQmVkcm9ja0FQSUtleS"), tail: 60},
		{of: of, text: []byte("bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"), tail: 60},
	}
}

// marked is s for one key, which is in its whole length at the beginning of a text.
func (s *Subject) marked(text []byte) *Subject {
	const most = 3 << 10 // characters: less than a search always has behind a match
	end := 0
	for end < min(len(text), most) && (classOf(text[end])&token != 0 || text[end] == '-' || text[end] == '_') {
		end++
	}
	sum, of := sha256.Sum256(text[:end]), *s
	of.Fingerprint = hex.EncodeToString(sum[:4])
	return &of
}

// Classes of bytes.
const (
	capital = 1 << iota // A-Z 0-9, as in key IDs
	token               // A-Z a-z 0-9 + /, as in secrets and in base64
	escaped             // % and \, which may be in the spelling of a secret
	either              // one of the two before
)

// classOf a byte.
func classOf(c byte) uint8 {
	switch {
	case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		return capital | token | either
	case c >= 'a' && c <= 'z' || c == '+' || c == '/':
		return token | either
	case c == '%' || c == '\\':
		return escaped | either
	}
	return 0
}

// scan appends the secrets in a text, in the order in which they are found. Of a binary
// file only those that are certain.
func (s *buffer) scan(found []match, text []byte, isText bool) []match {
	f := s.filter
	shift := f.shift & 63 // which tells the compiler that it is no more
	for p := 0; p+window <= len(text); p += f.stride {
		w := binary.LittleEndian.Uint64(text[p:])
		h := w * spread >> shift
		if f.bits[h/64]>>(h%64)&1 != 0 {
			found = f.verify(found, text, p, false)
		}
		// All windows at which a key ID can be met have nothing but capitals.
		if s.class[byte(w)]&s.class[byte(w>>56)]&capital != 0 && isText {
			found = s.keyID(found, text, p)
		}
	}
	if f.cuts {
		found = s.atBreaks(found, text)
	}
	if s.isRetired != nil && len(s.lengths) > 0 {
		found = s.tokens(found, text)
	}
	return found
}

// idLength is that of AWS's key IDs.
const idLength = 20

// keyID appends the ID of a key that is not stored, if it is around p.
func (s *buffer) keyID(found []match, text []byte, p int) []match {
	start, end := p, p
	for start > 0 && p-start < 2*idLength && s.class[text[start-1]]&capital != 0 {
		start--
	}
	for end < len(text) && end-p < 2*idLength && s.class[text[end]]&capital != 0 {
		end++
	}
	if end-start < idLength || end < len(text) && isLower(text[end]) {
		return found
	}
	whole := end-start == idLength && (start == 0 || !isLower(text[start-1]))
	start = end - idLength // what is before it may be the 3D of %3D
	if !whole && !afterEscape(text[:start]) {
		return found
	}
	if slices.ContainsFunc(found, func(m match) bool { return m.start == start && m.of.Kind == KeyID && m.how == "" }) {
		return found // it was met at two windows
	}
	id := string(text[start:end])
	if s.ids[id] {
		return found
	}
	of := &Subject{Kind: KeyID, KeyID: creds.ShortID(id)}
	if s.isRetired != nil {
		if r, ok := s.isRetired(text[start:end]); ok {
			of.retire(r)
			return append(found, match{of: of, start: start, end: end})
		}
	}
	if !likely(id) {
		return found
	}
	of.State, of.Account, of.WithSecret = IsOther, creds.GuessAccount(id), secretNear(text, start)
	if strings.HasPrefix(id, "ASIA") && !of.WithSecret {
		return found // a session's ID is in logs and signed addresses, and opens nothing
	}
	return append(found, match{of: of, start: start, end: end})
}

func (s *Subject) retire(r Retired) {
	s.State, s.Retired = IsRetired, &r.When
	if r.KeyID != "" {
		s.KeyID = r.KeyID
	}
	if r.Profile != "" {
		s.Profiles = []string{r.Profile}
	}
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

// afterEscape reports whether a text ends in an escape or in a code for a terminal.
func afterEscape(text []byte) bool {
	n := len(text)
	if n == 0 {
		return false
	}
	switch c := text[n-1]; {
	case n > 1 && text[n-2] == '\\' && isLower(c): // \n
		return true
	case (c == 'm' || c == 'K') && bytes.HasSuffix(bytes.TrimRight(text[max(0, n-20):n-1], "0123456789;"), []byte("[")): // ESC[1;31m
		return true
	}
	for _, e := range []struct {
		prefix string
		digits int
	}{{"%", 2}, {"=", 2}, {`\x`, 2}, {`\`, 3}, {`\u`, 4}, {`\U`, 8}} {
		if n < e.digits || !isHexOfAnyCase(text[n-e.digits:]) {
			continue
		}
		before := text[:n-e.digits]
		for e.prefix == "%" && bytes.HasSuffix(before, []byte("25")) { // %253D
			before = before[:len(before)-2]
		}
		if bytes.HasSuffix(before, []byte(e.prefix)) {
			return true
		}
	}
	return false
}

func isHexOfAnyCase(text []byte) bool {
	return len(bytes.Trim(text, "0123456789abcdefABCDEF")) == 0
}

// codeBefore is how many characters at the beginning of a run may belong to a code: the 31m
// of ESC[31m in colored output, or the 3D of =3D in mail.
func codeBefore(text []byte, start int) int {
	if start == 0 {
		return 0
	}
	switch rest := text[start:]; text[start-1] {
	case '[', ';':
		rest = bytes.TrimLeft(rest[:min(len(rest), 10)], "0123456789")
		if len(rest) > 0 && (rest[0] == 'm' || rest[0] == 'K') {
			return min(len(text)-start, 10) - len(rest) + 1
		}
	case '=':
		if len(rest) > 2 && isHexOfAnyCase(rest[:2]) {
			return 2
		}
	}
	return 0
}

// likely reports whether a word is the ID of a real key of AWS's. Documentation has IDs
// such as AKIAIOSFODNN7EXAMPLE, and tests have some that nobody could be given.
func likely(id string) bool {
	prefix, body := id[:4], id[4:]
	if !slices.Contains([]string{"AKIA", "ASIA", "ABIA", "ACCA"}, prefix) || strings.Trim(body, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" || strings.Contains(id, "EXAMPL") || strings.HasPrefix(id, "AKIAIOSFODNN7") {
		return false
	}
	different, inOrder := map[byte]bool{}, 0
	for i := range len(body) {
		different[body[i]] = true
		if i > 0 && body[i] == body[i-1]+1 {
			inOrder++
		}
	}
	const fewest, most = 8, 5 // of 16: one key in 100,000 has fewer different ones, and fewer keys have more in order
	return len(different) >= fewest && inOrder <= most
}

// secretLength is that of AWS's secret keys.
const secretLength = 40

// secretNear reports whether what looks like a secret key is near the ID at p, escaped or
// not.
func secretNear(text []byte, p int) bool {
	const near, most = 256, 4 * secretLength
	from, to := max(0, p-near), min(len(text), p+idLength+near)
	for from > 0 && from < p && classOf(text[from-1])&either != 0 { // not in the middle of a word
		from++
	}
	for to < min(len(text), p+idLength+near+most) && classOf(text[to-1])&either != 0 {
		to++
	}
	plain := unescape(text[from:to])
	for at := 0; at < len(plain); at++ {
		start := at
		for at < len(plain) && classOf(plain[at])&token != 0 {
			at++
		}
		for _, n := range []int{0, codeBefore(plain, start)} {
			if at-start-n == secretLength && looksRandom(plain[start+n:at]) {
				return true
			}
		}
	}
	return false
}

// looksRandom reports whether so many characters can be a secret key: it has small and
// capital letters and digits, and is not a checksum in hexadecimal digits or a path.
func looksRandom(text []byte) bool {
	var small, capitals, digits, slashes int
	different := map[byte]bool{}
	for _, c := range text {
		different[c] = true
		switch {
		case isLower(c):
			small++
		case c >= 'A' && c <= 'Z':
			capitals++
		case c == '/':
			slashes++
		default:
			digits++
		}
	}
	return small >= 6 && capitals >= 6 && digits > 0 && slashes <= 5 && len(different) >= 18
}

// hit is a match with its line.
type hit struct {
	match
	line int
}

// chunk is how much of a file is searched at once, in bytes: little enough to stay in the
// processor's memory between the read and the search.
const chunk = 256 << 10

// buffer is what one goroutine searches with.
type buffer struct {
	*Searcher
	isRetired func(text []byte) (Retired, bool) // nil if no key is retired
	text      []byte
	found     []match
}

func (s *Searcher) buffer() *buffer {
	b := &buffer{Searcher: s, text: make([]byte, chunk+2*s.reach)}
	if s.retired != nil {
		b.isRetired = s.retired()
	}
	return b
}

// search searches what r has, at most size bytes.
func (b *buffer) search(r io.Reader, size int64) (hits []hit, n int64, err error) {
	var have, first, lines int
	isText, last := true, false
	for !last {
		want := min(int64(len(b.text)-have), size-n)
		m, err := io.ReadFull(r, b.text[have:have+int(want)])
		have, n = have+m, n+int64(m)
		last = err != nil || n == size
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return hits, n, err
		}
		text := b.text[:have]
		if n == int64(m) {
			isText = bytes.IndexByte(text[:min(len(text), sniff)], 0) < 0
		}
		// What is found near the end counts when the text behind it is there, too. Some of
		// the text before stays, because that can make an ID a part of another word, have
		// the secret of an ID, or be in the same line of base64.
		next := have - b.reach
		hits = b.take(hits, text, isText, first, next, lines, last)
		if !last {
			from := max(0, next-b.reach)
			lines += bytes.Count(text[:from], []byte{'\n'})
			have, first = copy(b.text, text[from:]), next-from
		}
	}
	return hits, n, nil
}

// sniff is how much of a file shows whether it is a text, as in git.
const sniff = 8000

// take searches a piece and appends what begins in its part that counts. Lines is how
// many are before it.
func (b *buffer) take(hits []hit, text []byte, isText bool, first, next, lines int, last bool) []hit {
	b.found = b.scan(b.found[:0], text, isText)
	for _, m := range b.found {
		if m.start >= first && (last || m.start < next) {
			hits = append(hits, hit{m, 1 + lines + bytes.Count(text[:m.start], []byte{'\n'})})
		}
	}
	return hits
}

// inMemory searches a text.
func (b *buffer) inMemory(text []byte) []hit {
	isText := bytes.IndexByte(text[:min(len(text), sniff)], 0) < 0
	return b.take(nil, text, isText, 0, 0, 0, true)
}
