package main

import (
	"cmp"
	"fmt"
	"time"

	"fob/internal/cmdline"
	"fob/internal/format"
	"fob/internal/term"
	"fob/internal/ui"
)

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
		profile := cmdline.Quote(s.Profile)
		who := ui.Session(cmp.Or(s.Profile, "a session of fob's"), s.Account, s.until, now)
		switch {
		case s.Renews:
			a.out.Answer("%s: %s", ui.Session(s.Profile, s.Account, time.Time{}, now), ui.Good.Text("signed in, "+renews))
		case s.Seconds > 0:
			a.out.Answer("%s (%s)", who, ui.Good.Text(s.left()+" left"))
		case s.endless, s.unknown:
			a.out.Answer("%s: %s", who, ui.Caution.Text(s.lasts(now)))
		case s.From == fromShell:
			a.out.Answer("%s: %s (type exit, or fob exec %s)", who, ui.Caution.Text("expired"), profile)
		case s.Refused != "":
			a.out.Answer("%s: %s (fob login %s)", who, ui.Bad.Text("AWS refused its last session"), profile)
		default:
			a.out.Answer("%s: %s (fob login %s)", who, ui.Dim.Text("not signed in"), profile)
		}
	case !a.Quiet:
		text := line.Fill(func(field string) string { return term.Clean(s.field(field, now)) })
		return a.out.Write([]byte(text + "\n"))
	}
	return nil
}

// lasts says how long credentials of the shell last.
func (s signedIn) lasts(now time.Time) string {
	switch {
	case s.Seconds > 0:
		return fmt.Sprintf("until %s (%s left)", ui.Clock(s.until, now), s.left())
	case s.endless:
		return "a long-lived key"
	case s.unknown:
		return "a session, no expiry known"
	}
	return "expired"
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
