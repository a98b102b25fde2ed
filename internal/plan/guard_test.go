package plan

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestUnderstood: fob's form of every key that this package reads is known, so that
// none is taken for a typo, and the lists are sorted.
func TestUnderstood(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`\b(?:get|setting|boolean)\(.*"([a-z_]+)"\)`)
	var source strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	matches := read.FindAllStringSubmatch(source.String(), -1)
	if len(matches) < 20 {
		t.Fatalf("found only %d", len(matches))
	}
	for _, m := range matches {
		if !slices.Contains(understood[:], m[1]) {
			t.Errorf("%s is read, and %s%s would be called unknown", m[1], prefix, m[1])
		}
	}
	for _, list := range [][]string{understood[:], guards[:], planned[:]} {
		if !slices.IsSorted(list) {
			t.Errorf("not sorted: %q", list)
		}
	}
}
