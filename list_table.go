package main

import (
	"slices"
	"time"

	"fob/internal/cmdline"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// printTable prints the rows. Where a terminal is too narrow to say behind each profile
// how to sign in, the names need the room more, and it is said once.
func printTable(a *app, rows []profiles.Row, now time.Time) error {
	table, columns := listTable(rows, now, listState), a.out.Columns()
	if columns == 0 || table.Width() <= columns {
		return a.out.Table(table)
	}
	err := a.out.Table(listTable(rows, now, profiles.Row.State))
	if i := slices.IndexFunc(rows, needsBrowser); i >= 0 {
		a.out.Print("To sign in: fob login %s\n", cmdline.Quote(rows[i].Profile))
	}
	return err
}

func listTable(rows []profiles.Row, now time.Time, state func(profiles.Row, time.Time) ui.Styled) ui.Table {
	t := ui.Table{Columns: []ui.Column{
		{Title: "PROFILE", Shrink: true}, {Title: "CREDENTIALS", Shrink: true}, {Title: "ACCOUNT"},
		{Title: "MFA", Shrink: true}, {Title: "SESSION", Shrink: true},
	}}
	for _, r := range rows {
		t.Rows = append(t.Rows, []ui.Styled{
			r.Name(), r.Credentials(now), orDash(r.InAccount()), orDash(r.Device()), state(r, now),
		})
	}
	return t
}

// listState is the state of a profile, and what to type where only that gets further: no
// code that somebody is asked for later signs in with a browser.
func listState(r profiles.Row, now time.Time) ui.Styled {
	if needsBrowser(r) {
		return ui.Dim.Text("sign in: fob login " + cmdline.Quote(r.Profile))
	}
	return r.State(now)
}

// needsBrowser reports whether a profile needs a sign-in with a browser now.
func needsBrowser(r profiles.Row) bool { return r.SignedOut() && r.MFASerial == "" }
