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
)

// tool is a tool as doctor predicts it.
type tool struct {
	names []string
	chain func(profile string) chain
	// code is what comes of an MFA device that a role names.
	code string
	asks bool // it asks for a code
	// lasts: it sends duration_seconds.
	lasts bool
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
		if token, ok := made.Steps[0].(plan.WebIdentity); !ok || token.TokenFile == "" || exists(token.TokenFile) {
			e.ok("fob exec: %s%s", profiles.Route(made), device(made))
		}
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
		e.advise(set, "%s has no region: most AWS CLI commands (ec2, lambda, ...) fail without one", e.Profile)
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
		do    Remedy
	}
	var all []prediction
	for _, t := range newReader(config).tools() {
		c := t.chain(section.Name)
		p := prediction{names: t.names, text: c.told(e.Program, t.code), do: works}
		if c.broken {
			p.do = nil // nor does fob exec help
		}
		long := t.lasts && overlong(section, c, e.Program)
		if long {
			p.text += ", but AWS refuses its duration_seconds"
		}
		file, verb := c.absent(e.Program)
		if file != "" {
			p.text = fmt.Sprintf("would %s %s (%s), which does not exist", verb, e.Tilde(file), plan.At(c.steps[0].values[0]))
		}
		p.bad = c.unsure.File != "" || c.refused != "" || c.stumbled != "" || file != "" || long || c.needsCode() && !t.asks || c.steps[0].kind == "none" && usable
		if i := slices.IndexFunc(all, func(same prediction) bool { return same.text == p.text && same.bad == p.bad }); i >= 0 {
			all[i].names = append(all[i].names, p.names...)
			continue
		}
		all = append(all, p)
	}
	for _, p := range all {
		if text := strings.Join(p.names, ", ") + e.without() + ": " + p.text; p.bad {
			e.add(Advice, text, p.do...)
		} else {
			e.ok("%s", text)
		}
	}
}

// without says that variables are set because of which tools do not look at a profile that
// only AWS_PROFILE names.
func (e *exam) without() string {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if e.Getenv(name) != "" {
			return ", without " + name
		}
	}
	return ""
}

// told is what a tool does; code is what comes of an MFA device in a section.
func (c chain) told(program, code string) string {
	at := ""
	if c.at.File != "" {
		at = " (" + plan.At(c.at) + ")"
	}
	switch {
	case c.unsure.File != "":
		return "fob cannot tell, see " + plan.At(c.unsure)
	case c.refused != "":
		return "no credentials: " + c.refused + at
	case c.stumbled != "":
		return "no credentials: " + c.stumbled + at + "; in a container or on EC2 they use that machine's role"
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
