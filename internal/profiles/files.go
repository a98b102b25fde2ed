package profiles

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fob/internal/awsconfig"
	"fob/internal/wire"
	"fob/keyring"
)

// Files are the two AWS files.
type Files struct {
	Config, Credentials string // paths
	// State is the directory of what fob remembers of the lines that it writes.
	State string
	// Tilde shortens a path for messages.
	Tilde func(path string) string
}

// Parse reads both files; a missing one is empty. Errors are the system's, an
// awsconfig.SyntaxError or an awsconfig.LoopError.
func (f Files) Parse() (*awsconfig.Config, error) {
	config, err := awsconfig.Read(f.Config)
	if err != nil {
		return nil, err
	}
	return f.ParseWith(config.Text)
}

// ParseWith reads the credentials file, and takes text for the config file: what
// it will hold, if all is well.
func (f Files) ParseWith(text string) (*awsconfig.Config, error) {
	credentials, err := awsconfig.Read(f.Credentials)
	if err != nil {
		return nil, err
	}
	return f.ParseTexts(text, credentials.Text)
}

// ParseTexts takes texts for both files.
func (f Files) ParseTexts(config, credentials string) (*awsconfig.Config, error) {
	return awsconfig.Parse(awsconfig.File{Path: f.Tilde(f.Config), Text: config}, awsconfig.File{Path: f.Tilde(f.Credentials), Text: credentials})
}

// Shadow is the plain-text key in the credentials file that has the profile's name
// and hides the profile from every SDK.
func (f Files) Shadow(profile string) (key awsconfig.Value, ok bool) {
	credentials, err := awsconfig.Read(f.Credentials)
	if err != nil {
		return key, false
	}
	credentials.Path = f.Tilde(f.Credentials)
	c, err := awsconfig.Parse(awsconfig.File{}, credentials)
	if err != nil {
		return key, false
	}
	section, _ := c.Profile(profile)
	return section.Plain("aws_access_key_id")
}

// Edit changes the config file: edit is given its text and returns the new one.
// Whatever was read before is out of date then.
func (f Files) Edit(edit func(text string) (string, error)) (changed bool, err error) {
	return f.EditFile(f.Config, edit)
}

// EditFile is Edit for either file.
func (f Files) EditFile(path string, edit func(text string) (string, error)) (changed bool, err error) {
	file, err := awsconfig.Read(path)
	if err != nil {
		return false, err
	}
	text, err := edit(file.Text)
	if syntax, ok := errors.AsType[*awsconfig.SyntaxError](err); ok && syntax.File == "" {
		syntax.File = f.Tilde(path)
	}
	if err != nil || text == file.Text {
		return false, err
	}
	err = awsconfig.WriteFile(path, []byte(file.Text), []byte(text))
	if err != nil && !errors.Is(err, awsconfig.ErrChanged) {
		err = f.unwritten(path, file.Text, text, err)
	}
	return true, err
}

// WriteError is a file that cannot be written, with the lines that the edit would
// have removed and added: somebody else has to write them.
type WriteError struct {
	File, Link  string // Link is where the file leads; "" if it is not a symbolic link
	Gone, Added []string
	Err         error
}

func (e *WriteError) Error() string {
	file, why := e.File, e.Err
	if e.Link != "" {
		file += " (a link to " + e.Link + ")"
	}
	if path, ok := errors.AsType[*fs.PathError](why); ok {
		why = path.Err // without the name of a temporary file
	}
	return fmt.Sprintf("cannot write %s: %v", file, why)
}

func (e *WriteError) Unwrap() error { return e.Err }

func (f Files) unwritten(path, before, after string, err error) error {
	e := &WriteError{File: f.Tilde(path), Err: err}
	e.Link, _ = os.Readlink(path) // fails if it is not a link
	e.Gone, e.Added = wire.Diff(before, after)
	return e
}

// Preview is the lines that Wire would remove and add.
func (f Files) Preview(profile string, edit func(text string, r wire.Record) (wire.Edit, error)) (gone, added []string, err error) {
	note, err := f.recall(profile)
	if err != nil {
		return nil, nil, err
	}
	file, err := awsconfig.Read(f.Config)
	if err != nil {
		return nil, nil, err
	}
	made, err := edit(file.Text, note.Record)
	if err != nil {
		return nil, nil, err
	}
	gone, added = wire.Diff(file.Text, made.Text)
	return gone, added, nil
}

// Wire is Edit for what fob writes to a profile's section: edit is given also what fob
// remembers of that, and returns what to remember from now on.
func (f Files) Wire(profile string, edit func(text string, r wire.Record) (wire.Edit, error)) (made wire.Edit, changed bool, err error) {
	note, err := f.recall(profile)
	if err != nil {
		return wire.Edit{}, false, err
	}
	changed, err = f.Edit(func(text string) (string, error) {
		if made, err = edit(text, note.Record); err != nil {
			return "", err
		}
		// Lines that nobody remembers would stay forever, so they are remembered before
		// they are written. To remember lines that are not there does no harm.
		if !made.Record.IsZero() {
			err = f.remember(note, made.Record)
		}
		return made.Text, err
	})
	if err == nil && made.Record.IsZero() {
		err = f.remember(note, made.Record)
	}
	return made, changed, err
}

// notePrefix begins the names of the files that hold notes.
const notePrefix = "wired-"

// note is what fob remembers of the lines that it wrote for a profile to a config file.
type note struct {
	Config  string      `json:"config"`
	Profile string      `json:"profile"`
	Record  wire.Record `json:"record"`

	path, text string // of the note
}

// recall reads a note. One that is damaged or somebody else's does not count: then
// fob takes back less.
func (f Files) recall(profile string) (note, error) {
	config, err := filepath.Abs(f.Config)
	if err != nil {
		return note{}, err
	}
	sum := sha256.Sum256([]byte(config + "\x00" + profile))
	n := note{Config: config, Profile: profile, path: filepath.Join(f.State, notePrefix+hex.EncodeToString(sum[:8])+".json")}
	file, err := awsconfig.Read(n.path)
	if err != nil {
		return note{}, err
	}
	n.text = file.Text
	var old note
	if json.Unmarshal([]byte(file.Text), &old) == nil && old.Config == config && old.Profile == profile {
		n.Record = old.Record
	}
	return n, nil
}

// remember replaces the note, and removes it if there is nothing to remember.
func (f Files) remember(n note, r wire.Record) error {
	if r.IsZero() {
		if err := os.Remove(n.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	n.Record = r
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if string(text) == n.text {
		return nil
	}
	err = awsconfig.WriteFile(n.path, []byte(n.text), text)
	if _, missing := os.Stat(f.State); err != nil && missing != nil {
		return &keyring.CreateError{Dir: f.State, Err: err}
	}
	return err
}
