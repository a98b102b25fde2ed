package plan

import (
	"fmt"
	"slices"

	"fob/internal/awsconfig"
)

// The values of fob_agent, what a coding agent gets: nothing, a session that may only
// read, or what a person gets.
const (
	AgentRefused  = "refuse"
	AgentReads    = "read-only"
	AgentMayAll   = "allow"
	agentOptions  = AgentReads + ", " + AgentRefused + " or " + AgentMayAll
	readOnlyGuard = "fob_agent = " + AgentReads
)

// AgentError: a profile that fob_agent refuses to the coding agent that asks.
type AgentError struct {
	Profile string
	Guard   AgentGuard
}

func (e *AgentError) Error() string {
	return fmt.Sprintf("%s: fob_agent refuses %q to %s (recognized by %s)", e.Guard.From, e.Profile, e.Guard.Name, e.Guard.Sign)
}

// agent applies the strictest fob_agent of the chain, if an agent asks. What could not
// be enforced then is an error for everyone: else nobody would notice it.
func (r *resolver) agent(p *Plan) error {
	what, err := r.strictest()
	if err != nil || what.Text == "" {
		return err
	}
	guard := AgentGuard{Gets: what.Text, From: At(what)}
	guard.Agent = r.agentAsks()
	asks := guard.Agent != Agent{}
	if asks {
		p.Agent = guard
	}
	switch {
	case what.Text == AgentReads:
		return r.readOnly(p, guard, asks)
	case what.Text == AgentRefused && asks && !r.opts.Shown:
		return &AgentError{Profile: p.Profile, Guard: guard}
	}
	return nil
}

// agentAsks is the coding agent that asks, or else the one that gets the credentials;
// zero if none does.
func (r *resolver) agentAsks() Agent {
	if r.facts.Agent != nil {
		if asks := r.facts.Agent(); asks != (Agent{}) {
			return asks
		}
	}
	return r.opts.Starts
}

// strictest is the fob_agent of the chain that gives the least; of several like that,
// the nearest.
func (r *resolver) strictest() (least awsconfig.Value, err error) {
	order := []string{AgentMayAll, AgentReads, AgentRefused}
	rank := -1
	for _, v := range r.every("fob_agent") {
		i := slices.Index(order, v.Text)
		if i < 0 {
			return least, &ConfigError{At: At(v), Problem: fmt.Sprintf("fob_agent must be %s, not %q", agentOptions, v.Text)}
		}
		if i > rank {
			least, rank = v, i
		}
	}
	return least, nil
}

// readOnly scopes the plan's role down to ReadOnlyAccess if an agent asks. Another
// session policy beside it could only allow more.
func (r *resolver) readOnly(p *Plan, guard AgentGuard, asks bool) error {
	return restrict(p, readOnlyGuard, guard.From, func(role string, policy *string, arns *[]string) error {
		only, err := policyARNs(AssumeRole{RoleARN: role}, []string{ReadOnlyAccess}, guard.From)
		switch {
		case err != nil:
			return err
		case *policy == "" && (len(*arns) == 0 || slices.Equal(*arns, only)):
		case asks || !r.opts.scoped():
			return &ConfigError{At: guard.From, Problem: readOnlyGuard + " cannot be combined with another session policy: AWS allows what any of them allows"}
		}
		if asks {
			*arns = only
		}
		return nil
	})
}
