package main

import (
	"errors"
	"net/url"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
)

type ssoAddCmd struct {
	Name     string   `arg:"" help:"A name that you choose, such as corp; profiles refer to it."`
	StartURL string   `name:"start-url" required:"" help:"The address of your AWS access portal." placeholder:"URL"`
	Region   string   `required:"" help:"The region of Identity Center, which the portal's settings show." placeholder:"REGION"`
	Scopes   []string `help:"What the sign-in may be used for; AWS's tools ask for sso:account:access." placeholder:"SCOPE"`
}

func (ssoAddCmd) Help() string {
	return `Adds an [sso-session] section to the AWS config, as aws configure sso-session does. Other
AWS tools can use it too. Profiles for its accounts and roles come after that.

    fob sso add corp --start-url https://corp.awsapps.com/start --region eu-west-1
    fob sso profiles corp`
}

func (c *ssoAddCmd) Run(a *app) error {
	header, err := awsconfig.Header("sso-session", c.Name)
	if err != nil {
		return usagef("%v", err)
	}
	address, err := url.Parse(c.StartURL)
	switch {
	case err != nil || address.Hostname() == "" || address.Scheme != "https":
		return noHelpf("--start-url: %q is not an address that begins with https://", c.StartURL)
	case !plan.IsRegion(c.Region):
		return noHelpf("--region: invalid region %q; use a name such as eu-west-1", c.Region)
	}
	lines := wire.Lines{{"sso_start_url", c.StartURL}, {"sso_region", c.Region}}
	scopes := strings.FieldsFunc(strings.Join(c.Scopes, ","), func(r rune) bool { return r == ',' || r == ' ' })
	if len(scopes) == 0 {
		scopes = []string{plan.DefaultScope}
	}
	lines = append(lines, [2]string{"sso_registration_scopes", strings.Join(scopes, ",")})
	_, err = a.files.Edit(func(text string) (string, error) { return awsconfig.AppendSection(text, header, lines) })
	if errors.Is(err, awsconfig.ErrSection) {
		return c.exists(a)
	}
	if err != nil {
		if e, ok := errors.AsType[*profiles.WriteError](err); ok {
			a.showLines("Add these lines to", "", e.Added)
		}
		return err
	}
	a.showLines("Added to", "", append([]string{header}, lines.Text()...))
	a.out.Say("Next:  fob sso profiles %s     a profile for each account and role", cmdline.Quote(c.Name))
	return nil
}

// exists is the error for a name that is taken.
func (c *ssoAddCmd) exists(a *app) error {
	all, err := a.profiles()
	if err != nil {
		return err
	}
	in, err := all.SignInNamed(c.Name)
	if err != nil {
		return err
	}
	return noHelpf("sign-in %q already exists (%s)", c.Name, in.Origin())
}
