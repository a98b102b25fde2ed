package plan

import "fob/internal/awsconfig"

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

func plain(p awsconfig.Profile, key string) (awsconfig.Value, bool) {
	v, ok := p.Plain(key)
	return v, ok && v.Text != ""
}
