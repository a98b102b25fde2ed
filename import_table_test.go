package main

import (
	"slices"
	"testing"

	"fob/internal/importer"
)

// An answer chooses keys by number, range, profile, or the beginning of one profile's name.
func TestTicked(t *testing.T) {
	var items []importer.Item
	for _, names := range [][]string{{"dev"}, {"prod", "prod-eu"}, {"1-2"}, {"staging", "9"}} {
		items = append(items, importer.Item{Profiles: names})
	}
	items = append(items, importer.Item{}) // nothing says whose it is
	for _, tt := range []struct {
		answer, problem string
		want            []int
	}{
		{"", "", []int{0, 1, 2, 3, 4}},
		{"ALL", "", []int{0, 1, 2, 3, 4}},
		{"none", "", nil},
		{"3,1 1", "", []int{0, 2}},
		{"2-4", "", []int{1, 2, 3}},
		{"dev, stag", "", []int{0, 3}},
		{"prod-eu", "", []int{1}},
		{"1-2", "", []int{2}}, // a profile's name wins
		{"9", "", []int{3}},
		{"6", `"6" is not a number from 1 to 5, or a profile in the table`, nil},
		{"dev x", `"x" is not a number from 1 to 5, or a profile in the table`, nil},
		{"4-2", `"4-2" is not a number from 1 to 5, or a profile in the table`, nil},
		{",", "enter numbers from 1 to 5, profiles, all or none", nil},
	} {
		got, err := ticked(tt.answer, items)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if problem != tt.problem || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, %q", tt.answer, got, problem)
		}
	}
	if _, err := ticked("maybe", items[:1]); err == nil || err.Error() != "type y or n" {
		t.Errorf("of one key: %v", err)
	}
}

// What a file holds beside keys has a name also where its column has no title.
func TestQuotedTitles(t *testing.T) {
	const text = "Access key ID,Secret access key,Password,\nAKIAIOSFODNN7EXAMPLE,x,y,z,beyond\n"
	if got := quotedTitles(text); !slices.Equal(got, []string{`"Password"`, "a column without a title"}) {
		t.Errorf("%q", got)
	}
}
