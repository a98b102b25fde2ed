package plan

import (
	"fmt"
	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"strings"
	"unicode/utf8"
)

// ownSource finds the credentials that a section without source_profile names.
func (r *resolver) ownSource(l link) (onward, error) {
	hasRole := l.role.Text != ""
	if v, ok := get(l.section, "credential_source"); ok && hasRole {
		return onward{}, r.environment(l, v)
	}
	if v, ok := get(l.section, "web_identity_token_file"); ok && hasRole {
		return onward{}, &UnsupportedError{Profile: l.name, What: "a web identity token", At: At(v)}
	}
	if hasStatic(l.section) {
		return onward{}, r.plaintext(l)
	}
	for _, k := range []string{"sso_session", "sso_start_url", "login_session"} {
		if v, ok := get(l.section, k); ok {
			return onward{}, &UnsupportedError{Profile: l.name, What: "a browser sign-in (" + k + ")", At: At(v)}
		}
	}
	if v, ok := get(l.section, "credential_process"); ok {
		other, self := cmdline.FobProfile(v.Text, r.facts.Program)
		switch {
		case self && other != l.name:
			return onward{profile: other, whole: true, at: v}, nil // fob never runs itself
		case !self:
			return onward{}, r.process(l, v)
		}
	}
	return onward{}, &NoKeyError{Profile: l.name, For: r.chain[0].name, Role: hasRole, At: where(l.section)}
}

func (r *resolver) plaintext(l link) error {
	static, err := Static(l.section)
	if err != nil {
		return err
	}
	r.longLived = static.Token.Text == ""
	r.source = PlaintextKey{Profile: l.name, KeyID: static.ID.Text, From: From(At(static.ID))}
	r.note("%s is a key in plain text (%s)", static.ID.Text, At(static.ID))
	return nil
}

func (r *resolver) process(l link, v awsconfig.Value) error {
	if !utf8.ValidString(v.Text) {
		// Plan.ID could not tell two such commands apart.
		return &ConfigError{At: At(v), Problem: "the command is not UTF-8"}
	}
	r.source = Process{Profile: l.name, Command: v.Text, From: From(At(v))}
	return nil
}

func (r *resolver) environment(l link, v awsconfig.Value) error {
	if v.Text != "Environment" {
		return &UnsupportedError{Profile: l.name, What: fmt.Sprintf("credential_source = %s", v.Text), At: At(v)}
	}
	id := r.facts.Getenv("AWS_ACCESS_KEY_ID")
	if id == "" || r.facts.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return &ConfigError{At: At(v), Problem: "credential_source = Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set"}
	}
	r.longLived = r.facts.Getenv("AWS_SESSION_TOKEN") == ""
	r.source = Environment{KeyID: id, From: From(At(v))}
	return nil
}

// root reports whether the source is a root user's key.
func (r *resolver) root() bool { return strings.HasSuffix(r.key.ARN, ":root") }

// StaticKeys are the credentials a section holds in plain text.
type StaticKeys struct {
	ID, Secret, Token awsconfig.Value // Token may be empty
}

// Static reads a section's plain-text key; a PartialKeyError when half is there.
func Static(section awsconfig.Profile) (StaticKeys, error) {
	id, hasID := plain(section, "aws_access_key_id")
	secret, hasSecret := plain(section, "aws_secret_access_key")
	token, _ := plain(section, "aws_session_token")
	switch {
	case hasID && !hasSecret:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: id.Key, Lacks: "aws_secret_access_key", At: At(id)}
	case hasSecret && !hasID:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: secret.Key, Lacks: "aws_access_key_id", At: At(secret)}
	}
	return StaticKeys{ID: id, Secret: secret, Token: token}, nil
}

// hasStatic reports whether a section holds a plain-text key, or half of one.
func hasStatic(section awsconfig.Profile) bool {
	_, id := plain(section, "aws_access_key_id")
	_, secret := plain(section, "aws_secret_access_key")
	return id || secret
}
