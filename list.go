package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/format"
	"fob/internal/profiles"
	"fob/internal/term"
	"fob/internal/ui"
)

type listCmd struct {
	Words []string `arg:"" optional:"" name:"word" help:"Show only profiles with these words in their row."`
	JSON  bool     `xor:"as" help:"Print JSON."`
	Names bool     `xor:"as" aliases:"profiles" help:"Print only the names, one per line."`
}

func (listCmd) Help() string {
	return `Shows every profile in the AWS files and in the store: where its credentials come from,
its account, its MFA device, and whether it is signed in. It unlocks nothing and does not
ask.

    fob list
    fob list prod eu                 only the profiles with both words
    fob list --names                 one name per line, for scripts`
}

// listRow is a profile in list --json.
type listRow struct {
	Profile   string        `json:"profile"`
	KeyID     string        `json:"key_id,omitempty"`
	KeyAdded  string        `json:"key_added,omitempty"`   // RFC 3339, UTC
	Created   string        `json:"key_created,omitempty"` // in AWS
	Account   string        `json:"account,omitempty"`
	Guess     string        `json:"account_guess,omitempty"` // by the key's ID
	Region    string        `json:"region,omitempty"`
	MFASerial string        `json:"mfa_serial,omitempty"`
	Seed      bool          `json:"seed"`
	Source    string        `json:"source,omitempty"`         // how its credentials begin: a kind of explain's
	From      string        `json:"source_profile,omitempty"` // whose key or process that is
	Roles     []string      `json:"roles,omitempty"`
	Sessions  []listSession `json:"sessions"` // the profile's own
	SignedIn  string        `json:"signed_in_until,omitempty"`
	Renews    bool          `json:"renews,omitempty"` // the sign-in lasts longer: fob renews it
	Refused   string        `json:"refused_at,omitempty"`
	Problem   string        `json:"problem,omitempty"`
}

type listSession struct {
	Expires string `json:"expires"` // RFC 3339, UTC
}

func (c *listCmd) Run(a *app) error {
	all, err := a.profiles()
	if err != nil {
		return err
	}
	names, err := a.profileNames(all)
	if err != nil {
		return err
	}
	if c.Names && len(c.Words) == 0 {
		return printNames(a, names)
	}
	now, query := a.now(), strings.Join(c.Words, " ")
	rows := all.Rows(names, now)
	shown := slices.DeleteFunc(slices.Clone(rows), func(r profiles.Row) bool { return !r.Has(query, now) })
	switch {
	case c.JSON:
		err = a.out.JSON(listRows(shown))
	case c.Names:
		err = printNames(a, namesOf(shown))
	case len(rows) == 0:
		a.out.Print("%s\n", noProfiles)
		a.sayMovingIn(all, true)
	case len(shown) == 0:
		a.out.Print("No profile has %q in its row.\n", query)
	default:
		err = printTable(a, shown, now)
		if slices.ContainsFunc(shown, func(r profiles.Row) bool { return r.Guess != "" }) {
			a.out.Hang(ui.Styled{}, ui.Dim.Text("? by the key's ID: AWS was not asked"))
		}
		printCauses(a, shown)
		if len(c.Words) == 0 {
			a.sayMovingIn(all, true)
		}
	}
	if err == nil && len(shown) == 0 && len(c.Words) > 0 {
		return errNegative
	}
	return err
}

func namesOf(rows []profiles.Row) (names []string) {
	for _, r := range rows {
		names = append(names, r.Profile)
	}
	return names
}

func printNames(a *app, names []string) error {
	var list strings.Builder
	for _, n := range names {
		fmt.Fprintln(&list, n)
	}
	return a.out.Write([]byte(list.String()))
}

// printCauses says below the table why profiles cannot be used, and what helps.
func printCauses(a *app, rows []profiles.Row) {
	const most = 8
	causes := profiles.Causes(rows)
	for _, c := range causes[:min(len(causes), most)] {
		printCause(a, ui.Caution.Text(a.out.Sentence(errors.New(c.Text))), a.judge(c.Err).hints)
	}
	if more := len(causes) - most; more > 0 {
		a.out.Print("%d more: fob list --json\n", more)
	}
	refused := namesOf(slices.DeleteFunc(slices.Clone(rows), func(r profiles.Row) bool { return r.Refused.IsZero() }))
	if len(refused) > 0 {
		printCause(a, ui.Bad.Text("AWS refused the last session for "+ui.List(refused)), []ui.Hint{ui.Type("fob", "login", refused[0])})
	}
	if len(causes) == 0 && !slices.ContainsFunc(rows, func(r profiles.Row) bool { return r.Problem == nil }) {
		a.out.Print("No profile has a key yet: fob add PROFILE\n")
	}
}

// printCause prints a cause with what helps: a command stays behind its cause if the
// terminal has room for both.
func printCause(a *app, text ui.Styled, hints []ui.Hint) {
	helps := ""
	if len(hints) > 0 {
		helps = cmp.Or(hints[0].Command, hints[0].Words)
	}
	columns := a.out.Columns()
	switch {
	case helps == "":
		a.out.Hang(ui.Styled{}, text)
	case hints[0].Command == "", columns > 0 && term.Width(text.Text+": "+helps) > columns:
		a.out.Hang(ui.Styled{}, text)
		a.out.Print("  > %s\n", helps)
	default:
		a.out.Print("%s: %s\n", text, helps)
	}
}

func listRows(rows []profiles.Row) []listRow {
	list := []listRow{}
	for _, r := range rows {
		row := listRow{
			Profile: r.Profile, KeyID: r.KeyID, KeyAdded: format.Time(r.KeyAdded), Created: format.Time(r.KeyCreated),
			Account: r.Account, Guess: r.Guess, Region: r.Region, MFASerial: r.MFASerial, Seed: r.Seed,
			Source: r.Source, From: r.SourceProfile, Roles: r.Roles,
			Sessions: []listSession{}, SignedIn: format.Time(r.SignedIn), Renews: r.SignIn.Renews, Refused: format.Time(r.Refused),
		}
		if !r.Session.IsZero() {
			row.Sessions = append(row.Sessions, listSession{format.Time(r.Session)})
		}
		if r.Problem != nil {
			row.Problem = r.Problem.Error()
		}
		list = append(list, row)
	}
	return list
}
