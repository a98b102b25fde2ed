package ststest

import "fob/internal/creds"

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
)

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
	return s.AddRole(Role{
		ARN:        DemoRole,
		Principals: []string{"arn:aws:iam::" + DemoAccount + ":root"},
		MFA:        true,
	})
}
