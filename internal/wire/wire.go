// Package wire adds fob to an AWS config and removes it again: the line that makes
// SDKs run fob for a profile's credentials, and the lines that go with it.
//
// Its functions are pure: the text of the config in, the new text out. They change
// only the lines that they name (awsconfig has the rules and the errors), and never
// a section that already says where its credentials come from.
package wire

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// Lines are properties of a section: key and value.
type Lines [][2]string

// Owned reports whether a section's credential_process is program's own export
// of that profile.
func Owned(section awsconfig.Profile, program string) bool {
	process, ok := section.Plain("credential_process")
	profile, own := cmdline.FobProfile(process.Text, program)
	return ok && own && profile == section.Name
}

// TakenError is a section that already has another source of credentials.
type TakenError struct{ By awsconfig.Value }

func (e *TakenError) Error() string {
	return fmt.Sprintf("the section has %s (line %d)", e.By.Key, e.By.Line)
}

// sources are the keys that say where a section's credentials come from. A section
// must not have two of them.
var sources = []string{"credential_process", "role_arn", "source_profile", "sso_session", "sso_start_url", "web_identity_token_file", "credential_source"}

// Add adds the lines that a profile's section does not have yet, and returns them.
// If there is no section it makes one with all the lines.
func Add(text, profile, program string, lines Lines) (out string, added Lines, err error) {
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return "", nil, err
	}
	config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		return "", nil, err
	}
	section, exists := config.Profile(profile)
	if !exists {
		out, err = awsconfig.AppendSection(text, header, lines)
		return out, lines, err
	}
	if Owned(section, program) {
		return text, nil, nil
	}
	for _, key := range sources {
		if v, ok := section.Plain(key); ok {
			return "", nil, &TakenError{v}
		}
	}
	for _, l := range lines {
		if _, ok := section.Get(strings.TrimPrefix(l[0], "fob_")); !ok {
			added = append(added, l)
		}
	}
	out, err = awsconfig.SetKeys(text, header, added)
	return out, added, err
}

// Remove removes the lines that Add wrote. Lines that somebody has changed stay, and
// so does the region, unless nothing else is left.
func Remove(text, profile, program string) (string, error) {
	config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		return "", err
	}
	section, _ := config.Profile(profile)
	if !Owned(section, program) {
		return text, nil
	}
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return "", err
	}
	var own Lines
	for _, key := range []string{"credential_process", "fob_mfa_serial"} {
		if v, ok := section.Plain(key); ok {
			own = append(own, [2]string{key, v.Text})
		}
	}
	out, _, err := awsconfig.RemoveKeys(text, header, own)
	if err != nil {
		return "", err
	}
	if region, ok := section.Plain("region"); ok {
		// A section with only a region left was made by fob, too.
		rest, _, err := awsconfig.RemoveKeys(out, header, Lines{{"region", region.Text}})
		if err == nil && !has(rest, profile) {
			return rest, nil
		}
	}
	return out, nil
}

func has(text, profile string) bool {
	config, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		return true
	}
	_, ok := config.Profile(profile)
	return ok
}

// SetSerial names the MFA device in a profile's section. If there is no section it
// makes one.
func SetSerial(text, profile, serial string) (string, error) {
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return "", err
	}
	line := Lines{{"fob_mfa_serial", serial}}
	out, err := awsconfig.SetKeys(text, header, line)
	if errors.Is(err, awsconfig.ErrNoSection) {
		return awsconfig.AppendSection(text, header, line)
	}
	return out, err
}

// DropSerial removes the line again, if it names that device.
func DropSerial(text, profile, serial string) (string, error) {
	header, err := awsconfig.Header("profile", profile)
	if err != nil {
		return "", err
	}
	out, _, err := awsconfig.RemoveKeys(text, header, Lines{{"fob_mfa_serial", serial}})
	if errors.Is(err, awsconfig.ErrNoSection) {
		return text, nil
	}
	return out, err
}
