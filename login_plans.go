package main

import (
	"fob/internal/mfa"
	"fob/internal/plan"
)

// plansOf are what programs get of a profile and, if aws-vault's variables say something
// about it, what fob exec gets in this shell.
func plansOf(a *app, name string) ([]plan.Plan, error) {
	export, err := a.plan(name, plan.Options{Export: true})
	exec, execErr := a.plan(name, plan.Options{Export: true, Variables: true})
	switch {
	case err != nil && execErr == nil: // a variable has what the profile lacks
		return []plan.Plan{exec}, nil
	case err != nil:
		return nil, err
	case execErr != nil:
		return nil, execErr
	case len(exec.Variables) == 0:
		return []plan.Plan{export}, nil
	}
	return []plan.Plan{export, exec}, nil
}

// givenFor is the code from the command line, which one device has made: that of the
// first profile that has one. Other devices are asked for theirs.
func givenFor(a *app, f codeFlags, plans []plan.Plan) *mfa.Given {
	var first plan.Plan
	for _, p := range plans {
		switch serial := p.MFASerial(); {
		case serial == "":
		case first.Profile == "":
			first = p
		case serial != first.MFASerial() && a.givenCode(f, "").For(serial):
			a.out.Note("the MFA code is for %s (%s); %s needs one of %s", first.Profile, plan.ShortSerial(first.MFASerial()), p.Profile, plan.ShortSerial(serial))
		}
	}
	if first.Profile == "" {
		return a.givenCode(f, "")
	}
	return a.givenCode(f, first.MFASerial())
}
