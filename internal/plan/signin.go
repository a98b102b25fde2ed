package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
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
			return &ConfigError{At: where(h.section), Problem: fmt.Sprintf("profile %q has no %s", h.name, need.key)}
		case !inSession:
			v = own
		case inProfile && own.Text != v.Text: // which is an error in the AWS CLI too
			return &ConfigError{At: At(own), Problem: fmt.Sprintf("%s is %q, but in [sso-session %s] it is %q (%s)", own.Key, own.Text, s.Session, v.Text, At(v))}
		}
		switch {
		case need.key == "sso_account_id" && !IsAccountID(v.Text):
			return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s: %q is not an account ID (12 digits)", v.Key, v.Text)}
		case need.key == "sso_role_name" && !IsRoleName(v.Text):
			return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s: %q is not the name of a permission set: use letters, digits and _+=,.@-", v.Key, v.Text)}
		}
		*need.to = v.Text
	}
	r.source = s
	r.unusedKeys(h, "Identity Center decides what these credentials carry")
	return nil
}

// unusedKeys notes what a section says of a role, if its credentials cannot have it. For
// the serial of an MFA device serial does.
func (r *resolver) unusedKeys(h hop, why string) {
	if h.role.Text != "" && !r.withToken(h) {
		return // they count for the role
	}
	for _, key := range []string{"external_id", "source_identity", "session_tags", "transitive_session_tags"} {
		if v, ok := get(h.section, key); ok {
			r.note("%s: %s has no effect: %s", At(v), v.Key, why)
		}
	}
}

// ssoSignIn reads where a profile signs in to Identity Center: at what from says, which
// is its [sso-session] section, or itself.
func (r *resolver) ssoSignIn(section awsconfig.Profile) (s SSO, from awsconfig.Profile, err error) {
	session, ok := get(section, "sso_session")
	if !ok {
		s, err = r.ssoPortal(section, fmt.Sprintf("profile %q", section.Name))
		return s, section, err
	}
	if from, ok = r.facts.Config.Section(ssoSection, session.Text); !ok {
		return s, from, r.missingSession(session)
	}
	s, err = r.ssoSession(from)
	return s, from, err
}

// missingSession says that a sign-in's section is not there, or cannot be read.
func (r *resolver) missingSession(v awsconfig.Value) error {
	for _, u := range r.facts.Config.Unreadable() {
		if u.MeansSession(v.Text) {
			return &u.SyntaxError
		}
	}
	problem := fmt.Sprintf("no [sso-session %s] section", v.Text)
	if near := Nearest(v.Text, r.facts.Config.SectionNames(ssoSection)); len(near) > 0 {
		problem += fmt.Sprintf("; there is [sso-session %s]", near[0])
	}
	return &ConfigError{At: At(v), Problem: problem}
}

// ssoSection is the kind of the sections that sign-ins have.
const ssoSection = "sso-session"

// ssoSession reads an [sso-session] section.
func (r *resolver) ssoSession(section awsconfig.Profile) (s SSO, err error) {
	s, err = r.ssoPortal(section, "[sso-session "+section.Name+"]")
	s.Session = section.Name
	if err != nil {
		return s, err
	}
	for _, key := range guards {
		if v, ok := plain(section, key); ok && !r.lenient {
			return s, &ConfigError{At: At(v), Problem: key + " has no effect in an sso-session; write it in each profile that it is for"}
		}
	}
	v, ok := get(section, "sso_registration_scopes")
	if !ok {
		s.Scopes = []string{DefaultScope}
		return s, nil
	}
	s.Scopes = strings.FieldsFunc(v.Text, func(c rune) bool { return strings.ContainsRune(", \t\n", c) })
	for _, scope := range s.Scopes {
		if !isScope(scope) {
			return s, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid scope %q in %s; the usual one is %s", scope, v.Key, DefaultScope)}
		}
	}
	if len(s.Scopes) == 0 {
		return s, &ConfigError{At: At(v), Problem: fmt.Sprintf("%s names no scope; the usual one is %s", v.Key, DefaultScope)}
	}
	return s, nil
}

// ssoPortal reads the start URL and its region, which every sign-in has. what is the
// section, in words.
func (r *resolver) ssoPortal(section awsconfig.Profile, what string) (s SSO, err error) {
	address, ok := get(section, "sso_start_url")
	if !ok {
		return s, &ConfigError{At: where(section), Problem: what + " has no sso_start_url"}
	}
	region, ok := get(section, "sso_region")
	if !ok {
		return s, &ConfigError{At: where(section), Problem: what + " has no sso_region"}
	}
	if problem := checkStartURL(address.Text); problem != "" {
		return s, &ConfigError{At: At(address), Problem: address.Key + " " + problem}
	}
	if !IsRegion(region.Text) {
		return s, &ConfigError{At: At(region), Problem: fmt.Sprintf("invalid %s %q; use a name such as eu-west-1", region.Key, region.Text)}
	}
	s.StartURL, s.Region = address.Text, region.Text
	if s.OIDC, err = r.serviceEndpoint("sso-oidc", s.Region); err != nil {
		return s, err
	}
	s.Portal, err = r.serviceEndpoint("sso", s.Region)
	return s, err
}

// checkStartURL says what is wrong with the address of an access portal. A person signs
// in there, so it must be encrypted.
func checkStartURL(s string) (problem string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "is not an address (https://...)"
	case u.Scheme != "https":
		return "must begin with https://"
	}
	return ""
}

// consoleLogin reads a profile that is signed in to by the console. Its own region comes
// first: a sign-in is renewed in the same place, whatever profile is built on it.
func (r *resolver) consoleLogin(h hop, v awsconfig.Value) error {
	a, ok := ParseARN(strings.TrimSpace(v.Text))
	if !ok || a.Service != "iam" && a.Service != "sts" || a.isIAM("role") {
		return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s: %q is not the ARN of who signed in, such as arn:aws:iam::ACCOUNT:user/NAME", v.Key, v.Text)}
	}
	p, ok := partitionNamed(a.Partition)
	if !ok {
		return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s is in partition %q, which fob does not know", a, a.Partition)}
	}
	region, from := p.home, At(v)
	if own, ok := get(h.section, "region"); ok {
		region, from = own.Text, At(own)
	} else if asked, askedFrom, err := r.region(); err != nil {
		return err
	} else if asked != "" {
		region, from = asked, askedFrom
	}
	switch other := partitionOf(region); {
	case !IsRegion(region):
		return &ConfigError{At: from, Problem: fmt.Sprintf("invalid region %q; use a name such as eu-west-1", region)}
	case other.name != p.name: // nothing of the sign-in leaves its partition
		return fault(from, fmt.Sprintf("%s is in partition %q, but %s is in %q", region, other.name, a, p.name))
	}
	_, process := get(h.section, "credential_process")
	s := ConsoleLogin{
		Profile: h.name, Session: a.String(), CacheDir: r.facts.Getenv("AWS_LOGIN_CACHE_DIRECTORY"),
		AWSLogin: v.Key == "login_session" && !process, From: From(At(v)),
	}
	// A role on top lasts longer, and AWS's tools use a sign-in of their own themselves.
	roles := slices.ContainsFunc(r.chain, func(h hop) bool { return h.role.Text != "" })
	if !roles && (!s.AWSLogin || len(r.chain) > 1) {
		r.note("a console sign-in gives credentials for 15m at a time: the AWS CLI and boto3 ask fob before each request")
	}
	var err error
	s.Signin, err = r.serviceEndpoint("signin", region)
	r.source = s
	r.unusedKeys(h, "a console sign-in decides what these credentials carry")
	return err
}

// webIdentity reads a profile that exchanges a token for its role, and reports whether
// it is one. roleSteps adds the role.
func (r *resolver) webIdentity(h hop) (bool, error) {
	w := WebIdentity{Profile: h.name}
	for _, key := range tokenKeys {
		v, ok := get(h.section, key)
		switch {
		case !ok:
			continue
		case !utf8.ValidString(v.Text): // JSON replaces invalid bytes, so Plan.ID could not tell two of them apart
			return true, &ConfigError{At: At(v), Problem: v.Key + " is not valid UTF-8"}
		case key == tokenFile:
			w.TokenFile = v.Text
			if err := checkPath(v.Text, At(v)); err != nil {
				return true, err
			}
		default:
			w.TokenProcess = v.Text
		}
		w.From = From(At(v))
		r.source = w
		r.unusedKeys(h, "AWS does not accept it with a web identity's token")
		return true, nil
	}
	return false, nil
}

// withToken reports whether a profile's role is assumed with a web identity's token.
func (r *resolver) withToken(h hop) bool {
	w, ok := r.source.(WebIdentity)
	return ok && w.Profile == h.name
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
	return cmp.Or(s.Session, s.portal()), itemID("sso token", s.portal(), s.Session, s.Region, s.OIDC.other(), slices.Sorted(slices.Values(s.Scopes)))
}

// portal is the start URL without what browsers add to it: people copy it with or without
// a "/" or "#/" at the end, and it is one sign-in.
func (s SSO) portal() string {
	address, _, _ := strings.Cut(s.StartURL, "#")
	return strings.TrimRight(address, "/")
}

// ClientName names the registration of fob, as which it signs in with one kind of grant.
func (s SSO) ClientName(grant string) (name, id string) {
	return cmp.Or(s.Session, s.portal()), itemID("sso client", s.portal(), s.Session, s.Region, s.OIDC.other(), slices.Sorted(slices.Values(s.Scopes)), grant)
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
