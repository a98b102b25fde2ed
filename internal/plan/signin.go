package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"fob/internal/awsconfig"
)

// ssoKeys are the keys of Identity Center in a profile. Any one of them makes it one,
// as for the Go SDK.
var ssoKeys = []string{"sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name"}

// DefaultScope is what AWS's tools ask for if an [sso-session] names no scopes.
const DefaultScope = "sso:account:access"

// sso reads a profile of Identity Center. at is the key that makes it one.
func (r *resolver) sso(h hop, at awsconfig.Value) error {
	s, from, err := r.ssoSignIn(h.section)
	if err != nil {
		return err
	}
	s.Profile, s.From = h.name, From(At(at))
	for _, need := range []struct {
		key string
		to  *string
	}{{"sso_account_id", &s.AccountID}, {"sso_role_name", &s.RoleName}, {"sso_start_url", new(string)}, {"sso_region", new(string)}} {
		own, inProfile := get(h.section, need.key)
		v, inSession := get(from, need.key)
		switch {
		case !inProfile && !inSession:
			return &ConfigError{At: where(h.section), Problem: need.key + " is missing"}
		case !inSession:
			v = own
		case inProfile && own.Text != v.Text: // which is an error in the AWS CLI too
			return &ConfigError{At: At(own), Problem: fmt.Sprintf("%s is %q, but in [sso-session %s] it is %q (%s)", own.Key, own.Text, s.Session, v.Text, At(v))}
		}
		*need.to = v.Text
	}
	if !isAccountID(s.AccountID) {
		return &ConfigError{At: At(at), Problem: fmt.Sprintf("sso_account_id: %q is not an account ID (12 digits)", s.AccountID)}
	}
	r.source = s
	return nil
}

// ssoSignIn reads where a profile signs in to Identity Center: at what from says, which
// is its [sso-session] section, or itself.
func (r *resolver) ssoSignIn(section awsconfig.Profile) (s SSO, from awsconfig.Profile, err error) {
	session, ok := get(section, "sso_session")
	if !ok {
		s, err = r.ssoPortal(section)
		return s, section, err
	}
	if from, ok = r.facts.Config.Section(ssoSection, session.Text); !ok {
		return s, from, &ConfigError{At: At(session), Problem: fmt.Sprintf("no [sso-session %s] section", session.Text)}
	}
	s, err = r.ssoSession(from)
	return s, from, err
}

// ssoSection is the kind of the sections that sign-ins have.
const ssoSection = "sso-session"

// ssoSession reads an [sso-session] section.
func (r *resolver) ssoSession(section awsconfig.Profile) (SSO, error) {
	s, err := r.ssoPortal(section)
	scopes, _ := get(section, "sso_registration_scopes")
	s.Session = section.Name
	s.Scopes = strings.FieldsFunc(cmp.Or(scopes.Text, DefaultScope), func(c rune) bool { return strings.ContainsRune(", \t\n", c) })
	return s, err
}

// ssoPortal reads the start URL and its region, which every sign-in has.
func (r *resolver) ssoPortal(section awsconfig.Profile) (s SSO, err error) {
	url, ok := get(section, "sso_start_url")
	if !ok {
		return s, &ConfigError{At: where(section), Problem: "sso_start_url is missing"}
	}
	region, ok := get(section, "sso_region")
	if !ok {
		return s, &ConfigError{At: where(section), Problem: "sso_region is missing"}
	}
	if !IsRegion(region.Text) {
		return s, &ConfigError{At: At(region), Problem: fmt.Sprintf("invalid sso_region %q; use a name such as eu-west-1", region.Text)}
	}
	s.StartURL, s.Region = url.Text, region.Text
	if s.OIDC, err = r.serviceEndpoint("sso-oidc", s.Region); err != nil {
		return s, err
	}
	s.Portal, err = r.serviceEndpoint("sso", s.Region)
	return s, err
}

// consoleLogin reads a profile that is signed in to by the console.
func (r *resolver) consoleLogin(h hop, v awsconfig.Value) error {
	a, ok := ParseARN(strings.TrimSpace(v.Text))
	if !ok {
		return &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is not the ARN of a user or role", v.Text)}
	}
	region, from, err := r.region()
	if err != nil {
		return err
	}
	p, ok := partitionNamed(a.Partition)
	switch other := partitionOf(region); {
	case !ok:
		return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s is in partition %q, which fob does not know", a, a.Partition)}
	case region != "" && other.name != p.name: // nothing of the sign-in leaves its partition
		return fault(from, fmt.Sprintf("%s is in partition %q, but %s is in %q", region, other.name, a, p.name))
	}
	_, process := get(h.section, "credential_process")
	s := ConsoleLogin{
		Profile: h.name, Session: a.String(), CacheDir: r.facts.Getenv("AWS_LOGIN_CACHE_DIRECTORY"),
		AWSLogin: v.Key == "login_session" && !process, From: From(At(v)),
	}
	if len(r.chain) == 1 { // a role on top lasts longer
		r.note("a console sign-in gives credentials for 15m at a time: the AWS CLI and boto3 ask fob before each request")
	}
	s.Signin, err = r.serviceEndpoint("signin", cmp.Or(region, p.home))
	r.source = s
	return err
}

// webIdentity reads a profile that exchanges a token for its role, and reports whether
// it is one. roleSteps adds the role.
func (r *resolver) webIdentity(h hop) (found bool, err error) {
	v, found := get(h.section, "web_identity_token_file")
	step := WebIdentity{Profile: h.name, TokenFile: v.Text, From: From(At(v))}
	if found {
		err = checkPath(v.Text, At(v))
	} else if v, found = get(h.section, "web_identity_token_process"); found { // which is aws-vault's
		step = WebIdentity{Profile: h.name, TokenProcess: v.Text, From: From(At(v))}
	}
	if !found {
		return false, nil
	}
	if err == nil && !utf8.ValidString(v.Text) {
		// JSON replaces invalid bytes, so Plan.ID could not tell two of them apart.
		err = &ConfigError{At: At(v), Problem: v.Key + " is not valid UTF-8"}
	}
	r.source = step
	return true, err
}

// with is the step for the first role of the chain.
func (w WebIdentity) with(role AssumeRole) WebIdentity {
	w.RoleARN, w.DurationSeconds, w.RoleSessionName = role.RoleARN, role.DurationSeconds, role.RoleSessionName
	w.Policy, w.PolicyARNs = role.Policy, role.PolicyARNs
	return w
}

// TokenName names the token of a sign-in in the store: one serves all accounts and
// roles of a start URL. name is for people.
func (s SSO) TokenName() (name, id string) {
	return s.Name(), itemID("sso token", s.StartURL, s.Session, s.Region, s.OIDC.other(), slices.Sorted(slices.Values(s.Scopes)))
}

// ClientName names the registration of fob, as which it signs in with one kind of grant.
func (s SSO) ClientName(grant string) (name, id string) {
	return s.Name(), itemID("sso client", s.StartURL, s.Session, s.Region, s.OIDC.other(), slices.Sorted(slices.Values(s.Scopes)), grant)
}

// TokenName names the sign-in in the store: one for each user or role that signs in.
func (s ConsoleLogin) TokenName() (name, id string) {
	return s.Session, itemID("console", s.Session, s.Signin.other())
}

// Token names the token of the sign-in that the plan starts from; false if it starts from
// none that can be kept in the store.
func (p Plan) Token() (name, id string, ok bool) {
	switch s := p.Steps[0].(type) {
	case SSO:
		name, id = s.TokenName()
	case ConsoleLogin:
		name, id = s.TokenName()
	}
	return name, id, id != ""
}

// itemID is a name for what depends on all of these values: 32 hexadecimal digits.
func itemID(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
