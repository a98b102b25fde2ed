package ststest

import (
	"errors"

	"fob/internal/creds"
)

// The demo world: a user in one account, with an MFA device, and a role in
// another that trusts the first account's users if they come with MFA. The key
// is the example of AWS's documentation.
const (
	DemoKeyID   = "AKIAIOSFODNN7EXAMPLE"
	DemoSecret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	DemoAccount = "111111111111"
	DemoUser    = "arn:aws:iam::111111111111:user/jo"
	DemoSerial  = "arn:aws:iam::111111111111:mfa/jo"
	DemoSeed    = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	DemoRole    = "arn:aws:iam::222222222222:role/deploy"

	// Identity Center: its user is an administrator of the first account, and may read
	// both.
	DemoStartURL  = "https://d-1234567890.awsapps.com/start"
	DemoSSORegion = "eu-west-1"
	DemoSSOUser   = "jo@example.com"

	// A web identity, and a role that trusts it.
	DemoIssuer   = "https://oidc.example.com/id/demo"
	DemoSubject  = "repo:example/app:ref:refs/heads/main"
	DemoAudience = "sts.amazonaws.com"
	DemoWebRole  = "arn:aws:iam::222222222222:role/ci"

	// Application secrets, in DemoRegion of both accounts.
	DemoDevParameter, DemoProdParameter = "/dev/db/password", "/prod/db/password"
	DemoDevSecret, DemoProdSecret       = "dev/api", "prod/api"
)

// DemoParameters are those of the two accounts.
func DemoParameters() []Parameter {
	return []Parameter{
		{Name: DemoDevParameter, Type: "SecureString", Value: "correct horse battery staple"},
		{Name: DemoProdParameter, Account: "222222222222", Type: "SecureString", Value: "Tr0ub4dor&3 in production"},
		{Name: "/prod/db/host", Account: "222222222222", Value: "db.prod.example.com"},
	}
}

// DemoSecrets are those of the two accounts.
func DemoSecrets() []Secret {
	return []Secret{
		{Name: DemoDevSecret, Text: `{"user":"app","token":"dev-token-5f2b"}`},
		{Name: DemoProdSecret, Account: "222222222222", Text: `{"user":"app","token":"prod-token-91c4"}`},
	}
}

// DemoClaims are those that DemoWebRole trusts.
func DemoClaims() Claims {
	return Claims{Issuer: DemoIssuer, Subject: DemoSubject, Audience: DemoAudience}
}

// DemoPermissionSets are the roles of DemoSSOUser.
func DemoPermissionSets() []PermissionSet {
	var sets []PermissionSet
	for _, p := range []struct{ account, name, role string }{
		{DemoAccount, "dev", "AdministratorAccess"},
		{DemoAccount, "dev", "ReadOnlyAccess"},
		{"222222222222", "prod", "ReadOnlyAccess"},
	} {
		sets = append(sets, PermissionSet{
			StartURL: DemoStartURL, Account: p.account, AccountName: p.name,
			Email: "aws+" + p.name + "@example.com", Name: p.role,
		})
	}
	return sets
}

// AddDemo adds the demo world.
func (s *Server) AddDemo() error {
	err := s.AddUser(User{
		ARN:  DemoUser,
		Keys: []creds.Key{{ID: DemoKeyID, Secret: creds.NewSecret(DemoSecret)}},
		MFA:  []Device{{Serial: DemoSerial, Seed: creds.Seed{Secret: creds.NewSecret(DemoSeed)}}},
	})
	if err != nil {
		return err
	}
	err = errors.Join(
		s.AddRole(Role{
			ARN:        DemoRole,
			Principals: []string{"arn:aws:iam::" + DemoAccount + ":root"},
			MFA:        true,
		}),
		s.AddIssuer(Issuer{URL: DemoIssuer, Audiences: []string{DemoAudience}}),
		s.AddRole(Role{ARN: DemoWebRole, Web: Trust{Issuer: DemoIssuer, Subject: DemoSubject, Audience: DemoAudience}}),
	)
	if err != nil {
		return err
	}
	if err := s.AddInstance(Instance{StartURL: DemoStartURL, Regions: []string{DemoSSORegion}}); err != nil {
		return err
	}
	for _, p := range DemoPermissionSets() {
		if err := s.AddPermissionSet(p); err != nil {
			return err
		}
	}
	for _, p := range DemoParameters() {
		if _, err := s.AddParameter(p); err != nil {
			return err
		}
	}
	for _, c := range DemoSecrets() {
		if _, _, err := s.AddSecret(c); err != nil {
			return err
		}
	}
	return nil
}
