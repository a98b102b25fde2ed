package main

import (
	"time"

	"fob/internal/cmdline"
	"fob/internal/format"
	"fob/internal/ui"
)

// showAll shows the profiles that are signed in.
func (c *statusCmd) showAll(a *app, line format.Template, now time.Time) error {
	all, refused, err := allSignedIn(a, now)
	switch {
	case err != nil:
		return err
	case c.JSON:
		err = a.out.JSON(all)
	case c.Format != "":
		for _, s := range all {
			if err = s.print(a, line, now); err != nil {
				break
			}
		}
	case a.Quiet:
	case len(all) > 0:
		t := ui.Table{Columns: []ui.Column{{Title: "PROFILE", Shrink: true}, {Title: "ACCOUNT"}, {Title: "SIGNED IN"}, {}}}
		for _, s := range all {
			row := []ui.Styled{{Text: s.Profile}, {Text: s.Account}, {Text: "until " + ui.Clock(s.until, now)}, ui.Good.Text(s.left() + " left")}
			if s.Renews {
				row[2], row[3] = ui.Styled{Text: renews}, ui.Styled{}
			}
			t.Rows = append(t.Rows, row)
		}
		err = a.out.Table(t)
	default:
		a.out.Answer("No profile is signed in. fob login PROFILE signs in.")
	}
	if len(refused) > 0 && !c.JSON && c.Format == "" {
		a.out.Note("AWS refused the last session for %s: fob login %s", ui.List(refused), cmdline.Quote(refused[0]))
	}
	if err == nil && len(all) == 0 {
		return errNegative
	}
	return err
}

// allSignedIn are the profiles with a live session in the store, and the names of
// those that AWS has refused since they signed in.
func allSignedIn(a *app, now time.Time) (live []signedIn, refused []string, err error) {
	all, err := a.profiles()
	if err != nil {
		return nil, nil, err
	}
	names, err := a.profileNames(all)
	if err != nil {
		return nil, nil, err
	}
	live = []signedIn{}
	for _, r := range all.Rows(names, now) {
		switch {
		case !r.Refused.IsZero():
			refused = append(refused, r.Profile)
		case !r.SignedIn.IsZero(), r.SignIn.Renews:
			s := signedIn{Profile: r.Profile, Account: r.Account, Region: r.Region, From: fromStore, Renews: r.SignIn.Renews}
			live = append(live, s.ending(r.SignedIn, now))
		}
	}
	return live, refused, nil
}
