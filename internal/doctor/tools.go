package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
)

// tool is a tool as doctor predicts it.
type tool struct {
	names []string
	chain func(profile string) chain
	// code is what comes of an MFA device that a role names.
	code string
	asks bool // it asks for a code
}

// tools are those that doctor predicts, for these files.
func tools(c *awsconfig.Config) []tool {
	return []tool{
		{[]string{"AWS CLI", "boto3"}, awsCLI{c}.chain, "asks for an MFA code by itself", true},
		{[]string{"Go SDK (Terraform)"}, goSDK{c}.chain, "fails, because it cannot ask for an MFA code", false},
		{[]string{"JavaScript SDK"}, jsSDK{c.JavaScript()}.chain, "fails, because it cannot ask for an MFA code", false},
		{[]string{"Java SDK"}, javaSDK{c.Java()}.chain, "sends no MFA code, so AWS refuses if the role requires one", false},
	}
}

// tools says how fob exec and other tools get the credentials of the profile that was
// asked about, and which line decides it.
func (e *exam) tools(context.Context) error {
	all, err := e.Profiles()
	if err != nil || e.Profile == "" {
		return nil // the config's check has reported it
	}
	made, problem := all.Plan(e.Profile, plan.Options{Shown: true})
	var works Remedy
	if problem == nil {
		works = Remedy{ui.Type("fob", "exec", e.Profile).To("works with every tool")}
		if e.rewrites(all, e.Profile) {
			works = Remedy{ui.Type("fob", "wire", e.Profile).To("has every tool ask fob"), works[0]}
		}
		e.ok("fob exec: %s%s", profiles.Route(made), device(made))
		e.endpoint(made)
	}
	section, exists := all.Config.Profile(e.Profile)
	if !exists {
		return nil // only the store has it
	}
	e.predict(all.Config, section, problem == nil, works)
	if line, asks := e.served(section); asks {
		e.otherFob(line, e.Profile)
	}
	if problem == nil && made.Region == "" {
		// The AWS CLI's own words for that name aws configure, which asks for a key in plain text.
		set := ui.TypeLine("fob config set region REGION --profile " + cmdline.Quote(e.Profile))
		e.advise(set, "%s has no region, and the AWS CLI does nothing without one", e.Profile)
	}
	if problem == nil && (awsCLI{all.Config}).chain(e.Profile).throughFob(e.Program) {
		e.ok("tools that know no credential_process (s3cmd, s5cmd, old versions of others): only under fob exec %s", cmdline.Quote(e.Profile))
	}
	return nil
}

// device is the MFA device of a plan, behind its route.
func device(made plan.Plan) string {
	if serial := made.MFASerial(); serial != "" {
		return ", MFA " + plan.ShortSerial(serial)
	}
	if made.StartsWithKey() { // for a sign-in the portal asks for MFA, or does not
		return ", without MFA"
	}
	return ""
}

// predict says what each tool does with a profile, those that do the same together.
func (e *exam) predict(config *awsconfig.Config, section awsconfig.Profile, usable bool, works Remedy) {
	type prediction struct {
		names []string
		text  string
		bad   bool
	}
	var all []prediction
	for _, t := range tools(config) {
		c := t.chain(section.Name)
		p := prediction{names: t.names, text: c.told(e.Program, t.code)}
		long := overlong(section, c, e.Program)
		if long {
			p.text += ", but AWS refuses its duration_seconds"
		}
		gone := c.startsNothing(e.Program)
		if gone {
			p.text += ", which is not there"
		}
		p.bad = gone || c.refused != "" || c.stumbled != "" || long || c.needsCode() && !t.asks || c.steps[0].kind == "none" && usable
		if i := slices.IndexFunc(all, func(same prediction) bool { return same.text == p.text && same.bad == p.bad }); i >= 0 {
			all[i].names = append(all[i].names, p.names...)
			continue
		}
		all = append(all, p)
	}
	for _, p := range all {
		if text := strings.Join(p.names, ", ") + ": " + p.text; p.bad {
			e.add(Advice, text, works...)
		} else {
			e.ok("%s", text)
		}
	}
}

// startsNothing reports whether a tool would ask a fob that does not exist. Where a shell
// may run the line, that is for the shell to say.
func (c chain) startsNothing(program string) bool {
	if !c.throughFob(program) {
		return false
	}
	line := c.steps[0].values[0].Text
	return wire.Doubt(line) == "" && !isProgram(cmdline.Words(line)[0])
}

// told is what a tool does; code is what comes of an MFA device in a section.
func (c chain) told(program, code string) string {
	at := ""
	if c.at.File != "" {
		at = " (" + plan.At(c.at) + ")"
	}
	switch {
	case c.refused != "":
		return "no credentials, because " + c.refused + at
	case c.stumbled != "":
		return "no credentials, because " + c.stumbled + at + "; in a container or on EC2 it takes the role of that machine"
	}
	text := c.String()
	if c.throughFob(program) {
		at := plan.At(c.steps[0].values[0])
		text = strings.Replace(text, "the credential_process of "+at, fmt.Sprintf("fob (%s)", at), 1)
	}
	if c.needsCode() {
		text += ", and " + code
	}
	return text
}
