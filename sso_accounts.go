package main

import (
	"cmp"

	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/ui"
)

type ssoAccountsCmd struct {
	Session string `arg:"" optional:"" help:"The sign-in: the name of its section, its start URL, or a profile; not needed if there is only one."`
	Device  bool   `help:"Sign in with a code instead of a browser here."`
	JSON    bool   `help:"Print JSON."`
}

func (ssoAccountsCmd) Help() string {
	return `Asks Identity Center, and signs in first if that is necessary.

    fob sso accounts
    fob sso accounts corp`
}

// ssoAccount is an account in fob sso accounts --json.
type ssoAccount struct {
	Account string   `json:"account"`
	Name    string   `json:"name,omitempty"`
	Email   string   `json:"email,omitempty"`
	Roles   []string `json:"roles"`
}

func (c *ssoAccountsCmd) Run(a *app) error {
	in, err := ssoNamed(a, c.Session)
	if err != nil {
		return err
	}
	found, err := accountsOf(a, in, c.Device)
	if err != nil {
		return err
	}
	if c.JSON {
		rows := []ssoAccount{}
		for _, f := range found {
			rows = append(rows, ssoAccount{Account: f.ID, Name: f.Name, Email: f.Email, Roles: append([]string{}, f.Roles...)})
		}
		return a.out.JSON(rows)
	}
	if len(found) == 0 {
		a.out.Print("No account is open to you at %s.\n", in.Name())
		return errNegative
	}
	t := ui.Table{Columns: []ui.Column{{Title: "ACCOUNT"}, {Title: "NAME", Shrink: true}, {Title: "ROLES", Shrink: true}}}
	for _, f := range found {
		t.Rows = append(t.Rows, []ui.Styled{ui.Plain.Text(f.ID), orDash(f.Name), orDash(ui.List(f.Roles))})
	}
	return a.out.Table(t)
}

// ssoNamed is the sign-in with a name, or the only one there is.
func ssoNamed(a *app, name string) (plan.SignIn, error) {
	all, err := a.profiles()
	if err != nil {
		return plan.SignIn{}, err
	}
	if name != "" {
		return all.SignInNamed(name)
	}
	var names []string
	found := all.SignIns()
	for _, s := range found {
		names = append(names, s.Name())
	}
	switch len(found) {
	case 0:
		return plan.SignIn{}, &usageError{
			Problem: "no sign-in to Identity Center in the AWS config", NoHelp: true,
			Way: ui.TypeLine("fob sso add NAME --start-url URL --region REGION").To("adds one"),
		}
	case 1:
		return found[0], found[0].Err
	}
	return plan.SignIn{}, noHelpf("which sign-in: %s?", ui.List(names))
}

// accountsOf asks Identity Center for the accounts and roles that are open to the user,
// who signs in first if that is necessary.
func accountsOf(a *app, in plan.SignIn, device bool) ([]signin.Account, error) {
	profile := in.Name()
	if len(in.Profiles) > 0 {
		profile = in.Profiles[0]
	}
	p := signin.Of(in.SSO, profile)
	signer := a.signer(a.maySignIn)
	signer.Device = cmp.Or(device, signer.Device)
	err := signer.Ask(a.ctx, p)
	if err != nil {
		return nil, &planError{Plan: p, Err: err}
	}
	found, err := signer.Accounts(a.ctx, in.SSO)
	if err != nil {
		return nil, &planError{Plan: p, Err: err}
	}
	return found, nil
}
