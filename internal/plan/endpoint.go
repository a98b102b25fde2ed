package plan

import (
	"fmt"
	"net/url"
	"strings"

	"fob/internal/awsconfig"
)

// endpoint decides where STS is called, because the SDK's sts.New reads none of
// these settings.
func (r *resolver) endpoint(region, regionFrom string) (Endpoint, error) {
	section := r.chain[0].section
	name, from := r.partition()
	p, _ := partitionNamed(name) // other servers have other names
	e := Endpoint{Region: region, Home: p.home}
	if region == "" {
		e.Region = e.Home
	} else if p := partitionOf(region); from == "" {
		e.Home = p.home
	} else if p.name != name {
		return Endpoint{}, fault(regionFrom, fmt.Sprintf("%s is in partition %q, but %s is in %q", region, p.name, from, name))
	}
	legacy, from := r.setting(section, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints")
	if strings.EqualFold(legacy, "legacy") {
		r.note("%s: sts_regional_endpoints = legacy is ignored: sessions from the global endpoint do not work in opt-in regions", from)
	}
	err := r.endpointSettings(&e, section, "sts")
	return e, err
}

// foreign reports whether the plan's STS is not AWS's. A mistake in the settings is
// reported by endpoint.
func (r *resolver) foreign() bool {
	u, err := r.endpointURL(r.chain[0].section, "sts")
	return err == nil && !Endpoint{URL: u}.IsAWS()
}

// EndpointOf is where STS is called for a profile that need not exist yet, in the region
// of the --region flag if that is not "".
func EndpointOf(f Facts, profile, region string) (Endpoint, error) {
	section, _ := f.Config.Profile(profile)
	r := resolver{facts: f, opts: Options{Region: region}, chain: []hop{{name: profile, section: section}}}
	region, from, err := r.region()
	if err != nil {
		return Endpoint{}, err
	}
	return r.endpoint(region, from)
}

// endpointSettings reads the settings that replace a service's usual endpoint.
func (r *resolver) endpointSettings(e *Endpoint, section awsconfig.Profile, service string) (err error) {
	if e.URL, err = r.endpointURL(section, service); err != nil {
		return err
	}
	if e.FIPS, err = r.boolean(section, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"); err != nil {
		return err
	}
	if e.DualStack, err = r.boolean(section, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"); err != nil {
		return err
	}
	bundle, from := r.setting(section, "AWS_CA_BUNDLE", "ca_bundle")
	e.CABundle = bundle
	if bundle == "" || from == "AWS_CA_BUNDLE" {
		return nil
	}
	return checkPath(bundle, from)
}

// endpointURL follows the SDKs' order: variables, the service's entry of the
// [services] section, the profile's endpoint_url.
func (r *resolver) endpointURL(section awsconfig.Profile, service string) (string, error) {
	ignore, err := r.boolean(section, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")
	if err != nil || ignore {
		return "", err
	}
	setting := serviceNamed(service).setting
	for _, name := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(setting), "AWS_ENDPOINT_URL"} {
		if v := r.facts.Getenv(name); v != "" {
			return checkURL(v, name)
		}
	}
	if name, ok := get(section, "services"); ok {
		own, ok := r.facts.Config.Section("services", name.Text)
		if !ok {
			return "", &ConfigError{At: At(name), Problem: fmt.Sprintf("no [services %s] section", name.Text)}
		}
		if v, ok := own.Sub(setting, "endpoint_url"); ok && v.Text != "" {
			return checkURL(v.Text, At(v))
		}
	}
	if v, ok := get(section, "endpoint_url"); ok {
		return checkURL(v.Text, At(v))
	}
	return "", nil
}

// checkURL refuses a URL that would send a signed request, or a session,
// unencrypted.
func checkURL(s, from string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", &ConfigError{At: from, Problem: "not an endpoint URL"}
	}
	switch u.Scheme {
	case "https":
		return s, nil
	case "http":
		switch strings.ToLower(u.Hostname()) {
		case "localhost", "127.0.0.1", "::1":
			return s, nil
		}
		return "", &ConfigError{At: from, Problem: "http is allowed only for an endpoint on this computer; use https"}
	}
	return "", &ConfigError{At: from, Problem: fmt.Sprintf("an endpoint cannot use %q; use https", u.Scheme)}
}

func (r *resolver) boolean(section awsconfig.Profile, env, key string) (bool, error) {
	text, from := r.setting(section, env, key)
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, &ConfigError{At: from, Problem: fmt.Sprintf("%s must be true or false, not %q", key, text)}
}

// setting is the value of a variable, else of the section, and where it stands.
func (r *resolver) setting(section awsconfig.Profile, env, key string) (text, from string) {
	if text := r.facts.Getenv(env); text != "" {
		return text, env
	}
	v, _ := get(section, key)
	return v.Text, At(v)
}
