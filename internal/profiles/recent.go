package profiles

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"fob/internal/input"
)

const (
	// maxRecent is how many profiles are remembered: more than a person keeps apart.
	maxRecent = 100
	// maxRecentFile is the size of the file with the longest names, in bytes.
	maxRecentFile = 64 << 10
)

// recent is the file of what was used last. It is for the order of a list and nothing
// else, so a damaged one is empty, and of two that are written at once one remains.
type recent struct {
	Profiles []string `json:"profiles"` // most recently used first
}

func (f Files) recentPath() string { return filepath.Join(f.State, "recent.json") }

// Recent are the profiles that a person used last, most recently first. Some may be
// gone.
func (f Files) Recent() []string {
	var r recent
	text, err := input.Read(f.recentPath(), maxRecentFile)
	if err != nil || json.Unmarshal([]byte(text), &r) != nil {
		return nil
	}
	return r.Profiles[:min(len(r.Profiles), maxRecent)]
}

// Used remembers that a person used profiles, the first one most recently.
func (f Files) Used(profiles ...string) error {
	before := f.Recent()
	after := slices.Clone(profiles)
	for _, name := range before {
		if !slices.Contains(after, name) {
			after = append(after, name)
		}
	}
	// JSON would turn other names into names that do not exist.
	after = slices.DeleteFunc(after, func(name string) bool { return !utf8.ValidString(name) })
	return f.writeRecent(before, after)
}

// Forget forgets that profiles were used; all of them, if none is named.
func (f Files) Forget(profiles ...string) error {
	if len(profiles) == 0 {
		if err := os.Remove(f.recentPath()); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	before := f.Recent()
	return f.writeRecent(before, slices.DeleteFunc(slices.Clone(before), func(name string) bool { return slices.Contains(profiles, name) }))
}

func (f Files) writeRecent(before, after []string) error {
	after = after[:min(len(after), maxRecent)]
	if slices.Equal(before, after) {
		return nil // as for most commands: people use one profile for a while
	}
	text, err := json.Marshal(recent{after})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.State, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.State, ".tmp-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails if the file was renamed, as it should be
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return input.Retry(func() error { return os.Rename(temp.Name(), f.recentPath()) })
}
