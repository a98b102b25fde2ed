package main

import (
	"fmt"

	"fob/internal/plan"
	"fob/internal/ui"
)

// printGuards prints the guards that count, and what the coding agent gets that asks.
func printGuards(a *app, p plan.Plan) {
	for _, g := range p.Guarding {
		a.out.Hang(ui.Plain.Text("Guard: "), ui.Plain.Text(describeGuard(g)))
	}
	if p.Agent.Gets != "" {
		a.out.Hang(ui.Caution.Text("Agent: "), ui.Plain.Text(fmt.Sprintf("%s (recognized by %s) gets %s", p.Agent.Name, p.Agent.Sign, agentGets(p.Agent.Gets))))
	}
}

// agentGets is a value of fob_agent in words.
func agentGets(value string) string {
	switch value {
	case plan.AgentRefused:
		return "nothing"
	case plan.AgentReads:
		return "a read-only session"
	}
	return "what you get"
}

// describeGuard says what a guard of the AWS config does, and where it stands.
func describeGuard(g plan.Guard) string {
	does := map[string]string{
		"fob_account":     "credentials of another account are an error",
		"fob_agent":       "an AI coding agent gets " + agentGets(g.Value),
		"fob_confirm":     "fob exec asks you to type the profile's name; programs that run fob export are not asked",
		"fob_mfa_max_age": "a session with an older MFA code is not used",
		"fob_policy":      "a session policy scopes the role down",
		"fob_policy_arns": "session policies scope the role down",
		"fob_regions":     "AWS denies what is done in other regions",
	}[g.Key]
	return fmt.Sprintf("%s = %s (%s): %s", g.Key, g.Value, g.From, does)
}
