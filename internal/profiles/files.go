package profiles

import (
	"errors"

	"fob/internal/awsconfig"
)

// Files are the two AWS files.
type Files struct {
	Config, Credentials string // paths
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
	credentials.Path = f.Tilde(f.Credentials)
	return awsconfig.Parse(awsconfig.File{Path: f.Tilde(f.Config), Text: text}, credentials)
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
	file, err := awsconfig.Read(f.Config)
	if err != nil {
		return false, err
	}
	text, err := edit(file.Text)
	if syntax, ok := errors.AsType[*awsconfig.SyntaxError](err); ok && syntax.File == "" {
		syntax.File = f.Tilde(f.Config)
	}
	if err != nil || text == file.Text {
		return false, err
	}
	return true, awsconfig.WriteFile(f.Config, []byte(file.Text), []byte(text))
}
