package main

import (
	"cmp"
	"errors"
	"time"

	"fob/internal/cmdline"
	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/ui"
)

type statusCmd struct {
	All    bool   `help:"Show every profile that is signed in, not only this shell's."`
	JSON   bool   `xor:"as" help:"Print JSON."`
	Format string `xor:"as" help:"A line for a prompt, with {profile}, {account}, {region}, {until} and {left} in it." placeholder:"TEMPLATE"`
}

func (statusCmd) Help() string {
	return `This shell's profile is that of the fob exec it runs in, else AWS_PROFILE, else
FOB_PROFILE. The exit code is 1 if it is not signed in. fob reads no secret, does not ask
and does not call AWS.

    fob status --format '{profile} {left}'    prints dev 2h 13m
    fob status --quiet || fob login dev`
}

// signedIn is a profile in status --json.
type signedIn struct {
	Profile string `json:"profile,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	From    string `json:"from,omitempty"`  // environment: the shell has the credentials; store: fob has a session
	Until   string `json:"until,omitempty"` // RFC 3339, UTC
	Seconds int    `json:"seconds_left"`

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
	if c.All {
		return c.showAll(a, line, now)
	}
	s, err := thisShell(a, now)
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = a.out.JSON(s)
	case s.Profile != "":
		err = s.print(a, line, now)
	case c.Format == "":
		a.out.Answer("No profile in this shell. Start one with fob exec PROFILE, or set AWS_PROFILE.")
	}
	if err == nil && s.Seconds == 0 && !s.endless && !s.unknown {
		return errNegative
	}
	return err
}

func (c *statusCmd) showAll(a *app, line format.Template, now time.Time) error {
	all, err := allSignedIn(a, now)
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.out.JSON(all)
	} else {
		for _, s := range all {
			err = errors.Join(err, s.print(a, line, now))
		}
	}
	if err == nil && len(all) == 0 {
		return errNegative
	}
	return err
}

// thisShell is the state of this shell's profile; zero if it has none.
func thisShell(a *app, now time.Time) (signedIn, error) {
	if profile := a.getenv("FOB_PROFILE"); profile != "" && a.getenv("AWS_ACCESS_KEY_ID") != "" {
		// SDKs use these before any profile.
		s := signedIn{
			Profile: profile, Account: a.getenv("AWS_ACCOUNT_ID"), Region: a.getenv("AWS_REGION"),
			From: "environment", endless: a.getenv("AWS_SESSION_TOKEN") == "",
		}
		// Ignore an unparsable time; another tool may have set it.
		until, err := time.Parse(time.RFC3339, a.getenv("AWS_CREDENTIAL_EXPIRATION"))
		s.unknown = err != nil && !s.endless
		return s.ending(until, now), nil
	}
	profile := cmp.Or(a.getenv("AWS_PROFILE"), a.getenv("FOB_PROFILE"))
	if profile == "" {
		return signedIn{}, nil
	}
	all, err := a.profiles()
	if err != nil {
		return signedIn{}, err
	}
	p, err := all.Plan(profile, plan.Options{Export: true})
	if err != nil {
		return signedIn{}, err
	}
	s := signedIn{Profile: profile, Account: p.Account, Region: p.Region, From: "store"}
	return s.ending(all.SignedInUntil(p, now), now), nil
}

// allSignedIn are the profiles with a live session in the store.
func allSignedIn(a *app, now time.Time) ([]signedIn, error) {
	all, err := a.profiles()
	if err != nil {
		return nil, err
	}
	names, err := a.profileNames(all)
	if err != nil {
		return nil, err
	}
	live := []signedIn{}
	for _, r := range all.Rows(names, now) {
		if !r.SignedIn.IsZero() {
			s := signedIn{Profile: r.Profile, Account: r.Account, Region: r.Region, From: "store"}
			live = append(live, s.ending(r.SignedIn, now))
		}
	}
	return live, nil
}

func (s signedIn) ending(until, now time.Time) signedIn {
	if until.After(now) {
		s.until, s.Until = until, format.Time(until)
		s.Seconds = int(until.Sub(now).Seconds())
	}
	return s
}

// left is the time left as a prompt shows it; "" if there is none.
func (s signedIn) left() string {
	if s.Seconds == 0 {
		return ""
	}
	return ui.Left(time.Duration(s.Seconds) * time.Second)
}

// print prints the line for a person, or the template filled in. Only the fields of
// the template are cleaned: the name of a profile must not move the cursor, but the
// user's own text may set the colors of a shell's prompt.
func (s signedIn) print(a *app, line format.Template, now time.Time) error {
	switch {
	case line == nil:
		a.out.Answer("%s", s.text(now))
	case !a.Quiet:
		text := line.Fill(func(field string) string { return term.Clean(s.field(field, now)) })
		return a.out.Write([]byte(text + "\n"))
	}
	return nil
}

// text is the line for a person.
func (s signedIn) text(now time.Time) string {
	text := ui.Session(s.Profile, s.Account, s.until, now)
	switch {
	case s.Seconds > 0:
		return text + " (" + s.left() + " left)"
	case s.endless:
		return text + ": the long-lived key itself"
	case s.unknown:
		return text + ": a session that does not say when it expires"
	case s.From == "environment":
		return text + ": expired (type exit to leave this shell)"
	}
	return text + ": not signed in (fob login " + cmdline.Quote(s.Profile) + ")"
}

// field of a template; "" if it is not known.
func (s signedIn) field(name string, now time.Time) string {
	switch name {
	case "account":
		return s.Account
	case "left":
		return s.left()
	case "profile":
		return s.Profile
	case "region":
		return s.Region
	case "until":
		if !s.until.IsZero() {
			return ui.Clock(s.until, now)
		}
	}
	return ""
}
