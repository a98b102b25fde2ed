package wire

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// The one form that every SDK takes is a credential_process alone. So what a section
// says about its credentials gets fob_ in front of it, which SDKs ignore and fob reads
// as before.

// movable are the keys that at least one SDK would follow, or stumble over, next to a
// credential_process. The Go SDK, botocore and JavaScript take the rivals; Go signs in
// if any sso key is there. .NET finds the kind of a profile by the exact set of its keys, and
// finds none for a credential_process with an MFA device, an external ID or a session name.
// duration_seconds stays: no SDK looks at it then.
var movable = []string{
	"role_arn", "source_profile", "credential_source", "web_identity_token_file",
	"sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name", "sso_registration_scopes", "login_session",
	"mfa_serial", "external_id", "role_session_name",
}

const (
	processKey = "credential_process"
	prefix     = "fob_"
)

// RewriteError is a section that is not rewritten, or not brought back.
type RewriteError struct {
	Profile, Problem string
	// PlainText: an access key in plain text is why.
	PlainText bool
}

func (e *RewriteError) Error() string { return fmt.Sprintf("profile %q %s", e.Profile, e.Problem) }

// Asks reports whether a section's credential_process is program's own export, of any
// profile, and nothing next to it stops an SDK from running it.
func Asks(section awsconfig.Profile, program string) bool {
	line, _ := section.Own(processKey)
	_, ok := cmdline.FobProfile(line.Text, program)
	return ok && len(moving(section, program)) == 0
}

// moving are the keys of a section that get the prefix.
func moving(section awsconfig.Profile, program string) (keys []string) {
	for _, key := range movable {
		_, ok := section.Own(key)
		_, ours := section.Own(prefix + key)
		// A device with both spellings has one for fob already, and most SDKs ignore the other.
		if ok && (!ours || slices.Contains(rivals, key)) {
			keys = append(keys, key)
		}
	}
	line, ok := section.Own(processKey)
	if _, fob := cmdline.FobProfile(line.Text, program); ok && !Owned(section, program) && (!fob || len(keys) > 0) {
		keys = append(keys, processKey)
	}
	return keys
}

// CheckRewrite says why a section cannot be rewritten. It is merged from both files, of
// which fob writes only the config. Errors: *RewriteError.
func CheckRewrite(section awsconfig.Profile, config, program string) error {
	refuse := func(format string, args ...any) error {
		return &RewriteError{Profile: section.Name, Problem: fmt.Sprintf(format, args...)}
	}
	for _, key := range rivals[:2] {
		if v, ok := section.Own(key); ok && v.Text != "" {
			return &RewriteError{section.Name, fmt.Sprintf("has an access key in plain text (%s:%d), which every SDK uses first", v.File, v.Line), true}
		}
	}
	if v, ok := section.Hidden(); ok {
		return refuse("has an access key in a line that continues the one above (%s:%d): start that line in the first column", v.File, v.Line)
	}
	if line, _ := section.Own(processKey); cmdline.RunsFob(line.Text, program) {
		if _, export := cmdline.FobProfile(line.Text, program); !export {
			return refuse("has a credential_process that runs fob, but not fob export (%s:%d)", line.File, line.Line)
		}
	}
	for _, key := range moving(section, program) {
		v, _ := section.Own(key)
		if ours, both := section.Own(prefix + key); both {
			return refuse("has both %s and %s (%s:%d); remove one of them", key, ours.Key, ours.File, ours.Line)
		}
		if v.File != config {
			return refuse("has its %s in %s (line %d), and fob changes only %s", key, v.File, v.Line, config)
		}
	}
	return nil
}

// Rewrite makes a section ask fob, by this credential_process. CheckRewrite has found
// nothing against it. A profile without a section gets one.
func Rewrite(text, profile, program, process string, r Record) (Edit, error) {
	section, exists, err := read(text, profile)
	if err != nil || Asks(section, program) {
		return Edit{Text: text, Record: r}, err
	}
	line := [2]string{processKey, process}
	keys := moving(section, program)
	if len(keys) == 0 {
		edit, err := r.set(text, profile, Lines{line})
		edit.Record.Process = process
		return edit, err
	}
	if exists {
		r = r.current(section)
	}
	if Owned(section, program) {
		line = [2]string{}
	} else {
		r.Process = process
		r.Lines = append(slices.Clone(r.Lines), line)
	}
	for _, key := range keys {
		if !slices.Contains(r.Moved, key) {
			r.Moved = append(r.Moved, key)
		}
	}
	header, _ := awsconfig.Header("profile", profile) // read has made it already
	out, err := awsconfig.MoveKeys(text, header, keys, line)
	return Edit{Text: out, Record: r}, err
}

// Restore undoes Rewrite, by what r remembers of it. Values that somebody has changed
// since stay, without the prefix. Without a memory, all keys of a section that asks fob
// lose the prefix. Errors: *RewriteError, if the section has got another source of
// credentials in the meantime.
func Restore(text, profile, program string, r Record) (Edit, error) {
	section, exists, err := read(text, profile)
	if err != nil || !exists {
		return Edit{Text: text}, err
	}
	if !r.Rewritten() {
		if r, err = r.guess(section, program); err != nil {
			return Edit{}, err
		}
	}
	added := r.Process
	if r = r.current(section); added != "" && r.Process == "" {
		if v, _ := section.Own(processKey); plainExport(v.Text, profile, program) {
			r.Process = v.Text // with another path of fob
		}
	}
	if !r.Rewritten() {
		return Edit{Text: text, Record: r}, nil
	}
	refuse := func(v awsconfig.Value, why string) (Edit, error) {
		return Edit{}, &RewriteError{Profile: profile, Problem: fmt.Sprintf("has %s (line %d), %s", v.Key, v.Line, why)}
	}
	gone := Record{Moved: r.Moved}
	var newer Lines // values of fob's own, such as a new device, for keys that go back with their old ones
	for _, c := range r.Changed {
		if slices.Contains(r.Moved, strings.TrimPrefix(c.Set[0], prefix)) {
			gone.Changed = append(gone.Changed, c)
			newer = append(newer, c.Set)
		}
	}
	if v, ok := section.Own(processKey); ok && added != "" {
		if v.Text != added && !plainExport(v.Text, profile, program) || strings.Contains(v.Text, "\n") {
			return refuse(v, "which fob wire did not write")
		}
		gone.Made, gone.Before, gone.Lines = r.Made, r.Before, Lines{{processKey, v.Text}}
	}
	for _, key := range r.Moved {
		if v, both := section.Own(key); both && key != processKey {
			return refuse(v, "which fob wire did not write; remove it or "+prefix+key)
		}
	}
	out, err := gone.undo(text, profile)
	if err != nil {
		return Edit{}, err
	}
	section, _, err = read(out, profile)
	if r = r.current(section); err != nil || len(newer) == 0 {
		return Edit{Text: out, Record: r}, err
	}
	return r.set(out, profile, newer)
}

// plainExport reports whether a line is fob's export of a profile with nothing that
// somebody has chosen for it.
func plainExport(line, profile, program string) bool {
	e, ok := cmdline.ReadExport(line, program)
	return ok && e.Profile == profile && e.Duration+e.Policy+e.Strange == "" && len(e.PolicyARNs) == 0 && !e.ReadOnly
}

// guess is what Rewrite would remember if it had made the section.
func (r Record) guess(section awsconfig.Profile, program string) (Record, error) {
	line, _ := section.Own(processKey)
	if !Owned(section, program) {
		return r, nil
	}
	if slices.Contains(r.Lines, [2]string{processKey, line.Text}) {
		return r, &RewriteError{Profile: section.Name, Problem: "was written by fob add, not by fob wire"}
	}
	for _, key := range append(slices.Clone(movable), processKey) {
		if _, ok := section.Own(prefix + key); ok {
			r.Moved = append(r.Moved, key)
		}
	}
	// Next to a stored key there may be an MFA device alone, which needs no other spelling.
	if !slices.ContainsFunc(r.Moved, func(key string) bool { return key == processKey || slices.Contains(rivals, key) }) {
		r.Moved = nil
	} else {
		r.Process = line.Text
	}
	return r, nil
}
