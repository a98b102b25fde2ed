package plan

import (
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// follow finds where a profile without a stored key gets its credentials: from
// another profile, or from the source.
func (r *resolver) follow(h hop) (next, error) {
	parent, ok := h.sourceProfile()
	if h.role.Text != "" {
		if err := oneSource(h); err != nil {
			return next{}, err
		}
		// A section may assume its role with its own key.
		if !ok || parent.Text == h.name && hasStatic(h.section) {
			return r.ownSource(h)
		}
		return next{profile: parent.Text, at: parent}, nil
	}
	// Without a role the section's own credentials count, as in the AWS CLI.
	n, err := r.ownSource(h)
	if _, none := err.(*NoKeyError); !none || !ok {
		return n, err
	}
	return next{profile: parent.Text, at: parent}, oneSource(h)
}

// sourceProfile is the profile that a section gets its credentials from. A section that
// others include, and that the source itself includes, too, does not make the source
// its own (as in aws-vault).
func (h hop) sourceProfile() (none awsconfig.Value, ok bool) {
	v, ok := get(h.section, "source_profile")
	if own, _ := h.section.Own(v.Key); ok && v.Text == h.name && own != v {
		return none, false
	}
	return v, ok
}

// The keys that name where the token of a web identity comes from. The second is
// aws-vault's.
const (
	tokenFile    = "web_identity_token_file"
	tokenProcess = "web_identity_token_process"
)

var tokenKeys = [...]string{tokenFile, tokenProcess}

// roleSources are the keys that name what a role is assumed with.
var roleSources = [...]string{"source_profile", "credential_source", tokenFile, tokenProcess}

// oneSource makes sure that a role has one source only: the SDKs refuse two, or
// do not agree which one counts.
func oneSource(h hop) error {
	first := ""
	for _, key := range roleSources {
		v, ok := get(h.section, key)
		if key == "source_profile" {
			v, ok = h.sourceProfile()
		}
		switch {
		case !ok:
		case first == "":
			first = v.Key
		default:
			return &ConfigError{At: At(v), Problem: fmt.Sprintf("profile %q has both %s and %s; remove one", h.name, first, v.Key)}
		}
	}
	return nil
}

// ownSource finds the credentials that a section itself names.
func (r *resolver) ownSource(h hop) (next, error) {
	hasRole := h.role.Text != ""
	if v, ok := get(h.section, "credential_source"); ok && hasRole {
		return next{}, r.environment(h, v)
	}
	for _, key := range tokenKeys {
		if v, ok := get(h.section, key); ok {
			if _, ok := r.value(h, "role_arn"); !ok {
				// A token is good for nothing else, and no SDK tries the next source.
				return next{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("profile %q has %s but no role_arn", h.name, v.Key)}
			}
		}
	}
	if hasRole {
		if found, err := r.webIdentity(h); found {
			return next{}, err
		}
	}
	if hasStatic(h.section) {
		return next{}, r.plaintext(h)
	}
	for _, key := range ssoKeys {
		if v, ok := get(h.section, key); ok {
			return next{}, r.sso(h, v)
		}
	}
	if v, ok := get(h.section, "login_session"); ok {
		return next{}, r.consoleLogin(h, v)
	}
	if v, ok := get(h.section, "credential_process"); ok {
		line, self := cmdline.ReadExport(v.Text, r.facts.Program)
		switch {
		case self && line.Profile != h.name:
			return r.export(line, v)
		case !self:
			return next{}, r.process(h, v)
		}
	}
	return next{}, &NoKeyError{Profile: h.name, For: r.chain[0].name, Role: hasRole, At: where(h.section)}
}

// export follows a credential_process that is fob itself, which fob never runs. The
// flags in it count as they would if it were run.
func (r *resolver) export(line cmdline.Export, at awsconfig.Value) (next, error) {
	switch {
	case line.Strange != "":
		return next{}, &ConfigError{At: At(at), Problem: fmt.Sprintf("%s in this credential_process counts only when the line itself is run; use profile %q", line.Strange, line.Profile)}
	case line.ReadOnly && (line.Policy != "" || len(line.PolicyARNs) > 0):
		return next{}, &ConfigError{At: At(at), Problem: "--read-only cannot be combined with another policy"}
	}
	last := &r.chain[len(r.chain)-1]
	last.line, last.lineAt = line, at
	return next{profile: line.Profile, withRole: true, at: at}, nil
}

// lineDuration takes over the duration of such a line if the profile asked for only
// passes on what it gets by it. In the middle of a chain AWS's own limits are short.
func (r *resolver) lineDuration() error {
	for _, h := range r.chain {
		if r.opts.Duration.Duration > 0 || h.role.Text != "" {
			return nil
		}
		if h.line.Duration == "" {
			continue
		}
		d, err := time.ParseDuration(h.line.Duration)
		if err != nil || d < 0 {
			return &ConfigError{At: At(h.lineAt), Problem: invalidDuration(h.line.Duration).Error()}
		}
		r.opts.Duration = Requested{Duration: d, From: At(h.lineAt), Soft: true}
	}
	return nil
}

func (r *resolver) plaintext(h hop) error {
	static, err := Static(h.section)
	if err != nil {
		return err
	}
	r.longLived = static.Token.Text == ""
	r.source = PlaintextKey{Profile: h.name, KeyID: static.ID.Text, From: From(At(static.ID))}
	r.note("the key %s is in plain text (%s)", static.ID.Text, At(static.ID))
	return nil
}

func (r *resolver) process(h hop, v awsconfig.Value) error {
	if !utf8.ValidString(v.Text) {
		// JSON replaces invalid bytes, so Plan.ID could not tell two commands apart.
		return &ConfigError{At: At(v), Problem: "the command is not valid UTF-8"}
	}
	r.source = Process{
		Profile: h.name, Command: v.Text, From: From(At(v)),
		ConfigFile: r.facts.Getenv("AWS_CONFIG_FILE"), CredentialsFile: r.facts.Getenv("AWS_SHARED_CREDENTIALS_FILE"),
		ForAgent: !r.lenient && r.agentAsks() != Agent{},
	}
	return nil
}

func (r *resolver) environment(h hop, v awsconfig.Value) error {
	switch v.Text {
	case "Environment":
	case "EcsContainer", "Ec2InstanceMetadata":
		return &MachineRoleError{Profile: h.name, Source: v.Text, At: At(v)}
	default:
		return &ConfigError{At: At(v), Problem: fmt.Sprintf("unknown %s %q; use Environment, which reads AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", v.Key, v.Text)}
	}
	id := r.facts.Getenv("AWS_ACCESS_KEY_ID")
	if id == "" || r.facts.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return &ConfigError{At: At(v), Problem: "credential_source = Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set"}
	}
	r.longLived = EnvironmentToken(r.facts.Getenv) == ""
	r.source = Environment{KeyID: id, From: From(At(v))}
	return nil
}

// EnvironmentToken is the session token in an environment, also under boto's old
// name; "" if the credentials there are a long-lived key.
func EnvironmentToken(getenv func(name string) string) string {
	return cmp.Or(getenv("AWS_SESSION_TOKEN"), getenv("AWS_SECURITY_TOKEN"))
}

// identity is the ARN of the user whose key or console sign-in the chain starts from;
// zero if nobody knows.
func (r *resolver) identity() ARN {
	text := r.key.ARN
	if s, ok := r.source.(ConsoleLogin); ok {
		text = s.Session
	}
	a, _ := ParseARN(text)
	return a
}

// root reports whether the source is a root user's key or sign-in.
func (r *resolver) root() bool { return r.identity().IsRoot() }

// StaticKeys are the credentials that a section has in plain text.
type StaticKeys struct {
	ID, Secret, Token awsconfig.Value // Token may be empty
}

// Static reads a section's plain-text key. One half of a pair is a PartialKeyError.
func Static(section awsconfig.Profile) (StaticKeys, error) {
	id, hasID := plain(section, "aws_access_key_id")
	secret, hasSecret := plain(section, "aws_secret_access_key")
	token, ok := plain(section, "aws_session_token")
	if !ok {
		token, _ = plain(section, "aws_security_token") // boto's old name
	}
	switch {
	case hasID && !hasSecret:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: id.Key, Lacks: "aws_secret_access_key", At: At(id)}
	case hasSecret && !hasID:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: secret.Key, Lacks: "aws_access_key_id", At: At(secret)}
	}
	return StaticKeys{ID: id, Secret: secret, Token: token}, nil
}

// hasStatic reports whether a section has a plain-text key, or half of one.
func hasStatic(section awsconfig.Profile) bool {
	_, id := plain(section, "aws_access_key_id")
	_, secret := plain(section, "aws_secret_access_key")
	return id || secret
}
