package wire

import (
	"slices"
	"strings"
)

// Diff is what an edit removes from a text and what it adds: whole lines in their
// order, without blank ones.
func Diff(before, after string) (gone, added []string) {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	// common[i][j] is how many lines a[i:] and b[j:] have in common. An edit touches one
	// section, so the table is small.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for len(a) > 0 || len(b) > 0 {
		left := common[len(common)-1-len(a)]
		switch j := len(left) - 1 - len(b); {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && common[len(common)-len(a)][j] >= left[j+1]:
			gone, a = append(gone, a[0]), a[1:]
		default:
			added, b = append(added, b[0]), b[1:]
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
