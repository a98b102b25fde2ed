package main

import (
	"time"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

type ssoCmd struct {
	Show     ssoShowCmd     `cmd:"" default:"withargs" hidden:""`
	Accounts ssoAccountsCmd `cmd:"" help:"Show the accounts and roles that you may use."`
	Profiles ssoProfilesCmd `cmd:"" help:"Add a profile for each account and role."`
	Add      ssoAddCmd      `cmd:"" help:"Add a sign-in to the AWS config."`
}

func (ssoCmd) Help() string {
	return `Without a command it shows the sign-ins to IAM Identity Center in the AWS config, and
whether you are signed in. Nothing is unlocked. fob login PROFILE signs in.

    fob sso
    fob sso accounts corp
    fob sso profiles corp            a profile for each account and role
    fob sso add corp --start-url https://corp.awsapps.com/start --region eu-west-1`
}

type ssoShowCmd struct {
	JSON bool `help:"Print JSON."`
}

// ssoRow is a sign-in in fob sso --json.
type ssoRow struct {
	Name     string   `json:"name"`
	Session  string   `json:"sso_session,omitempty"`
	StartURL string   `json:"sso_start_url,omitempty"`
	Region   string   `json:"sso_region,omitempty"`
	Scopes   []string `json:"sso_registration_scopes,omitempty"`
	From     string   `json:"from"`
	Profiles []string `json:"profiles"`
	SignedIn string   `json:"signed_in_until,omitempty"` // RFC 3339, UTC
	Renews   bool     `json:"renews,omitempty"`
	Problem  string   `json:"problem,omitempty"`
}

func (c *ssoShowCmd) Run(a *app) error {
	all, err := a.profiles()
	if err != nil {
		return err
	}
	now, found := a.now(), all.SignIns()
	switch {
	case c.JSON:
		return a.out.JSON(ssoRows(all, found, now))
	case len(found) == 0:
		a.out.Print("No sign-ins to Identity Center in %s.\n", a.host.Tilde(a.files.Config))
		a.out.Print("fob sso add NAME --start-url URL --region REGION adds one.\n")
		return nil
	}
	t := ui.Table{Columns: []ui.Column{
		{Title: "SIGN-IN", Shrink: true}, {Title: "START URL", Shrink: true}, {Title: "REGION"}, {Title: "PROFILES"}, {Title: "STATE", Shrink: true},
	}}
	for _, s := range found {
		t.Rows = append(t.Rows, []ui.Styled{
			orDash(s.Session), orDash(s.StartURL), orDash(s.Region), ui.Plain.Text(ui.Count(len(s.Profiles), "profile")), ssoState(all, s, now),
		})
	}
	err = a.out.Table(t)
	for _, s := range found {
		if s.Err != nil {
			a.out.Hang(ui.Styled{}, ui.Caution.Text(a.out.Sentence(s.Err)))
		}
	}
	return err
}

// ssoState is whether somebody has to sign in.
func ssoState(all *profiles.Profiles, s plan.SignIn, now time.Time) ui.Styled {
	if s.Err != nil {
		return ui.Caution.Text("cannot be used")
	}
	switch in := all.SignInOf(s.SSO, now); {
	case in.Renews:
		return ui.Good.Text("signed in")
	case !in.Until.IsZero():
		return ui.Good.Text("until " + ui.Clock(in.Until, now))
	}
	return ui.Dim.Text("signed out")
}

func ssoRows(all *profiles.Profiles, found []plan.SignIn, now time.Time) []ssoRow {
	rows := []ssoRow{}
	for _, s := range found {
		row := ssoRow{
			Name: s.Name(), Session: s.Session, StartURL: s.StartURL, Region: s.Region, Scopes: s.Scopes,
			From: s.Origin(), Profiles: append([]string{}, s.Profiles...),
		}
		if s.Err != nil {
			row.Problem = s.Err.Error()
		} else {
			in := all.SignInOf(s.SSO, now)
			row.SignedIn, row.Renews = format.Time(in.Until), in.Renews
		}
		rows = append(rows, row)
	}
	return rows
}
