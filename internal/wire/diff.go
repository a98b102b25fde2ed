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
