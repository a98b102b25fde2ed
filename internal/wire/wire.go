// Package wire adds fob to an AWS config and removes it again: the line that makes
// SDKs run fob for a profile's credentials, and the lines that go with it.
//
// Its functions are pure: the text of the config in, the new text out. They change
// only the lines that they name (awsconfig has the rules and the errors), and never
// a section that already says where its credentials come from.
package wire

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// Lines are properties of a section: key and value.
type Lines [][2]string

// Text is the lines as they stand in a file.
func (l Lines) Text() (lines []string) {
	for _, kv := range l {
		lines = append(lines, strings.TrimSpace(kv[0]+" = "+kv[1]))
	}
	return lines
}

// Owned reports whether a section's credential_process is program's own export
// of that profile.
func Owned(section awsconfig.Profile, program string) bool {
	process, ok := section.Own("credential_process")
	profile, own := cmdline.FobProfile(process.Text, program)
	return ok && own && profile == section.Name
}

// TakenError is a section that already has another source of credentials.
type TakenError struct{ By awsconfig.Value }

func (e *TakenError) Error() string {
	return fmt.Sprintf("the section has %s (line %d)", e.By.Key, e.By.Line)
}

// rivals are the keys that say where a section's credentials come from, so that SDKs
// do not all ask a credential_process next to them: each of them, without the others,
// makes at least one SDK take something else or fail. The first two are a static key, the
// third is a role, and those after it are sources.
var rivals = []string{
	"aws_access_key_id", "aws_secret_access_key",
	"role_arn", "source_profile", "credential_source", "web_identity_token_file",
	"sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name", "login_session",
}

// HasSource reports whether a section names a source of credentials for fob alone. A role
// is not one: it stands on a source.
func HasSource(section awsconfig.Profile) bool {
	return slices.ContainsFunc(rivals[3:], func(key string) bool {
		_, ok := section.Own(prefix + key)
		return ok
	})
}

// Rivals are the properties of a section that come before its credential_process, or
// would, in some SDK. Included profiles do not count: SDKs do not know them.
func Rivals(section awsconfig.Profile) (found []awsconfig.Value) {
	if v, ok := section.Hidden(); ok {
		found = append(found, v)
	}
	for _, key := range rivals {
		if v, ok := section.Own(key); ok {
			found = append(found, v)
		}
	}
	return found
}

// Edit is a text after a change.
type Edit struct {
	Text   string
	Set    Lines  // what was written
	Record Record // what to remember of it
}

// Add gives a profile's section lines, among them its credential_process, and makes
// the section if there is none. Values that the section has already, under these names
// or without fob_, stay as they are. r is what fob wrote there before.
func Add(text, profile, program string, lines Lines, r Record) (Edit, error) {
	section, _, err := read(text, profile)
	if err != nil {
		return Edit{}, err
	}
	if found := Rivals(section); len(found) > 0 {
		return Edit{}, &TakenError{found[0]}
	}
	if v, ok := section.Own("credential_process"); ok && !Owned(section, program) {
		return Edit{}, &TakenError{v}
	} else if ok {
		// It may be another path of fob, which works.
		lines = slices.DeleteFunc(slices.Clone(lines), func(l [2]string) bool { return l[0] == v.Key })
	}
	var missing Lines
	for _, l := range lines {
		if v, ok := section.Get(strings.TrimPrefix(l[0], "fob_")); !ok || v.Text != l[1] {
			missing = append(missing, l)
		}
	}
	return r.set(text, profile, missing)
}

// Remove removes what fob wrote to a profile's section, by what r remembers of it. Lines
// that somebody has changed stay, and so does all of a section whose credential_process
// is another program's. Without a memory only fob's own credential_process is removed.
func Remove(text, profile, program string, r Record) (Edit, error) {
	section, exists, err := read(text, profile)
	if err != nil || !exists {
		return Edit{Text: text}, err
	}
	if v, ok := section.Own("credential_process"); ok && !Owned(section, program) {
		return Edit{Text: text, Record: r}, nil
	} else if ok {
		r.Lines = append(slices.Clone(r.Lines), [2]string{v.Key, v.Text})
	}
	out, err := r.undo(text, profile)
	return Edit{Text: out}, err
}

// SetSerial names the MFA device in a profile's section. If there is no section it
// makes one.
func SetSerial(text, profile, serial string, r Record) (Edit, error) {
	return r.set(text, profile, Lines{{serialKey, serial}})
}

// DropSerial removes the line again, if it names that device. If the section named
// another device before, it names that one again.
func DropSerial(text, profile, serial string, r Record) (Edit, error) {
	line := [2]string{serialKey, serial}
	changed := slices.IndexFunc(r.Changed, func(c Change) bool { return c.Set == line })
	gone := Record{Made: r.Made, Before: r.Before, Lines: Lines{line}}
	if changed >= 0 {
		gone = Record{Changed: r.Changed[changed : changed+1]}
	}
	out, err := gone.undo(text, profile)
	if err != nil {
		return Edit{}, err
	}
	section, _, err := read(out, profile)
	return Edit{Text: out, Record: r.current(section)}, err
}

const serialKey = "fob_mfa_serial"

// read finds the profile's section in the text of a config file.
func read(text, profile string) (awsconfig.Profile, bool, error) {
	if _, err := awsconfig.Header("profile", profile); err != nil {
		return awsconfig.Profile{}, false, err
	}
	config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		return awsconfig.Profile{}, false, err
	}
	section, exists := config.Profile(profile)
	return section, exists, nil
}
