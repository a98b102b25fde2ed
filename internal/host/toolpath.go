package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ToolPath is where fob looks for programs that it runs for itself: PATH and, on
// macOS, Homebrew's directories. A program that was not started from a shell, such as
// an IDE, has a PATH without them, and would find neither gpg nor an age plugin.
func (h Host) ToolPath() string { return extend(h.Getenv("PATH"), toolDirs()) }

// extend appends the directories that only this user and administrators can fill.
func extend(path string, dirs []string) string {
	list := filepath.SplitList(path)
	for _, dir := range dirs {
		if !slices.Contains(list, dir) && trusted(dir) {
			list = append(list, dir)
		}
	}
	if len(list) == len(filepath.SplitList(path)) {
		return path
	}
	return strings.Join(list, string(os.PathListSeparator))
}
