package plan

import (
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// variables are aws-vault's for the profile that is asked for, and the keys that they
// stand for. They count only where a section does not have the key, and only if
// Options.Variables says that a person may have set them.
var variables = [...]struct{ key, name string }{
	{"role_arn", "AWS_ROLE_ARN"},
	{"role_session_name", "AWS_ROLE_SESSION_NAME"},
	{"mfa_serial", "AWS_MFA_SERIAL"},
	{"session_tags", "AWS_SESSION_TAGS"},
	{"transitive_session_tags", "AWS_TRANSITIVE_TAGS"},
	{"source_identity", "AWS_SOURCE_IDENTITY"},
}

// tokenVariable is set where a program gets a web identity: AWS_ROLE_ARN and
// AWS_ROLE_SESSION_NAME are that program's then, and nobody chose them for a profile.
const tokenVariable = "AWS_WEB_IDENTITY_TOKEN_FILE"

// VariablesFor lists the variables that are set and may count for a profile.
func VariablesFor(getenv func(name string) string) (names []string) {
	for _, v := range variables {
		if getenv(tokenVariable) == "" && getenv(v.name) != "" {
			names = append(names, v.name)
		}
	}
	return names
}

// value is what a section says, or for the profile that is asked for a variable, which
// then counts.
func (r *resolver) value(h hop, key string) (awsconfig.Value, bool) {
	v, ok := r.lookUp(h, key)
	if ok {
		r.use(v)
	}
	return v, ok
}

// use remembers the variable that a value is from.
func (r *resolver) use(v awsconfig.Value) {
	if v.Line == 0 && !slices.Contains(r.used, v.File) {
		r.used = append(r.used, v.File)
	}
}

func (r *resolver) lookUp(h hop, key string) (awsconfig.Value, bool) {
	if v, ok := get(h.section, key); ok {
		return v, true
	}
	if len(r.chain) > 0 && r.chain[0].name != h.name || !r.opts.Variables || r.facts.Getenv(tokenVariable) != "" {
		return awsconfig.Value{}, false
	}
	for _, v := range variables {
		if text := r.facts.Getenv(v.name); v.key == key && text != "" {
			return awsconfig.Value{Text: text, File: v.name, Key: v.name}, true
		}
	}
	return awsconfig.Value{}, false
}

// parentKey is what include_profile was called in old versions of aws-vault, whose newer ones
// still read it.
const parentKey = "parent_profile"

// Parent is the line of a section that includes nothing because it has the old name.
func Parent(section awsconfig.Profile) (line awsconfig.Value, ok bool) {
	_, includes := section.Get("include_profile")
	line, _ = section.Own(parentKey)
	return line, line.Text != "" && !includes
}

// noteParents says of which profiles such a line is not read.
func (r *resolver) noteParents() {
	for _, h := range r.chain {
		if line, ok := Parent(h.section); ok {
			r.note("%s: %s is not read; rename it to include_profile", At(line), parentKey)
		}
	}
}

// noteVariables says which variables count here and nowhere else.
func (r *resolver) noteVariables() {
	var unused []string
	for _, v := range variables {
		if r.opts.Variables && r.facts.Getenv(tokenVariable) != "" && r.facts.Getenv(v.name) != "" {
			unused = append(unused, v.name)
		}
	}
	if len(unused) > 0 {
		r.note("%s: not used, because %s is set", strings.Join(unused, ", "), tokenVariable)
	}
	if len(r.used) > 0 {
		r.note("%s: used by fob exec and fob login, not by fob export, which programs run", strings.Join(r.used, ", "))
	}
}
