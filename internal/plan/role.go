package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"fob/internal/awsconfig"
)

// What AssumeRole takes, in its API reference. What it would refuse is refused
// here, before an MFA code is spent on it.
const (
	maxTags       = 50
	maxPolicy     = 2048 // characters
	maxPolicyARNs = 10
)

// roles reads the roles of the chain, in the order of assuming. The lifetime of
// the last is left to roleSteps.
func (r *resolver) roles() ([]AssumeRole, error) {
	var roles []AssumeRole
	var sections []awsconfig.Profile // of a role, and of those that hand on what it gives
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
			role.DurationSeconds = seconds(r.within(life, minSession, maxChained, from, "AWS caps a role in a chain at 1h"))
		}
		roles = append(roles, role)
		sections = nil
	}
	slices.Reverse(roles)
	return roles, nil
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
		return AssumeRole{}, &ConfigError{At: At(h.role), Problem: fmt.Sprintf("%q is no ARN of a role", h.role.Text)}
	}
	if err := r.samePartition(h.role, a); err != nil {
		return AssumeRole{}, err
	}
	step := AssumeRole{RoleARN: h.role.Text, From: From(At(h.role))}
	if v, ok := get(h.section, "external_id"); ok {
		if !isExternalID(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no external ID: 2 to %d letters, digits and _+=,.@:/-", v.Text, maxExternalID)}
		}
		step.ExternalID = v.Text
	}
	if v, ok := get(h.section, "source_identity"); ok {
		if !isSessionName(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no source identity: 2 to 64 letters, digits and _+=,.@-", v.Text)}
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

// sessionName is the profile's role_session_name, else the IAM user's name as
// AWS gave it when the key was added (it satisfies a trust policy that demands
// sts:RoleSessionName = ${aws:username}), else the user name of the operating system made legal.
func (r *resolver) sessionName(section awsconfig.Profile) (string, error) {
	if v, ok := get(section, "role_session_name"); ok {
		if !isSessionName(v.Text) {
			return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no role session name: 2 to 64 letters, digits and _+=,.@-", v.Text)}
		}
		return v.Text, nil
	}
	a, _ := ParseARN(r.key.ARN)
	return legalSessionName(cmp.Or(a.UserName(), r.facts.User)), nil
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
				return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no tag: key=value, separated by commas", strings.TrimSpace(pair))}
			}
			set[k] = value
		}
		if len(set) > maxTags {
			return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%d session tags, AWS takes %d", len(set), maxTags)}
		}
	}
	v, ok := get(section, "transitive_session_tags")
	if !ok {
		return set, nil, nil
	}
	var keys []string
	for _, k := range strings.Split(v.Text, ",") {
		k = strings.TrimSpace(k)
		if _, ok := set[k]; !ok {
			return nil, nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is not among the session_tags: %s", k, strings.Join(slices.Sorted(maps.Keys(set)), ", "))}
		}
		keys = append(keys, k)
	}
	return set, keys, nil
}

// scope adds session policies to a role: to the one asked for those of the
// command line, else those of the first of sections that has any. They replace
// each other as a whole, because AWS allows what any one of them allows.
func (r *resolver) scope(role *AssumeRole, asked bool, sections []awsconfig.Profile) error {
	if asked && r.opts.scoped() {
		if r.opts.Policy != "" {
			if err := role.setPolicy(r.opts.Policy, "--policy"); err != nil {
				return err
			}
		}
		return role.setPolicyARNs(r.opts.PolicyARNs, "--policy-arn")
	}
	for _, s := range sections {
		file, hasFile := plain(s, "fob_policy")
		arns, hasARNs := plain(s, "fob_policy_arns")
		if !hasFile && !hasARNs {
			continue
		}
		if hasFile {
			text, err := r.readPolicy(file)
			if err != nil {
				return err
			}
			if err := role.setPolicy(text, At(file)); err != nil {
				return err
			}
		}
		list := strings.FieldsFunc(arns.Text, func(c rune) bool { return strings.ContainsRune(", \t\n", c) })
		return role.setPolicyARNs(list, At(arns))
	}
	return nil
}

func (o Options) scoped() bool { return o.Policy != "" || len(o.PolicyARNs) > 0 }

// unscoped makes sure that no policy was asked for, where none can be applied.
func (r *resolver) unscoped() error {
	problem := fmt.Sprintf("a policy scopes a role session down, and profile %q assumes no role (GetSessionToken takes no policy)", r.chain[0].name)
	if r.opts.scoped() {
		return &UsageError{Problem: problem}
	}
	for _, h := range r.chain {
		for _, k := range []string{"fob_policy", "fob_policy_arns"} {
			if v, ok := plain(h.section, k); ok {
				return &ConfigError{At: At(v), Problem: problem}
			}
		}
	}
	return nil
}

func (r *resolver) readPolicy(v awsconfig.Value) (string, error) {
	if !filepath.IsAbs(v.Text) && !strings.HasPrefix(v.Text, "/") {
		return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no absolute path, and programs run fob in any directory", v.Text)}
	}
	text, err := r.facts.ReadFile(v.Text)
	if err != nil {
		return "", &ConfigError{At: At(v), Problem: err.Error()}
	}
	return string(text), nil
}

// setPolicy drops the white space, which would count against the size.
func (role *AssumeRole) setPolicy(text, from string) error {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil || b.Bytes()[0] != '{' || !utf8.Valid(b.Bytes()) {
		return fault(from, "the session policy is no JSON object")
	}
	if n := utf8.RuneCount(b.Bytes()); n > maxPolicy {
		return fault(from, fmt.Sprintf("the session policy has %d characters, AWS takes %d", n, maxPolicy))
	}
	role.Policy = b.String()
	return nil
}

// setPolicyARNs puts AWS's own policies, which every partition has, in the
// role's. Others must be in the role's account.
func (role *AssumeRole) setPolicyARNs(arns []string, from string) error {
	if len(arns) > maxPolicyARNs {
		return fault(from, fmt.Sprintf("%d session policies, AWS takes %d", len(arns), maxPolicyARNs))
	}
	home, _ := ParseARN(role.RoleARN)
	for _, s := range arns {
		a, _ := splitARN(s)
		switch {
		case !a.isIAM("policy") || a.Account != "aws" && !isAccountID(a.Account):
			return fault(from, fmt.Sprintf("%q is no ARN of a policy", s))
		case a.Account == "aws":
			s = "arn:" + home.Partition + ":iam::aws:" + a.Resource
		case a.Account != home.Account || a.Partition != home.Partition:
			return fault(from, fmt.Sprintf("%s is not in the account of the role %s", s, role.RoleARN))
		}
		role.PolicyARNs = append(role.PolicyARNs, s)
	}
	return nil
}
