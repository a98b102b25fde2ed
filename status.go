package main

import (
	"cmp"
	"time"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/profiles"
)

type statusCmd struct {
	Profile string `arg:"" optional:"" help:"The profile; else this shell's."`
	All     bool   `help:"Show every profile that is signed in, not only this shell's."`
	JSON    bool   `xor:"as" help:"Print JSON."`
	Format  string `xor:"as" help:"A line for a prompt, with {profile}, {account}, {region}, {until} and {left} in it." placeholder:"TEMPLATE"`
}

func (statusCmd) Help() string {
	return `This shell's profile is the one that fob exec or fob export gave it credentials of, else
AWS_PROFILE, else FOB_PROFILE. The exit code is 1 if it is not signed in. fob reads no
secret, does not ask and does not call AWS.

    fob status prod
    fob status --format '{profile} {left}'    prints dev 2h 13m
    fob status --quiet || fob login dev`
}

// signedIn is a profile in status --json.
type signedIn struct {
	Profile string `json:"profile,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	From    string `json:"from,omitempty"`       // environment: the shell has its credentials; other: those of somebody else; store: fob has a session
	KeyID   string `json:"key_id,omitempty"`     // of the shell's credentials
	Until   string `json:"until,omitempty"`      // RFC 3339, UTC
	Refused string `json:"refused_at,omitempty"` // likewise
	Seconds int    `json:"seconds_left"`
	Renews  bool   `json:"renews,omitempty"` // it lasts longer: fob renews the sign-in

	until   time.Time
	endless bool // the shell has a long-lived key
	unknown bool // or a session, and nobody knows until when
}

func (c *statusCmd) Run(a *app) error {
	line, err := format.ParseTemplate(c.Format, []string{"account", "left", "profile", "region", "until"})
	if err != nil {
		return usagef("--format: %v", err)
	}
	now := a.now()
	var s signedIn
	switch {
	case c.All && c.Profile != "":
		return usagef("--all shows every profile; leave out %q", c.Profile)
	case c.All:
		return c.showAll(a, line, now)
	case c.Profile != "":
		s, err = inStore(a, c.Profile, now)
	default:
		s, err = thisShell(a, now)
	}
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = a.out.JSON(s)
	case s.From == fromOther && c.Format == "":
		a.out.Answer("This shell has credentials that are not from fob: %s, %s.", profiles.ShortKey(s.KeyID), s.lasts(now))
		if profile := a.getenv("AWS_PROFILE"); profile != "" {
			a.out.Note("most programs use them, and not AWS_PROFILE (%s)", profile)
		}
	case s.From != "" && s.From != fromOther:
		err = s.print(a, line, now)
	case c.Format == "":
		sayNone(a)
	}
	if err == nil && !s.live() {
		return errNegative
	}
	return err
}

// sayNone says that the shell has no profile, and what AWS's tools take for one.
func sayNone(a *app) {
	if all, err := a.profiles(); err == nil {
		if _, err := all.Plan("default", plan.Options{Shown: true}); err == nil {
			a.out.Answer("No profile in this shell, so AWS tools use default (fob status default).")
			return
		}
	}
	a.out.Answer("No profile in this shell. Start one with fob exec PROFILE, or set AWS_PROFILE.")
}

// Where a shell's credentials come from.
const (
	fromShell = "environment"
	fromOther = "other"
	fromStore = "store"
)

// thisShell is the state of this shell's profile; zero if it has none.
func thisShell(a *app, now time.Time) (signedIn, error) {
	id := a.getenv("AWS_ACCESS_KEY_ID")
	if id == "" {
		if profile := cmp.Or(a.getenv("AWS_PROFILE"), a.getenv("FOB_PROFILE")); profile != "" {
			return inStore(a, profile, now)
		}
		return signedIn{}, nil
	}
	// SDKs use these before any profile.
	s := signedIn{From: fromOther, KeyID: id, endless: plan.EnvironmentToken(a.getenv) == ""}
	if id == a.getenv("FOB_KEY_ID") {
		s.From, s.Profile, s.Account, s.Region = fromShell, a.getenv("FOB_PROFILE"), a.getenv("AWS_ACCOUNT_ID"), a.getenv("AWS_REGION")
	}
	if s.endless {
		return s, nil // a time that is still there is not the key's
	}
	// Ignore an unparsable time; another tool may have set it.
	until, err := time.Parse(time.RFC3339, a.getenv("AWS_CREDENTIAL_EXPIRATION"))
	s.unknown = err != nil
	return s.ending(until, now), nil
}

// inStore is the state of a profile by its cached sessions.
func inStore(a *app, profile string, now time.Time) (signedIn, error) {
	all, err := a.profiles()
	if err != nil {
		return signedIn{}, err
	}
	p, err := all.Plan(profile, plan.Options{Export: true, Shown: true})
	if err != nil {
		return signedIn{}, err
	}
	s := signedIn{Profile: profile, Account: p.Account, Region: p.Region, From: fromStore}
	if refused := all.Refused(p, now); !refused.IsZero() {
		s.Refused = format.Time(refused)
		return s, nil
	}
	s.Renews = all.SignIn(p, now).Renews
	return s.ending(all.SignedInUntil(p, now), now), nil
}

func (s signedIn) ending(until, now time.Time) signedIn {
	if until.After(now) {
		s.until, s.Until = until, format.Time(until)
		s.Seconds = int(until.Sub(now).Seconds())
	}
	return s
}

// live reports whether programs have credentials of the profile.
func (s signedIn) live() bool {
	return s.From != fromOther && (s.Seconds > 0 || s.endless || s.unknown || s.Renews)
}
