package wire

import (
	"fmt"
	"slices"
	"strings"
)

// Diff is what an edit removes from a text and what it adds: whole lines in their
// order, without blank ones.
func Diff(before, after string) (gone, added []string) {
	for _, l := range compare(strings.Split(before, "\n"), strings.Split(after, "\n")) {
		switch l.sign {
		case '-':
			gone = append(gone, l.text)
		case '+':
			added = append(added, l.text)
		}
	}
	return visible(gone), visible(added)
}

// visible leaves out blank lines, and what may stand at the end of the others.
func visible(lines []string) (rest []string) {
	for _, l := range lines {
		rest = append(rest, strings.TrimRight(l, " \t\r"))
	}
	return slices.DeleteFunc(rest, func(l string) bool { return l == "" })
}

// Unified is an edit of the file with that name as diff -u prints it, so that patch can
// make it elsewhere; "" if nothing changes.
func Unified(name, before, after string) string {
	const around = 3 // lines that show where a change is
	all := compare(lines(before), lines(after))
	var b strings.Builder
	old, now := 1, 1 // the numbers of the next lines
	for next := 0; ; {
		first := slices.IndexFunc(all[next:], diffLine.changed)
		if first < 0 {
			return b.String()
		}
		first += next
		end := first + 1 // changes that are near each other are shown together
		for i := first; i < len(all) && i < end+2*around; i++ {
			if all[i].changed() {
				end = i + 1
			}
		}
		start := max(next, first-around)
		end = min(len(all), end+around)
		skipped, _ := count(all[next:start])
		old, now = old+skipped, now+skipped
		gone, added := count(all[start:end])
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", extent(old, gone), extent(now, added))
		for _, l := range all[start:end] {
			fmt.Fprintf(&b, "%c%s", l.sign, l.text)
			if !strings.HasSuffix(l.text, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
		old, now, next = old+gone, now+added, end
	}
}

// extent is where a hunk is. One without lines is named by the line before it.
func extent(start, n int) string {
	if n == 0 {
		start--
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// lines are those of a text, with their ends.
func lines(text string) []string {
	return slices.Collect(strings.Lines(text))
}

// diffLine is a line of two texts, of the old one ('-'), of the new one ('+'), or of both.
type diffLine struct {
	sign byte
	text string
}

func (l diffLine) changed() bool { return l.sign != ' ' }

// count is how many lines the old text and the new one have of these.
func count(some []diffLine) (old, now int) {
	for _, l := range some {
		if l.sign != '+' {
			old++
		}
		if l.sign != '-' {
			now++
		}
	}
	return old, now
}

// compare goes through two texts side by side. An edit changes a few lines in each of
// perhaps many places, so where the texts part it looks for the nearest lines at which
// they meet again.
func compare(a, b []string) (all []diffLine) {
	for len(a) > 0 || len(b) > 0 {
		if len(a) > 0 && len(b) > 0 && a[0] == b[0] {
			all = append(all, diffLine{' ', a[0]})
			a, b = a[1:], b[1:]
			continue
		}
		gone, added := meet(a, b)
		for _, l := range a[:gone] {
			all = append(all, diffLine{'-', l})
		}
		for _, l := range b[:added] {
			all = append(all, diffLine{'+', l})
		}
		a, b = a[gone:], b[added:]
	}
	return all
}

// meet is how many lines to skip in both texts to come to one that they share. Lines such
// as a source_profile stand in many sections: inside one, neither text continues in the next,
// and from one header on they meet again only at another.
func meet(a, b []string) (i, j int) {
	ofA, ofB := sectionEnd(a), sectionEnd(b)
	atHeader := ofA+ofB == 0
	if !atHeader {
		a, b = a[:ofA], b[:ofB]
	}
	for sum := 1; sum < len(a)+len(b); sum++ {
		for i := max(0, sum-len(b)+1); i <= min(sum, len(a)-1); i++ {
			if a[i] == b[sum-i] && (!atHeader || isHeader(a[i])) {
				return i, sum - i
			}
		}
	}
	return len(a), len(b)
}

// sectionEnd is how many lines there are before the next header.
func sectionEnd(lines []string) int {
	if next := slices.IndexFunc(lines, isHeader); next >= 0 {
		return next
	}
	return len(lines)
}

func isHeader(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "[") }

// hunk is a change of the lines from start to end of a text.
type hunk struct {
	start, end int
	added      []string
}

func (h hunk) same(o hunk) bool {
	return h.start == o.start && h.end == o.end && slices.Equal(h.added, o.added)
}

// hunks are the changes from one text to another.
func hunks(before, after string) (all []hunk) {
	at, open := 0, false
	for _, l := range compare(lines(before), lines(after)) {
		if l.changed() && !open {
			all, open = append(all, hunk{start: at, end: at}), true
		}
		switch l.sign {
		case '-':
			at++
			all[len(all)-1].end = at
		case '+':
			all[len(all)-1].added = append(all[len(all)-1].added, l.text)
		default:
			at++
			open = false
		}
	}
	return all
}

// Merge makes the changes that lead from base to theirs in another text that also comes
// from base. It is not ok where both change the same lines, or lines next to each other;
// but theirs may add sections next to any change.
func Merge(base, mine, theirs string) (merged string, ok bool) {
	from := lines(base)
	a, b := hunks(base, mine), hunks(base, theirs)
	var out strings.Builder
	at := 0
	apply := func(h hunk) {
		for _, l := range from[at:h.start] {
			out.WriteString(l)
		}
		for _, l := range h.added {
			out.WriteString(l)
		}
		at = h.end
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && (a[0].end < b[0].start || a[0].end == b[0].start && a[0].start < a[0].end && b[0].newSection()):
			apply(a[0])
			a = a[1:]
		case len(a) == 0 || b[0].end < a[0].start || b[0].end == a[0].start && a[0].start < a[0].end && b[0].newSection():
			apply(b[0])
			b = b[1:]
		case a[0].same(b[0]):
			apply(a[0])
			a, b = a[1:], b[1:]
		case a[0].newSection() && b[0].newSection() && a[0].start == b[0].start:
			apply(b[0])
			if last := b[0].added[len(b[0].added)-1]; !strings.HasSuffix(last, "\n") {
				out.WriteString("\n")
			}
			apply(a[0])
			a, b = a[1:], b[1:]
		default:
			return "", false
		}
	}
	for _, l := range from[at:] {
		out.WriteString(l)
	}
	return out.String(), true
}

// newSection reports whether a hunk only adds sections.
func (h hunk) newSection() bool {
	first := slices.IndexFunc(h.added, func(l string) bool { return strings.TrimSpace(l) != "" })
	return h.start == h.end && first >= 0 && isHeader(h.added[first])
}
