package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/keyring"
)

type listCmd struct {
	JSON  bool `xor:"as" help:"For programs."`
	Names bool `xor:"as" help:"Only the names, one a line."`
}

func (listCmd) Help() string {
	return `Every profile of the AWS files and of the store. Nothing is unlocked and nobody is asked.`
}

// row is a profile as list shows it; the names are the JSON's.
type row struct {
	Profile   string       `json:"profile"`
	KeyID     string       `json:"key_id,omitempty"`
	KeyAdded  string       `json:"key_added,omitempty"` // RFC 3339, UTC
	Account   string       `json:"account,omitempty"`
	Region    string       `json:"region,omitempty"`
	MFASerial string       `json:"mfa_serial,omitempty"`
	Seed      bool         `json:"seed"`
	Source    string       `json:"source,omitempty"` // how its credentials begin: a kind of explain's
	Sessions  []sessionRow `json:"sessions"`
	Problem   string       `json:"problem,omitempty"`

	added time.Time
}

type sessionRow struct {
	Expires string `json:"expires"`

	expires time.Time
}

func (c *listCmd) Run(a *app) error {
	if c.Names {
		names, err := a.profileNames()
		if err != nil {
			return err
		}
		var list strings.Builder
		for _, n := range names {
			fmt.Fprintln(&list, n)
		}
		_, err = io.WriteString(a.stdout, list.String())
		return err
	}
	rows, err := a.rows()
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is stored yet. fob add PROFILE stores a key.")
		return nil
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROFILE\tKEY\tAGE\tACCOUNT\tMFA\tSESSIONS")
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r.cells(time.Now()), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var list strings.Builder
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(&list, strings.TrimRight(line, " \n"))
	}
	_, err = io.WriteString(a.stdout, list.String())
	return err
}

func (r row) cells(now time.Time) []string {
	cells := []string{term.Clean(r.Profile), "", "", r.Account, "", ""}
	switch {
	case r.Problem != "":
		// In the last column, which no other row is aligned with.
		cells[1], cells[5] = "-", term.Clean("("+r.Problem+")")
	case r.KeyID != "":
		cells[1], cells[2] = r.KeyID, age(now.Sub(r.added))
	case r.Source == "plaintext-key":
		cells[1] = "in plain text"
	default:
		cells[1] = "-"
	}
	if r.MFASerial != "" {
		cells[4] = term.Clean(r.MFASerial[strings.LastIndexAny(r.MFASerial, ":")+1:])
		if r.Seed {
			cells[4] += " (seed)"
		}
	}
	if n := len(r.Sessions); n > 0 {
		cells[5] = fmt.Sprintf("%d, until %s", n, clock(r.until(), now))
	}
	return cells
}

// until is when the last of the sessions ends.
func (r row) until() time.Time {
	return slices.MaxFunc(r.Sessions, func(a, b sessionRow) int { return a.expires.Compare(b.expires) }).expires
}

// age of a key in whole days: rotation is a matter of those.
func age(d time.Duration) string {
	days := int(d.Hours() / 24)
	if days < 1 {
		return "today"
	}
	return fmt.Sprintf("%d %s", days, plural(days, "day"))
}

// rows reads each item once: a thousand are listed before anybody notices.
func (a *app) rows() ([]row, error) {
	facts, err := a.facts()
	if err != nil {
		return nil, err
	}
	stored, damaged := a.store().Infos(keyring.KindKey)
	names, err := a.namesWith(stored, damaged)
	if err != nil {
		return nil, err
	}
	keys := map[string]keyring.Info{}
	for _, info := range stored {
		keys[info.Name] = info
	}
	read := facts.Key
	facts.Key = func(profile string) (plan.Key, bool, error) {
		info, ok := keys[profile]
		if !ok && damaged != nil {
			return read(profile) // which says what is wrong with it
		}
		return planKey(info), ok, nil
	}
	sessions, err := a.store().Infos(keyring.KindSession)
	if err != nil {
		a.logf("%v", err) // a damaged session is only a session less
	}
	now := time.Now()
	live := map[string][]sessionRow{}
	for _, s := range sessions {
		if s.Expires.After(now) {
			live[s.ID] = append(live[s.ID], sessionRow{Expires: format.Time(s.Expires), expires: s.Expires})
		}
	}
	seeds, _ := a.store().Infos(keyring.KindSeed) // a damaged one gives no code
	seeded := map[string]bool{}
	for _, s := range seeds {
		seeded[s.Name] = true
	}
	rows := []row{}
	for _, name := range names {
		r := row{Profile: name, Sessions: []sessionRow{}}
		if info, ok := keys[name]; ok {
			r.KeyID, r.KeyAdded, r.added = info.KeyID, format.Time(info.Created), info.Created
		}
		p, err := plan.Resolve(facts, name, plan.Options{})
		if err != nil {
			r.Problem = err.Error()
			rows = append(rows, r)
			continue
		}
		r.Account, r.Region, r.MFASerial, r.Source = p.Account, p.Region, p.MFASerial(), p.Steps[0].Kind()
		r.Seed = seeded[r.MFASerial]
		for n := 2; n <= len(p.Steps); n++ {
			r.Sessions = append(r.Sessions, live[p.ID(n)]...)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// profileNames are the profiles of the AWS files and of the store, each once, sorted.
func (a *app) profileNames() ([]string, error) {
	return a.namesWith(a.store().Infos(keyring.KindKey))
}

// namesWith is profileNames for the stored keys, and an error that joins what is
// wrong with others.
func (a *app) namesWith(stored []keyring.Info, damaged error) ([]string, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	if damaged != nil && len(c.Names())+len(stored) == 0 {
		return nil, damaged // not that there is nothing, but that nothing can be seen
	}
	if damaged != nil {
		a.warnf("%s", sentence(damaged))
	}
	names := slices.Clone(c.Names())
	for _, info := range stored {
		names = append(names, info.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// storedNames are the profiles with a stored key; damaged ones are an error
// beside the others.
func (a *app) storedNames() ([]string, error) {
	var names []string
	infos, err := a.store().Infos(keyring.KindKey)
	for _, i := range infos {
		names = append(names, i.Name)
	}
	return names, err
}
