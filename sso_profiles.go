package main

import (
	"slices"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/signin"
	"fob/internal/ui"
	"fob/internal/wire"
)

type ssoProfilesCmd struct {
	Session  string   `arg:"" help:"The sign-in: the name of its [sso-session] section."`
	Account  []string `sep:"none" help:"Only this account; may be repeated." placeholder:"ID"`
	RoleName []string `name:"role-name" sep:"none" help:"Only this role; may be repeated." placeholder:"NAME"`
	Prefix   string   `help:"Begin the names of the profiles with this." placeholder:"TEXT"`
	Template string   `help:"How to name them: {name} is the account's name, {account} its ID, {role} the role." default:"{name}-{role}" placeholder:"TEXT"`
	Region   string   `help:"The default region of the profiles." placeholder:"REGION"`
	Prune    bool     `help:"Remove profiles that this command has added and that you may no longer use."`
	DryRun   bool     `help:"Print the changes as a diff, and make none."`
	Device   bool     `help:"Sign in with a code instead of a browser here."`
}

func (ssoProfilesCmd) Help() string {
	return `Adds a profile to the AWS config for each account and role that you may use, in the form
that every AWS tool takes. It signs in first if that is necessary. Profiles that you have
stay as they are. Run it again when something has changed.

    fob sso profiles corp --region eu-west-1 --dry-run
    fob sso profiles corp --role-name ReadOnlyAccess --prefix corp-
    fob sso profiles corp --prune`
}

func (c *ssoProfilesCmd) Run(a *app) error {
	name, err := format.ParseTemplate(c.Template, []string{"account", "name", "role"})
	switch {
	case err != nil:
		return usagef("--template: %v", err)
	case c.Region != "" && !plan.IsRegion(c.Region):
		return noHelpf("--region: invalid region %q; use a name such as eu-west-1", c.Region)
	}
	in, err := ssoNamed(a, c.Session)
	switch {
	case err != nil:
		return err
	case in.Session == "":
		return noHelpf("%s is not an [sso-session] section; fob sso add NAME adds one", in.Name())
	}
	found, err := accountsOf(a, in, c.Device)
	if err != nil {
		return err
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	wanted := c.wanted(in, found, name)
	sections, err := c.sections(a, all, wanted)
	if err != nil {
		return err
	}
	added, err := a.files.SetUp(a.args[0], sections)
	if err != nil {
		return err
	}
	removed, err := a.files.TakeDown(a.args[0], c.gone(a, all, in, found), added)
	if err != nil {
		return err
	}
	if c.DryRun {
		return a.out.Lines(creds.Hide(wire.Unified(a.files.Config, added.Before, removed.After)))
	}
	return c.write(a, added, removed, len(wanted))
}

// sections are those of the profiles that do not exist yet, under whatever name.
func (c *ssoProfilesCmd) sections(a *app, all *profiles.Profiles, wanted []ssoProfile) (new []profiles.Section, err error) {
	have := map[ssoProfile]string{}
	region := regionLines(suggestedRegion(a, all, c.Region, ""))
	for name, made := range all.Plans(all.Config.Names()) {
		if made.Err != nil || len(made.Plan.Steps) != 1 {
			continue
		}
		if s, ok := made.Plan.Steps[0].(plan.SSO); ok {
			have[ssoProfile{"", s.Session, s.AccountID, s.RoleName}] = name
		}
	}
	given := map[string]string{} // the role that a name of this run is for
	for _, p := range wanted {
		if _, there := have[ssoProfile{"", p.session, p.account, p.role}]; there {
			continue
		}
		if _, err := awsconfig.Header("profile", p.name); err != nil {
			return nil, usagef("%v", err)
		}
		if section, taken := all.Config.Profile(p.name); taken {
			a.out.Warn("%s in account %s: profile %q already exists (%s:%d); another --template or --prefix gives another name", p.role, p.account, p.name, section.File, section.Line)
			continue
		}
		if role, taken := given[p.name]; taken {
			a.out.Warn("%s in account %s: %q is already the profile for %s; fob add with --sso-session gives it a name of its own", p.role, p.account, p.name, role)
			continue
		}
		given[p.name] = p.role
		process, err := wire.Process(a.args[0], p.name)
		if err != nil {
			return nil, err
		}
		new = append(new, profiles.Section{Profile: p.name, Lines: slices.Concat(region, wire.Lines{{"credential_process", process}}, p.lines())})
	}
	return new, nil
}

// gone are the profiles that this command has added and that are not listed any more.
func (c *ssoProfilesCmd) gone(a *app, all *profiles.Profiles, in plan.SignIn, found []signin.Account) (names []string) {
	if !c.Prune {
		return nil
	}
	for _, name := range in.Profiles {
		section, _ := all.Config.Profile(name)
		account, _ := section.Own("fob_sso_account_id")
		role, _ := section.Own("fob_sso_role_name")
		p := ssoProfile{name, in.Session, account.Text, role.Text}
		listed := slices.ContainsFunc(found, func(f signin.Account) bool { return f.ID == p.account && slices.Contains(f.Roles, p.role) })
		if !listed && c.takes(p.account, p.role) && wire.Owned(section, a.args[0]) && a.files.Listed(name, p.lines()) {
			names = append(names, name)
		}
	}
	return names
}

// write changes the config, and says what has changed.
func (c *ssoProfilesCmd) write(a *app, added, removed *profiles.Rewriting, wanted int) error {
	for _, r := range []*profiles.Rewriting{added, removed} {
		if len(r.Done) > 0 {
			if err := a.showUnwritten(r.Done[0], a.files.Apply(r)); err != nil {
				return err
			}
		}
		for _, refused := range r.Refused {
			a.out.Warn("%s: %s", refused.Profile, a.out.Sentence(refused.Err))
		}
	}
	config := a.host.Tilde(a.files.Config)
	for _, name := range added.Done {
		a.out.Say("    %s", name)
	}
	switch {
	case len(added.Done) > 0:
		a.out.Answer("Added %s to %s.", ui.Count(len(added.Done), "profile"), config)
		if all, err := a.readProfiles(); err == nil {
			sayNext(a, firstCalls(all, added.Done[0]))
		}
	case wanted == 0:
		a.out.Answer("No account and role to add at %s.", c.Session)
	default:
		a.out.Answer("Nothing to add: each account and role has a profile.")
	}
	for _, name := range removed.Done {
		if _, err := a.store().RemoveSessions(name); err != nil && !notStored(err) {
			return err
		}
	}
	if len(removed.Done) > 0 {
		a.out.Answer("Removed %s from %s: %s.", ui.Count(len(removed.Done), "profile"), config, ui.List(removed.Done))
	}
	return nil
}
