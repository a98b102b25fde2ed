package importer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/input"
)

// Remains are the lines beside the AWS files in which a key's secret still stands: in a
// comment, in another section or in a copy of a file. fob removes only what it names, so
// it names these. A file that is nothing but keys is not one of them: it is offered for
// deletion.
func (w World) Remains(item Item) (lines []Place) {
	var dirs []string
	for _, path := range []string{w.Files.Config, w.Files.Credentials} {
		if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // it may be gone, and the key with it
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if e.IsDir() || slices.ContainsFunc(item.Found, func(f Found) bool { return f.Whole && same(f.File, path) }) {
				continue
			}
			text, err := input.Read(path, maxFile)
			if err != nil {
				continue
			}
			num := 0
			for line := range strings.Lines(text) {
				if num++; strings.Contains(line, item.Key().Secret.Reveal()) {
					lines = append(lines, Place{File: path, Shown: w.Files.Tilde(path), Line: num})
				}
			}
		}
	}
	return lines
}
