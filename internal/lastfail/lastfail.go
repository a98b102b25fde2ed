// Package lastfail records how the last export of each profile failed. Some SDKs
// hide the errors of a credential_process and continue with other credentials, so
// that users only see the wrong account. fob doctor shows them the record.
//
// A record is for people. It holds no secret and only fob's own text, and is
// removed when the profile's next export succeeds. There is one record for each
// profile, not a log, and fob decides nothing from it.
package lastfail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/input"
)

// Record is the last failure of a profile.
type Record struct {
	Profile string    `json:"profile"`
	Time    time.Time `json:"time"`
	Code    int       `json:"exit"`    // the exit code
	Problem string    `json:"problem"` // fob's words
	Hint    string    `json:"hint,omitempty"`
}

// Refused reports whether AWS refused the request.
func (r Record) Refused() bool { return r.Code == 6 }

// NoKey reports whether there was no such profile, or no key for it.
func (r Record) NoKey() bool { return r.Code == 3 }

const (
	prefix  = "export-"
	maxSize = 16 << 10 // bytes of a record
)

// file names a record by a hash, because a profile name can have any characters.
func file(dir, profile string) string {
	sum := sha256.Sum256([]byte(profile))
	return filepath.Join(dir, prefix+hex.EncodeToString(sum[:8])+".json")
}

// Save replaces the record of the profile.
func Save(dir string, r Record) error {
	r.Problem, r.Hint = creds.Hide(r.Problem), creds.Hide(r.Hint)
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails if the file was renamed, as it should be
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return input.Retry(func() error { return os.Rename(f.Name(), file(dir, r.Profile)) })
}

// Clear removes the profile's record. Most exports have none, and looking for the
// file takes less time than trying to remove it.
func Clear(dir, profile string) error {
	name := file(dir, profile)
	if _, err := os.Lstat(name); err != nil {
		return nil
	}
	return os.Remove(name)
}

// All returns the records, oldest first. Files that are not records are skipped.
func All(dir string) ([]Record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Record
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !e.Type().IsRegular() {
			continue
		}
		text, err := input.Read(filepath.Join(dir, e.Name()), maxSize)
		var r Record
		if err == nil && json.Unmarshal([]byte(text), &r) == nil && r.Problem != "" {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return a.Time.Compare(b.Time) })
	return all, nil
}
