package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// maxTags is a limit of AssumeRole, from its API reference. It is checked here, so
// that no MFA code is spent on a request that AWS would refuse.
const maxTags = 50

// roles reads the roles of the chain, in the order of assuming. The lifetime of
// the last is left to roleSteps.
func (r *resolver) roles() ([]AssumeRole, error) {
	var roles []AssumeRole
	all := r.opts.flagLimits(r.chain[0].name) // of the next role: those of the profiles that only pass on its credentials count, too
	for _, h := range r.chain {
		if _, unused := get(h.section, "role_arn"); h.role.Text != "" || !unused {
			all = append(limits(h.section), all...)
		}
		if h.role.Text == "" {
			all = append(h.lineLimits(), all...)
			continue
		}
		role, err := r.role(h)
		if err != nil {
			return nil, err
		}
		if err := r.scope(&role, all); err != nil {
			return nil, err
		}
		all = h.lineLimits()
		if len(roles) > 0 {
			life, from, err := r.roleLife(h.section)
			if err != nil {
				return nil, err
			}
			limit, why := maxChained, "a role in a chain lasts at most 1h"
			if r.withToken(h) {
				limit, why = maxRole, longestRole
			}
			role.DurationSeconds = seconds(r.within(life, MinSession, limit, from, why))
		}
		roles = append(roles, role)
	}
	if len(all) > 0 {
		return nil, all[0].unused(r.source)
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
	switch {
	case ok && a.isIAM("role"):
	case !ok && isForeignARN(h.role.Text) && r.foreign():
		r.note("%s: %s is not a role ARN of AWS; it goes to the profile's endpoint as it is", At(h.role), h.role.Text)
	default:
		return AssumeRole{}, &ConfigError{At: At(h.role), Problem: fmt.Sprintf("%q is not a role ARN (arn:aws:iam::ACCOUNT:role/NAME)", h.role.Text)}
	}
	if err := r.samePartition(h.role, a); ok && err != nil {
		return AssumeRole{}, err
	}
	step := AssumeRole{RoleARN: h.role.Text, From: From(At(h.role))}
	var err error
	if step.RoleSessionName, err = r.sessionName(h); err != nil || r.withToken(h) {
		return step, err
	}
	if v, ok := get(h.section, "external_id"); ok {
		if !isExternalID(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid external ID %q: use 2 to %d letters, digits and _+=,.@:/-", v.Text, maxExternalID)}
		}
		step.ExternalID = v.Text
	}
	if v, ok := r.value(h, "source_identity"); ok {
		if !isSessionName(v.Text) {
			return AssumeRole{}, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid source identity %q: use 2 to 64 letters, digits and _+=,.@-", v.Text)}
		}
		step.SourceIdentity = v.Text
	}
	if step.Tags, step.TransitiveTagKeys, err = r.tags(h); err != nil {
		return AssumeRole{}, err
	}
	return step, nil
}

// sessionName is the profile's role_session_name, else the name of the IAM user whose
// key or console sign-in it is (it satisfies a trust policy that demands
// sts:RoleSessionName = ${aws:username}), else the name of the operating system's
// user, with illegal characters replaced.
func (r *resolver) sessionName(h hop) (string, error) {
	if v, ok := r.value(h, "role_session_name"); ok {
		if !isSessionName(v.Text) {
			return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid role session name %q: use 2 to 64 letters, digits and _+=,.@-", v.Text)}
		}
		return v.Text, nil
	}
	name := r.identity().UserName()
	if name == "" {
		name = r.facts.User()
	}
	return legalSessionName(name), nil
}

// tags reads aws-vault's `session_tags = k=v,k2=v2` and `transitive_session_tags = k,k2`.
func (r *resolver) tags(h hop) (map[string]string, []string, error) {
	var set map[string]string
	if v, ok := r.value(h, "session_tags"); ok {
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
	v, ok := r.value(h, "transitive_session_tags")
	if !ok {
		return set, nil, nil
	}
	var keys []string
	for _, k := range strings.Split(v.Text, ",") {
		if k = strings.TrimSpace(k); k == "" {
			continue // as in aws-vault
		}
		if _, ok := set[k]; !ok {
			problem := fmt.Sprintf("%q is not one of the session_tags", k)
			if len(set) > 0 {
				problem += ": " + strings.Join(slices.Sorted(maps.Keys(set)), ", ")
			}
			return nil, nil, &ConfigError{At: At(v), Problem: problem}
		}
		keys = append(keys, k)
	}
	return set, keys, nil
}
