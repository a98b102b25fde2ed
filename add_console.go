package main

import (
	"errors"
	"fmt"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
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
	if err := c.taken(a, all); err != nil {
		return err
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
	sayNext(a, append(firstCalls(all, c.Profile), "fob exec "+profile+" -- terraform plan", "fob add prod --source "+profile+" --role ARN     a role on top of this sign-in"))
	return nil
}

// taken is the error of a profile that has credentials already, or a key in the store,
// which would come first. Settings alone, such as a region, stay as they are.
func (c *addCmd) taken(a *app, all *profiles.Profiles) error {
	p, err := all.Plan(c.Profile, plan.Options{})
	if _, ok := errors.AsType[*plan.NoProfileError](err); ok {
		return nil
	}
	section, inConfig := all.Config.Profile(c.Profile)
	if none, ok := errors.AsType[*plan.NoKeyError](err); ok && !none.Role && section.File == a.host.Tilde(a.files.Config) {
		return nil
	}
	if err == nil && !inConfig {
		return &usageError{
			Problem: fmt.Sprintf("there is a key for %q in the store", c.Profile), NoHelp: true,
			Way: ui.Type("fob", "remove", c.Profile).To("removes it, if you do not need it"),
		}
	}
	problem := &usageError{Problem: fmt.Sprintf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line), NoHelp: true}
	if err == nil && p.Steps[0].Kind() == (plan.ConsoleLogin{}).Kind() {
		problem.Way = ui.Type("fob", "login", c.Profile).To("signs in")
	}
	return problem
}
