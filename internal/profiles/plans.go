package profiles

import (
	"iter"

	"fob/internal/plan"
)

// Made is a plan, or why there is none.
type Made struct {
	Plan plan.Plan
	Err  error
}

// Plans are the plans of many profiles, by name. It reads each item of the store
// once, as Rows does, and logs no notes.
func (p *Profiles) Plans(names []string) iter.Seq2[string, Made] {
	_, facts := p.listed()
	return func(yield func(string, Made) bool) {
		for _, name := range names {
			made, err := plan.Resolve(facts, name, plan.Options{Shown: true})
			if !yield(name, Made{made, err}) {
				return
			}
		}
	}
}

// SignInNamed is the sign-in to Identity Center of an [sso-session], of a start URL or of
// a profile.
func (p *Profiles) SignInNamed(name string) (plan.SignIn, error) {
	return plan.SignInNamed(p.facts, name)
}
