package profiles

import (
	"path/filepath"
	"strings"
	"time"

	"fob/internal/cmdline"
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
	}
	return p.Steps[0].Kind()
}

// roleName is the last part of a role's ARN. Other servers than AWS have ARNs without
// a slash.
func roleName(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

// ShortKey is an access key ID by which its owner knows it again: AKIA...MPLE.
func ShortKey(id string) string {
	if len(id) < 12 {
		return id
	}
	return id[:4] + "..." + id[len(id)-4:]
}

// State is what a person wants to know about a profile's session: the time that is
// left of its own; that one can be made without asking anybody, because the profile
// is signed in; or that somebody must sign in.
func (r Row) State(now time.Time) string {
	switch {
	case r.Problem != nil:
		return "-"
	case !r.Session.IsZero():
		return ui.Left(r.Session.Sub(now)) + " left"
	case !r.SignedIn.IsZero():
		return "signed in"
	case r.MFASerial != "" && !r.Seed:
		return "signed out"
	}
	return "-" // the next session needs nobody
}
