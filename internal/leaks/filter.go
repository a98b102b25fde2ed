package leaks

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// window is the length of the pieces that the filter looks up, in bytes.
const window = 8

// widest is the distance between the windows of a text that are looked up: a key ID has
// 20 characters, so a window that begins at one of its first 13 lies in it.
const widest = 13

// filter finds many spellings in one pass. It looks up one window of the text in every
// few bytes, because a spelling is longer than that: the windows at which a spelling can
// be met are few, and a small table of bits tells nearly all others from them.
type filter struct {
	stride int
	bits   []uint64
	shift  int
	spots  map[uint64][]spot
	// cuts: a line break can cut a spelling such that no window that is looked up is left
	// in one piece.
	cuts bool
}

// spot is a place in a spelling.
type spot struct {
	*spelling
	at int
}

func newFilter(all []spelling) *filter {
	f := &filter{stride: widest, spots: map[uint64][]spot{}}
	for _, s := range all {
		f.stride = min(f.stride, len(s.text)-window+1)
	}
	for i := range all {
		s, last := &all[i], len(all[i].text)-window
		for at := range f.stride {
			f.put(s, at)
		}
		if s.wraps {
			f.cuts = f.cuts || len(s.text) < 2*(f.stride+window-1)
			// The beginning may be on another line than the end.
			for at := max(f.stride, last-f.stride+1); at <= last; at++ {
				f.put(s, at)
			}
		}
	}
	// A bit in 64 is set at most, and the table of a few keys stays in the fastest memory.
	log := min(max(bits.Len(uint(len(f.spots)))+6, 12), 24)
	f.bits, f.shift = make([]uint64, 1<<log/64), 64-log
	for w := range f.spots {
		h := w * spread >> f.shift
		f.bits[h/64] |= 1 << (h % 64)
	}
	return f
}

// spread makes the upper bits of a product depend on all of a window.
const spread = 0x9e3779b97f4a7c15

func (f *filter) put(s *spelling, at int) {
	w := binary.LittleEndian.Uint64(s.text[at:])
	f.spots[w] = append(f.spots[w], spot{s, at})
}

// match is a secret in a text.
type match struct {
	of         *Subject
	how        string
	start, end int
}

// has reports whether a spelling may have this window.
func (f *filter) has(w uint64) bool {
	h := w * spread >> f.shift
	return f.bits[h/64]>>(h%64)&1 != 0
}

// verify appends the spellings that are in the text around the window at p; cut: only
// those that may have a line break in them.
func (f *filter) verify(found []match, text []byte, p int, cut bool) []match {
	for _, s := range f.spots[binary.LittleEndian.Uint64(text[p:])] {
		if cut && !s.wraps {
			continue
		}
		start, end := p-s.at, p-s.at+len(s.text)
		if s.wraps {
			start, end = around(text, p, s.text, s.at)
		}
		if start < 0 || end > len(text) || end < 0 || !s.wraps && !bytes.Equal(text[start:end], s.text) {
			continue
		}
		if s.tail > 0 && !followed(text[end:], s.tail) {
			continue
		}
		if s.wraps && slices.ContainsFunc(found, func(m match) bool { return m.start == start && m.of == s.of }) {
			continue // it was found by its beginning
		}
		of := s.of
		if of.Kind == BedrockKey {
			of = of.marked(text[start:])
		}
		found = append(found, match{of, s.how, start, end})
	}
	return found
}

// atBreaks appends what is cut in two by a line break of base64: around it, every window
// is looked up.
func (s *buffer) atBreaks(found []match, text []byte) []match {
	for p := shortestLine - 1; p < len(text); p += shortestLine {
		if spaced(text, p) || s.class[text[p]]&token == 0 {
			continue
		}
		end := p
		for end < len(text) && s.class[text[end]]&token != 0 {
			end++
		}
		p = end
		next := after(text, end)
		if next == end {
			continue
		}
		const most = widest + window // of a piece that scan may miss
		for _, part := range [2][2]int{{max(0, end-most), end}, {next, min(next+most, len(text))}} {
			for at := part[0]; at+window <= part[1]; at++ {
				if s.filter.has(binary.LittleEndian.Uint64(text[at:])) {
					found = s.filter.verify(found, text, at, true)
				}
			}
		}
	}
	return found
}

// spaced reports whether there is a space or the like on both sides of p, and less than half
// of a line of base64 away. It looks at eight bytes at once.
func spaced(text []byte, p int) bool {
	const near, ones, tops = 24, 0x0101010101010101, 0x8080808080808080
	if p < near || p+near > len(text) {
		return false
	}
	// The top bit of each byte that is less than '+', the first character of base64.
	less := func(b []byte) uint64 {
		w := binary.LittleEndian.Uint64(b)
		return (w - '+'*ones) &^ w & tops
	}
	b := text[p-near : p+near : p+near]
	return less(b)|less(b[8:])|less(b[16:]) != 0 && less(b[24:])|less(b[32:])|less(b[40:]) != 0
}

// followed reports whether a text begins with so many characters of base64.
func followed(text []byte, n int) bool {
	return len(text) >= n && !slices.ContainsFunc(text[:n], func(c byte) bool { return classOf(c)&token == 0 })
}

// around is where a text with line breaks in it lies, if its byte at is at p; -1 if it is
// not there.
func around(text []byte, p int, want []byte, at int) (start, end int) {
	start, end = p, p
	for i := at - 1; i >= 0; i-- {
		start = before(text, start) - 1
		if start < 0 || text[start] != want[i] {
			return -1, -1
		}
	}
	for i, c := range want[at:] {
		if i > 0 {
			end = after(text, end)
		}
		if end == len(text) || text[end] != c {
			return -1, -1
		}
		end++
	}
	return start, end
}

// after is p, or what follows a line break and the indentation after it.
func after(text []byte, p int) int {
	end := p
	for end < len(text) && isBreak(text[end]) {
		end++
	}
	for end > p && end < len(text) && isIndent(text[end]) {
		end++
	}
	return end
}

// before is p, or what precedes a line break and the indentation after it.
func before(text []byte, p int) int {
	start := p
	for start > 0 && isIndent(text[start-1]) {
		start--
	}
	if start == 0 || !isBreak(text[start-1]) {
		return p
	}
	for start > 0 && isBreak(text[start-1]) {
		start--
	}
	return start
}

func isBreak(c byte) bool  { return c == '\n' || c == '\r' }
func isIndent(c byte) bool { return c == ' ' || c == '\t' }
