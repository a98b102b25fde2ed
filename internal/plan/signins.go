package plan

import (
	"cmp"
	"net/url"
	"slices"

	"fob/internal/awsconfig"
)

// SignIn is one sign-in to Identity Center that the AWS config names, and who uses it.
type SignIn struct {
	// SSO has neither an account nor a role; Err is what is wrong with it, or nil.
	SSO
	Err error
	// Profiles use it, in the order of the config.
	Profiles []string
}

// Name is what people call the sign-in: its section's name, or else its start URL.
func (s SSO) Name() string { return cmp.Or(s.Session, s.StartURL) }

// Title is how people know the sign-in: by its section's name, or else by the host of its
// start URL.
func (s SSO) Title() string {
	if u, err := url.Parse(s.StartURL); s.Session == "" && err == nil && u.Host != "" {
		return u.Host
	}
	return s.Name()
}

// SignIns are the sign-ins of Identity Center: the [sso-session] sections, and then the
// start URLs that profiles have themselves.
func SignIns(f Facts) (all []SignIn) {
	bare := resolver{facts: f, chain: []hop{{}}}
	for _, name := range f.Config.SectionNames(ssoSection) {
		section, _ := f.Config.Section(ssoSection, name)
		s := SignIn{}
		s.SSO, s.Err = bare.ssoSession(section)
		s.From = From(where(section))
		all = append(all, s)
	}
	for _, name := range f.Config.Names() {
		section, _ := f.Config.Profile(name)
		if !slices.ContainsFunc(ssoKeys, func(key string) bool { _, ok := get(section, key); return ok }) {
			continue
		}
		r := resolver{facts: f, chain: []hop{{name: name, section: section}}}
		in, from, err := r.ssoSignIn(section)
		if err != nil {
			continue // the profile cannot be used, which is what list says about it
		}
		i := slices.IndexFunc(all, func(s SignIn) bool { return s.same(in) })
		if i < 0 {
			in.From = ssoFrom(from)
			all, i = append(all, SignIn{SSO: in}), len(all)
		}
		all[i].Profiles = append(all[i].Profiles, name)
	}
	return all
}

// ssoFrom is where a profile's own start URL stands.
func ssoFrom(section awsconfig.Profile) From {
	v, _ := get(section, "sso_start_url")
	return From(At(v))
}

// same reports whether two sign-ins share one token.
func (s SSO) same(t SSO) bool {
	_, one := s.TokenName()
	_, other := t.TokenName()
	return one == other
}

// NoSignInError: a name that no sign-in of Identity Center has.
type NoSignInError struct {
	Name    string
	Nearest []string
}

func (e *NoSignInError) Error() string { return "no [sso-session " + e.Name + "] section" }

// SignInNamed is the sign-in of a section, of a start URL or of a profile.
func SignInNamed(f Facts, name string) (SignIn, error) {
	all := SignIns(f)
	for _, s := range all {
		if name != "" && (name == s.Name() || s.Session == "" && s.portal() == SSO{StartURL: name}.portal()) {
			return s, s.Err
		}
	}
	var names []string
	for _, s := range all {
		if slices.Contains(s.Profiles, name) {
			return s, s.Err
		}
		names = append(names, s.Name())
	}
	return SignIn{}, &NoSignInError{Name: name, Nearest: Nearest(name, names)}
}
