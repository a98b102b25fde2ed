package plan

import (
	"fmt"
	"strings"

	"fob/internal/awsconfig"
)

// region decides the region (testdata/10-region.txtar). Inside a fob exec, an AWS_REGION that equals FOB_REGION
// was set by fob, not by the user, and does not count.
func (r *resolver) region() (name, from string, err error) {
	type candidate struct{ name, from string }
	candidates := []candidate{{r.opts.Region, "--region"}}
	ours := r.facts.Getenv("FOB_REGION")
	for _, env := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v := r.facts.Getenv(env); v != ours {
			candidates = append(candidates, candidate{v, env})
		}
	}
	v, _ := get(r.chain[0].section, "region")
	candidates = append(candidates, candidate{v.Text, At(v)})
	for _, c := range candidates {
		switch {
		case c.name == "":
		case !IsRegion(c.name):
			return "", "", fault(c.from, fmt.Sprintf("invalid region %q; use a name such as eu-west-1", c.name))
		default:
			return c.name, c.from, nil
		}
	}
	r.unlentRegion()
	return "", "", nil
}

// unlentRegion notes that [default] lends no region, if aws-vault would have used it.
func (r *resolver) unlentRegion() {
	h := r.chain[0]
	if _, includes := get(h.section, "include_profile"); includes || h.name == "default" {
		return
	}
	section, _ := r.facts.Config.Profile("default")
	if v, ok := section.Own("region"); ok && IsRegion(v.Text) {
		r.note("no region: that of [default] (%s) does not count for other profiles, unlike in aws-vault; add region = %s to [profile %s]", At(v), v.Text, h.name)
	}
}

// IsRegion reports whether s can be the name of a region. It becomes part of a
// host name, so it must be a valid label of one. Only AWS knows which exist.
func IsRegion(s string) bool { return isHostLabel(s) }

// IsAWSRegion reports whether s has the form of AWS's own regions, such as eu-west-1.
func IsAWSRegion(s string) bool {
	words := strings.Split(s, "-")
	last := len(words) - 1
	for _, w := range words[:last] {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return last >= 2 && words[last] != "" && strings.Trim(words[last], "0123456789") == ""
}

// LikeRegion reports whether s is like the names that AWS gives to regions.
func LikeRegion(s string) bool {
	parts := strings.Split(s, "-")
	number := parts[len(parts)-1]
	return len(parts) >= 3 && number != "" && strings.Trim(number, "0123456789") == ""
}

// partition is the partition of the chain's ARNs, and the ARN that it is taken from:
// the key's, else a role's, else the MFA device's.
func (r *resolver) partition() (name, from string) {
	if a, ok := ParseARN(r.key.ARN); ok {
		return a.Partition, "the key " + r.key.ID
	}
	switch s := r.source.(type) {
	case SSO:
		return partitionOf(s.Region).name, "the sso_region " + s.Region
	case ConsoleLogin:
		a, _ := ParseARN(s.Session) // the plan was made from an ARN
		return a.Partition, "the sign-in of " + s.Session
	}
	for _, h := range r.chain {
		if a, ok := ParseARN(h.role.Text); ok {
			return a.Partition, "the role of " + At(h.role)
		}
	}
	// EndpointOf has no source: it may be about a key that is not stored yet.
	if r.longLived || r.source == nil {
		v, _ := r.namedSerial()
		if a, ok := ParseARN(v.Text); ok {
			return a.Partition, "the MFA device of " + At(v)
		}
	}
	return "aws", ""
}

// samePartition checks that an ARN is in the same partition as the chain.
func (r *resolver) samePartition(v awsconfig.Value, a ARN) error {
	name, from := r.partition()
	if from == "" || name == a.Partition {
		return nil
	}
	return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s is in partition %q, but %s is in %q", v.Text, a.Partition, from, name)}
}
