package format

import (
	"slices"
	"strings"

	"fob/internal/creds"
)

// Var is one variable of an environment.
type Var struct{ Name, Value string }

// Vars are the variables of a session. Unknown values are left out.
func Vars(s creds.Session, region string) []Var {
	expires := Time(s.Expires)
	var vars []Var
	for _, v := range []Var{
		{"AWS_ACCESS_KEY_ID", s.ID},
		{"AWS_SECRET_ACCESS_KEY", s.Secret.Reveal()},
		{"AWS_SESSION_TOKEN", s.Token.Reveal()},
		{"AWS_CREDENTIAL_EXPIRATION", expires},
		{"AWS_SESSION_EXPIRATION", expires}, // what prompts read
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_ACCOUNT_ID", s.AccountID},
	} {
		if v.Value != "" {
			vars = append(vars, v)
		}
	}
	return vars
}

// marks say whose the variables of a session are. An AWS_ACCESS_KEY_ID other than
// FOB_KEY_ID, or an AWS_REGION other than FOB_REGION, was set by somebody else.
func marks(s creds.Session, profile, region string) []Var {
	vars := []Var{{"FOB_PROFILE", profile}, {"FOB_KEY_ID", s.ID}}
	if region != "" {
		vars = append(vars, Var{"FOB_REGION", region})
	}
	return vars
}

// stale are the variables of an earlier session in a shell that a session does not
// replace. A region counts only if fob has set it.
func stale(environ []string, vars []Var) (names []string) {
	const mark = "FOB_REGION"
	region := lookup(environ, mark, false)
	for _, n := range []string{
		"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWS_ACCOUNT_ID",
		"AWS_REGION", "AWS_DEFAULT_REGION", mark,
	} {
		value := lookup(environ, n, false)
		replaced := slices.ContainsFunc(vars, func(v Var) bool { return v.Name == n || n == mark && v.Name == "AWS_REGION" })
		if value == "" || replaced || strings.HasSuffix(n, "REGION") && value != region {
			continue
		}
		names = append(names, n)
	}
	return names
}

// removed are the variables that hold AWS credentials or say where to find them,
// and fob's own secrets. None reaches a child unless fob sets it.
var removed = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_CREDENTIAL_FILE",
	"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", // a stale one makes botocore refuse fresh keys
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", // JavaScript prefers a profile to keys
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_ACCOUNT_ID", // moves DynamoDB to an account's endpoint
	"AWS_MFA_SERIAL", "AWS_SESSION_TAGS", "AWS_TRANSITIVE_TAGS", "AWS_SOURCE_IDENTITY",
	"AWSU_PROFILE", "AWSUME_PROFILE", "AWSUME_EXPIRATION", "AWS_SSO_PROFILE",
	"FOB_MFA_CODE", "FOB_AGE_IDENTITY", "AWS_VAULT_FILE_PASSPHRASE", "AWS_VAULT", "FOB_PROFILE", "FOB_KEY_ID", setMark,
}

// removedPrefixes are families of such variables.
var removedPrefixes = []string{
	"AWS_BEARER_TOKEN_", // botocore prefers it to keys
	"FOB_PASSPHRASE",
}

// setMark names the variables that an outer fob exec has set for its profile, separated by
// commas, and the profile after a space.
const setMark = "FOB_ENV"

// setBefore are those variables and the profile.
func setBefore(environ []string, foldCase bool) (names []string, profile string) {
	list, profile, _ := strings.Cut(lookup(environ, setMark, foldCase), " ")
	return slices.DeleteFunc(strings.Split(list, ","), func(name string) bool { return name == "" }), profile
}

// Clean returns the environment without the variables of AWS credentials, and without those
// that an outer fob exec has set for its command: they are secrets, or belong to another
// profile. It drops every occurrence; foldCase (Windows) ignores the case of names.
func Clean(environ []string, foldCase bool, also ...string) []string {
	before, _ := setBefore(environ, foldCase)
	return clean(environ, foldCase, append(before, also...))
}

func clean(environ []string, foldCase bool, also []string) []string {
	drop := func(name string) bool {
		is := func(n string) bool { return same(name, n, foldCase) }
		return slices.ContainsFunc(removed, is) || slices.ContainsFunc(also, is) ||
			slices.ContainsFunc(removedPrefixes, func(p string) bool {
				return len(name) >= len(p) && same(name[:len(p)], p, foldCase)
			})
	}
	var out []string
	for _, entry := range environ {
		// A name may begin with "=" on Windows (=C:=C:\dir).
		i := strings.IndexByte(entry, '=')
		if i <= 0 || !drop(entry[:i]) {
			out = append(out, entry)
		}
	}
	return out
}

func same(a, b string, foldCase bool) bool { return a == b || foldCase && strings.EqualFold(a, b) }

// lookup is the first value of a variable, because the first one counts.
func lookup(environ []string, name string, foldCase bool) string {
	for _, entry := range environ {
		if n, value, ok := strings.Cut(entry, "="); ok && same(n, name, foldCase) {
			return value
		}
	}
	return ""
}

// Child describes the program that gets the environment.
type Child struct {
	Profile string
	Region  string
	// Set are variables that the child gets in place of the inherited ones of their names.
	Set []Var
	// Compat also sets AWS_VAULT, which prompts such as starship show.
	Compat bool
	// FoldCase ignores the case of names (Windows).
	FoldCase bool
}

// Environ is the environment of a child: environ without credentials, and the
// session.
func Environ(environ []string, s creds.Session, c Child) []string {
	vars := append(Vars(s, c.Region), marks(s, c.Profile, c.Region)...)
	if c.Compat {
		vars = append(vars, Var{"AWS_VAULT", c.Profile})
	}
	names, profile := setBefore(environ, c.FoldCase)
	drop := c.staleRegions(environ)
	if profile != c.Profile {
		drop, names = append(drop, names...), nil
	}
	for _, v := range c.Set {
		drop = append(drop, v.Name)
		if !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	if len(names) > 0 {
		vars = append(vars, Var{setMark, strings.Join(names, ",") + " " + c.Profile})
	}
	out := clean(environ, c.FoldCase, drop)
	for _, v := range append(slices.Clone(c.Set), vars...) {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// staleRegions are the region variables to remove: all of them if there is a region
// to set, else those that an outer fob exec has set. The user's own region stays.
func (c Child) staleRegions(environ []string) []string {
	const mark = "FOB_REGION"
	stale := []string{mark}
	outer := lookup(environ, mark, c.FoldCase)
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if c.Region != "" || outer != "" && lookup(environ, name, c.FoldCase) == outer {
			stale = append(stale, name)
		}
	}
	return stale
}
