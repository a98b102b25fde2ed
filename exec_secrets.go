package main

import (
	"cmp"
	"errors"

	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/host"
	"fob/internal/plan"
	appsecrets "fob/internal/secrets"
)

// plan is how the command gets credentials, and which variables it gets.
func (c *execCmd) plan(a *app, profile string) (plan.Plan, error) {
	o, err := c.options(a)
	if err != nil {
		return plan.Plan{}, err
	}
	o.Variables, o.Child, o.Starts = true, true, plan.Agent(host.AgentIn(c.Command))
	set := a.setBy("secret")
	for _, text := range c.Secret {
		v, err := plan.ParseSecret(text, cmp.Or(set, "--secret"))
		if e, ok := errors.AsType[*plan.VariableError](err); ok {
			return plan.Plan{}, &usageError{Problem: e.Error(), NoHelp: true, Secret: e.Typed && set == ""}
		}
		o.Secrets = append(o.Secrets, v)
	}
	return a.plan(profile, o)
}

// variables returns what reads the variables of a command, with its session. They are
// read once, before the command starts: it can run longer than they are valid, and nothing
// can change the environment of a program. Where they are read is checked at once, before
// anybody is asked for a code.
func variables(a *app, p plan.Plan) (read func(creds.Session) ([]format.Var, error), err error) {
	all, err := a.profiles()
	if err != nil {
		return nil, err
	}
	type place struct{ service, region string }
	endpoints := map[place]plan.Endpoint{}
	for _, ref := range plan.References(p.Env) {
		e, err := all.Service(p.Profile, ref.Service, ref.Region)
		if err != nil {
			return nil, err
		}
		endpoints[place{ref.Service, ref.Region}] = e
	}
	r := appsecrets.Reader{
		Dial: func(service, region string) (appsecrets.Caller, error) {
			return a.newClient(endpoints[place{service, region}], a.out.Log)
		},
		Fits: host.FitsVariable,
	}
	return func(s creds.Session) (set []format.Var, err error) {
		r.With = s
		found, err := r.Read(a.ctx, p.Env)
		if err != nil {
			return nil, &planError{Plan: p, Err: err}
		}
		for _, v := range found {
			set = append(set, format.Var{Name: v.Name, Value: v.Value.Reveal()})
		}
		return set, nil
	}, nil
}
