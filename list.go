package main

import (
	"fmt"
	"strings"
	"time"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

type listCmd struct {
	JSON  bool `xor:"as" help:"Print JSON."`
	Names bool `xor:"as" help:"Print only the names, one per line."`
}

func (listCmd) Help() string {
	return `Shows every profile in the AWS files and in the store: where its credentials come from,
its account, its MFA device, and whether it is signed in. It unlocks nothing and does not
ask.

    fob list
    fob list --names                 one name per line, for scripts`
}

// listRow is a profile in list --json.
type listRow struct {
	Profile   string        `json:"profile"`
	KeyID     string        `json:"key_id,omitempty"`
	KeyAdded  string        `json:"key_added,omitempty"` // RFC 3339, UTC
	Account   string        `json:"account,omitempty"`
	Region    string        `json:"region,omitempty"`
	MFASerial string        `json:"mfa_serial,omitempty"`
	Seed      bool          `json:"seed"`
	Source    string        `json:"source,omitempty"` // how its credentials begin: a kind of explain's
	Sessions  []listSession `json:"sessions"`         // the profile's own
	SignedIn  string        `json:"signed_in_until,omitempty"`
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
	if c.Names {
		var list strings.Builder
		for _, n := range names {
			fmt.Fprintln(&list, n)
		}
		return a.out.Write([]byte(list.String()))
	}
	rows := all.Rows(names, a.now())
	switch {
	case c.JSON:
		return a.out.JSON(listRows(rows))
	case len(rows) == 0:
		a.out.Print("Nothing is stored yet. Store a key with fob add PROFILE.\n")
		return nil
	}
	table := ui.Table{Columns: []ui.Column{{Title: "PROFILE"}, {Title: "KEY"}, {Title: "AGE"}, {Title: "ACCOUNT"}, {Title: "MFA"}, {Title: "SESSION", Shrink: true}}}
	for _, r := range rows {
		var row []ui.Styled
		for _, cell := range listCells(r, a.now()) {
			row = append(row, ui.Plain.Text(cell))
		}
		table.Rows = append(table.Rows, row)
	}
	return a.out.Table(table)
}

func listRows(rows []profiles.Row) []listRow {
	list := []listRow{}
	for _, r := range rows {
		row := listRow{
			Profile: r.Profile, KeyID: r.KeyID, KeyAdded: format.Time(r.KeyAdded),
			Account: r.Account, Region: r.Region, MFASerial: r.MFASerial, Seed: r.Seed, Source: r.Source,
			Sessions: []listSession{}, SignedIn: format.Time(r.SignedIn),
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

func listCells(r profiles.Row, now time.Time) []string {
	cells := []string{r.Profile, "-", "", r.Account, "", ""}
	if r.Problem != nil {
		// In the last column, with which no other row is aligned.
		cells[5] = "(" + r.Problem.Error() + ")"
	}
	switch {
	case r.KeyID != "":
		cells[1], cells[2] = r.KeyID, ui.Age(now.Sub(r.KeyAdded))
	case r.Source == plan.PlaintextKey{}.Kind():
		cells[1] = "in plain text"
	}
	if r.MFASerial != "" {
		cells[4] = plan.ShortSerial(r.MFASerial)
		if r.Seed {
			cells[4] += " (MFA secret stored)"
		}
	}
	switch {
	case !r.Session.IsZero():
		cells[5] = "until " + ui.Clock(r.Session, now)
	case !r.SignedIn.IsZero():
		cells[5] = "signed in until " + ui.Clock(r.SignedIn, now)
	}
	return cells
}
