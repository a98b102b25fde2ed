package profiles

import (
	"path/filepath"
	"strings"
	"time"

	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
)

// Route is how a plan gets credentials, in few words: the key or the profile that it
// starts from, and the roles that it assumes, such as "base > hub > deploy".
func Route(p plan.Plan) string {
	route := start(p)
	for _, arn := range p.Roles() {
		route += " > " + roleName(arn)
	}
	return route
}

// start names the source of a plan: the profile that has it, or what it is if that is
// the plan's own profile.
func start(p plan.Plan) string {
	if _, env := p.Steps[0].(plan.Environment); !env && p.Source() != p.Profile {
		return p.Source()
	}
	switch s := p.Steps[0].(type) {
	case plan.StoredKey:
		return ShortKey(s.KeyID)
	case plan.PlaintextKey:
		return "plain text " + ShortKey(s.KeyID)
	case plan.Process:
		if words := cmdline.Words(s.Command); len(words) > 0 {
			return "process " + filepath.Base(words[0])
		}
	case plan.SSO:
		return "SSO " + s.Title() + " > " + s.RoleName
	case plan.ConsoleLogin:
		return "console sign-in"
	case plan.WebIdentity:
		return "web identity"
	}
	return p.Steps[0].Kind()
}

// roleName is the last part of a role's ARN. Other servers than AWS have ARNs without
// a slash.
func roleName(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

// ShortKey is an access key ID by which its owner knows it again: AKIA...MPLE.
func ShortKey(id string) string { return creds.ShortID(id) }

// Name is the name of the profile.
func (r Row) Name() ui.Styled {
	if r.Idle {
		return ui.Dim.Text(r.Profile)
	}
	return ui.Plain.Text(r.Profile)
}

// Credentials is the route, with the age of the profile's own key.
func (r Row) Credentials(now time.Time) ui.Styled {
	_, machine := r.Problem.(*plan.MachineRoleError)
	switch {
	case r.Idle, machine:
		return ui.Dim.Text(r.Route)
	case r.Problem != nil:
		return ui.Caution.Text(r.Route)
	case r.Source == plan.PlaintextKey{}.Kind() && r.SourceProfile == r.Profile:
		return ui.Caution.Text(r.Route)
	case r.KeyID == "":
		return ui.Plain.Text(r.Route)
	}
	since := r.KeyCreated
	if since.IsZero() {
		since = r.KeyAdded // when it may have been old already
	}
	if age := ui.Age(now.Sub(since)); age != "today" {
		return ui.Plain.Text(r.Route + ", " + age + " old")
	}
	return ui.Plain.Text(r.Route + ", added today")
}

// InAccount is the account, with a question mark if only the key's ID tells it.
func (r Row) InAccount() string {
	if r.Guess != "" {
		return r.Guess + "?"
	}
	return r.Account
}

// Device is the MFA device, and whether fob makes its codes.
func (r Row) Device() string {
	if r.Seed {
		return plan.ShortSerial(r.MFASerial) + " (stored)"
	}
	return plan.ShortSerial(r.MFASerial)
}

// Has reports whether all words of a query are in what list shows of the profile, or in
// the IDs and ARNs that it shortens.
func (r Row) Has(query string, now time.Time) bool {
	cells := []string{r.Credentials(now).Text, r.InAccount(), r.Device(), r.State(now).Text, r.KeyID, r.MFASerial}
	return ui.Choice{Name: r.Profile, Cells: append(cells, r.Roles...)}.Has(query)
}

// SignedOut reports whether a person has to sign in before the profile can be used.
func (r Row) SignedOut() bool {
	needs := r.MFASerial != "" && !r.Seed || r.Source == plan.SSO{}.Kind() || r.Source == plan.ConsoleLogin{}.Kind()
	return r.Problem == nil && needs && r.Session.IsZero() && r.SignedIn.IsZero() && !r.SignIn.Renews
}

// State is what a person wants to know about a profile's session: the time that is
// left of its own; that one can be made without asking anybody, because the profile
// is signed in; or that somebody must sign in.
func (r Row) State(now time.Time) ui.Styled {
	switch {
	case r.Problem != nil:
		return ui.Dim.Text("-")
	case !r.Session.IsZero():
		return ui.Good.Text(ui.Left(r.Session.Sub(now)) + " left")
	case !r.Refused.IsZero():
		return ui.Bad.Text("refused by AWS")
	case !r.SignedIn.IsZero(), r.SignIn.Renews:
		return ui.Good.Text("signed in")
	case r.SignedOut():
		return ui.Dim.Text("signed out")
	}
	return ui.Dim.Text("-") // the next session needs nobody
}
