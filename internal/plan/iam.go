package plan

import "fmt"

// iamHosts are IAM's doors, of which each partition has one for all its regions;
// the columns are the usual one, FIPS, dual stack and both (the endpoint rules of
// the AWS SDKs). An empty column falls back to the usual one.
var iamHosts = map[string][4]string{
	"aws":        {"iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws"},
	"aws-cn":     {"iam.cn-north-1.amazonaws.com.cn", "", "iam.global.api.amazonwebservices.com.cn", ""},
	"aws-us-gov": {"iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws"},
	"aws-eusc":   {"iam.eusc-de-east-1.amazonaws.eu", "", "iam.global.api.amazonwebservices.eu", ""},
	"aws-iso":    {"iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov", "iam-fips.api.aws.ic.gov"},
	"aws-iso-b":  {"iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud", "iam-fips.api.aws.scloud"},
	"aws-iso-e":  {"iam.eu-isoe-west-1.cloud.adc-e.uk", "", "iam.api.cloud-aws.adc-e.uk", ""},
	"aws-iso-f":  {"iam.us-isof-south-1.csp.hci.ic.gov", "", "iam.api.aws.hci.ic.gov", ""},
}

// IAMEndpointOf is where IAM is called about a user, for a profile that need not
// exist yet. Its URL is never empty, and calls are signed for its Region.
func IAMEndpointOf(f Facts, profile, userARN string) (Endpoint, error) {
	a, ok := parseARN(userARN)
	hosts, known := iamHosts[a.partition]
	if !ok || !known {
		return Endpoint{}, &UsageError{Problem: fmt.Sprintf("%q is no ARN of an IAM user", userARN)}
	}
	section, _ := f.Config.Profile(profile)
	r := resolver{facts: f, chain: []link{{name: profile, section: section}}}
	home := homeOf(a.partition)
	e := Endpoint{Region: home, Home: home}
	err := r.doors(&e, section, "iam")
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
	host := hosts[column]
	if host == "" {
		host = hosts[0]
	}
	e.URL = "https://" + host
	return e, nil
}
