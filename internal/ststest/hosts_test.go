package ststest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAWSHost(t *testing.T) {
	for host, want := range map[string]string{
		"oidc.eu-west-1.amazonaws.com":                       "oidc eu-west-1",
		"oidc.eu-west-1.api.aws":                             "oidc eu-west-1",
		"oidc.eu-west-1.amazonaws.com.cn":                    "",
		"oidc.eu-west-1.amazonaws.com.example.com":           "",
		"oidc.amazonaws.com":                                 "",
		"oidc.cn-north-1.amazonaws.com.cn":                   "oidc cn-north-1",
		"oidc.cn-north-1.amazonaws.com":                      "",
		"portal.sso.eusc-de-east-1.amazonaws.eu":             "portal.sso eusc-de-east-1",
		"portal.sso.us-gov-west-1.amazonaws.com":             "portal.sso us-gov-west-1",
		"sso.eu-west-1.amazonaws.com":                        "",
		"us-east-1.signin.aws.amazon.com":                    "signin us-east-1",
		"us-gov-east-1.signin.amazonaws-us-gov.com":          "signin us-gov-east-1",
		"us-gov-east-1.signin.aws.amazon.com":                "",
		"cn-northwest-1.signin.amazonaws.cn":                 "signin cn-northwest-1",
		"eusc-de-east-1.signin.amazonaws-eusc.eu":            "signin eusc-de-east-1",
		"sts.ap-southeast-2.amazonaws.com":                   "sts ap-southeast-2",
		"sts.cn-north-1.api.amazonwebservices.com.cn":        "sts cn-north-1",
		"iam.amazonaws.com":                                  "iam ",
		"iam.eu-west-1.amazonaws.com":                        "",
		"iam.cn-north-1.amazonaws.com.cn":                    "iam ",
		"127.0.0.1":                                          "",
		"ecdh.oidc.eu-west-1.amazonaws.com.127.0.0.1.nip.io": "",
	} {
		service, region, ok := awsHost(host)
		got := service + " " + region
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
}

// Through the proxy each of AWS's hosts is a service of a region, and answers nothing else.
func TestProxy(t *testing.T) {
	s := start(t, Config{Proxy: true})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CAPEM)
	proxy := must(url.Parse(s.URL))
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	call := func(address, media, text string) string {
		t.Helper()
		res, err := client.Post(address, media, strings.NewReader(text))
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body := must(io.ReadAll(res.Body))
		return fmt.Sprint(res.StatusCode, " ", res.Header.Get("X-Amzn-Errortype"), " ", string(bytes.TrimSpace(body)))
	}
	register := string(must(json.Marshal(codeClient)))
	const form = "application/x-www-form-urlencoded"
	identity := "Action=GetCallerIdentity&Version=2011-06-15"
	for _, tt := range []struct{ address, media, text, want string }{
		{"https://oidc.eu-west-1.amazonaws.com/client/register", "application/json", register, "200 "},
		{"https://oidc.us-east-1.amazonaws.com/client/register", "application/json", register, "400 InvalidRequestException"},
		{"https://portal.sso.eu-west-1.amazonaws.com/client/register", "application/json", register, "404 "},
		{"https://eu-west-1.signin.aws.amazon.com/v1/token", "application/json", "{}", "400 ValidationException"},
		{"https://sts.eu-west-1.amazonaws.com/", form, identity, "403  <ErrorResponse"}, // it is not signed
		{"https://iam.amazonaws.com/", form, identity, "404 "},
		{"https://oidc.eu-west-1.amazonaws.eu/client/register", "application/json", register, "Bad Gateway"},
		{"https://example.com/", form, identity, "Bad Gateway"},
	} {
		if got := call(tt.address, tt.media, tt.text); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.address, got, tt.want)
		}
	}
	calls := s.Calls()
	if c := calls[len(calls)-1]; c.Action != "CONNECT" || c.Host != "example.com:443" {
		t.Errorf("got %v", c)
	}
	if c := calls[0]; c.Host != "oidc.eu-west-1.amazonaws.com" || c.Region != "eu-west-1" || c.Conn == calls[1].Conn {
		t.Errorf("got %v", c)
	}

	// Without Config.Proxy there is nothing to tunnel through.
	other := start(t, Config{})
	client.Transport.(*http.Transport).Proxy = http.ProxyURL(must(url.Parse(other.URL)))
	client.CloseIdleConnections()
	if got := call("https://sts.eu-west-1.amazonaws.com/", form, identity); !strings.Contains(got, "Not Found") || len(other.Calls()) != 0 {
		t.Errorf("got %s, %v", got, other.Calls())
	}

	// A call signed for another region than the host's is refused.
	r := must(http.NewRequest("POST", "https://sts.us-east-1.amazonaws.com/", nil))
	r.Header.Set("Authorization", algorithm+" Credential="+jo.ID+"/20261130/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=00")
	r.Header.Set("X-Amz-Date", "20261130T120000Z")
	if rightHost(r, "sts", "us-east-1", "GetCallerIdentity") {
		t.Error("this host is right")
	}
}
