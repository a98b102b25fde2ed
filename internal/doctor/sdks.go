package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/plan"
)

// disagreement says how the AWS CLI and the Go SDK differ about a profile, and which
// line to look at; false if they get the same credentials. Lines that they read
// differently are Config.Differences: where one of them counts, it is not known how they
// differ.
func (r *reader) disagreement(name string) (at, what string, ok bool) {
	cli, sdk := r.cli(name), r.goSDK(name)
	if cli.unsure.File != "" || sdk.unsure.File != "" || cli.broken || sdk.broken || cli.same(sdk) {
		return "", "", false
	}
	line := cmp.Or(cli.at, sdk.at, sdk.only(cli), cli.only(sdk))
	return plan.At(line), fmt.Sprintf("for %s, the AWS CLI %v, and the Go SDK %v", name, cli, sdk), true
}

// A chain is how a tool gets the credentials of a profile: a source, and the roles
// that are assumed with it, the last one at the end.
type chain struct {
	steps []step
	// refused says why there are no credentials; at is the line to blame.
	refused string
	at      awsconfig.Value
	// broken: the tool refuses the file, whatever profile is wanted.
	broken bool
	// unsure is a line that the tool reads otherwise than fob, so that nobody can tell how.
	unsure awsconfig.Value
	// stumbled says why a tool then tries the role of its machine, which is the only step.
	stumbled string
}

// step is a source or a role, and the values that it is made of.
type step struct {
	kind   string // "key", "environment", ..., "role"
	values []awsconfig.Value
}

// same reports whether two tools end with the same credentials.
func (c chain) same(d chain) bool {
	return (c.refused == "") == (d.refused == "") && (c.refused != "" || slices.EqualFunc(c.steps, d.steps, step.same))
}

func (s step) same(t step) bool {
	return s.kind == t.kind && slices.EqualFunc(s.values, t.values, func(v, w awsconfig.Value) bool { return v.Text == w.Text })
}

// only is the first value of c that d does not have.
func (c chain) only(d chain) awsconfig.Value {
	var theirs []string
	for _, s := range d.steps {
		for _, v := range s.values {
			if v.File != "" {
				theirs = append(theirs, v.Text)
			}
		}
	}
	for _, s := range c.steps {
		for _, v := range s.values {
			if v.File != "" && !slices.Contains(theirs, v.Text) {
				return v
			}
		}
	}
	return awsconfig.Value{}
}

// String says what the tool does, as in "the AWS CLI uses ...".
func (c chain) String() string {
	if c.refused != "" {
		return "refuses it: " + c.refused
	}
	var source string
	var roles []string
	for _, s := range c.steps {
		first := cmp.Or(s.values...)
		switch s.kind {
		case "role":
			roles = append(roles, s.values[0].Text)
		case "none":
			source = "the role of the container or EC2 instance, if it runs in one"
		case "key":
			source = "the key of " + plan.At(first)
			if s.values[2].Text != "" {
				source += ", as a session"
			}
		case "sso":
			source = fmt.Sprintf("the SSO role %s in account %s (%s)", s.values[1].Text, s.values[0].Text, plan.At(first))
		case "login":
			source = "the console sign-in of " + plan.At(first)
		case "web":
			source = "the web identity of " + plan.At(first)
		case "environment":
			source = fmt.Sprintf("the keys in the environment (%s)", plan.At(first))
		case "container", "imds":
			source = fmt.Sprintf("the role of its machine (%s)", plan.At(first))
		default:
			source = fmt.Sprintf("the %s of %s", first.Key, plan.At(first))
		}
	}
	if roles == nil {
		return "uses " + source
	}
	return "assumes " + strings.Join(roles, ", then ") + " with " + source
}

// outline is what is the same of profiles that the tool treats alike.
func (c chain) outline() string {
	text := c.refused
	for _, s := range c.steps {
		text += " " + s.kind
	}
	return text
}

// throughFob reports whether the chain starts with credentials of fob's.
func (c chain) throughFob(program string) bool {
	if len(c.steps) == 0 || c.refused != "" || c.steps[0].kind != "process" {
		return false
	}
	_, ok := cmdline.FobProfile(c.steps[0].values[0].Text, program)
	return ok
}

// needsCode reports whether a role is assumed with an MFA device.
func (c chain) needsCode() bool {
	return slices.ContainsFunc(c.steps, func(s step) bool { return s.kind == "role" && s.values[2].Text != "" })
}

// section is a profile as one tool merges it out of the two files.
type section map[string]awsconfig.Value

// keys are what is read of a section.
var keys = []string{
	"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token",
	"role_arn", "source_profile", "credential_source", "web_identity_token_file", "web_identity_token_process", "external_id", "mfa_serial", "role_session_name", "duration_seconds",
	"sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name", "login_session", "credential_process",
	"retry_mode", "max_attempts", "defaults_mode",
}

func read(p awsconfig.Profile) section {
	s := section{}
	for _, key := range keys {
		if v, ok := p.Own(key); ok {
			s[key] = v
		}
	}
	return s
}

func (s section) has(key string) bool { _, ok := s[key]; return ok }

func (s section) text(key string) string { return s[key].Text }

func (s section) hasKeys() bool {
	return s.text("aws_access_key_id") != "" && s.text("aws_secret_access_key") != ""
}

func (s section) values(keys ...string) (all []awsconfig.Value) {
	for _, key := range keys {
		all = append(all, s[key])
	}
	return all
}

func (s section) role() step {
	return step{"role", s.values("role_arn", "external_id", "mfa_serial", "role_session_name")}
}

func (s section) signIn() step {
	return step{"sso", s.values("sso_account_id", "sso_role_name", "sso_session", "sso_start_url", "sso_region")}
}

// webIdentity is the source and the role in one.
func (s section) webIdentity() []step {
	role := s.values("role_arn", "role_session_name")
	return []step{{"web", s.values("web_identity_token_file")}, {"role", []awsconfig.Value{role[0], {}, {}, role[1]}}}
}

// sources that credential_source may name.
var sources = map[string]string{"Environment": "environment", "EcsContainer": "container", "Ec2InstanceMetadata": "imds"}

func refuse(at awsconfig.Value, why string, args ...any) chain {
	return chain{refused: fmt.Sprintf(why, args...), at: at}
}

// goSDK says how the Go SDK (config 1.33) gets a profile's credentials.
type goSDK struct{ *awsconfig.Config }

func (m goSDK) chain(name string) chain {
	p, refused := m.load(name, awsconfig.Value{}, map[string]bool{})
	if refused.refused != "" {
		return refused
	}
	return m.resolve(p)
}

// linked is a section, and the profile whose credentials it uses.
type linked struct {
	section
	source *linked
}

func (m goSDK) load(name string, at awsconfig.Value, seen map[string]bool) (*linked, chain) {
	s, half, ok := m.section(name)
	switch {
	case !ok:
		return nil, refuse(at, "there is no profile %q", name)
	case half != awsconfig.Value{}:
		return nil, refuse(half, "the profile has only half of an access key")
	case s.unusable() != awsconfig.Value{}:
		return nil, refuse(s.unusable(), "it does not accept this %s", s.unusable().Key)
	case seen[name]:
		// It is its own source: its role was read the first time.
		for _, key := range []string{"role_arn", "external_id", "mfa_serial", "role_session_name", "source_profile"} {
			delete(s, key)
		}
	default:
		for _, key := range []string{"source_profile", "credential_source", "web_identity_token_file"} {
			if s.text(key) != "" && s.text("role_arn") == "" {
				return nil, refuse(s[key], "%s without role_arn", key)
			}
		}
	}
	p := &linked{section: s}
	if len(seen) > 0 && s.hasKeys() {
		return p, chain{}
	}
	seen[name] = true
	first := ""
	for _, key := range []string{"source_profile", "credential_source", "credential_process", "web_identity_token_file"} {
		switch {
		case s.text(key) == "":
		case first == "":
			first = key
		default:
			return nil, refuse(s[key], "%s next to %s", key, first)
		}
	}
	if source := s["source_profile"]; source.Text != "" {
		for _, key := range []string{"aws_access_key_id", "aws_secret_access_key", "sso_account_id", "sso_region", "sso_role_name", "sso_start_url"} {
			delete(s, key)
		}
		var refused chain
		if p.source, refused = m.load(source.Text, source, seen); refused.refused != "" {
			return nil, refused
		}
		if !p.source.hasCredentials() {
			return nil, refuse(source, "source profile %q has no credentials", source.Text)
		}
	}
	if session := s["sso_session"]; session.Text != "" {
		if _, ok := m.Section("sso-session", session.Text); !ok {
			return nil, refuse(session, "there is no [sso-session %s]", session.Text)
		}
	}
	return p, chain{}
}

// section merges the two files; half is one half of an access key.
func (m goSDK) section(name string) (s section, half awsconfig.Value, ok bool) {
	config, inConfig := m.InFile(false, name)
	credentials, inCredentials := m.InFile(true, name)
	s, more := read(config), read(credentials)
	pair := more.has("aws_access_key_id") && more.has("aws_secret_access_key")
	if !inConfig || inCredentials {
		half = more.half()
	} else {
		half = s.half()
	}
	for key, v := range more {
		if !strings.HasPrefix(key, "aws_") || !inConfig || pair {
			s[key] = v
		}
	}
	return s, half, inConfig || inCredentials
}

func (s section) half() awsconfig.Value {
	id, secret := s["aws_access_key_id"], s["aws_secret_access_key"]
	if s.has("aws_access_key_id") == s.has("aws_secret_access_key") {
		return awsconfig.Value{}
	}
	return cmp.Or(id, secret)
}

// unusable is a setting with a value for which the SDK refuses the whole profile.
func (s section) unusable() (none awsconfig.Value) {
	for key, accepts := range map[string]func(string) bool{
		// The AWS CLI has a third mode, legacy.
		"retry_mode":   func(mode string) bool { return mode == "standard" || mode == "adaptive" },
		"max_attempts": func(n string) bool { _, err := strconv.ParseInt(n, 0, 64); return err == nil },
		"defaults_mode": func(mode string) bool {
			return slices.Contains([]string{"", "auto", "cross-region", "in-region", "legacy", "mobile", "standard"}, strings.ToLower(mode))
		},
	} {
		if v, ok := s[key]; ok && !accepts(v.Text) {
			return v
		}
	}
	return none
}

func (p *linked) hasCredentials() bool {
	return p.source != nil || p.hasKeys() || p.hasSSO() ||
		p.text("credential_source") != "" || p.text("credential_process") != "" || p.text("web_identity_token_file") != ""
}

func (s section) hasSSO() bool {
	return s.text("sso_session") != "" || s.text("sso_region") != "" || s.text("sso_account_id") != "" || s.text("sso_start_url") != "" || s.text("sso_role_name") != ""
}

func (m goSDK) resolve(p *linked) (c chain) {
	switch {
	case p.source != nil:
		c = m.resolve(p.source)
	case p.hasKeys():
		c.steps = []step{{"key", p.values("aws_access_key_id", "aws_secret_access_key", "aws_session_token")}}
	case p.text("credential_source") != "":
		kind, ok := sources[p.text("credential_source")]
		if !ok {
			return refuse(p.section["credential_source"], "it does not know this credential_source")
		}
		c.steps = []step{{kind, p.values("credential_source")}}
	case p.text("web_identity_token_file") != "":
		return chain{steps: p.webIdentity()}
	case p.hasSSO():
		c = m.sso(p.section)
	case p.text("login_session") != "":
		c.steps = []step{{"login", p.values("login_session")}}
	case p.text("credential_process") != "":
		c.steps = []step{{"process", p.values("credential_process")}}
	default:
		c.steps = []step{{"none", []awsconfig.Value{{}}}}
	}
	if c.refused == "" && p.text("role_arn") != "" {
		c.steps = append(c.steps, p.role())
	}
	return c
}

func (m goSDK) sso(s section) chain {
	need := []string{"sso_region", "sso_start_url", "sso_account_id", "sso_role_name"}
	at := s["sso_session"]
	if at.Text != "" {
		session, _ := m.Section("sso-session", at.Text)
		for _, key := range need[:2] {
			theirs, _ := session.Own(key)
			if own := s[key]; own.Text != "" && own.Text != theirs.Text && theirs.Text != "" {
				return refuse(own, "another %s than in [sso-session %s]", key, at.Text)
			}
			s[key] = theirs
		}
	}
	for _, key := range need {
		if s.text(key) == "" {
			return refuse(cmp.Or(at, s["sso_start_url"], s["sso_account_id"], s["sso_role_name"], s["sso_region"]), "no %s", key)
		}
	}
	return chain{steps: []step{s.signIn()}}
}

// awsCLI says how botocore (1.43), and so the AWS CLI, gets a profile's credentials. For
// it a key with an empty value counts.
type awsCLI struct{ *awsconfig.Config }

func (m awsCLI) chain(name string) chain {
	s, ok := m.section(name)
	if !ok {
		return refuse(awsconfig.Value{}, "there is no profile %q", name)
	}
	c := chain{}
	if s.assumes() {
		c = m.assume(name, []string{name})
	} else {
		c = m.own(name)
	}
	if c.refused == "" && c.steps == nil {
		c.steps = []step{{"none", []awsconfig.Value{{}}}}
	}
	return c
}

func (m awsCLI) section(name string) (s section, ok bool) {
	config, inConfig := m.InFile(false, name)
	credentials, inCredentials := m.InFile(true, name)
	s = read(config)
	for key, v := range read(credentials) {
		s[key] = v
	}
	return s, inConfig || inCredentials
}

func (s section) assumes() bool { return s.has("role_arn") && !s.has("web_identity_token_file") }

func (s section) hasStatic() bool {
	return s.has("aws_access_key_id") || s.has("aws_secret_access_key")
}

// assume is the role of a section; visited are the profiles on the way to it, the last
// one its own.
func (m awsCLI) assume(name string, visited []string) chain {
	s, _ := m.section(name)
	source, hasSource := s["source_profile"]
	named, hasNamed := s["credential_source"]
	c := chain{}
	switch {
	case hasSource && hasNamed:
		return refuse(named, "credential_source next to source_profile")
	case hasNamed:
		kind, ok := sources[named.Text]
		if !ok {
			return refuse(named, "it does not know this credential_source")
		}
		c.steps = []step{{kind, []awsconfig.Value{named}}}
	case !hasSource:
		return refuse(s["role_arn"], "role_arn without source_profile")
	default:
		parent, ok := m.section(source.Text)
		switch {
		case !ok:
			return refuse(source, "there is no profile %q", source.Text)
		case !slices.Contains(visited, source.Text):
		case source.Text != name || !parent.hasStatic():
			return refuse(source, "its source profiles form a loop")
		}
		if parent.assumes() && !parent.hasStatic() {
			c = m.assume(source.Text, append(visited, source.Text))
		} else if c = m.own(source.Text); c.refused == "" && c.steps == nil {
			return refuse(source, "source profile %q has no credentials", source.Text)
		}
	}
	if c.refused == "" {
		c.steps = append(c.steps, s.role())
	}
	return c
}

// own is what a profile has without its role; no steps if it has nothing.
func (m awsCLI) own(name string) chain {
	s, _ := m.section(name)
	config, _ := m.InFile(false, name)
	credentials, _ := m.InFile(true, name)
	if s.text("web_identity_token_file") != "" {
		if s.text("role_arn") == "" {
			return refuse(s["web_identity_token_file"], "web_identity_token_file without role_arn")
		}
		return chain{steps: s.webIdentity()}
	}
	if s.has("sso_account_id") || s.has("sso_role_name") {
		return m.sso(s)
	}
	if in := read(credentials); in.has("aws_access_key_id") {
		return in.static()
	}
	switch in := read(config); {
	case s.has("login_session"):
		return chain{steps: []step{{"login", s.values("login_session")}}}
	case s.has("credential_process"):
		if s.text("credential_process") == "" {
			return refuse(s["credential_process"], "credential_process is empty")
		}
		return chain{steps: []step{{"process", s.values("credential_process")}}}
	case in.has("aws_access_key_id"):
		return in.static()
	}
	return chain{}
}

func (s section) static() chain {
	if !s.has("aws_secret_access_key") {
		return refuse(s["aws_access_key_id"], "the profile has only half of an access key")
	}
	pair := s.values("aws_access_key_id", "aws_secret_access_key")
	token := cmp.Or(s["aws_security_token"], s["aws_session_token"])
	return chain{steps: []step{{"key", append(pair, token)}}}
}

func (m awsCLI) sso(s section) chain {
	at := cmp.Or(s["sso_account_id"], s["sso_role_name"])
	if session, ok := s["sso_session"]; ok {
		with, ok := m.Section("sso-session", session.Text)
		if !ok {
			return refuse(session, "there is no [sso-session %s]", session.Text)
		}
		for _, key := range []string{"sso_start_url", "sso_region"} {
			if _, ok := with.Own(key); !ok {
				return refuse(session, "no %s in [sso-session %s]", key, session.Text)
			}
		}
		for key, v := range read(with) {
			if own, ok := s[key]; ok && own.Text != v.Text {
				return refuse(own, "another %s than in [sso-session %s]", key, session.Text)
			}
			s[key] = v
		}
	}
	for _, key := range []string{"sso_start_url", "sso_region", "sso_role_name", "sso_account_id"} {
		if !s.has(key) {
			return refuse(at, "no %s", key)
		}
	}
	return chain{steps: []step{s.signIn()}}
}
