package main

import (
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
)

// addSSO writes a profile that gets its credentials from Identity Center.
func (c *addCmd) addSSO(a *app) error {
	if c.NoConfig {
		return usagef("an SSO profile is only a section of the AWS config: --no-config leaves nothing to do")
	}
	switch {
	case !plan.IsAccountID(c.Account):
		return noHelpf("--account: %q is not an account ID (12 digits)", c.Account)
	case !plan.IsRoleName(c.RoleName):
		return noHelpf("--role-name: %q is not the name of a permission set: use letters, digits and _+=,.@-", c.RoleName)
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	in, err := all.SignInNamed(c.SSOSession)
	switch {
	case err != nil:
		return err
	case in.Session == "":
		return noHelpf("%s is not an [sso-session] section; fob sso add NAME adds one", in.Name())
	}
	if section, ok := all.Config.Profile(c.Profile); ok {
		if sso, ok := ssoOf(all, c.Profile); ok && sso.AccountID == c.Account && sso.RoleName == c.RoleName && all.CanRewrite(a.files, c.Profile, a.args[0]) {
			return askFob(section)
		}
		return noHelpf("profile %q already exists (%s:%d)", c.Profile, section.File, section.Line)
	}
	process, err := wire.Process(a.args[0], c.Profile)
	if err != nil {
		return err
	}
	lines := append(regionLines(suggestedRegion(a, all, c.Region, c.Source)), wire.Lines{
		{"credential_process", process}, {"fob_sso_session", in.Session}, {"fob_sso_account_id", c.Account}, {"fob_sso_role_name", c.RoleName},
	}...)
	if all, err = c.writeSection(a, lines); err != nil {
		return err
	}
	calls := firstCalls(all, c.Profile)
	if made, err := all.Plan(c.Profile, plan.Options{}); err == nil && !all.SignIn(made, a.now()).Live() {
		calls = append([]string{"fob login " + cmdline.Quote(c.Profile)}, calls...)
	}
	sayNext(a, calls)
	return nil
}

// ssoOf is how a profile signs in to Identity Center, if it does and has no role on top.
func ssoOf(all *profiles.Profiles, profile string) (sso plan.SSO, ok bool) {
	made, err := all.Plan(profile, plan.Options{})
	if err == nil && len(made.Steps) == 1 {
		sso, ok = made.Steps[0].(plan.SSO)
	}
	return sso, ok
}
