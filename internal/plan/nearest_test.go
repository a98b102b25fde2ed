package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"fido", "prod", "prod-eu", "production", "staging", "dev", "Dev2", "prod"}
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"prdo", []string{"prod"}},
		{"PROD", []string{"prod"}},
		{"prod-e", []string{"prod-eu"}},
		{"prod-ue", []string{"prod-eu"}},
		{"stagin", []string{"staging"}},
		{"dev1", []string{"Dev2", "dev"}},
		{"x", nil},
		{"", nil},
		{strings.Repeat("prod", 100), nil},
	} {
		if got := Nearest(tt.name, names); !slices.Equal(got, tt.want) {
			t.Errorf("Nearest(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzNearest: there are at most three names, all known and each once.
func FuzzNearest(f *testing.F) {
	f.Add("prdo", "prod,prod-eu,dev")
	f.Add("", ",a,a")
	f.Fuzz(func(t *testing.T, name, list string) {
		names := strings.Split(list, ",")
		got := Nearest(name, names)
		if len(got) > 3 || len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
			t.Errorf("Nearest(%q, %q) = %q", name, names, got)
		}
		for _, n := range got {
			if !slices.Contains(names, n) {
				t.Errorf("%q is none of %q", n, names)
			}
		}
	})
}
