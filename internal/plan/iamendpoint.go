package plan

import (
	"fmt"
	"slices"
)

// IAMEndpointOf is where IAM is called about a user, for a profile that need not
// exist yet. Its URL is never empty, and calls are signed for its Region.
func IAMEndpointOf(f Facts, profile, userARN string) (Endpoint, error) {
	a, ok := ParseARN(userARN)
	i := slices.IndexFunc(iamHosts[:], func(h iamEndpoints) bool { return h.partition == a.Partition })
	if !ok || i < 0 {
		return Endpoint{}, &UsageError{Problem: fmt.Sprintf("%q is not an IAM user ARN", userARN)}
	}
	section, _ := f.Config.Profile(profile)
	r := resolver{facts: f, chain: []hop{{name: profile, section: section}}}
	home := homeOf(a.Partition)
	e := Endpoint{Region: home, Home: home}
	err := r.endpointSettings(&e, section, "iam")
	if err != nil || e.URL != "" {
		return e, err
	}
	column := 0
	if e.FIPS {
		column++
	}
	if e.DualStack {
		column += 2
	}
	host := iamHosts[i].hosts[column]
	if host == "" {
		host = iamHosts[i].hosts[0]
	}
	e.URL = "https://" + host
	return e, nil
}

type iamEndpoints struct {
	partition string
	hosts     [4]string
}

// iamHosts are the hosts of IAM, which is one service for all regions of a
// partition. The columns are the usual host, FIPS, dual stack, and both (from the
// endpoint rules of the AWS SDKs). An empty column falls back to the usual host.
var iamHosts = [...]iamEndpoints{
	{"aws", [4]string{"iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws"}},
	{"aws-cn", [4]string{"iam.cn-north-1.amazonaws.com.cn", "", "iam.global.api.amazonwebservices.com.cn", ""}},
	{"aws-us-gov", [4]string{"iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws"}},
	{"aws-eusc", [4]string{"iam.eusc-de-east-1.amazonaws.eu", "", "iam.global.api.amazonwebservices.eu", ""}},
	{"aws-iso", [4]string{"iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov"}},
	{"aws-iso-b", [4]string{"iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud", "iam-fips.api.aws.scloud"}},
	{"aws-iso-e", [4]string{"iam.eu-isoe-west-1.cloud.adc-e.uk", "", "iam.api.cloud-aws.adc-e.uk", ""}},
	{"aws-iso-f", [4]string{"iam.us-isof-south-1.csp.hci.ic.gov", "", "iam.api.aws.hci.ic.gov", ""}},
}
