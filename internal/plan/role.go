package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"fob/internal/awsconfig"
)

// Limits of AssumeRole, from its API reference. They are checked here, so that no
// MFA code is spent on a request that AWS would refuse.
const (
	maxTags       = 50
	maxPolicy     = 2048 // characters
	maxPolicyARNs = 10
)

// roles reads the roles of the chain, in the order of assuming. The lifetime of
// the last is left to roleSteps.
func (r *resolver) roles() ([]AssumeRole, error) {
	var roles []AssumeRole
	var sections []awsconfig.Profile // of a role, and of the profiles that only pass on its credentials
	for _, h := range r.chain {
		sections = append(sections, h.section)
		if h.role.Text == "" {
			continue
		}
		role, err := r.role(h)
		if err != nil {
			return nil, err
		}
		asked := len(roles) == 0
		if err := r.scope(&role, asked, sections); err != nil {
			return nil, err
		}
		if !asked {
			life, from, err := r.roleLife(h.section)
			if err != nil {
				return nil, err
			}
			role.DurationSeconds = seconds(r.within(life, minSession, maxChained, from, "a role in a chain lasts at most 1h"))
		}
		roles = append(roles, role)
		sections = nil
	}
	slices.Reverse(roles)
	return roles, unscoped(sections)
}

// lastRole is the section that names the last role of the chain.
func (r *resolver) lastRole() awsconfig.Profile {
	for _, h := range r.chain {
		if h.role.Text != "" {
			return h.section
		}
	}
	return awsconfig.Profile{}
}

func (r *resolver) role(h hop) (AssumeRole, error) {
	a, ok := ParseARN(h.role.Text)
	if !ok || !a.isIAM("role") {
		return AssumeRole{}, &ConfigError{At: At(h.role), Problem: fmt.Sprintf("%q is not a role ARN (arn:aws:iam::ACCOUNT:role/NAME)", h.role.Text)}
	}
	if err := r.samePartition(h.role, a); err != nil {
		return AssumeRole{}, err
	}
	step := AssumeRole{RoleARN: h.role.Text, From: From(At(h.role))}
	if v, ok := get(h.section, "external_id"); ok {
		if !isExternalID(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid external ID %q: use 2 to %d letters, digits and _+=,.@:/-", v.Text, maxExternalID)}
		}
		step.ExternalID = v.Text
	}
	if v, ok := get(h.section, "source_identity"); ok {
		if !isSessionName(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid source identity %q: use 2 to 64 letters, digits and _+=,.@-", v.Text)}
		}
		step.SourceIdentity = v.Text
	}
	var err error
	if step.RoleSessionName, err = r.sessionName(h.section); err != nil {
		return AssumeRole{}, err
	}
	if step.Tags, step.TransitiveTagKeys, err = tags(h.section); err != nil {
		return AssumeRole{}, err
	}
	return step, nil
}

// sessionName is the profile's role_session_name, else the IAM user's name that
// AWS gave when the key was added (it satisfies a trust policy that demands
// sts:RoleSessionName = ${aws:username}), else the name of the operating system's
// user, with illegal characters replaced.
func (r *resolver) sessionName(section awsconfig.Profile) (string, error) {
	if v, ok := get(section, "role_session_name"); ok {
		if !isSessionName(v.Text) {
			return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid role session name %q: use 2 to 64 letters, digits and _+=,.@-", v.Text)}
		}
		return v.Text, nil
	}
	a, _ := ParseARN(r.key.ARN)
	name := a.UserName()
	if name == "" {
		name = r.facts.User()
	}
	return legalSessionName(name), nil
}

// tags reads aws-vault's `session_tags = k=v,k2=v2` and `transitive_session_tags = k,k2`.
func tags(section awsconfig.Profile) (map[string]string, []string, error) {
	var set map[string]string
	if v, ok := get(section, "session_tags"); ok {
		set = map[string]string{}
		for _, pair := range strings.Split(v.Text, ",") {
			k, value, ok := strings.Cut(pair, "=")
			k, value = strings.TrimSpace(k), strings.TrimSpace(value)
			if !ok || !isTagKey(k) || !isTagValue(value) {
				return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid session tag %q: use key=value, separated by commas", strings.TrimSpace(pair))}
			}
			set[k] = value
		}
		if len(set) > maxTags {
			return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%d session tags, but AWS allows only %d", len(set), maxTags)}
		}
	}
	v, ok := get(section, "transitive_session_tags")
	if !ok {
		return set, nil, nil
	}
	var keys []string
	for _, k := range strings.Split(v.Text, ",") {
		if k = strings.TrimSpace(k); k == "" {
			continue // as in aws-vault
		}
		if _, ok := set[k]; !ok {
			return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is not one of the session_tags: %s", k, strings.Join(slices.Sorted(maps.Keys(set)), ", "))}
		}
		keys = append(keys, k)
	}
	return set, keys, nil
}

// checkPath refuses a path that would be another file in another directory, perhaps
// somebody else's.
func checkPath(path, from string) error {
	if filepath.IsAbs(path) || strings.HasPrefix(path, "/") {
		return nil
	}
	return &ConfigError{At: from, Problem: fmt.Sprintf("%q is not an absolute path, and programs run fob from any directory", path)}
}

func (r *resolver) readPolicy(v awsconfig.Value) (string, error) {
	if err := checkPath(v.Text, At(v)); err != nil {
		return "", err
	}
	text, err := r.facts.ReadFile(v.Text)
	if err != nil {
		return "", &ConfigError{At: At(v), Problem: err.Error()}
	}
	return text, nil
}

// compactPolicy removes white space, which would count towards the size limit.
func compactPolicy(text, from string) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil || b.Bytes()[0] != '{' || !utf8.Valid(b.Bytes()) {
		return "", fault(from, "the session policy is not a JSON object")
	}
	if n := utf8.RuneCount(b.Bytes()); n > maxPolicy {
		return "", fault(from, fmt.Sprintf("the session policy has %d characters, but AWS allows only %d", n, maxPolicy))
	}
	return b.String(), nil
}

// policyARNs writes AWS's own policies with the role's partition, because every
// partition has them. Other policies must be in the role's account.
func policyARNs(role AssumeRole, arns []string, from string) (all []string, err error) {
	if len(arns) > maxPolicyARNs {
		return nil, fault(from, fmt.Sprintf("%d session policies, but AWS allows only %d", len(arns), maxPolicyARNs))
	}
	home, _ := ParseARN(role.RoleARN)
	for _, s := range arns {
		a, _ := splitARN(s)
		switch {
		case !a.isIAM("policy") || a.Account != "aws" && !isAccountID(a.Account):
			return nil, fault(from, fmt.Sprintf("%q is not a policy ARN", s))
		case a.Account == "aws":
			s = "arn:" + home.Partition + ":iam::aws:" + a.Resource
		case a.Account != home.Account || a.Partition != home.Partition:
			return nil, fault(from, fmt.Sprintf("%s is not in the account of the role %s", s, role.RoleARN))
		}
		all = append(all, s)
	}
	return all, nil
}
