package plan

import (
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestEndpointOf: `fob add` asks AWS about a key before its profile exists.
func TestEndpointOf(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte(`
-- config --
[profile there]
region = cn-north-1
endpoint_url = https://sts.example.com
`)))
	for _, tt := range []struct {
		profile, region string
		want            Endpoint
	}{
		{"there", "", Endpoint{Region: "cn-north-1", Home: "cn-north-1", URL: "https://sts.example.com"}},
		{"not-yet", "", Endpoint{Region: "us-east-1", Home: "us-east-1"}},
		{"not-yet", "us-gov-east-1", Endpoint{Region: "us-gov-east-1", Home: "us-gov-west-1"}},
	} {
		got, err := EndpointOf(w.facts(map[string]string{"AWS_REGION": tt.region}), tt.profile)
		if err != nil || got != tt.want {
			t.Errorf("EndpointOf(%q) in %q = %+v, %v", tt.profile, tt.region, got, err)
		}
	}
	if _, err := EndpointOf(w.facts(map[string]string{"AWS_REGION": "a.b"}), "there"); err == nil {
		t.Error("a.b is a region")
	}
}

func TestIsAWS(t *testing.T) {
	for url, want := range map[string]bool{
		"":                                     true,
		"https://sts.eu-west-1.amazonaws.com":  true,
		"https://STS.EU-WEST-1.AMAZONAWS.COM/": true,
		"https://sts.eu-west-1.amazonaws.com:443/path":        true,
		"https://vpce-0a-1b.sts.eu-west-1.vpce.amazonaws.com": true,
		"https://sts.eu-west-1.api.aws":                       true,
		"https://sts.cn-north-1.amazonaws.com.cn":             true,
		"https://sts.eusc-de-east-1.amazonaws.eu":             true,
		"https://sts.us-iso-east-1.c2s.ic.gov":                true,
		"https://amazonaws.com.example.com":                   false,
		"https://example-amazonaws.com":                       false,
		"https://s3.example.com/sts.amazonaws.com":            false,
		"https://sts.amazonaws.com@example.com":               false,
		"http://localhost:4566":                               false,
		"http://127.0.0.1:9000":                               false,
		"https://minio.example.com":                           false,
		"https://s3.eu-central-1.wasabisys.com":               false,
		"://":                                                 false,
	} {
		if got := (Endpoint{URL: url}).IsAWS(); got != want {
			t.Errorf("%q: %v", url, got)
		}
	}
}

// TestIAMEndpointOf: IAM is called in the partition of the user's ARN, independent of
// the region, and at the endpoint that is configured for iam.
func TestIAMEndpointOf(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte(`
-- config --
[profile own]
region = eu-west-1
services = mine
[profile fips]
use_fips_endpoint = true
[profile both]
use_fips_endpoint = true
use_dualstack_endpoint = true
[profile everything]
endpoint_url = https://aws.example.com
[services mine]
iam =
  endpoint_url = https://iam.example.com
sts =
  endpoint_url = https://sts.example.com
`)))
	for _, tt := range []struct{ profile, partition, env, region, url string }{
		{"any", "aws", "", "us-east-1", "https://iam.amazonaws.com"},
		{"any", "aws-cn", "", "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"},
		{"any", "aws-us-gov", "", "us-gov-west-1", "https://iam.us-gov.amazonaws.com"},
		{"any", "aws-eusc", "", "eusc-de-east-1", "https://iam.eusc-de-east-1.amazonaws.eu"},
		{"fips", "aws", "", "us-east-1", "https://iam-fips.amazonaws.com"},
		{"fips", "aws-cn", "", "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"},
		{"both", "aws", "", "us-east-1", "https://iam-fips.global.api.aws"},
		{"own", "aws", "", "us-east-1", "https://iam.example.com"},
		{"own", "aws", "http://127.0.0.1:1", "us-east-1", "http://127.0.0.1:1"},
		{"everything", "aws", "", "us-east-1", "https://aws.example.com"},
	} {
		got, err := IAMEndpointOf(w.facts(map[string]string{"AWS_ENDPOINT_URL_IAM": tt.env}), tt.profile, "arn:"+tt.partition+":iam::111111111111:user/jo")
		if err != nil || got.Region != tt.region || got.URL != tt.url {
			t.Errorf("%s in %s: %+v, %v", tt.profile, tt.partition, got, err)
		}
	}
	for _, arn := range []string{"", "arn:other:iam::111111111111:user/jo", "jo"} {
		if e, err := IAMEndpointOf(w.facts(nil), "any", arn); err == nil {
			t.Errorf("%q is called at %+v", arn, e)
		}
	}
	if e, err := IAMEndpointOf(w.facts(map[string]string{"AWS_ENDPOINT_URL_IAM": "http://example.com"}), "any", "arn:aws:iam::111111111111:user/jo"); err == nil {
		t.Errorf("in the clear at %+v", e)
	}
	for _, p := range partitions {
		if e, err := IAMEndpointOf(w.facts(nil), "any", "arn:"+p.name+":iam::111111111111:user/jo"); err != nil || e.URL == "https://" {
			t.Errorf("no IAM in %s: %v", p.name, err)
		}
	}
}
