package ststest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func assumeWeb(s *Server, token string, change func(*sts.AssumeRoleWithWebIdentityInput)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(DemoWebRole), RoleSessionName: aws.String("build-7"), WebIdentityToken: &token}
	if change != nil {
		change(in)
	}
	return client(s, creds.Session{}, "eu-west-1").AssumeRoleWithWebIdentity(context.Background(), in)
}

func TestWebIdentity(t *testing.T) {
	s := start(t, Config{})
	const long = "arn:aws:iam::222222222222:role/long"
	const elsewhere = "https://elsewhere.example.com"
	err := errors.Join(
		s.AddRole(Role{ARN: long, Web: Trust{Issuer: DemoIssuer}, MaxSession: 12 * time.Hour}),
		s.AddIssuer(Issuer{URL: elsewhere, Accounts: []string{"333333333333"}, Audiences: []string{DemoAudience}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	mint := func(change func(*Claims)) string {
		c := DemoClaims()
		if change != nil {
			change(&c)
		}
		return must(s.WebToken(c))
	}
	forged := mint(nil)
	if err := s.AddIssuer(Issuer{URL: DemoIssuer, Audiences: []string{DemoAudience, "another"}}); err != nil { // new keys
		t.Fatal(err)
	}
	good := mint(nil)
	unsigned := rawURL.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(good, ".")[1] + "."
	for _, tt := range []struct {
		name          string
		token         string
		change        func(*sts.AssumeRoleWithWebIdentityInput)
		code, message string
	}{
		{"right", good, nil, "", ""},
		{"again", good, nil, "", ""},
		{"RS256", mint(func(c *Claims) { c.RSA = true }), nil, "", ""},
		{"a new line", good + "\n", nil, "InvalidIdentityToken", "verification key"},
		{"an access token", "aoaAAAA", nil, "InvalidIdentityToken", "not a valid JWT"},
		{"another key", forged, nil, "InvalidIdentityToken", "verification key"},
		{"no signature", unsigned, nil, "InvalidIdentityToken", "verification key"},
		{"an issuer of another account", mint(func(c *Claims) { c.Issuer = elsewhere }), nil, "InvalidIdentityToken", "No OpenIDConnect provider"},
		{"another audience", mint(func(c *Claims) { c.Audience = "somebody" }), nil, "InvalidIdentityToken", "audience"},
		{"an audience the role does not trust", mint(func(c *Claims) { c.Audience = "another" }), nil, "AccessDenied", "Not authorized"},
		{"another subject", mint(func(c *Claims) { c.Subject = "repo:example/other" }), nil, "AccessDenied", "Not authorized"},
		{"no subject", mint(func(c *Claims) { c.Subject = "" }), nil, "InvalidIdentityToken", "claim: sub"},
		{"over", mint(func(c *Claims) { c.Life = -time.Second }), nil, "ExpiredTokenException", "must be before"},
		{"a role for users", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = aws.String(openARN) }, "AccessDenied", "Not authorized"},
		{"no such role", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = aws.String(openARN + "x") }, "AccessDenied", "Not authorized"},
		{"more than an hour", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError", "MaxSessionDuration"},
		{"12 hours", good, func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.RoleArn, in.DurationSeconds = aws.String(long), aws.Int32(43200)
		}, "", ""},
		{"13 hours", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(46800) }, "ValidationError", "less than or equal to 43200"},
		{"a short name", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("x") }, "ValidationError", "roleSessionName"},
		{"no token", "", nil, "ValidationError", "webIdentityToken"},
		{"a long token", strings.Repeat("x", 20001), nil, "ValidationError", "webIdentityToken"},
		{"a policy", good, func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[]}`)
			in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
		}, "", ""},
		{"a malformed policy", good, func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String("{") }, "MalformedPolicyDocument", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := assumeWeb(s, tt.token, tt.change)
			wantErr(t, err, tt.code, tt.message)
		})
	}
	for _, c := range s.Calls() {
		if c.Key != "" || c.Params["WebIdentityToken"] != "[redacted]" && c.Params["WebIdentityToken"] != "" {
			t.Errorf("got %v", c)
		}
	}

	// The credentials are a role's session, like any other.
	out := must(assumeWeb(s, good, nil))
	if *out.SubjectFromWebIdentityToken != DemoSubject || *out.Audience != DemoAudience || *out.Provider != "arn:aws:iam::222222222222:oidc-provider/oidc.example.com/id/demo" {
		t.Errorf("got %s, %s, %s", *out.SubjectFromWebIdentityToken, *out.Audience, *out.Provider)
	}
	c := session(out.Credentials)
	if id, err := identity(s, c); err != nil || *id.Arn != "arn:aws:sts::222222222222:assumed-role/ci/build-7" {
		t.Errorf("got %v, %v", id, err)
	}
	if err := s.AddRole(Role{ARN: chainARN, Principals: []string{DemoWebRole}, MaxSession: 12 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(chainARN)})
	wantErr(t, err, "", "")
	_, err = assume(s, c, &sts.AssumeRoleInput{RoleArn: aws.String(chainARN), DurationSeconds: aws.Int32(3601)})
	wantErr(t, err, "ValidationError", "role chaining")
	_, err = assume(s, jo, &sts.AssumeRoleInput{RoleArn: aws.String(DemoWebRole)})
	wantErr(t, err, "AccessDenied", "not authorized")

	s.Fail("AssumeRoleWithWebIdentity", must(ParseFault("refuse=400 IDPCommunicationError An error occurred")), 1)
	_, err = assumeWeb(s, good, nil)
	wantErr(t, err, "IDPCommunicationError", "An error occurred")

	// What other calls have, this one has not.
	for _, more := range []string{"ExternalId=abc", "TokenCode=123456", "Tags.member.1.Key=a", "SourceIdentity=jo"} {
		status, text := signed(t, s, creds.Session{}, "sts", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=jo&RoleArn="+
			DemoWebRole+"&WebIdentityToken="+good+"&"+more, nil)
		if status != 400 || !strings.Contains(text, "has no parameter") {
			t.Errorf("%s: %d %s", more, status, text)
		}
	}
	if s.AddIssuer(Issuer{URL: "http://oidc.example.com", Audiences: []string{"a"}}) == nil || s.AddIssuer(Issuer{URL: DemoIssuer}) == nil {
		t.Error("no error")
	}
	if _, err := s.WebToken(Claims{Issuer: "https://nobody"}); err == nil {
		t.Error("no error")
	}
}
