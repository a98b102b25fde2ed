package main

import (
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
)

// suggestedRegion is the region for a new profile: the flag's, else the source profile's,
// else the environment's, else [default]'s.
func suggestedRegion(a *app, all *profiles.Profiles, flag, source string) string {
	of := func(profile string) string {
		p, _ := all.Config.Profile(profile)
		v, _ := p.Get("region")
		return v.Text
	}
	for _, region := range []string{flag, of(source), a.getenv("AWS_REGION"), a.getenv("AWS_DEFAULT_REGION"), of("default")} {
		if plan.IsRegion(region) {
			return region
		}
	}
	return ""
}

func regionLines(region string) wire.Lines {
	if region == "" {
		return nil
	}
	return wire.Lines{{"region", region}}
}

// firstCalls show that a profile works. Without a region, the AWS CLI does nothing.
func firstCalls(all *profiles.Profiles, profile string) []string {
	name := cmdline.Quote(profile)
	p, err := all.Plan(profile, plan.Options{Export: true})
	if err != nil || p.Region != "" {
		return []string{"aws --profile " + name + " sts get-caller-identity"}
	}
	return []string{
		"aws --profile " + name + " --region " + p.STS.Region + " sts get-caller-identity",
		"fob config set region REGION --profile " + name + "     sets it for good",
	}
}

func sayNext(a *app, lines []string) {
	for i, line := range lines {
		a.out.Say("%-6s %s", []string{"Next:", ""}[min(i, 1)], line)
	}
}
