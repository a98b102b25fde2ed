package main

import (
	"fmt"

	"fob/internal/plan"
)

// describeGuard says what a guard of the AWS config does, and where it stands.
func describeGuard(g plan.Guard) string {
	does := map[string]string{
		"fob_account":     "credentials of another account are an error",
		"fob_confirm":     "fob exec asks you to type the profile's name; programs that run fob export are not asked",
		"fob_mfa_max_age": "a session with an older MFA code is not used",
		"fob_policy":      "a session policy scopes the role down",
		"fob_policy_arns": "session policies scope the role down",
		"fob_regions":     "AWS denies what is done in other regions",
	}[g.Key]
	return fmt.Sprintf("%s = %s (%s): %s", g.Key, g.Value, g.From, does)
}
