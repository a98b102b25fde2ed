package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"fob/internal/awsconfig"
)

// globalActions are what fob_regions does not deny in other regions: the services
// that have one endpoint for a whole partition. The list is that of AWS's own example,
// "Deny access to AWS based on the requested AWS Region"
// (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html),
// without the services on it that have endpoints in the regions (acm, chime, config,
// directconnect, fms, kms, wafv2, wellarchitected, some of ec2) and those that AWS has
// ended (a4b, mobileanalytics). Who needs one of these in another region names that
// region.
var globalActions = [...]string{
	"aws-marketplace:*", "aws-marketplace-management:*", "aws-portal:*", "budgets:*", "ce:*", "cloudfront:*", "cur:*",
	"ec2:DescribeRegions", "globalaccelerator:*", "health:*", "iam:*", "importexport:*", "networkmanager:*",
	"organizations:*", "pricing:*", "route53:*", "route53-recovery-cluster:*", "route53-recovery-control-config:*",
	"route53-recovery-readiness:*", "route53domains:*", "s3:GetAccountPublic*", "s3:ListAllMyBuckets",
	"s3:ListMultiRegionAccessPoints", "s3:PutAccountPublic*", "shield:*", "sts:*", "support:*", "trustedadvisor:*", "waf:*",
}

// onlyRegions has the plan's last role deny the regions that a fob_regions of the chain
// does not name. Several of them allow what all of them name.
func (r *resolver) onlyRegions(p *Plan, regionFrom string) error {
	var allowed []string
	var from string // the nearest
	for _, v := range r.every("fob_regions") {
		named, err := r.readRegions(v)
		if err != nil {
			return err
		}
		if from == "" {
			allowed, from = named, At(v)
			continue
		}
		allowed = slices.DeleteFunc(allowed, func(name string) bool { return !slices.Contains(named, name) })
		if len(allowed) == 0 {
			return &ConfigError{At: from, Problem: "none of these regions is in the fob_regions of " + At(v)}
		}
	}
	if from == "" {
		return nil
	}
	if name := p.Region; name != "" && !slices.Contains(allowed, name) {
		denied := fmt.Sprintf("region %s is not one of fob_regions (%s)", name, from)
		if !isVariable(regionFrom) {
			return fault(regionFrom, denied)
		}
		// The variable is for all programs and profiles: this one can still be used
		// with a region that a program names.
		p.RegionDenied = regionFrom + ": " + denied
		r.note("%s", p.RegionDenied)
	}
	return restrict(p, "fob_regions", from, func(role string, policy *string, arns *[]string) error {
		if err := inPartition(role, allowed, from); err != nil {
			return err
		}
		text, err := denyRegions(*policy, len(*arns) > 0, allowed, from)
		*policy = text
		return err
	})
}

// isVariable reports whether a setting is from the environment.
func isVariable(from string) bool {
	return from != "" && strings.Trim(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// readRegions are the regions that a fob_regions names, sorted: their order does not
// make another session.
func (r *resolver) readRegions(v awsconfig.Value) ([]string, error) {
	named := strings.FieldsFunc(v.Text, func(c rune) bool { return strings.ContainsRune(", \t\n", c) })
	for _, name := range named {
		if !IsAWSRegion(name) && !(r.foreign() && IsRegion(name)) {
			return nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("invalid region %q; use names such as eu-west-1, separated by commas", name)}
		}
	}
	slices.Sort(named)
	return slices.Compact(named), nil
}

// inPartition makes sure that the regions are some of the role's: with others alone,
// the guard would deny everything.
func inPartition(role string, regions []string, from string) error {
	a, ok := ParseARN(role)
	for _, name := range regions {
		if partition := partitionOf(name).name; ok && partition != a.Partition {
			return &ConfigError{At: from, Problem: fmt.Sprintf("region %s is in partition %q, but the role %s is in %q", name, partition, role, a.Partition)}
		}
	}
	return nil
}

// restrict changes the session policies of the plan's last step, for a guard. AWS takes
// such policies only where a role is assumed.
func restrict(p *Plan, guard, from string, change func(role string, policy *string, arns *[]string) error) error {
	last := len(p.Steps) - 1
	switch s := p.Steps[last].(type) {
	case AssumeRole:
		if err := change(s.RoleARN, &s.Policy, &s.PolicyARNs); err != nil {
			return err
		}
		p.Steps[last] = s
		return nil
	case WebIdentity:
		if err := change(s.RoleARN, &s.Policy, &s.PolicyARNs); err != nil {
			return err
		}
		p.Steps[last] = s
		return nil
	}
	return &ConfigError{At: from, Problem: fmt.Sprintf("%s needs a role that fob assumes, and profile %q has none", guard, p.Profile)}
}

// policyDocument is a session policy with its statements apart.
type policyDocument struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// denyRegions is a session policy with a statement that denies other regions.
//
// AWS denies what any session policy denies, and otherwise allows what any of them
// allows. So the statement joins the document there is; beside managed policies (more)
// it stands alone, because an Allow would add to what those allow; and where there is
// nothing, all the rest has to be allowed.
func denyRegions(policy string, more bool, regions []string, from string) (string, error) {
	doc := policyDocument{Version: "2012-10-17"}
	switch {
	case policy != "":
		var err error
		if doc, err = splitPolicy(policy); err != nil {
			return "", &ConfigError{At: from, Problem: "fob_regions cannot be added to the session policy: " + err.Error()}
		}
	case !more:
		doc.Statement = append(doc.Statement, json.RawMessage(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	}
	deny, err := json.Marshal(struct {
		Effect    string
		NotAction []string
		Resource  string
		Condition map[string]map[string][]string
	}{"Deny", globalActions[:], "*", map[string]map[string][]string{"StringNotEquals": {"aws:RequestedRegion": regions}}})
	if err != nil {
		return "", err
	}
	doc.Statement = append(doc.Statement, deny)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // an escape has six characters of the 2,048
	if err := enc.Encode(doc); err != nil {
		return "", err
	}
	text := strings.TrimSpace(b.String())
	if n := utf8.RuneCountInString(text); n > maxPolicy {
		return "", &ConfigError{At: from, Problem: fmt.Sprintf("with fob_regions, the session policy has %d characters, but AWS allows only %d", n, maxPolicy)}
	}
	return text, nil
}

// splitPolicy takes a policy apart. A key that appears twice, or that fob does not
// know, could hold a statement that would get lost.
func splitPolicy(text string) (doc policyDocument, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil { // the brace
		return doc, err
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return doc, err
		}
		name := key.(string) // the keys of an object are strings
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return doc, err
		}
		if seen[name] {
			return doc, fmt.Errorf("it has %q twice", name)
		}
		seen[name] = true
		switch name {
		case "Version":
			err = json.Unmarshal(value, &doc.Version)
		case "Id":
			err = json.Unmarshal(value, &doc.ID)
		case "Statement":
			if value[0] == '[' {
				err = json.Unmarshal(value, &doc.Statement)
			} else {
				doc.Statement = []json.RawMessage{value}
			}
		default:
			err = fmt.Errorf("unknown key %q", name)
		}
		if err != nil {
			return doc, err
		}
	}
	if !seen["Statement"] {
		return doc, fmt.Errorf("it has no Statement")
	}
	return doc, nil
}
