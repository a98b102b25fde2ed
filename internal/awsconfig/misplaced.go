package awsconfig

import (
	"slices"
	"strings"
)

// Misplaced is a section with the header of the other file: [dev] in the config file, or
// [profile dev] in the credentials file. No tool takes it for the profile dev.
type Misplaced struct {
	Section Profile // the profile that it is meant for, with only what is in it
	Header  string  // as it stands there
	Want    string  // what it has to be in this file
	// InCredentials: this file is the credentials file.
	InCredentials bool
}

// Misplaced are the misplaced sections of both files, in their order. The config file
// has sections of other programs ([plugins]): one without a profile's keys is theirs.
func (c *Config) Misplaced() (all []Misplaced) {
	for _, d := range []*document{c.config, c.credentials} {
		for i := range d.marks {
			s := d.at(i)
			name := s.misplaced()
			if name == "" {
				continue
			}
			own := d.values([]section{s})
			kind := kindProfile
			if d.credentials {
				kind = ""
			}
			want, err := Header(kind, name)
			if err != nil || !own.profiles() {
				continue
			}
			all = append(all, Misplaced{
				Section: Profile{Name: name, File: d.Path, Line: s.line, own: &own},
				Header:  "[" + s.inner + "]", Want: want, InCredentials: d.credentials,
			})
		}
	}
	return all
}

// misplaced is the name of the profile that a section is meant for; "" if it is in its
// place, or nobody knows.
func (s section) misplaced() string {
	word, rest, _ := strings.Cut(strings.ReplaceAll(s.inner, "\t", " "), " ")
	rest = strings.TrimSpace(rest)
	switch kind, _ := s.meaning(); {
	case kind != "" && !(s.credentials && rest != ""):
		return ""
	case strings.EqualFold(word, kindProfile) && rest != "" && (s.credentials || word != kindProfile):
		return unquote(rest)
	case s.credentials || rest != "" || strings.EqualFold(word, defaultName):
		return ""
	case word == kindProfile || word == kindSSO || word == kindServices:
		return ""
	}
	return word
}

// profiles reports whether these are properties of a profile: fob's own are.
func (p properties) profiles() bool {
	for key := range p {
		if strings.HasPrefix(key, prefix) || slices.Contains(profileKeys, key) {
			return true
		}
	}
	return false
}

// IsProfileKey reports whether a key is one by which a section is known to be a profile.
func IsProfileKey(key string) bool { return slices.Contains(profileKeys, key) }

// profileKeys are keys by which a section is known to be a profile.
var profileKeys = []string{
	keyID, keySecret, "region", "output", "role_arn", "source_profile", "credential_source", "credential_process", "mfa_serial", "web_identity_token_file",
	"sso_session", "sso_start_url", "sso_account_id", "login_session", includeKey,
}
