package doctor

import (
	"cmp"
	"fmt"
	"slices"

	"fob/internal/awsconfig"
)

// jsSDK says how the AWS SDK for JavaScript (3.1173) gets a profile's credentials. Where a
// profile has none for it, it then tries the role of its machine; only a few mistakes stop
// it. A key in capitals, or with an empty value, does not exist for it.
type jsSDK struct{ awsconfig.Sections }

// A stumble is why a tool that tries several sources tries the next one.
func stumble(at awsconfig.Value, why string, args ...any) chain {
	return chain{stumbled: fmt.Sprintf(why, args...), at: at}
}

// machine is the role of the machine, for a profile that names no credentials.
func machine() chain { return chain{steps: []step{{"none", []awsconfig.Value{{}}}}} }

// orMachine is the role of the machine for a chain that a tool does not find the end of.
func (c chain) orMachine() chain {
	if c.stumbled != "" {
		c.steps = machine().steps
	}
	return c
}

// lacking is what comes of a section without credentials for a tool.
func (s section) lacking() chain {
	switch half := s.half(); {
	case s.has("role_arn"):
		return stumble(s["role_arn"], "role_arn without source_profile")
	case half != awsconfig.Value{}:
		return stumble(half, "the profile has only half of an access key")
	}
	return machine()
}

// asSource is what a profile gives as the source of another.
func (c chain) asSource(source awsconfig.Value) chain {
	if c.steps != nil && c.steps[0].kind == "none" {
		return stumble(source, "source profile %q has no credentials", source.Text)
	}
	if c.stumbled != "" && c.at.File == "" {
		c.at = source
	}
	return c
}

func (m jsSDK) chain(name string) chain {
	c := m.profile(name, nil, false)
	if c.stumbled != "" {
		if process := section(m.Profiles[name])["credential_process"]; process.Text != "" {
			return chain{steps: []step{{"process", []awsconfig.Value{process}}}}
		}
	}
	return c.orMachine()
}

// profile has what a profile gives by itself, or as the source of the profiles visited.
// With source it is one without a role, which names another source.
func (m jsSDK) profile(name string, visited []string, source bool) chain {
	s, ok := m.Profiles[name]
	if !ok {
		return stumble(awsconfig.Value{}, "there is no profile %q", name)
	}
	p := section(s)
	switch {
	case len(visited) > 0 && p.hasKeys():
		return p.key()
	case source || p.has("role_arn") && p.has("source_profile") != p.has("credential_source"):
		return m.assume(p, visited)
	case p.hasKeys():
		return p.key()
	case p.has("web_identity_token_file") && p.has("role_arn"):
		return chain{steps: p.webIdentity()}
	case p.has("credential_process"):
		return chain{steps: []step{{"process", p.values("credential_process")}}}
	case p.hasSSO():
		return m.sso(p)
	case p.has("login_session"):
		return chain{steps: []step{{"login", p.values("login_session")}}}
	}
	return p.lacking()
}

func (m jsSDK) assume(p section, visited []string) chain {
	var c chain
	if source := p["source_profile"]; source.Text != "" {
		if slices.Contains(visited, source.Text) {
			return stumble(source, "its source profiles form a loop")
		}
		parent := section(m.Profiles[source.Text])
		c = m.profile(source.Text, append(slices.Clone(visited), source.Text), parent.has("credential_source") && !parent.has("role_arn")).asSource(source)
	} else {
		named := p["credential_source"]
		kind, ok := sources[named.Text]
		if !ok {
			return stumble(named, "it does not know this credential_source")
		}
		c.steps = []step{{kind, []awsconfig.Value{named}}}
	}
	if c.refused == "" && c.stumbled == "" && p.has("role_arn") {
		c.steps = append(c.steps, p.role())
	}
	return c
}

// key is the static key of a section that has one.
func (s section) key() chain {
	return chain{steps: []step{{"key", s.values("aws_access_key_id", "aws_secret_access_key", "aws_session_token")}}}
}

func (m jsSDK) sso(p section) chain {
	s := section{}
	for _, key := range []string{"sso_account_id", "sso_role_name", "sso_session", "sso_start_url", "sso_region"} {
		s[key] = p[key]
	}
	at := s["sso_session"]
	if at.Text != "" {
		with, ok := m.Sessions[at.Text]
		if !ok {
			return refuse(at, "there is no [sso-session %s]", at.Text)
		}
		s["sso_start_url"], s["sso_region"] = with["sso_start_url"], with["sso_region"]
	}
	for _, key := range []string{"sso_start_url", "sso_account_id", "sso_region", "sso_role_name"} {
		if s.text(key) == "" {
			return refuse(cmp.Or(at, s["sso_account_id"], s["sso_role_name"], s["sso_start_url"], s["sso_region"]), "no %s", key)
		}
	}
	return chain{steps: []step{s.signIn()}}
}
