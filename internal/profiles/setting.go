package profiles

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// Set gives a setting a value: in the line that counts, or else in the config file, where
// its section may be missing. It says where the value is now.
func (f Files) Set(s awsconfig.Setting, value string) (at awsconfig.Value, changed bool, err error) {
	err = f.again(func() error {
		at, changed, err = f.set(s, value)
		return err
	})
	return at, changed, err
}

func (f Files) set(s awsconfig.Setting, value string) (at awsconfig.Value, changed bool, err error) {
	config, err := f.Parse()
	if err != nil {
		return at, false, err
	}
	if s.Profiled() {
		if err := config.Spoiled(s.Name); err != nil {
			return at, false, err
		}
	}
	old, _, ok := config.Setting(s)
	if !ok && s.Sub != "" { // a section of the credentials file hides that of the config file
		old, _, _ = config.Setting(awsconfig.Setting{Kind: s.Kind, Name: s.Name, Key: s.Key})
	}
	changed, err = f.setting(s, f.inCredentials(old), func(text, header string) (string, error) {
		return awsconfig.Set(text, header, s, value)
	})
	if err != nil {
		return at, false, err
	}
	if config, err = f.Parse(); err == nil {
		at, _, _ = config.Setting(s)
	}
	return at, changed, err
}

// Unset removes a setting wherever it has a value, and says where that was, also if it
// then fails.
func (f Files) Unset(s awsconfig.Setting) (gone []awsconfig.Value, err error) {
	err = f.again(func() error {
		removed, err := f.unset(s)
		gone = append(gone, removed...)
		return err
	})
	return gone, err
}

// again edits once more if another program has changed the file meanwhile: one setting
// does not depend on what else there is. A program that never stops wins.
func (f Files) again(edit func() error) (err error) {
	const most = 100
	for range most {
		if err = edit(); !errors.Is(err, awsconfig.ErrChanged) {
			return err
		}
	}
	return err
}

func (f Files) unset(s awsconfig.Setting) (gone []awsconfig.Value, err error) {
	config, err := f.Parse()
	if err != nil {
		return nil, err
	}
	in := map[bool][]awsconfig.Value{} // the credentials file, or the other one
	for _, v := range config.Settings(s) {
		in[f.inCredentials(v)] = append(in[f.inCredentials(v)], v)
	}
	// What one file has against it leaves the other as it is.
	for _, write := range []bool{false, true} {
		for _, credentials := range []bool{false, true} {
			if in[credentials] == nil {
				continue
			}
			_, err := f.setting(s, credentials, func(text, header string) (string, error) {
				after, err := awsconfig.Unset(text, header, s)
				if !write {
					after = text
				}
				return after, err
			})
			if err != nil {
				return gone, err
			}
			if write {
				gone = append(gone, in[credentials]...)
			}
		}
	}
	return gone, nil
}

// setting edits the file that a setting is in.
func (f Files) setting(s awsconfig.Setting, credentials bool, edit func(text, header string) (string, error)) (changed bool, err error) {
	header, err := s.Header(credentials)
	if err != nil {
		return false, err
	}
	path := f.Config
	if credentials {
		path = f.Credentials
	}
	return f.EditFile(path, func(text string) (string, error) { return edit(text, header) })
}

// inCredentials reports whether a value is in the credentials file.
func (f Files) inCredentials(v awsconfig.Value) bool {
	return v.File != "" && v.File == f.Tilde(f.Credentials)
}

// SettingKeys are the settings that profiles have, without access keys, and two that all
// profiles may have. The profiles may be nil.
func (p *Profiles) SettingKeys() []string {
	keys := []string{"region", "output"}
	if p != nil {
		for _, name := range p.Config.Names() {
			section, _ := p.Config.Profile(name)
			for _, key := range section.Keys() {
				if v, ok := section.Own(key); ok && strings.HasPrefix(key, "fob_env_") {
					key = "fob_env_" + v.Written[len("fob_env_"):] // the capitals are the variable's
				}
				keys = append(keys, key)
			}
		}
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return strings.HasPrefix(key, "aws_") })
	return slices.Compact(slices.Sorted(slices.Values(keys)))
}
