package leaks

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
)

// tokens appends the secrets of retired keys. Only a hash of such a secret is known, so
// every word of its length has to be hashed: each run of its characters, and what is in
// base64 or escaped.
func (s *buffer) tokens(found []match, text []byte) []match {
	shortest := s.lengths[0]
	for p := shortest - 1; p < len(text); p += shortest {
		if s.class[text[p]]&either == 0 || shortest >= secretLength && !s.amid(text, p) {
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
		v, how := piece(text, start, end), ""
		if n := end - start; odd {
			v, how = v.unescaped(), "escaped"
		} else if n >= shortestLine && n%4 == 0 {
			v, end = s.lines(text, start, end)
		}
		if n := codeBefore(text, start); n > 0 {
			v.breaks = slices.Insert(v.breaks, 0, n) // a secret may begin behind it
		}
		found = s.words(found, v, how)
		p = end // no run that begins behind this one has a sample before p + shortest
	}
	return found
}

// view is a text that was made from a piece of the one that is searched.
type view struct {
	text []byte
	// span is where its byte at i comes from.
	span func(i int) (start, end int)
	// breaks are where its lines begin, but for the first, and the text behind a code. The
	// lines may be of several texts.
	breaks []int
	// cut: it may begin in the middle of base64: behind what only the alphabet for
	// addresses has, or where a piece of a file begins.
	cut bool
}

// piece is a part of the text itself.
func piece(text []byte, start, end int) view {
	return view{
		text: text[start:end:end],
		span: func(i int) (int, int) { return start + i, start + i + 1 },
		cut:  start == 0 || text[start-1] == '-' || text[start-1] == '_',
	}
}

// decoded is what the base64 at from decodes to, which may be before the beginning.
func (v view) decoded(from int, plain []byte) view {
	inside := view{text: plain, span: func(i int) (int, int) {
		start, _ := v.span(max(0, from+i*4/3))
		_, end := v.span(max(0, from+i*4/3+1))
		return start, end
	}}
	for _, b := range v.breaks {
		if b > from {
			inside.breaks = append(inside.breaks, (b-from)/4*3)
		}
	}
	return inside
}

// unescaped is v without escapes.
func (v view) unescaped() view {
	return view{cut: v.cut, text: unescape(v.text), span: func(i int) (int, int) {
		for at := 0; ; i-- {
			c, width := unescapeOne(v.text[at:])
			for c < 0 {
				at += width
				c, width = unescapeOne(v.text[at:])
			}
			if i == 0 {
				start, _ := v.span(at)
				_, end := v.span(at + width - 1)
				return start, end
			}
			at += width
		}
	}}
}

// amid reports whether a run of 40 characters of secrets may be around p. Such a run has the
// 20 bytes before p or those behind it. To look at some of them without a branch for each
// is quicker than to find out where the word at p ends.
func (s *buffer) amid(text []byte, p int) bool {
	const half = 20
	if p < half || p+half > len(text) {
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
func (s *buffer) lines(text []byte, start, end int) (v view, last int) {
	type line struct{ at, from int } // where it begins in the lines, and in the text
	all := []line{{0, start}}
	v = piece(text, start, end)
	last = end
	for width := end - start; ; {
		from := after(text, last)
		to := from
		for to < len(text) && to-from < width && s.class[text[to]]&token != 0 {
			to++
		}
		if from == last || to == from {
			break
		}
		all = append(all, line{len(v.text), from})
		v.breaks = append(v.breaks, len(v.text))
		v.text, last = append(v.text, text[from:to]...), to
		if to-from < width {
			break
		}
	}
	v.span = func(i int) (int, int) {
		n, _ := slices.BinarySearchFunc(all, i+1, func(l line, at int) int { return cmp.Compare(l.at, at) })
		start := all[n-1].from + i - all[n-1].at
		return start, start + 1
	}
	return v, last
}

// words appends the secrets in a text without spaces.
func (s *buffer) words(found []match, v view, how string) []match {
	for at := 0; at < len(v.text); at++ {
		if s.class[v.text[at]]&token == 0 {
			continue
		}
		end := at
		for end < len(v.text) && s.class[v.text[end]]&token != 0 {
			end++
		}
		if end-at >= s.lengths[0] {
			found = s.word(found, v, at, end, how)
		}
		at = end
	}
	return found
}

// word appends the secrets in a run of the characters of secrets, which is from start to
// end.
func (s *buffer) word(found []match, v view, start, end int, how string) []match {
	run := v.text[start:end]
	edge := func(i int) bool { return i < 0 || i >= len(run) || run[i] == '/' || run[i] == '+' }
	breaks, _ := slices.BinarySearch(v.breaks, start)
	before := len(found)
	for at := 0; at+s.lengths[0] <= len(run); at++ {
		for breaks < len(v.breaks) && v.breaks[breaks] < start+at {
			breaks++
		}
		if !edge(at-1) && (breaks == len(v.breaks) || v.breaks[breaks] != start+at) {
			continue
		}
		for _, n := range s.lengths {
			if at+n > len(run) || !looksSecret(run[at:at+n]) {
				continue
			}
			if _, atBreak := slices.BinarySearch(v.breaks, start+at+n); !atBreak && !edge(at+n) {
				continue
			}
			if r, ok := s.isRetired(run[at : at+n]); ok {
				found = v.secret(found, r, start+at, start+at+n, how)
				at += n
				break
			}
		}
	}
	if len(found) > before || how == "base64" || len(run) < base64.RawStdEncoding.EncodedLen(s.lengths[0]) {
		return found
	}
	missing := "" // what may be cut off from its first group of four
	if v.cut && start == 0 {
		missing = "AAA"
	}
	for n := range len(missing) + 1 {
		coded := run
		if n > 0 {
			coded = append([]byte(missing[:n]), run...)
		}
		if len(coded)%4 == 1 { // its end is not base64
			coded = coded[:len(coded)-1]
		}
		plain, _ := base64.RawStdEncoding.AppendDecode(nil, coded) // it has no other characters
		inside := v.decoded(start-n, plain)
		found = s.words(found, inside, "base64")
		if bytes.ContainsAny(plain, `%\`) {
			found = s.words(found, inside.unescaped(), "base64")
		}
	}
	return found
}

// secret appends the secret of a retired key, unless it was found in the same place.
func (v view) secret(found []match, r Retired, start, end int, how string) []match {
	of := &Subject{Kind: SecretKey}
	of.retire(r)
	m := match{of: of, how: how}
	m.start, _ = v.span(start)
	_, m.end = v.span(end - 1)
	if slices.ContainsFunc(found, func(o match) bool { return o.of.Kind == SecretKey && o.start == m.start }) {
		return found
	}
	return append(found, m)
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
	for at := 0; at < len(text); {
		c, width := unescapeOne(text[at:])
		if c >= 0 {
			plain = append(plain, byte(c))
		}
		at += width
	}
	return plain
}

// unescapeOne is what the first character of a text stands for, if that is an escape with
// those behind it, and how many they are; -1 for nothing.
func unescapeOne(text []byte) (c, width int) {
	skip, digits, base := 0, 0, 16
	switch {
	case text[0] == '%':
		skip, digits = 1, 2
		for len(text) > skip+3 && text[skip] == '2' && text[skip+1] == '5' && isHexOfAnyCase(text[skip+2:skip+4]) {
			skip += 2 // %252F
		}
	case text[0] != '\\':
		return int(text[0]), 1
	case len(text) > 1 && text[1] == 'x':
		skip, digits = 2, 2
	case len(text) > 1 && text[1] == 'u':
		skip, digits = 2, 4
	case len(text) > 1 && text[1] == 'U':
		skip, digits = 2, 8
	case len(text) > 3 && len(bytes.Trim(text[1:4], "01234567")) == 0:
		skip, digits, base = 1, 3, 8
	case len(text) > 1 && classOf(text[1])&token != 0 && text[1] != '/':
		return ' ', 2 // \n and the like
	default:
		return -1, 1
	}
	if len(text) >= skip+digits {
		if c, err := strconv.ParseUint(string(text[skip:skip+digits]), base, 8); err == nil {
			return int(c), skip + digits
		}
	}
	return int(text[0]), 1
}
