//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// Without a setting for endpoints fob calls AWS's own hosts: each service of the right
// region in the right partition. A proxy stands in for all of them, and knows no other.
func TestRealHosts(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name, start, region, partition string
		suffix, web, iam               string // of the hosts
	}{
		{"aws", "https://d-1234567890.awsapps.com/start", "eu-west-1", "aws", "amazonaws.com", "aws.amazon.com", "iam.amazonaws.com"},
		{"China", "https://start.home.awsapps.cn/directory/d-1234567890", "cn-northwest-1", "aws-cn", "amazonaws.com.cn", "amazonaws.cn", "iam.cn-north-1.amazonaws.com.cn"},
		{"GovCloud", "https://start.us-gov-home.awsapps.com/directory/d-1234567890", "us-gov-east-1", "aws-us-gov", "amazonaws.com", "amazonaws-us-gov.com", "iam.us-gov.amazonaws.com"},
		{"Europe", "https://start.eusc-de-east-1.portal.amazonaws.eu/directory/d-1234567890", "eusc-de-east-1", "aws-eusc", "amazonaws.eu", "amazonaws-eusc.eu", "iam.eusc-de-east-1.amazonaws.eu"},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.AWS.Close()
			var err error
			if w.AWS, err = ststest.Start(ststest.Config{Proxy: true}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.AWS.Close() })
			w.trust(t, w.AWS)
			w = w.with("HTTPS_PROXY="+w.AWS.URL, "AWS_CA_BUNDLE="+w.bundle(), "SSL_CERT_FILE="+w.bundle()) // the last is the browser's
			for i, v := range w.Env {
				if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL_") {
					w.Env[i] = name + "="
				}
			}
			set := ststest.PermissionSet{StartURL: p.start, Account: ststest.DemoAccount, Name: "Admin"}
			user := "arn:" + p.partition + ":iam::111111111111:user/jo"
			role := "arn:" + p.partition + ":iam::111111111111:role/"
			err = errors.Join(
				w.AWS.AddInstance(ststest.Instance{StartURL: p.start, Regions: []string{p.region}}),
				w.AWS.AddPermissionSet(set),
				w.AWS.SetPerson(ststest.Person{Does: ststest.Approve, ARN: user}),
				w.AWS.AddRole(ststest.Role{ARN: role + "top", Principals: []string{set.RoleARN(), user}}),
				w.AWS.AddUser(ststest.User{ARN: user, Keys: []creds.Key{{ID: ststest.DemoKeyID, Secret: creds.NewSecret(ststest.DemoSecret)}}}),
				w.AWS.AddIssuer(ststest.Issuer{URL: ststest.DemoIssuer, Audiences: []string{ststest.DemoAudience}}),
				w.AWS.AddRole(ststest.Role{ARN: role + "ci", Web: ststest.Trust{Issuer: ststest.DemoIssuer}}),
			)
			if err != nil {
				t.Fatal(err)
			}
			token, err := w.AWS.WebToken(ststest.DemoClaims())
			if err == nil {
				err = os.WriteFile(filepath.Join(w.Home, "token"), []byte(token), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.config(t, "[sso-session corp]\nsso_start_url = "+p.start+"\nsso_region = "+p.region+"\n"+
				"[profile sso]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\nregion = "+p.region+"\n"+
				"[profile top]\nsource_profile = sso\nrole_arn = "+role+"top\nregion = "+p.region+"\n"+
				"[profile console]\nfob_login_session = "+user+"\nregion = "+p.region+"\n"+
				"[profile onconsole]\nsource_profile = console\nrole_arn = "+role+"top\nregion = "+p.region+"\n"+
				"[profile web]\nweb_identity_token_file = "+filepath.Join(w.Home, "token")+"\nrole_arn = "+role+"ci\nregion = "+p.region+"\n")
			w.must(t, "", "login", "sso", "console")
			w.must(t, "", "export", "top")
			w.must(t, "", "export", "onconsole")
			w.must(t, "", "export", "web")
			if _, err = w.AWS.AddParameter(ststest.Parameter{Name: "/p", Region: p.region, Value: "one"}); err == nil {
				_, _, err = w.AWS.AddSecret(ststest.Secret{Name: "s", Region: p.region, Text: "two"})
			}
			if err != nil {
				t.Fatal(err)
			}
			if values := w.out(t, "exec", "web", "--secret", "P=ssm:/p", "--secret", "S=secretsmanager:s", "--", "sh", "-c", "echo $P $S"); values != "one two\n" {
				t.Errorf("the values are %q", values)
			}
			w.must(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "key", "--stdin", "--region", p.region)
			var got []string
			for _, c := range w.AWS.Calls() {
				if c.Code != "OK" {
					t.Errorf("%s at %s: %s", c.Action, c.Host, c.Code)
				}
				got = append(got, c.Action+" "+c.Host)
			}
			oidc, portal := "oidc."+p.region+"."+p.suffix, "portal.sso."+p.region+"."+p.suffix
			signin, sts := p.region+".signin."+p.web, "sts."+p.region+"."+p.suffix
			want := []string{
				"RegisterClient " + oidc, "Authorize " + oidc, "CreateToken " + oidc, "GetRoleCredentials " + portal,
				"AuthorizeConsole " + signin, "CreateOAuth2Token " + signin,
				"AssumeRole " + sts, "AssumeRole " + sts, "AssumeRoleWithWebIdentity " + sts,
				"GetParameters ssm." + p.region + "." + p.suffix, "GetSecretValue secretsmanager." + p.region + "." + p.suffix,
				"GetCallerIdentity " + sts, "ListMFADevices " + p.iam, "ListAccessKeys " + p.iam,
			}
			if !slices.Equal(got, want) {
				t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
