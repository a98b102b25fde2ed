package plan

import (
	"os"
	"strings"
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
		got, err := EndpointOf(w.facts(map[string]string{"AWS_REGION": tt.region}), tt.profile, "")
		if err != nil || got != tt.want {
			t.Errorf("EndpointOf(%q) in %q = %+v, %v", tt.profile, tt.region, got, err)
		}
	}
	if _, err := EndpointOf(w.facts(map[string]string{"AWS_REGION": "a.b"}), "there", ""); err == nil {
		t.Error("a.b is a region")
	}
	got, err := EndpointOf(w.facts(map[string]string{"AWS_REGION": "eu-west-1"}), "there", "cn-northwest-1")
	if want := (Endpoint{Region: "cn-northwest-1", Home: "cn-north-1", URL: "https://sts.example.com"}); err != nil || got != want {
		t.Errorf("with --region: %+v, %v", got, err)
	}
}

func TestIsAWS(t *testing.T) {
	for url, want := range map[string]bool{
		"":                                     true,
		"https://sts.eu-west-1.amazonaws.com":  true,
		"https://STS.EU-WEST-1.AMAZONAWS.COM/": true,
		"https://sts.eu-west-1.amazonaws.com:443/path":          true,
		"https://vpce-0a-1b.sts.eu-west-1.vpce.amazonaws.com":   true,
		"https://sts.eu-west-1.api.aws":                         true,
		"https://sts.cn-north-1.amazonaws.com.cn":               true,
		"https://sts.eusc-de-east-1.amazonaws.eu":               true,
		"https://sts.us-iso-east-1.c2s.ic.gov":                  true,
		"https://eu-west-1.signin.aws.amazon.com":               true,
		"https://us-gov-west-1.signin.amazonaws-us-gov.com":     true,
		"https://portal.sso.us-isof-south-1.api.aws.hci.ic.gov": true,
		"https://aws.amazon.com.example.com":                    false,
		"https://signin.amazon.com":                             false,
		"https://amazonaws.com.example.com":                     false,
		"https://example-amazonaws.com":                         false,
		"https://s3.example.com/sts.amazonaws.com":              false,
		"https://sts.amazonaws.com@example.com":                 false,
		"http://localhost:4566":                                 false,
		"http://127.0.0.1:9000":                                 false,
		"https://minio.example.com":                             false,
		"https://s3.eu-central-1.wasabisys.com":                 false,
		"://":                                                   false,
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
		{"fips", "aws-cn", "", "cn-north-1", "https://iam-fips.amazonaws.com.cn"}, // never one without FIPS
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

// TestHosts: every service is called where the SDKs call it.
func TestHosts(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte("-- config --\n")))
	text, err := os.ReadFile("testdata/hosts.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		row := strings.Fields(line)
		if row[0] == "#" {
			continue
		}
		for i, want := range row[2:] {
			env := map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "false", "AWS_USE_FIPS_ENDPOINT": "false"}
			if i&1 != 0 {
				env["AWS_USE_DUALSTACK_ENDPOINT"] = "true"
			}
			if i&2 != 0 {
				env["AWS_USE_FIPS_ENDPOINT"] = "true"
			}
			e, err := ServiceEndpoint(w.facts(env), "any", row[0], row[1])
			if err != nil || e.URL != "https://"+want || e.Region != row[1] || !e.IsAWS() {
				t.Errorf("%s in %s, column %d: %+v, %v, want %s", row[0], row[1], i, e, err, want)
			}
			rows++
		}
	}
	if rows != 4*(5*12+8) {
		t.Errorf("%d hosts", rows)
	}
	for _, p := range partitions {
		if partitionOf(p.home).name != p.name {
			t.Errorf("%s is in %s", p.home, partitionOf(p.home).name)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "mx-central-1": "aws", "aws-global": "aws", "local": "aws", "xx-new-1": "aws", "": "aws",
		"cn-north-1": "aws-cn", "cn-southwest-12": "aws-cn", "aws-cn-global": "aws-cn", "cn-north": "aws", "cn-north-1a": "aws",
		"us-gov-west-1": "aws-us-gov", "aws-us-gov-global": "aws-us-gov", "us-gov-1": "aws",
		"eusc-de-east-1": "aws-eusc", "eusc-fr-east-1": "aws",
		"us-iso-west-1": "aws-iso", "us-isob-west-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-east-1": "aws-iso-f",
	} {
		if got := partitionOf(region).name; got != want {
			t.Errorf("%q is in %s, want %s", region, got, want)
		}
	}
}

// TestServiceEndpoint: the settings count in AWS's order, each for its service.
func TestServiceEndpoint(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte(`
-- config --
[profile own]
services = mine
endpoint_url = https://any.example.com
[profile generic]
endpoint_url = https://any.example.com
[profile plain]
[profile off]
ignore_configured_endpoint_urls = true
services = mine
ca_bundle = /etc/ssl/proxy.pem
[profile lost]
services = theirs
[services mine]
sso =
  endpoint_url = https://sso.example.com
sso_oidc =
  endpoint_url = https://oidc.example.com
signin =
  endpoint_url = https://signin.example.com
ssm =
  endpoint_url = https://ssm.example.com
secrets_manager =
  endpoint_url = https://secrets.example.com
iam =
  endpoint_url = https://iam.example.com
sts =
  endpoint_url = https://sts.example.com
`)))
	for service, row := range map[string]struct{ variable, own, aws string }{
		"sso":            {"AWS_ENDPOINT_URL_SSO", "https://sso.example.com", "https://portal.sso.eu-west-1.amazonaws.com"},
		"sso-oidc":       {"AWS_ENDPOINT_URL_SSO_OIDC", "https://oidc.example.com", "https://oidc.eu-west-1.amazonaws.com"},
		"signin":         {"AWS_ENDPOINT_URL_SIGNIN", "https://signin.example.com", "https://eu-west-1.signin.aws.amazon.com"},
		"ssm":            {"AWS_ENDPOINT_URL_SSM", "https://ssm.example.com", "https://ssm.eu-west-1.amazonaws.com"},
		"secretsmanager": {"AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://secrets.example.com", "https://secretsmanager.eu-west-1.amazonaws.com"},
		"iam":            {"AWS_ENDPOINT_URL_IAM", "https://iam.example.com", "https://iam.amazonaws.com"},
		"sts":            {"AWS_ENDPOINT_URL_STS", "https://sts.example.com", ""},
	} {
		const here, everything = "http://127.0.0.1:1", "http://127.0.0.1:2"
		both := map[string]string{row.variable: here, "AWS_ENDPOINT_URL": everything}
		for _, tt := range []struct {
			profile string
			env     map[string]string
			want    string
		}{
			{"plain", nil, row.aws},
			{"not-yet", nil, row.aws},
			{"generic", nil, "https://any.example.com"},
			{"own", nil, row.own},
			{"own", map[string]string{"AWS_ENDPOINT_URL": everything}, everything},
			{"own", both, here},
			{"own", map[string]string{"AWS_ENDPOINT_URL_S3": here}, row.own},
			{"off", both, row.aws},
			{"plain", map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", row.variable: here}, row.aws},
		} {
			got, err := ServiceEndpoint(w.facts(tt.env), tt.profile, service, "eu-west-1")
			bundle := ""
			if tt.profile == "off" {
				bundle = "/etc/ssl/proxy.pem"
			}
			if err != nil || got.URL != tt.want || got.Home != "us-east-1" || got.CABundle != bundle {
				t.Errorf("%s for %s with %v: %+v, %v, want %s", service, tt.profile, tt.env, got, err, tt.want)
			}
		}
		for _, bad := range []map[string]string{
			{row.variable: "http://example.com"}, {"AWS_ENDPOINT_URL": "https://jo:secret@example.com"},
			{"AWS_USE_FIPS_ENDPOINT": "maybe"}, {"AWS_USE_DUALSTACK_ENDPOINT": "1"},
		} {
			if e, err := ServiceEndpoint(w.facts(bad), "plain", service, "eu-west-1"); err == nil {
				t.Errorf("%s with %v: %+v", service, bad, e)
			}
		}
		if _, err := ServiceEndpoint(w.facts(nil), "lost", service, "eu-west-1"); err == nil {
			t.Errorf("%s: a section that is not there", service)
		}
	}
}
