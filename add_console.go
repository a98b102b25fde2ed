package main

import (
	"fmt"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/internal/wire"
)

// addConsole has the user sign in to the console, and writes a profile for whom they
// signed in as.
func (c *addCmd) addConsole(a *app) error {
	if c.NoConfig {
		return usagef("such a profile is only a section of the AWS config: --no-config leaves nothing to do")
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	if section, ok := all.Config.Profile(c.Profile); ok {
		problem := &usageError{Problem: fmt.Sprintf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line), NoHelp: true}
		if p, err := all.Plan(c.Profile, plan.Options{}); err == nil && p.Steps[0].Kind() == (plan.ConsoleLogin{}).Kind() {
			problem.Way = ui.Type("fob", "login", c.Profile).To("signs in")
		}
		return problem
	}
	process, err := wire.Process(a.args[0], c.Profile)
	if err != nil {
		return err
	}
	region, err := c.askRegion(a)
	if err != nil {
		return err
	}
	endpoint, err := all.Signin(c.Profile, region)
	if err != nil {
		return err
	}
	signer := a.browserSigner(c.Device)
	arn, err := signer.SignInToConsole(a.ctx, c.Profile, endpoint)
	if err != nil {
		return err
	}
	lines := append(regionLines(region), wire.Lines{{"credential_process", process}, {"fob_login_session", arn}}...)
	if all, err = c.writeSection(a, lines); err != nil {
		return err
	}
	who, _ := plan.ParseARN(arn)
	a.out.Say("%s: %s, %s, signed in for up to 12h.", ui.Good.Text(c.Profile+" works"), who.Name(), who.Account)
	profile := cmdline.Quote(c.Profile)
	sayNext(a, append(c.firstCalls(all), "fob exec "+profile+" -- terraform plan", "fob add prod --source "+profile+" --role ARN     a role on top of this sign-in"))
	return nil
}
