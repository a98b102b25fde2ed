package leaks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/input"
)

// Baseline is a file of findings that are known. It names a secret in a file, whatever
// line and commit it is in: lines move, and each commit of the file is another object.
type Baseline struct {
	path string
	text string // as it was read
	list []known
}

// known is a secret in a file.
type known struct {
	Kind   Kind   `json:"kind"`
	KeyID  string `json:"key_id,omitempty"`
	Serial string `json:"mfa_serial,omitempty"`
	// Fingerprint and WithSecret are those of the Subject.
	Fingerprint string `json:"fingerprint,omitempty"`
	WithSecret  bool   `json:"with_secret,omitempty"`
	// Path is relative to the baseline's directory, with slashes.
	Path string `json:"path,omitempty"`
	// Object is a git object without a path, such as a commit with a secret in its
	// message.
	Object string `json:"object,omitempty"`
}

// baselineFile is the document; its version is the only one yet.
type baselineFile struct {
	Version int               `json:"fob_leaks_baseline"`
	Known   []json.RawMessage `json:"known"`
}

const (
	baselineVersion = 1
	maxBaseline     = 64 << 20 // bytes
)

// ReadBaseline reads a baseline. One that may be missing is empty then.
func ReadBaseline(path string, mayMiss bool) (*Baseline, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	b := &Baseline{path: path}
	b.text, err = input.Read(abs, maxBaseline)
	switch {
	case mayMiss && errors.Is(err, fs.ErrNotExist):
		return b, nil
	case err != nil:
		return nil, err
	}
	var file baselineFile
	if err := json.Unmarshal([]byte(b.text), &file); err != nil || file.Version != baselineVersion {
		return nil, fmt.Errorf("%s: not a baseline of fob leaks, or one of a newer fob", path)
	}
	for _, entry := range file.Known {
		var k known
		if err := json.Unmarshal(entry, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		b.list = append(b.list, k)
	}
	return b, nil
}

// Filter removes the findings that are known, and counts them.
func (b *Baseline) Filter(r *Report) (n int) {
	has := b.set()
	before := len(r.Findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return has.covers(b.entry(r, f)) })
	return before - len(r.Findings)
}

// set is what is known.
type set map[known]bool

func (b *Baseline) set() set {
	has := set{}
	for _, k := range b.list {
		has[k] = true
	}
	return has
}

// covers reports whether a secret is known: an ID also if it is known with its secret.
func (has set) covers(k known) bool {
	if has[k] {
		return true
	}
	k.WithSecret = true
	return has[k]
}

// Accept adds all findings to the file, and counts those that are new in it.
func (b *Baseline) Accept(r *Report) (n int, err error) {
	has := b.set()
	for _, f := range r.Findings {
		if k := b.entry(r, f); !has.covers(k) {
			has[k] = true
			b.list = append(b.list, k)
			n++
		}
	}
	slices.SortFunc(b.list, func(x, y known) int { return strings.Compare(x.order(), y.order()) })
	// An entry in each line, so that versions of the file can be compared and merged.
	var text bytes.Buffer
	fmt.Fprintf(&text, "{\"fob_leaks_baseline\": %d, \"known\": [", baselineVersion)
	for i, k := range b.list {
		line, err := json.Marshal(k)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString("\n  ")
		text.Write(line)
	}
	text.WriteString("\n]}\n")
	return n, awsconfig.WriteFile(b.path, []byte(b.text), text.Bytes())
}

func (k known) order() string {
	return strings.Join([]string{k.Path, k.Object, string(k.Kind), k.KeyID, k.Serial, k.Fingerprint, strconv.FormatBool(k.WithSecret)}, "\x00")
}

// entry is a finding as the baseline has it.
func (b *Baseline) entry(r *Report, f Finding) known {
	k := known{Kind: f.Kind, KeyID: f.KeyID, Serial: f.Serial, Fingerprint: f.Fingerprint, WithSecret: f.WithSecret}
	switch {
	case f.Git != nil && f.Path == "":
		k.Object = f.Git.ID
	case f.Git != nil:
		k.Path = b.relative(filepath.Join(f.Git.Root(), filepath.FromSlash(f.Path)))
	case f.Staged:
		k.Path = b.relative(filepath.Join(r.Root, filepath.FromSlash(f.Path)))
	default:
		k.Path = b.relative(f.Path)
	}
	return k
}

// relative is a path as seen from the baseline. Both have their symbolic links resolved,
// as git's are.
func (b *Baseline) relative(path string) string {
	dir, path := resolved(filepath.Dir(b.path)), filepath.Join(resolved(filepath.Dir(path)), filepath.Base(path))
	if rel, err := filepath.Rel(dir, path); err == nil {
		path = rel
	}
	return filepath.ToSlash(path)
}

// resolved is the absolute path of a directory without symbolic links, as far as it exists.
func resolved(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	rest := ""
	for at := abs; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		} else if at == filepath.Dir(at) || !os.IsNotExist(err) {
			return abs
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}
