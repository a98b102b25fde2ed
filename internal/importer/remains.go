package importer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/creds"
	"fob/internal/input"
)

// Remains are the lines beside the AWS files in which a key's secret still stands: in a
// comment, in another section or in a copy of a file. fob removes only what it names, so
// it names these.
func (w World) Remains(key creds.Key) (lines []Place) {
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
			text, err := input.Read(path, maxFile)
			before, _, found := strings.Cut(text, key.Secret.Reveal())
			if err != nil || !found || e.IsDir() {
				continue
			}
			lines = append(lines, Place{File: path, Shown: w.Files.Tilde(path), Line: 1 + strings.Count(before, "\n")})
		}
	}
	return lines
}
