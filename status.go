package main

import (
	"cmp"
	"os"
	"time"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/term"
)

type statusCmd struct {
	All    bool   `help:"Every profile that is signed in, not only this shell's."`
	JSON   bool   `xor:"as" help:"For programs."`
	Format string `xor:"as" help:"A line for a prompt, with {profile}, {account}, {region}, {until} and {left} in it." placeholder:"TEMPLATE"`
}

func (statusCmd) Help() string {
	return `This shell's profile is that of the fob exec it runs in, else AWS_PROFILE, else FOB_PROFILE.
The exit code is 1 if it is not signed in. No secret is read, nobody is asked and AWS is not called.

    fob status --format '{profile} {left}'    dev 2h 13m
    fob status --quiet || fob login dev`
}

// signedIn is what status says of a profile; the names are the JSON's.
type signedIn struct {
	Profile string `json:"profile,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	From    string `json:"from,omitempty"`  // environment: the shell has the credentials; store: fob has a session
	Until   string `json:"until,omitempty"` // RFC 3339, UTC
	Seconds int    `json:"seconds_left"`

	until time.Time
	// endless: the shell was given a long-lived key.
	endless bool
}

func (c *statusCmd) Run(a *app) error {
	line, err := format.ParseTemplate(c.Format, []string{"account", "left", "profile", "region", "until"})
	if err != nil {
		return &usageError{Command: "status", Problem: "--format: " + err.Error()}
	}
	now := time.Now()
	if c.All {
		return c.showAll(a, line, now)
	}
	s, err := a.thisShell(now)
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = a.printJSON(s)
	case s.Profile != "":
		a.answer("%s", s.text(line, now))
	case c.Format == "":
		a.answer("This shell has no profile: fob exec PROFILE starts one that has, or set AWS_PROFILE.")
	}
	if err == nil && s.Seconds == 0 && !s.endless {
		return errNegative
	}
	return err
}

func (c *statusCmd) showAll(a *app, line format.Template, now time.Time) error {
	all, err := a.allSignedIn(now)
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.printJSON(all)
	} else {
		for _, s := range all {
			a.answer("%s", s.text(line, now))
		}
	}
	if err == nil && len(all) == 0 {
		return errNegative
	}
	return err
}

// thisShell is the state of this shell's profile; zero if it has none.
func (a *app) thisShell(now time.Time) (signedIn, error) {
	if profile := os.Getenv("FOB_PROFILE"); profile != "" && os.Getenv("AWS_ACCESS_KEY_ID") != "" {
		// SDKs take these before any profile.
		s := signedIn{
			Profile: profile,
			Account: os.Getenv("AWS_ACCOUNT_ID"),
			Region:  os.Getenv("AWS_REGION"),
			From:    "environment",
			endless: os.Getenv("AWS_SESSION_TOKEN") == "",
		}
		until, _ := time.Parse(time.RFC3339, os.Getenv("AWS_CREDENTIAL_EXPIRATION")) // another's is none
		return s.ending(until, now), nil
	}
	profile := cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("FOB_PROFILE"))
	if profile == "" {
		return signedIn{}, nil
	}
	p, err := a.resolve(profile, plan.Options{})
	if err != nil {
		return signedIn{}, err
	}
	s := signedIn{Profile: profile, Account: p.Account, Region: p.Region, From: "store"}
	return s.ending(a.signedInUntil(p), now), nil
}

// allSignedIn are the profiles with a live session in the store.
func (a *app) allSignedIn(now time.Time) ([]signedIn, error) {
	rows, err := a.rows()
	if err != nil {
		return nil, err
	}
	all := []signedIn{}
	for _, r := range rows {
		if len(r.Sessions) > 0 {
			s := signedIn{Profile: r.Profile, Account: r.Account, Region: r.Region, From: "store"}
			all = append(all, s.ending(r.until(), now))
		}
	}
	return all, nil
}

func (s signedIn) ending(until, now time.Time) signedIn {
	if until.After(now) {
		s.until, s.Until = until, format.Time(until)
		s.Seconds = int(until.Sub(now).Seconds())
	}
	return s
}

// left is the time left, in minutes, as a prompt shows it; empty if there is none.
func (s signedIn) left() string {
	if s.Seconds == 0 {
		return ""
	}
	left := time.Duration(s.Seconds) * time.Second
	if left < time.Minute {
		return plan.Duration(left)
	}
	return plan.Duration(left.Truncate(time.Minute))
}

// text is the line for a person, or the template filled in.
func (s signedIn) text(line format.Template, now time.Time) string {
	if line != nil {
		// The name of a profile is not to move the cursor of whose prompt it is.
		return line.Fill(func(field string) string { return term.Clean(s.field(field, now)) })
	}
	text := summary(s.Profile, s.Account, s.until)
	switch {
	case s.Seconds > 0:
		return text + " (" + s.left() + " left)"
	case s.endless:
		return text + ": the long-lived key itself"
	case s.From == "environment":
		return text + ": ended (exit leaves this shell)"
	}
	return text + ": not signed in (fob login " + word(s.Profile) + ")"
}

// field of a template; empty if it is not known.
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
			return clock(s.until, now)
		}
	}
	return ""
}
