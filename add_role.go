package main

import (
	"errors"
	"fmt"

	"fob/internal/awsconfig"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
)

// addRole writes a profile that assumes a role with another profile's key.
func (c *addCmd) addRole(a *app) error {
	if c.NoConfig {
		return usagef("a role is only a profile in the AWS config: --no-config leaves nothing to do")
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	section, exists := all.Config.Profile(c.Profile)
	if _, role := section.Own("fob_role_arn"); role && wire.Owned(section, a.args[0]) {
		return &usageError{
			Problem: fmt.Sprintf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line),
			Way:     ui.Type("fob", "remove", c.Profile).To("removes it, so that you can add it again"),
		}
	}
	if exists && (wire.Owned(section, a.args[0]) || section.File != a.host.Tilde(a.files.Config)) {
		return noHelpf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line)
	}
	if _, err := all.Plan(c.Source, plan.Options{}); err != nil {
		return err
	}
	process, err := wire.Process(a.args[0], c.Profile)
	if err != nil {
		return err
	}
	lines := append(regionLines(suggestedRegion(a, all, c.Region, c.Source)), endpointLines(all, c.Source)...)
	lines = append(lines, wire.Lines{{"credential_process", process}, {"fob_source_profile", c.Source}, {"fob_role_arn", c.Role}}...)
	if c.MFASerial != "" {
		lines = append(lines, [2]string{"fob_mfa_serial", c.MFASerial})
	}
	if roles := rolesOf(all, c.Profile); len(roles) > 0 && roles[len(roles)-1] == c.Role && all.CanRewrite(a.files, c.Profile, a.args[0]) {
		return askFob(section)
	}
	if exists {
		// Only its owner knows what else in it is still wanted.
		a.showLines("To have "+c.Profile+" ask fob, make its section this in", c.Profile, lines.Text())
		return noHelpf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line)
	}
	if all, err = c.writeSection(a, lines); err != nil {
		return err
	}
	sayNext(a, firstCalls(all, c.Profile))
	return nil
}

// rolesOf are the roles that a profile ends in; nil if it has no plan.
func rolesOf(all *profiles.Profiles, profile string) []string {
	made, err := all.Plan(profile, plan.Options{})
	if err != nil {
		return nil
	}
	return made.Roles()
}

// askFob is for a section that has what somebody wants to add, and does not ask fob.
func askFob(section awsconfig.Profile) error {
	return &usageError{
		Problem: fmt.Sprintf("profile %q already exists (%s:%d)", section.Name, section.File, section.Line),
		Way:     ui.Type("fob", "wire", section.Name).To("has every tool ask fob for it"),
	}
}

// writeSection writes a new section, if a plan can be made with it, and returns the
// profiles as they are then.
func (c *addCmd) writeSection(a *app, lines wire.Lines) (*profiles.Profiles, error) {
	_, _, err := a.files.Wire(c.Profile, func(text string, r wire.Record) (wire.Edit, error) {
		edit, err := wire.Add(text, c.Profile, a.args[0], lines, r)
		if err != nil {
			return wire.Edit{}, err
		}
		return edit, c.tryPlan(a, edit.Text)
	})
	if err != nil {
		return nil, a.showUnwritten(c.Profile, err)
	}
	a.showLines("Added to", c.Profile, lines.Text())
	return a.readProfiles()
}

// endpointLines are the source's own settings of where AWS is: SDKs and fob look for
// them in the section of the profile they are asked for.
func endpointLines(all *profiles.Profiles, source string) (lines wire.Lines) {
	section, _ := all.Config.Profile(source)
	for _, key := range []string{"services", "endpoint_url", "ca_bundle"} {
		if v, ok := section.Own(key); ok && v.Text != "" {
			lines = append(lines, [2]string{key, v.Text})
		}
	}
	return lines
}

// tryPlan makes the profile's plan before the AWS config is written. An error in it
// is in the new lines, which are not in any file yet.
func (c *addCmd) tryPlan(a *app, text string) error {
	config, err := a.files.ParseWith(text)
	if err != nil {
		return err
	}
	_, err = profiles.New(config, a.store(), a.world()).Plan(c.Profile, plan.Options{})
	if wrong, ok := errors.AsType[*plan.ConfigError](err); ok {
		return noHelpf("%s", wrong.Problem)
	}
	return err
}
