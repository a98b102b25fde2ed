package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"fob/internal/awsconfig"
)

// ReadOnlyAccess is the AWS managed policy of that name, in the partition aws; plans
// have the role's.
const ReadOnlyAccess = "arn:aws:iam::aws:policy/ReadOnlyAccess"

// Limits of AssumeRole, from its API reference.
const (
	maxPolicy     = 2048 // characters
	maxPolicyARNs = 10
)

// limit asks for session policies, in one section or on one command line.
type limit struct {
	profile  string
	file     awsconfig.Value // the path of a policy, or
	text     string          // the policy itself
	textFrom string
	arns     []string
	arnsFrom string
}

func (l limit) from() string { return either(l.textFrom, l.arnsFrom) }

// limits are what a section asks for.
func limits(s awsconfig.Profile) (all []limit) {
	for _, layer := range s.Layers() {
		files, arns := layer.Every("fob_policy"), layer.Every("fob_policy_arns")
		for i := range max(len(files), len(arns)) { // the two keys are one limit; what they hide is another
			l := limit{profile: s.Name}
			if i < len(files) {
				l.file, l.textFrom = files[i], At(files[i])
			}
			if i < len(arns) {
				l.arns = strings.FieldsFunc(arns[i].Text, func(c rune) bool { return strings.ContainsRune(", \t\n", c) })
				l.arnsFrom = At(arns[i])
			}
			all = append(all, l)
		}
	}
	return all
}

// flagLimits are what the flags ask for.
func (o Options) flagLimits(profile string) (all []limit) {
	l := limit{profile: profile, text: o.Policy, arns: o.PolicyARNs, arnsFrom: o.PolicyARNsFrom}
	if l.text != "" {
		l.textFrom = o.PolicyFrom
	}
	if o.scoped() {
		all = append(all, l)
	}
	return all
}

func (o Options) scoped() bool { return o.Policy != "" || len(o.PolicyARNs) > 0 }

// lineLimits are what the flags in a credential_process ask for that is fob itself.
func (h hop) lineLimits() (all []limit) {
	l, line, at := limit{profile: h.name}, h.line, h.lineAt
	if line.Policy != "" {
		l.file, l.textFrom = at, At(at)
		l.file.Text = line.Policy
	}
	if l.arns = line.PolicyARNs; line.ReadOnly {
		l.arns = []string{ReadOnlyAccess}
	}
	if len(l.arns) > 0 {
		l.arnsFrom = At(at)
	}
	if l.from() != "" {
		all = append(all, l)
	}
	return all
}

// policies are the session policies of a role, and where they stand.
type policies struct {
	text string
	arns []string
	from string
}

// same reports whether two sets have the same policies.
func (s policies) same(t policies) bool {
	sorted := func(arns []string) []string { return slices.Compact(slices.Sorted(slices.Values(arns))) }
	return s.text == t.text && slices.Equal(sorted(s.arns), sorted(t.arns))
}

// scope adds session policies to a role: those of the first limit. A second set is
// an error. AWS allows what any one of several session policies allows, so merging
// them would allow more; and leaving some out would lose what they deny.
func (r *resolver) scope(role *AssumeRole, all []limit) error {
	var first policies
	for _, l := range all {
		set, err := r.policies(*role, l)
		switch {
		case err != nil:
			return err
		case first.from == "":
			first = set
		case !set.same(first):
			return fault(set.from, first.from+" already sets a session policy for "+role.RoleARN+", and a second one could only allow more")
		}
	}
	role.Policy, role.PolicyARNs = first.text, first.arns
	return nil
}

func (r *resolver) policies(role AssumeRole, l limit) (set policies, err error) {
	set.from = l.from()
	if l.file.Text != "" {
		if l.text, err = r.readPolicy(l.file); err != nil {
			return set, err
		}
	}
	if l.textFrom != "" {
		if set.text, err = compactPolicy(l.text, l.textFrom); err != nil {
			return set, err
		}
	}
	set.arns, err = policyARNs(role, l.arns, l.arnsFrom)
	return set, err
}

// unused is what is wrong with a limit that no role is subject to.
func (l limit) unused(source Step) error {
	problem := fmt.Sprintf("a session policy needs a role, and profile %q does not assume one", l.profile)
	switch s := source.(type) {
	case SSO:
		problem = fmt.Sprintf("a session policy needs a role that fob assumes, and Identity Center gives %s as it is", s.RoleName)
	case ConsoleLogin:
		problem = "a session policy needs a role that fob assumes, and a console sign-in gives what the user may do"
	}
	return fault(l.from(), problem)
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
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err // the name of the system call says nothing
	}
	if err != nil {
		return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("cannot read the session policy %q: %v", v.Text, err)}
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
	home, ok := ParseARN(role.RoleARN)
	for _, s := range arns {
		a, _ := splitARN(s)
		switch {
		case !a.isIAM("policy") || ok && a.Account != "aws" && !IsAccountID(a.Account):
			return nil, fault(from, fmt.Sprintf("%q is not a policy ARN (arn:aws:iam::aws:policy/NAME, or with an account)", s))
		case !ok: // another server's role: nothing is known about its account
		case a.Account == "aws":
			s = "arn:" + home.Partition + ":iam::aws:" + a.Resource
		case a.Partition != home.Partition:
			return nil, fault(from, fmt.Sprintf("%s is in partition %q, but the role is in %q", s, a.Partition, home.Partition))
		case a.Account != home.Account:
			return nil, fault(from, fmt.Sprintf("%s is not in the account of the role %s", s, role.RoleARN))
		}
		all = append(all, s)
	}
	return all, nil
}
