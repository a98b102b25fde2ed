// Package leaks searches files and git repositories for access keys and other secrets,
// in the spellings in which they leak.
//
// It reports where a secret is, and never the secret. It looks for exactly the secrets
// that it is given, so what it finds of them is never a guess; of other keys it finds
// those of AWS's forms. It changes nothing, follows no symbolic link but those that a
// repository is made of, runs nothing that a repository's config names, and fetches nothing.
package leaks

import (
	"path/filepath"
	"time"

	"fob/internal/creds"
)

// Secrets are what to look for.
type Secrets struct {
	Keys  []Key
	Seeds []Seed
	// Retired makes a function that tells whether a text is the ID or the secret of a key
	// that is no longer stored, one for each goroutine; nil if there are none.
	Retired func() func(text []byte) (Retired, bool)
	// Lengths are those of the texts of Retired.
	Lengths []int
}

// Key is a stored access key.
type Key struct {
	Profile string
	creds.Key
}

// Seed is a stored MFA secret, in base32.
type Seed struct {
	Serial string
	Secret creds.Secret
}

// Retired is a key that was stored once.
type Retired struct {
	Profile string
	When    time.Time
	// KeyID has a few characters of its ID: AKIA...MPLE. It is "" if nobody knows.
	KeyID string
}

// Kind is what kind of secret was found.
type Kind string

// The kinds.
const (
	SecretKey  Kind = "secret-access-key"
	KeyID      Kind = "access-key-id"
	MFASecret  Kind = "mfa-secret"
	BedrockKey Kind = "bedrock-api-key"
)

// State is what fob knows of a secret.
type State string

// The states.
const (
	IsStored  State = "stored"
	IsRetired State = "retired"
	IsOther   State = "other" // found by its form
)

// Subject is a secret, as it may be named.
type Subject struct {
	Kind  Kind  `json:"kind"`
	State State `json:"state"`
	// KeyID has only a few characters of the ID: AKIA...MPLE.
	KeyID    string   `json:"key_id,omitempty"`
	Profiles []string `json:"profiles,omitempty"`
	Serial   string   `json:"mfa_serial,omitempty"`
	// Retired is when the key was replaced.
	Retired *time.Time `json:"retired,omitempty"`
	// Account is a guess by the ID of a key that is not fob's.
	Account string `json:"account_guess,omitempty"`
	// Yours: that account is one that the user has to do with; nil if nobody knows.
	Yours *bool `json:"account_yours,omitempty"`
	// WithSecret: what looks like its secret is next to the ID.
	WithSecret bool `json:"with_secret,omitempty"`
	// Fingerprint tells two Bedrock keys apart: a few digits of a hash, which do not give
	// the key back.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Finding is a place where a secret is.
type Finding struct {
	Subject
	// Spelling is how it is written; "" for as it is.
	Spelling string `json:"spelling,omitempty"`
	// Path is a file's, or that of a file in a commit or in the index; "" if a git object
	// is known by no name.
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	// InName: it is in the name of the file.
	InName bool `json:"in_name,omitempty"`
	// Staged: it is in the index.
	Staged bool `json:"staged,omitempty"`
	// Git is the object in a repository; nil for a file.
	Git *Object `json:"git,omitempty"`

	at place
}

// place is where a file is in a repository.
type place struct {
	repository string // "" if it is in none
	top        string // the directory of the repository's files
	path       string // below the top; absolute if the file is in no repository
}

// Object is a git object with a secret in it, and the first commit with that object.
type Object struct {
	Repository string     `json:"repository"`
	ID         string     `json:"object"`
	Type       string     `json:"type"` // blob, commit, tag or tree
	Commit     string     `json:"commit,omitempty"`
	Author     string     `json:"author,omitempty"`
	Email      string     `json:"email,omitempty"`
	Date       *time.Time `json:"date,omitempty"`
	// Reachable: a branch, a tag or another ref leads to it.
	Reachable bool `json:"reachable"`
}

// Root is the directory of the repository's files, or of the repository if it has none.
func (o Object) Root() string {
	if filepath.Base(o.Repository) == ".git" {
		return filepath.Dir(o.Repository)
	}
	return o.Repository
}

// Searched counts what was searched.
type Searched struct {
	Files        int   `json:"files"`
	Bytes        int64 `json:"bytes"`
	Repositories int   `json:"repositories"`
	Objects      int   `json:"objects"`
}

// Skipped is what was not searched on purpose.
type Skipped struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Problem is what could not be searched.
type Problem struct {
	Path string
	Err  error
}

// Report is what a search has found. No path in it has a secret: what is one there is
// hidden.
type Report struct {
	Findings []Finding
	Searched Searched
	Skipped  []Skipped
	Problems []Problem
	// Root is the directory to which the paths of staged files are relative.
	Root string

	tops []place // of the repositories that were searched
}
