// Package format writes a session as other programs read it: the document of
// credential_process, environments, and lines that a shell evaluates.
//
// Every format is built in memory, ends with a newline and quotes so that
// evaluating it can only set variables. A value that cannot be written safely is
// an error, and then there is no output at all.
package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
)

// Process is the document of a credential_process, version 1 (AWS SDKs and
// Tools Reference Guide, "Process credential provider"). What is not known is
// left out: SDKs stumble over empty strings and nulls.
func Process(s creds.Session) ([]byte, error) {
	doc := struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string `json:",omitempty"`
		AccountID       string `json:"AccountId,omitempty"`
	}{1, s.ID, s.Secret.Reveal(), s.Token.Reveal(), Time(s.Expires), s.AccountID}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// Time is RFC 3339 in UTC with a Z: botocore and Go take no time without a zone.
// The zero time is "".
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Var is one variable of an environment.
type Var struct{ Name, Value string }

// Vars are the variables that carry a session. What is not known is left out.
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

// removed are the variables that name AWS credentials or where to find them,
// and fob's own secrets: none reaches a child unless fob sets it.
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
	"FOB_MFA_CODE", "FOB_AGE_IDENTITY", "AWS_VAULT_FILE_PASSPHRASE", "AWS_VAULT", "FOB_PROFILE",
}

// removedPrefixes are the families among them.
var removedPrefixes = []string{
	"AWS_BEARER_TOKEN_", // botocore prefers it to keys
	"FOB_PASSPHRASE",
}

// Clean returns the environment without what names AWS credentials: every
// occurrence, and where names have no case (Windows) in any case.
func Clean(environ []string, foldCase bool, also ...string) []string {
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

// lookup is the first value of a variable, which is the one that counts.
func lookup(environ []string, name string, foldCase bool) string {
	for _, entry := range environ {
		if n, value, ok := strings.Cut(entry, "="); ok && same(n, name, foldCase) {
			return value
		}
	}
	return ""
}

// Child is who the environment is for.
type Child struct {
	Profile string
	Region  string
	// Compat also sets AWS_VAULT, which prompts such as starship show.
	Compat bool
	// FoldCase: names have no case here (Windows).
	FoldCase bool
}

// Environ is the environment of a child: environ cleaned, and the session.
func Environ(environ []string, s creds.Session, c Child) []string {
	vars := append(Vars(s, c.Region), Var{"FOB_PROFILE", c.Profile})
	if c.Region != "" {
		vars = append(vars, Var{"FOB_REGION", c.Region})
	}
	if c.Compat {
		vars = append(vars, Var{"AWS_VAULT", c.Profile})
	}
	out := Clean(environ, c.FoldCase, c.staleRegions(environ)...)
	for _, v := range vars {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// staleRegions are the region variables to remove: all, when there is a region to
// set, else what a fob further up has set. A region of the user's own stays.
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

// shell is a format that a shell or a file takes.
type shell struct {
	name string
	line func(Var) (string, error)
}

// shells in the order of help.
func shells() []shell {
	return []shell{
		{"env", func(v Var) (string, error) { return "export " + v.Name + "=" + single(v.Value, `'\''`), nil }},
		{"env-no-export", func(v Var) (string, error) { return v.Name + "=" + single(v.Value, `'\''`), nil }},
		// fish knows \\ and \' in single quotes.
		{"fish", func(v Var) (string, error) {
			return "set -gx " + v.Name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v.Value) + "'", nil
		}},
		{"powershell", func(v Var) (string, error) { return "$Env:" + v.Name + " = " + single(v.Value, `''`), nil }},
		{"windows-cmd", func(v Var) (string, error) {
			// Nothing quotes these for cmd.exe, which expands before it parses.
			if strings.ContainsAny(v.Value, `"%!^&|<>`) {
				return "", fmt.Errorf("the value of %s cannot be written safely for cmd.exe", v.Name)
			}
			return `set "` + v.Name + "=" + v.Value + `"`, nil
		}},
		// Readers of .env files agree on single quotes, without any escape.
		{"dotenv", func(v Var) (string, error) {
			if strings.ContainsAny(v.Value, `'\`) {
				return "", fmt.Errorf("the value of %s cannot be written safely to a .env file", v.Name)
			}
			return v.Name + "='" + v.Value + "'", nil
		}},
	}
}

// Shells are the names that Shell takes.
func Shells() []string {
	var names []string
	for _, f := range shells() {
		names = append(names, f.name)
	}
	return names
}

func single(s, quote string) string { return "'" + strings.ReplaceAll(s, "'", quote) + "'" }

// Shell writes variables in one of the formats that Shells names.
func Shell(name string, vars []Var) ([]byte, error) {
	all := shells()
	i := slices.IndexFunc(all, func(f shell) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no format %q", name)
	}
	var b strings.Builder
	for _, v := range vars {
		if !printable(v.Value) {
			return nil, fmt.Errorf("the value of %s holds characters that cannot be written safely", v.Name)
		}
		line, err := all[i].line(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(line + "\n")
	}
	return []byte(b.String()), nil
}

// printable is ASCII without control characters, and all that AWS gives. More
// would not be safe: PowerShell takes typographic quotes for quotes, and reads
// its input in code pages that turn parts of other letters into them.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// ReadProcess reads what another program prints as a credential_process. Its
// errors quote nothing of it.
func ReadProcess(doc []byte) (creds.Session, error) {
	var d struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
		AccountID       string `json:"AccountId"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return creds.Session{}, errors.New("printed something that is not the JSON of credentials")
	}
	switch {
	case d.Version != 1:
		return creds.Session{}, fmt.Errorf("printed version %d of the document, not 1", d.Version)
	case d.AccessKeyID == "" || d.SecretAccessKey == "":
		return creds.Session{}, errors.New("printed no AccessKeyId or no SecretAccessKey")
	}
	s := creds.Session{
		Key:       creds.Key{ID: d.AccessKeyID, Secret: creds.NewSecret(d.SecretAccessKey)},
		Token:     creds.NewSecret(d.SessionToken),
		AccountID: d.AccountID,
	}
	if d.Expiration != "" {
		t, err := time.Parse(time.RFC3339, d.Expiration)
		if err != nil {
			return creds.Session{}, errors.New("printed an Expiration that is no time")
		}
		s.Expires = t.UTC()
	}
	for _, text := range []string{d.AccessKeyID, d.SecretAccessKey, d.SessionToken, d.AccountID} {
		if !printable(text) || strings.Contains(text, " ") {
			return creds.Session{}, errors.New("printed credentials with characters that none have")
		}
	}
	return s, nil
}
