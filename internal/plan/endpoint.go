package plan

import (
	"fmt"
	"net/url"
	"strings"

	"fob/internal/awsconfig"
)

// region is plan rule 10. Inside a fob exec, an AWS_REGION equal to FOB_REGION
// is fob's own and does not count as the user's.
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
			return "", "", fault(c.from, fmt.Sprintf("%q is no region", c.name))
		default:
			return c.name, c.from, nil
		}
	}
	return "", "", nil
}

// IsRegion reports whether s can be a region's name. It becomes part of a host
// name, so it is a label of one; whether AWS has that region is AWS's to say.
func IsRegion(s string) bool { return isHostLabel(s) }

// partitions by the prefix of their regions, with the region that STS is asked
// in when none is known (the AWS General Reference's partitions).
var partitions = []struct{ prefix, name, home string }{
	{"cn-", "aws-cn", "cn-north-1"},
	{"us-gov-", "aws-us-gov", "us-gov-west-1"},
	{"eusc-", "aws-eusc", "eusc-de-east-1"},
	{"us-isob-", "aws-iso-b", "us-isob-east-1"},
	{"us-isof-", "aws-iso-f", "us-isof-south-1"},
	{"us-iso-", "aws-iso", "us-iso-east-1"},
	{"eu-isoe-", "aws-iso-e", "eu-isoe-west-1"},
	{"", "aws", "us-east-1"},
}

// partitionOf a region: its name and home region.
func partitionOf(region string) (name, home string) {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.name, p.home
		}
	}
	panic("unreachable: the last prefix is empty")
}

func homeOf(partition string) string {
	for _, p := range partitions {
		if p.name == partition {
			return p.home
		}
	}
	return "us-east-1"
}

// endpoint decides where STS is called. The SDK's sts.New reads none of this.
func (r *resolver) endpoint(region, regionFrom string) (Endpoint, error) {
	section := r.chain[0].section
	partition, from := r.partition()
	e := Endpoint{Region: region, Home: homeOf(partition)}
	if region == "" {
		e.Region = e.Home
	} else if name, home := partitionOf(region); from == "" {
		e.Home = home
	} else if name != partition {
		return Endpoint{}, fault(regionFrom, fmt.Sprintf("%s is in partition %q, but %s in %q", region, name, from, partition))
	}
	legacy, from := r.setting(section, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints")
	if strings.EqualFold(legacy, "legacy") {
		r.note("%s: sts_regional_endpoints = legacy is ignored: tokens of the global endpoint fail in opt-in regions", from)
	}
	err := r.doors(&e, section, "sts")
	return e, err
}

// doors are the settings that lead to a service by another way than the usual one.
func (r *resolver) doors(e *Endpoint, section awsconfig.Profile, service string) (err error) {
	if e.URL, err = r.endpointURL(section, service); err != nil {
		return err
	}
	if e.FIPS, err = r.boolean(section, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"); err != nil {
		return err
	}
	if e.DualStack, err = r.boolean(section, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"); err != nil {
		return err
	}
	e.CABundle, _ = r.setting(section, "AWS_CA_BUNDLE", "ca_bundle")
	return nil
}

// EndpointOf is where STS is called for a profile that need not exist yet.
func EndpointOf(f Facts, profile string) (Endpoint, error) {
	section, _ := f.Config.Profile(profile)
	r := resolver{facts: f, chain: []link{{name: profile, section: section}}}
	region, from, err := r.region()
	if err != nil {
		return Endpoint{}, err
	}
	return r.endpoint(region, from)
}

// partition of the chain's ARNs, and which said so.
func (r *resolver) partition() (name, from string) {
	if a, ok := parseARN(r.key.ARN); ok {
		return a.partition, "the key " + r.key.ID
	}
	for _, l := range r.chain {
		if a, ok := parseARN(l.role.Text); ok {
			return a.partition, "the role of " + At(l.role)
		}
	}
	return "aws", ""
}

// samePartition holds an ARN of the chain against the others.
func (r *resolver) samePartition(v awsconfig.Value, a arn) error {
	name, from := r.partition()
	if from == "" || name == a.partition {
		return nil
	}
	return &ConfigError{At: At(v), Problem: fmt.Sprintf("%s is in partition %q, but %s in %q", v.Text, a.partition, from, name)}
}

// endpointURL follows the SDKs' order: variables, the service's entry of the
// [services] section, the profile's endpoint_url.
func (r *resolver) endpointURL(section awsconfig.Profile, service string) (string, error) {
	ignore, err := r.boolean(section, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")
	if err != nil || ignore {
		return "", err
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(service), "AWS_ENDPOINT_URL"} {
		if v := r.facts.Getenv(name); v != "" {
			return checkURL(v, name)
		}
	}
	if name, ok := get(section, "services"); ok {
		services, ok := r.facts.Config.Section("services", name.Text)
		if !ok {
			return "", &ConfigError{At: At(name), Problem: fmt.Sprintf("no [services %s] section", name.Text)}
		}
		if v, ok := services.Sub(service, "endpoint_url"); ok && v.Text != "" {
			return checkURL(v.Text, At(v))
		}
	}
	if v, ok := get(section, "endpoint_url"); ok {
		return checkURL(v.Text, At(v))
	}
	return "", nil
}

// checkURL refuses what would send a signed request, or a session, in the clear.
func checkURL(s, from string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", &ConfigError{At: from, Problem: "not the URL of an endpoint"}
	}
	switch u.Scheme {
	case "https":
		return s, nil
	case "http":
		switch strings.ToLower(u.Hostname()) {
		case "localhost", "127.0.0.1", "::1":
			return s, nil
		}
		return "", &ConfigError{At: from, Problem: "an http endpoint is taken on this computer only; use https"}
	}
	return "", &ConfigError{At: from, Problem: fmt.Sprintf("%q is no scheme for an endpoint; use https", u.Scheme)}
}

func (r *resolver) boolean(section awsconfig.Profile, env, key string) (bool, error) {
	text, from := r.setting(section, env, key)
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, &ConfigError{At: from, Problem: fmt.Sprintf("%s is %q, not true or false", key, text)}
}

// setting is a variable's value, else the section's, and where it is from.
func (r *resolver) setting(section awsconfig.Profile, env, key string) (text, from string) {
	if text := r.facts.Getenv(env); text != "" {
		return text, env
	}
	v, _ := get(section, key)
	return v.Text, At(v)
}
