package profiles

import (
	"slices"
	"time"

	"fob/internal/ui"
)

// Offer splits rows into those that can be used, those most likely wanted first, and
// the others: first what was used last, then what has a session or is signed in, then
// by name.
func Offer(rows []Row, recent []string) (usable, broken []Row) {
	for _, r := range rows {
		if r.Problem == nil {
			usable = append(usable, r)
		} else {
			broken = append(broken, r)
		}
	}
	place := make(map[string]int, len(usable))
	for _, r := range usable {
		switch i := slices.Index(recent, r.Profile); {
		case i >= 0:
			place[r.Profile] = i
		case !r.Session.IsZero() || !r.SignedIn.IsZero():
			place[r.Profile] = len(recent)
		default:
			place[r.Profile] = len(recent) + 1
		}
	}
	slices.SortStableFunc(usable, func(a, b Row) int { return place[a.Profile] - place[b.Profile] })
	return usable, broken
}

// Choice is what a person sees of a profile when picking one.
func (r Row) Choice(now time.Time) ui.Choice {
	state := r.State(now).Text
	if state == "-" {
		state = "" // a table has something in each cell
	}
	return ui.Choice{Name: r.Profile, Cells: []string{r.Route, r.Account, state}}
}
