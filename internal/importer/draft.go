package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
)

// Change is a file as it is and as it will be.
type Change struct {
	Path          string
	Before, After string
}

// Draft is what will become of the files when a key moves. Nothing is written yet.
type Draft struct {
	// Config is the AWS config in which the profiles ask fob, with the plain text that
	// is still there.
	Config *profiles.Rewriting
	// Strip removes the plain text, after Config has been written.
	Strip []Change
	// Profiles are those of the files without the plain text.
	Profiles *profiles.Profiles
	// Left are other profiles that stay as they are, though they build on one of these.
	Left []profiles.Refusal
}

// LeftError is a key that cannot leave its file.
type LeftError struct {
	Profile, Problem string
	// Plain: the profile has a key in plain text in an AWS file, which hides fob.
	Plain bool
}

func (e *LeftError) Error() string { return e.Problem }

// Serials are the MFA devices that profiles get, by their names.
type Serials map[string]string

// Draft makes the new texts. The store has the key already: profiles are planned with
// what it holds. read makes profiles of a config.
func (w World) Draft(item Item, serials Serials, read func(*awsconfig.Config) *profiles.Profiles) (*Draft, error) {
	d := &Draft{}
	config, err := awsconfig.Read(w.Files.Config)
	if err != nil {
		return nil, err
	}
	credentials, err := awsconfig.Read(w.Files.Credentials)
	if err != nil {
		return nil, err
	}
	bare := profiles.Texts{}
	if bare.Config, err = item.strip(w.Files.Config, config.Text); err != nil {
		return nil, err
	}
	if bare.Credentials, err = item.strip(w.Files.Credentials, credentials.Text); err != nil {
		return nil, err
	}
	if len(item.Profiles) > 0 {
		if err := w.rewrite(d, item, serials, bare, profiles.Texts{Config: config.Text, Credentials: credentials.Text}, read); err != nil {
			return nil, err
		}
	}
	return d, w.strips(d, item, credentials.Text)
}

// rewrite has the profiles of a key, and those that build on them, ask fob.
func (w World) rewrite(d *Draft, item Item, serials Serials, bare, disk profiles.Texts, read func(*awsconfig.Config) *profiles.Profiles) error {
	var err error
	if bare.Config, _, err = w.Files.SetSerials(bare.Config, serials); err != nil {
		return err
	}
	parsed, err := w.Files.ParseTexts(bare.Config, bare.Credentials)
	if err != nil {
		return err
	}
	d.Profiles = read(parsed)
	names := slices.Clone(item.Profiles)
	for _, name := range item.Profiles {
		for _, user := range d.Profiles.Users(name) {
			if !slices.Contains(names, user) && d.Profiles.CanRewrite(w.Files, user, w.Program) {
				names = append(names, user)
			}
		}
	}
	r, err := d.Profiles.RewriteTexts(w.Files, bare, names, w.Program)
	if err != nil {
		return err
	}
	at := texts{w.Files, disk, bare}
	for _, refused := range r.Refused {
		if slices.Contains(item.Profiles, refused.Profile) {
			problem := refused.Err.Error()
			if bad, ok := errors.AsType[*plan.ConfigError](refused.Err); ok { // a message begins with one place
				problem = bad.Problem + " (" + bad.At + ")"
			}
			rewrite, ok := errors.AsType[*wire.RewriteError](refused.Err)
			return &LeftError{refused.Profile, at.onDisk(problem), ok && rewrite.PlainText}
		}
		d.Left = append(d.Left, refused)
	}
	if d.Config, err = r.Onto(w.Files, disk.Config, serials, w.Program); err != nil {
		return err
	}
	after, err := item.strip(w.Files.Config, d.Config.After)
	if err != nil {
		return err
	}
	if parsed, err = w.Files.ParseTexts(after, bare.Credentials); err != nil {
		return err
	}
	d.Profiles = read(parsed)
	at.now.Config = after
	return w.checkSections(d, item, at)
}

// checkSections makes sure that every SDK will ask fob for these profiles.
func (w World) checkSections(d *Draft, item Item, at texts) error {
	for _, name := range item.Profiles {
		section, _ := d.Profiles.Config.Profile(name)
		for _, key := range []string{"aws_access_key_id", "aws_secret_access_key"} {
			if v, ok := section.Own(key); ok {
				place := at.onDisk(fmt.Sprintf("%s:%d", v.File, v.Line))
				return &LeftError{Profile: name, Problem: fmt.Sprintf("%s has another %s at %s, which would override this one", name, key, place)}
			}
		}
		if !wire.Asks(section, w.Program) {
			return &LeftError{Profile: name, Problem: fmt.Sprintf("the section of %s has something that tools use instead of fob", name)}
		}
	}
	return nil
}

// strips are the files that lose the key. The config is then as Config makes it.
func (w World) strips(d *Draft, item Item, credentials string) error {
	var seen []string
	for _, f := range item.Found {
		if f.File == "" || slices.Contains(seen, f.File) {
			continue
		}
		seen = append(seen, f.File)
		if f.Whole {
			continue // offered for deletion when the key has moved
		}
		c := Change{Path: f.File}
		switch {
		case f.File == w.Files.Config && d.Config != nil:
			c.Before = d.Config.After
		case f.File == w.Files.Credentials:
			c.Before = credentials
		default:
			file, err := awsconfig.Read(f.File)
			if err != nil {
				return err
			}
			c.Before = file.Text
		}
		var err error
		if c.After, err = item.strip(f.File, c.Before); err != nil {
			return err
		}
		if c.After == c.Before && !strings.Contains(c.Before, f.Key.ID) {
			continue // another import has removed it in the meantime
		}
		if c.After == c.Before {
			return &LeftError{Profile: f.Profile, Problem: fmt.Sprintf("%s:%d is not a line that fob can remove", f.Shown, f.Line)}
		}
		d.Strip = append(d.Strip, c)
	}
	return nil
}

// strip removes the key's lines from the text of one of its files, and sections that are
// empty then.
func (i Item) strip(path, text string) (string, error) {
	for _, f := range i.Found {
		if f.File != path || f.Whole {
			continue
		}
		bare, _, err := awsconfig.RemoveKeys(text, f.Header, f.Lines)
		if err != nil {
			return "", err
		}
		if bare == text {
			continue
		}
		rest, err := awsconfig.RemoveHeader(bare, f.Header, blankAbove(bare, f.Header))
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(text, "\n") && !strings.HasPrefix(text, "\r\n") { // what was below the first section
			rest = strings.TrimLeft(rest, "\r\n")
		}
		text = rest
	}
	if strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) == "" {
		text = ""
	}
	return text, nil
}

// blankAbove is the blank line in front of a header, which goes with it; "" for none.
func blankAbove(text, header string) string {
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if strings.Contains(text, blank+header) {
			return blank[len(blank)/2:]
		}
	}
	return ""
}
