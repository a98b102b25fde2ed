package main

import (
	"fmt"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
)

// check finds mistakes in the command line, before anybody is asked or anything read.
func (c *addCmd) check() error {
	switch {
	case creds.IsKeyID(c.Profile):
		return &usageError{
			Problem: fmt.Sprintf("%s is an access key ID, not a name for a profile", c.Profile),
			Way:     ui.TypeLine("fob add NAME").To("asks for the key; choose a name, such as dev"),
		}
	case creds.LooksSecret(c.Profile):
		return &usageError{
			Problem: "that looks like a secret, not like a name for a profile",
			Way:     ui.TypeLine("fob add NAME").To("asks for the key; choose a name, such as dev"),
		}
	case namesFile(c.Profile):
		return keyInFile(c.Profile)
	case (c.Source == "") != (c.Role == ""):
		return usagef("--source and --role go together")
	case (c.SSOSession == "") != (c.Account == "") || (c.Account == "") != (c.RoleName == ""):
		return usagef("--sso-session, --account and --role-name go together")
	case c.SSOSession != "" && c.MFASerial != "":
		return usagef("--mfa-serial: Identity Center asks for MFA itself")
	case c.Console && c.MFASerial != "":
		return usagef("--mfa-serial: the AWS console asks for MFA itself")
	case c.Device && !c.Console:
		return usagef("--device goes with --console")
	case c.Region != "" && !plan.IsRegion(c.Region):
		return noHelpf("--region: invalid region %q; use a name such as eu-west-1", c.Region)
	case c.MFASerial != "" && c.MFASerial != "none":
		if problem := plan.CheckSerial(c.MFASerial, plan.ARN{}); problem != "" {
			return usagef("--mfa-serial: %s", problem)
		}
	}
	return nil
}
