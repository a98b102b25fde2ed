package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fob/internal/importer"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// showFound prints what was found: what can move, and what stays and why.
func showFound(a *app, items []importer.Item, left []importer.Found) error {
	if len(items) > 0 {
		if err := a.out.Table(foundTable(items, a.now())); err != nil {
			return err
		}
	} else {
		a.out.Answer("No keys to move.")
	}
	all, err := a.profiles()
	if err != nil {
		return err
	}
	for _, u := range all.Config.Unreadable() { // it may hold a key, too
		a.out.Warn("%v: fob looks for no keys in this section", &u.SyntaxError)
	}
	if len(left) > 0 {
		a.out.Print("\nThese stay where they are:\n")
		for _, f := range left {
			what := f.Why
			switch {
			case f.Key.ID == "":
			case f.Kind == importer.Blocked || f.Kind == importer.Wrong: // not what the key is
				what = profiles.ShortKey(f.Key.ID) + ": " + what
			default:
				what = profiles.ShortKey(f.Key.ID) + " is " + what
			}
			a.out.Item(ui.Styled{}, whereFound(f)+": "+what, nil)
		}
	}
	return nil
}

// foundTable has a row for each place of each key. A key is numbered once. Only CSV files say
// whose a key is.
func foundTable(items []importer.Item, now time.Time) ui.Table {
	t := ui.Table{Columns: []ui.Column{
		{}, {Title: "KEY"}, {Title: "WHERE", Shrink: true, Tail: true}, {Title: "PROFILE", Shrink: true}, {Title: "USER", Shrink: true}, {Title: "ACCOUNT"}, {Title: "AGE"},
	}}
	const user = 4
	named := slices.ContainsFunc(items, func(i importer.Item) bool {
		return slices.ContainsFunc(i.Found, func(f importer.Found) bool { return f.User != "" })
	})
	if !named {
		t.Columns = slices.Delete(t.Columns, user, user+1)
	}
	for n, item := range items {
		number, key := strconv.Itoa(n+1), cmp.Or(profiles.ShortKey(item.Key().ID), "-") // aws-vault's is not read yet
		for _, f := range item.Found {
			profile := f.Profile
			if f.Whole && len(item.Profiles) > 0 {
				profile = item.Profiles[0] // whatever the file is called
			}
			row := []ui.Styled{
				ui.Plain.Text(number), ui.Plain.Text(key), ui.Plain.Text(whereFound(f)),
				orDash(profile), orDash(f.User), orDash(f.Account()), orDash(keyAge(f, now)),
			}
			if !named {
				row = slices.Delete(row, user, user+1)
			}
			t.Rows = append(t.Rows, row)
			number, key = "", ""
		}
	}
	return t
}

func whereFound(f importer.Found) string {
	if f.Line == 0 {
		return f.Shown
	}
	return fmt.Sprintf("%s:%d", f.Shown, f.Line)
}

// keyAge is how old a key is, as far as anybody knows without asking AWS.
func keyAge(f importer.Found, now time.Time) string {
	switch {
	case !f.Created.IsZero():
		return ui.Age(now.Sub(f.Created))
	case len(f.Key.ID) == 20 && strings.ContainsAny(f.Key.ID[4:5], "IJ"):
		return "before 2019" // since then the ID has the account inside
	}
	return ""
}

// choose has the user tick the keys that move, after they have seen what would change.
func (c *importCmd) choose(a *app, world importer.World, items []importer.Item) ([]importer.Item, error) {
	if c.All || c.Yes {
		return items, nil
	}
	c.preview(a, world, items)
	prompt := "Move which keys? [all] (numbers or profiles, or none): "
	if len(items) == 1 {
		prompt = "Move it into the store? [Y/n] "
	}
	var chosen []int
	_, err := a.person.Ask(a.ctx, "ask which keys to move", prompt, func(answer string) error {
		var problem error
		chosen, problem = ticked(answer, items)
		return problem
	})
	if nobody, ok := errors.AsType[*ui.NobodyError](err); ok {
		nobody.Flag = "--all"
	}
	if err != nil {
		return nil, err
	}
	var some []importer.Item
	for _, n := range chosen {
		some = append(some, items[n])
	}
	return some, nil
}

// ticked are the indexes of the keys that an answer chooses, each once and in order.
func ticked(answer string, items []importer.Item) (chosen []int, err error) {
	n := len(items)
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "all", "y", "yes":
		for i := range n {
			chosen = append(chosen, i)
		}
		return chosen, nil
	case "none", "n", "no", "-":
		return nil, nil
	}
	for _, word := range strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		first, last, ok := numbered(word, items)
		switch {
		case !ok && n == 1:
			return nil, errors.New("type y or n")
		case !ok:
			return nil, fmt.Errorf("%q is not a number from 1 to %d, or a profile in the table", word, n)
		}
		for i := first - 1; i < last; i++ {
			if !slices.Contains(chosen, i) {
				chosen = append(chosen, i)
			}
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("enter numbers from 1 to %d, profiles, all or none", n)
	}
	slices.Sort(chosen)
	return chosen, nil
}

// numbered are the first and the last number of what a word names: a number, "1-3", or
// a profile by its name or the beginning of it that no other profile has.
func numbered(word string, items []importer.Item) (first, last int, ok bool) {
	var begins []int
	for i, item := range items {
		if slices.Contains(item.Profiles, word) {
			return i + 1, i + 1, true
		}
		if slices.ContainsFunc(item.Profiles, func(name string) bool { return strings.HasPrefix(name, word) }) {
			begins = append(begins, i+1)
		}
	}
	from, to, span := strings.Cut(word, "-")
	first, err := strconv.Atoi(from)
	last = first
	if span && err == nil {
		last, err = strconv.Atoi(to)
	}
	switch {
	case err == nil:
		return first, last, first >= 1 && last <= len(items) && first <= last
	case len(begins) == 1:
		return begins[0], begins[0], true
	}
	return 0, 0, false
}
