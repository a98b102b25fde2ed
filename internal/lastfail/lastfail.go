// Package lastfail keeps how the last export of each profile failed: some SDKs
// hide what a credential_process says and go on to other credentials, so that a
// person only sees the wrong account. fob doctor tells him.
//
// A record is for people, holds no secret and no text but fob's own, and goes
// away when the profile's next export succeeds. It is no log: one record for a
// profile. Nothing is decided from it.
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
)

// Record is a failure.
type Record struct {
	Profile string    `json:"profile"`
	Time    time.Time `json:"time"`
	Code    int       `json:"exit"`    // the exit code
	Problem string    `json:"problem"` // fob's words
	Hint    string    `json:"hint,omitempty"`
}

const (
	prefix  = "export-"
	maxSize = 16 << 10 // bytes of a record
)

// file names a record by a hash: a profile may be called anything.
func file(dir, profile string) string {
	sum := sha256.Sum256([]byte(profile))
	return filepath.Join(dir, prefix+hex.EncodeToString(sum[:8])+".json")
}

// Save keeps a record in place of the profile's last.
func Save(dir string, r Record) error {
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
	defer os.Remove(f.Name()) // gone, if all went well
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file(dir, r.Profile))
}

// Clear removes the profile's record. It looks first, because a look is all that
// most exports have time for.
func Clear(dir, profile string) error {
	name := file(dir, profile)
	if _, err := os.Lstat(name); err != nil {
		return nil
	}
	return os.Remove(name)
}

// All are the records, the oldest first. What is none is left out.
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
		if fi, err := e.Info(); err != nil || fi.Size() > maxSize {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		var r Record
		if err == nil && json.Unmarshal(text, &r) == nil && r.Problem != "" {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return a.Time.Compare(b.Time) })
	return all, nil
}
