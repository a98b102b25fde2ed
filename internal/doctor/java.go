package doctor

import (
	"cmp"
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// javaSDK says how the AWS SDK for Java 2 gets a profile's credentials, by its source
// (ProfileCredentialsUtils). Whatever is wrong with a profile, it then tries the role of
// its machine. It asks for no MFA code. A key in capitals does not exist for it.
type javaSDK struct{ awsconfig.Sections }

func (m javaSDK) chain(name string) chain {
	if m.Problem != "" {
		return stumble(m.Broken, "it cannot read the AWS files: %s", m.Problem).orMachine()
	}
	return m.profile(name, nil).orMachine()
}

// profile has what a profile gives; used are the profiles that it is the source of.
func (m javaSDK) profile(name string, used []string) chain {
	s, ok := m.Profiles[name]
	if !ok {
		return stumble(awsconfig.Value{}, "there is no profile %q", name)
	}
	p := section(s)
	switch {
	case p.has("role_arn") && p.has("web_identity_token_file"):
		return chain{steps: p.webIdentity()}
	case p.has("sso_role_name"), p.has("sso_account_id"), p.has("sso_region"), p.has("sso_start_url"), p.has("sso_session"):
		return m.sso(p)
	case p.has("role_arn") && p.has("source_profile") && p.has("credential_source"):
		return stumble(p["credential_source"], "credential_source next to source_profile")
	case p.has("role_arn") && p.has("source_profile"):
		source := p["source_profile"]
		if slices.Contains(used, name) {
			return stumble(source, "its source profiles form a loop")
		}
		return m.profile(source.Text, append(used, name)).asSource(source).and(p)
	case p.has("role_arn") && p.has("credential_source"):
		for known, kind := range sources {
			if strings.EqualFold(known, p.text("credential_source")) {
				return chain{steps: []step{{kind, p.values("credential_source")}}}.and(p)
			}
		}
		return stumble(p["credential_source"], "it does not know this credential_source")
	case p.has("login_session"):
		return chain{steps: []step{{"login", p.values("login_session")}}}
	case p.has("credential_process"):
		return chain{steps: []step{{"process", p.values("credential_process")}}}
	case p.has("aws_session_token") && !(p.has("aws_access_key_id") && p.has("aws_secret_access_key")):
		return stumble(p["aws_session_token"], "the profile has a token, and no whole access key")
	case p.has("aws_access_key_id") && p.has("aws_secret_access_key"):
		return p.key()
	}
	return p.lacking()
}

// and adds the role of a section.
func (c chain) and(p section) chain {
	if c.stumbled == "" {
		c.steps = append(c.steps, p.role())
	}
	return c
}

func (m javaSDK) sso(p section) chain {
	s := section{}
	for _, key := range []string{"sso_account_id", "sso_role_name", "sso_session", "sso_start_url", "sso_region"} {
		if v, ok := p[key]; ok {
			s[key] = v
		}
	}
	at := s["sso_session"]
	if s.has("sso_session") {
		with, ok := m.Sessions[at.Text]
		if !ok {
			return stumble(at, "there is no [sso-session %s]", at.Text)
		}
		for _, key := range []string{"sso_region", "sso_start_url"} {
			theirs, ok := with[key]
			if !ok {
				return stumble(at, "no %s in [sso-session %s]", key, at.Text)
			}
			if own, ok := p[key]; ok && !strings.EqualFold(own.Text, theirs.Text) {
				return stumble(own, "another %s than in [sso-session %s]", key, at.Text)
			}
			s[key] = theirs
		}
	}
	for _, key := range []string{"sso_account_id", "sso_role_name", "sso_region", "sso_start_url"} {
		if !s.has(key) {
			return stumble(cmp.Or(at, s["sso_account_id"], s["sso_role_name"], s["sso_start_url"], s["sso_region"]), "no %s", key)
		}
	}
	return chain{steps: []step{s.signIn()}}
}
