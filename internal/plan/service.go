package plan

import (
	"fmt"
	"slices"
)

// service is one that fob calls.
type service struct {
	name string // as ServiceEndpoint takes it
	// setting is its name in AWS_ENDPOINT_URL_... and in [services] sections.
	setting string
	// host begins the names of its hosts; "" for a service with a rule of its own.
	host string
}

var services = [...]service{
	{"sts", "sts", ""},
	{"iam", "iam", ""},
	{"sso", "sso", "portal.sso"},
	{"sso-oidc", "sso_oidc", "oidc"},
	{"signin", "signin", "signin"},
	{"ssm", "ssm", "ssm"},
	{"secretsmanager", "secrets_manager", "secretsmanager"},
}

func serviceNamed(name string) service {
	i := slices.IndexFunc(services[:], func(s service) bool { return s.name == name })
	if i < 0 {
		panic("no service " + name)
	}
	return services[i]
}

// ServiceEndpoint is where a service is called in a region for a profile, which need
// not exist yet: "sts", "iam", "sso" (the portal), "sso-oidc", "signin", "ssm" or
// "secretsmanager". It has a URL, except for sts, whose hosts the SDK knows.
func ServiceEndpoint(f Facts, profile, service, region string) (Endpoint, error) {
	section, _ := f.Config.Profile(profile)
	r := resolver{facts: f, chain: []hop{{name: profile, section: section}}}
	return r.serviceEndpoint(service, region)
}

// serviceEndpoint is where a service is called in a region, with the settings of the
// profile asked for, as in the SDKs: not those of one further up the chain.
func (r *resolver) serviceEndpoint(name, region string) (Endpoint, error) {
	p := partitionOf(region)
	if name == "iam" { // one for all regions
		region = p.home
	}
	e := Endpoint{Region: region, Home: p.home}
	err := r.endpointSettings(&e, r.chain[0].section, name)
	if err != nil || e.URL != "" || name == "sts" {
		return e, err
	}
	e.URL = "https://" + serviceNamed(name).hostIn(p, e)
	return e, nil
}

// IAMEndpointOf is where IAM is called about a user, for a profile that need not
// exist yet. Its URL is never empty, and calls are signed for its Region.
func IAMEndpointOf(f Facts, profile, userARN string) (Endpoint, error) {
	a, _ := ParseARN(userARN)
	p, ok := partitionNamed(a.Partition)
	if !ok {
		return Endpoint{}, &UsageError{Problem: fmt.Sprintf("%q is not an IAM user ARN", userARN)}
	}
	return ServiceEndpoint(f, profile, "iam", p.home)
}

// hostIn is AWS's own host of the service (testdata/hosts.txt).
func (s service) hostIn(p partition, e Endpoint) string {
	gov := p.name == "aws-us-gov"
	switch {
	case s.name == "iam":
		return iamHost(p, e)
	case s.name == "secretsmanager" && (gov || p.name == "aws" || p.name == "aws-cn" && !e.FIPS):
		e.DualStack = false // its usual hosts are that there
	case s.name == "signin" && !e.DualStack && !e.FIPS:
		return e.Region + ".signin." + p.web
	case s.name == "signin" && !e.DualStack && gov:
		if e.Region == p.home {
			return "signin-fips." + p.web
		}
		return e.Region + ".signin-fips." + p.web
	}
	host := s.host
	if e.FIPS && (e.DualStack || !gov || s.name == "secretsmanager") { // the usual hosts of GovCloud are that
		host += "-fips"
	}
	suffix := p.suffix
	if e.DualStack {
		suffix = p.dual
	}
	return host + "." + e.Region + "." + suffix
}

// iamHost is the host of IAM, for all regions of a partition.
func iamHost(p partition, e Endpoint) string {
	i := slices.IndexFunc(iamHosts[:], func(h iamEndpoints) bool { return h.partition == p.name })
	column := 0
	if e.DualStack {
		column++
	}
	if e.FIPS {
		column += 2
	}
	return iamHosts[i].hosts[column]
}

type iamEndpoints struct {
	partition string
	hosts     [4]string
}

// iamHosts have columns for the usual host, dual stack, FIPS, and both.
var iamHosts = [...]iamEndpoints{
	{"aws", [4]string{"iam.amazonaws.com", "iam.global.api.aws", "iam-fips.amazonaws.com", "iam-fips.global.api.aws"}},
	{"aws-cn", [4]string{"iam.cn-north-1.amazonaws.com.cn", "iam.global.api.amazonwebservices.com.cn", "iam-fips.amazonaws.com.cn", "iam-fips.api.amazonwebservices.com.cn"}},
	{"aws-us-gov", [4]string{"iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws"}},
	{"aws-eusc", [4]string{"iam.eusc-de-east-1.amazonaws.eu", "iam.global.api.amazonwebservices.eu", "iam-fips.amazonaws.eu", "iam-fips.api.amazonwebservices.eu"}},
	{"aws-iso", [4]string{"iam.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "iam-fips.api.aws.ic.gov"}},
	{"aws-iso-b", [4]string{"iam.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud", "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam-fips.api.aws.scloud"}},
	{"aws-iso-e", [4]string{"iam.eu-isoe-west-1.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk", "iam-fips.cloud.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk"}},
	{"aws-iso-f", [4]string{"iam.us-isof-south-1.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov", "iam-fips.csp.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov"}},
}
