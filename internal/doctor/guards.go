package doctor

import (
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/internal/wire"
)

// unguarded looks for guards that other tools do not know, because they get the
// credentials of the profile without asking fob for it.
func (e *exam) unguarded(all *profiles.Profiles, names []string) {
	for name, made := range all.Plans(names) {
		if made.Err != nil || len(made.Plan.Guarding) == 0 || all.Misdirected(name, e.Program) != nil {
			continue // or its line is wrong, which has been said
		}
		section, _ := all.Config.Profile(name)
		first := made.Plan.Guarding[0].From
		var guards []string
		for _, g := range made.Plan.Guarding {
			guards = append(guards, g.Key)
		}
		slices.Sort(guards)
		missed := strings.Join(slices.Compact(guards), ", ")
		if line, ok := section.Own("credential_process"); ok {
			if other, isFob := cmdline.FobProfile(line.Text, e.Program); isFob && other != name {
				if _, own := section.Own(made.Plan.Guarding[0].Key); own {
					e.wrong(ui.Advise("move its guards to [profile %s]", other), "%s: tools that use %s ask fob for %s, and so without the guards of %s", first, name, other, name)
				}
				continue
			}
		}
		cli, sdk := awsCLI{all.Config}.chain(name), goSDK{all.Config}.chain(name)
		var tools []string
		if cli.withoutFob(e.Program, name) {
			tools = append(tools, "the AWS CLI")
		}
		if sdk.withoutFob(e.Program, name) && !sdk.needsCode() { // it cannot ask for one
			tools = append(tools, "the Go SDK")
		}
		gets := " gets"
		if len(tools) > 1 {
			gets = " get"
		}
		if tools != nil {
			e.wrong(e.askFob(all, section), "%s: %s the credentials of %s without fob, and so without its guards: %s", first, strings.Join(tools, " and ")+gets, name, missed)
		}
	}
}

// askFob is what has tools ask fob for a profile.
func (e *exam) askFob(all *profiles.Profiles, section awsconfig.Profile) ui.Hint {
	line, err := wire.Process(e.Program, section.Name)
	switch {
	case e.rewrites(all, section.Name):
		return ui.Type("fob", "wire", section.Name).To("has every tool ask fob")
	case err == nil && len(wire.Rivals(section)) == 0:
		return setProcess(section.Name, line)
	}
	return ui.Type("fob", "exec", section.Name).To("has the guards")
}

// withoutFob reports whether a tool gets a profile's credentials, and not from fob's
// export of that profile alone.
func (c chain) withoutFob(program, profile string) bool {
	if c.refused != "" || c.steps[0].kind == "none" {
		return false
	}
	if len(c.steps) > 1 || c.steps[0].kind != "process" {
		return true
	}
	served, ok := cmdline.FobProfile(c.steps[0].values[0].Text, program)
	return !ok || served != profile
}
