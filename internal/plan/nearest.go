package plan

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns the names, at most three, of which name is probably a typo: those
// with the fewest differences.
func Nearest(name string, names []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var close []scored
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		d := distance(strings.ToLower(name), strings.ToLower(n))
		if d <= max(1, min(len(name), len(n))/3+1) && d < max(len(name), len(n)) {
			close = append(close, scored{n, d})
		}
	}
	slices.SortStableFunc(close, func(a, b scored) int { return cmp.Compare(a.distance, b.distance) })
	var out []string
	for _, s := range close[:min(3, len(close))] {
		if s.distance == close[0].distance { // next to a close name the others are noise
			out = append(out, s.name)
		}
	}
	return out
}

// nearest looks for a typo among all profiles that are known.
func (r *resolver) nearest(name string) []string {
	names := r.facts.Config.Names()
	if r.facts.StoredNames != nil {
		names = append(slices.Clone(names), r.facts.StoredNames()...)
	}
	for _, h := range r.chain { // a profile cannot be its own source
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == h.name })
	}
	return Nearest(name, names)
}

// distance counts insertions, deletions, changes and swaps of neighbours
// (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 128 || len(b) > 128 {
		return 128
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev2, prev, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		rows = [3][]int{prev, row, prev2}
	}
	return rows[1][len(b)]
}
